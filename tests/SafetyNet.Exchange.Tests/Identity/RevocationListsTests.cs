using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Sandbox.Pki;

namespace SafetyNet.Exchange.Tests.Identity;

public sealed class RevocationListsTests : IDisposable
{
    private readonly TestPki _pki = new();
    private readonly StandingClock _clock = new(TestPki.Now);
    private readonly List<RevocationAlert> _alerts = [];
    private readonly MemberCertificate _police;
    private readonly MemberCertificate _health;
    private int _written;

    public RevocationListsTests()
    {
        _police = _pki.Member(TestPki.Police);
        _health = _pki.Member(TestPki.Health);
        foreach (var file in Directory.EnumerateFiles(_pki.Pki.CrlDirectory)) File.Delete(file);
        Put("health.crl", List(TestPki.Health, number: 1));
        Put("exchange.crl", List(SandboxPki.Exchange, number: 1));
    }

    [Fact]
    public void A_certificate_on_the_list_is_revoked_and_its_neighbour_is_not()
    {
        Put("police.crl", List(TestPki.Police, 1, revoked: _police));
        using var lists = Open();
        Assert.Equal((RevocationStatus.Revoked, RevocationStatus.Good), (lists.StatusOf(_police), lists.StatusOf(_health)));
        Assert.Empty(_alerts);
    }

    [Fact]
    public void A_list_in_PEM_is_read_too()
    {
        Put("police.pem", System.Text.Encoding.ASCII.GetBytes(PemEncoding.WriteString("X509 CRL", List(TestPki.Police, 1, revoked: _police))));
        using var lists = Open();
        Assert.Equal(RevocationStatus.Revoked, lists.StatusOf(_police));
    }

    [Fact]
    public void Without_any_list_of_its_issuer_a_certificate_is_refused()
    {
        using var lists = Open();
        Assert.Equal(RevocationStatus.NoCurrentList, lists.StatusOf(_police));
        Assert.Contains(new RevocationAlert(RevocationProblem.IssuerClosed, TestPki.Police.AgencyUri), _alerts);
    }

    [Fact]
    public void B09_a_broken_older_or_foreign_list_leaves_the_last_good_one_in_force_and_alerts()
    {
        Put("police.crl", List(TestPki.Police, 5, revoked: _police));
        using var lists = Open();
        var newer = List(TestPki.Police, 6);

        foreach (var (bad, problem) in new (byte[], RevocationProblem)[]
        {
            (newer[..^10], RevocationProblem.Broken),
            ([.. newer, 0], RevocationProblem.Broken),
            ([], RevocationProblem.Broken),
            (Forged(6), RevocationProblem.Foreign),
            (Flipped(newer), RevocationProblem.Foreign),
            (List(TestPki.Police, 4), RevocationProblem.Older),
            (List(TestPki.Police, 5), RevocationProblem.Older),
            (List(TestPki.Police, 7, endsIn: TimeSpan.FromSeconds(-1)), RevocationProblem.RunOut),
            (List(TestPki.Police, 7, startsIn: TimeSpan.FromMinutes(6)), RevocationProblem.Early),
        })
        {
            _alerts.Clear();
            Put("police.crl", bad);
            lists.Reload();
            Assert.Equal([new RevocationAlert(problem, "police.crl")], _alerts);
            Assert.Equal(RevocationStatus.Revoked, lists.StatusOf(_police));
            lists.Reload();
            Assert.Single(_alerts);
        }

        Put("police.crl", newer);
        lists.Reload();
        Assert.Equal(RevocationStatus.Good, lists.StatusOf(_police));
    }

    [Fact]
    public void B09_after_its_next_update_the_issuer_is_closed_until_a_new_list_arrives()
    {
        Put("police.crl", List(TestPki.Police, 1, endsIn: TimeSpan.FromHours(1)));
        using var lists = Open();
        _clock.Now += TimeSpan.FromHours(1) - TimeSpan.FromSeconds(2);
        Assert.Equal(RevocationStatus.Good, lists.StatusOf(_police));

        _clock.Now += TimeSpan.FromSeconds(2);
        Assert.Equal((RevocationStatus.NoCurrentList, RevocationStatus.Good), (lists.StatusOf(_police), lists.StatusOf(_health)));
        lists.Reload();
        Assert.Contains(new RevocationAlert(RevocationProblem.IssuerClosed, TestPki.Police.AgencyUri), _alerts);

        Put("police.crl", List(TestPki.Police, 2, endsIn: TimeSpan.FromHours(2)));
        lists.Reload();
        Assert.Equal(RevocationStatus.Good, lists.StatusOf(_police));
    }

