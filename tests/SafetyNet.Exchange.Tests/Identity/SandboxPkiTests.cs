using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Sandbox.Pki;

namespace SafetyNet.Exchange.Tests.Identity;

public sealed class SandboxPkiTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("safetynet-pki-").FullName;
    private readonly StandingClock _clock = new(TestPki.Now);

    [Fact]
    public void It_is_reused_for_the_same_members_and_made_anew_for_others()
    {
        var first = Ensure(TestPki.Police, TestPki.Health).Root.Thumbprint;
        Assert.Equal(first, Ensure(TestPki.Health, TestPki.Police).Root.Thumbprint);
        Assert.NotEqual(first, Ensure(TestPki.Police).Root.Thumbprint);
        Assert.False(File.Exists(Path.Combine(_folder, "systems", "tpe.health.mental-care.key")));
    }

    [Fact]
    public void It_is_made_anew_when_a_certificate_ends_within_a_day()
    {
        var first = Ensure(TestPki.Police).Root.Thumbprint;
        _clock.Now += TimeSpan.FromDays(88.9);
        Assert.Equal(first, Ensure(TestPki.Police).Root.Thumbprint);
        _clock.Now += TimeSpan.FromDays(0.2);
        Assert.NotEqual(first, Ensure(TestPki.Police).Root.Thumbprint);
    }

    [Fact]
    public async Task Two_starts_at_once_get_one_and_the_same()
    {
        var roots = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Ensure(TestPki.Police).Root.Thumbprint)));
        Assert.Single(roots.Distinct(StringComparer.Ordinal));
    }

    [Fact]
    public void Keys_are_for_their_owner_alone()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "file modes are a thing of Unix");
        Ensure(TestPki.Police);
        var keys = Directory.EnumerateFiles(_folder, "*.key", SearchOption.AllDirectories).ToList();
        Assert.Equal(4, keys.Count);
        Assert.All(keys, key => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, OperatingSystem.IsWindows() ? default : File.GetUnixFileMode(key)));
    }

    [Fact]
    public void A_revoked_system_is_on_its_authoritys_list_and_stays_there_after_a_restart()
    {
        var pki = Ensure(TestPki.Police, TestPki.Health);
        var rules = new CertificateRules([pki.Root]);
        MemberCertificate Member(SpiffeId id) => rules.Decide(pki.ClientCertificate(id), [.. pki.Issuers.Values], _clock.Now).Certificate!;
        using var lists = new RevocationLists(pki.CrlDirectory, pki.IssuerDirectory, rules, _clock, alert => Assert.Fail(alert.ToString()));
        Assert.Equal(RevocationStatus.Good, lists.StatusOf(Member(TestPki.Police)));

        _clock.Now += TimeSpan.FromSeconds(1);
        pki.Revoke(TestPki.Police);
        _clock.Now += TimeSpan.FromDays(25);
        Ensure(TestPki.Police, TestPki.Health);
        lists.Reload();
        Assert.Equal((RevocationStatus.Revoked, RevocationStatus.Good), (lists.StatusOf(Member(TestPki.Police)), lists.StatusOf(Member(TestPki.Health))));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private SandboxPki Ensure(params SpiffeId[] systems) => SandboxPki.Ensure(_folder, systems, _clock);
}