    [Fact]
    public void Removing_the_file_takes_nothing_back()
    {
        Put("police.crl", List(TestPki.Police, 1, revoked: _police));
        using var lists = Open();
        File.Delete(Path.Combine(_pki.Pki.CrlDirectory, "police.crl"));
        lists.Reload();
        Assert.Equal(RevocationStatus.Revoked, lists.StatusOf(_police));
    }

    [Fact]
    public void An_authority_that_the_roots_do_not_vouch_for_signs_no_list()
    {
        Put("police.crl", List(TestPki.Police, 1));
        File.Delete(_pki.Pki.IssuerPath(TestPki.Police));
        File.Copy(_pki.Pki.CertificatePath(TestPki.Police), Path.Combine(_pki.Pki.IssuerDirectory, "leaf.pem"));
        using var lists = Open();
        Assert.Contains(new RevocationAlert(RevocationProblem.NoAuthority, "leaf.pem"), _alerts);
        Assert.Contains(new RevocationAlert(RevocationProblem.Foreign, "police.crl"), _alerts);
        Assert.Equal(RevocationStatus.NoCurrentList, lists.StatusOf(_police));
    }

    [Fact]
    public async Task A_list_put_into_the_folder_takes_effect_without_a_restart()
    {
        Put("police.crl", List(TestPki.Police, 1));
        using var lists = new RevocationLists(_pki.Pki.CrlDirectory, _pki.Pki.IssuerDirectory, _pki.Rules, TimeProvider.System, _alerts.Add);
        lists.Watch();
        Assert.Equal(RevocationStatus.Good, lists.StatusOf(_police));
        Put("police.crl", List(TestPki.Police, 2, revoked: _police));
        var waited = Stopwatch.StartNew();
        while (lists.StatusOf(_police) != RevocationStatus.Revoked && waited.Elapsed < TimeSpan.FromSeconds(15)) await Task.Delay(10, TestContext.Current.CancellationToken);
        Assert.Equal(RevocationStatus.Revoked, lists.StatusOf(_police));
    }

    public void Dispose() => _pki.Dispose();

    private RevocationLists Open() => new(_pki.Pki.CrlDirectory, _pki.Pki.IssuerDirectory, _pki.Rules, _clock, _alerts.Add);

    // Each write has a time of its own, for the reader tells states of a file by time and size.
    private void Put(string name, byte[] content)
    {
        var path = Path.Combine(_pki.Pki.CrlDirectory, name);
        File.WriteAllBytes(path + ".new", content);
        File.SetLastWriteTimeUtc(path + ".new", TestPki.Now.UtcDateTime.AddSeconds(++_written));
        File.Move(path + ".new", path, overwrite: true);
    }

    private byte[] List(SpiffeId issuer, int number, MemberCertificate? revoked = null, TimeSpan? endsIn = null, TimeSpan? startsIn = null)
    {
        using var key = _pki.Pki.LoadIssuerWithKey(issuer);
        var start = startsIn ?? TimeSpan.FromMinutes(-1);
        if (endsIn < TimeSpan.Zero) start = TimeSpan.FromHours(-1);
        return Build(key, number, revoked, _clock.Now + start, _clock.Now + (endsIn ?? TimeSpan.FromDays(1)));
    }

    private static byte[] Build(X509Certificate2 issuer, int number, MemberCertificate? revoked, DateTimeOffset from, DateTimeOffset to)
    {
        var builder = new CertificateRevocationListBuilder();
        if (revoked is not null) builder.AddEntry(Convert.FromHexString(revoked.Serial), from);
        return builder.Build(issuer, number, to, HashAlgorithmName.SHA256, thisUpdate: from);
    }

    /// <summary>A list in the police authority's name, signed by a key of our own.</summary>
    private byte[] Forged(int number)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(_pki.Pki.Issuers[TestPki.Police.AgencyUri].SubjectName, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority());
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        using var impostor = request.CreateSelfSigned(TestPki.Now.AddDays(-1), TestPki.Now.AddDays(1));
        return Build(impostor, number, null, _clock.Now.AddMinutes(-1), _clock.Now.AddDays(1));
    }

    /// <summary>The list with one bit of its signature's last byte turned over.</summary>
    private static byte[] Flipped(byte[] list) => [.. list[..^1], (byte)(list[^1] ^ 1)];
}
