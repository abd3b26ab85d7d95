using System.Globalization;
using System.Text.Json;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.SystemTests.Foreign;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Evidence;

/// <summary>Heads of the log are stamped by an authority that is not ours, and the evidence outlives its absence (R-AUD-9).</summary>
[Trait("Rule", "R-AUD-3")]
[Trait("Rule", "R-AUD-9")]
public sealed class TimeStampTests : IAsyncLifetime
{
    private readonly StampingAuthority _authority = new();
    private SandboxProcess? _sandbox;
    private ExchangeChannel? _school;

    private SandboxProcess Sandbox => _sandbox!;

    private string Exported => Path.Combine(Sandbox.Folder, "exported");

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _school?.Dispose();
        if (_sandbox is not null) await _sandbox.DisposeAsync();
        await _authority.DisposeAsync();
    }

    [Fact]
    public async Task A_stamped_head_is_exported_and_openssl_agrees_with_ours()
    {
        await StartAsync();
        await AwaitStampAsync();
        // The newest checkpoint is not the stamped one.
        _authority.Mood = AuthorityMood.Away;
        await EventuallyAsync(async () => await CheckpointAsync() is var head && SizeOf(head.Note) > SizeOf(head.TimeStamp));
        var key = Path.Combine(Sandbox.Folder, "held.key");
        await File.WriteAllTextAsync(key, StoryCast.LogKey(Sandbox), TestContext.Current.CancellationToken);
        var exported = await CliAsync(["audit", "export", "--out", Exported, "--key", key, .. Sandbox.CliOptions]);
        Assert.True(exported.ExitCode == 0, exported.ToString());
        var stamp = Assert.Single(Directory.GetFiles(Path.Combine(Exported, "time-stamps")));

        var told = await CliAsync("audit", "verify", Exported, "--key", key, "--time-stamp-roots", _authority.Roots);
        Assert.True(told.ExitCode == 0, told.ToString());
        Assert.Contains("by CN=good stamping authority", told.Output, StringComparison.Ordinal);
        Assert.True(await OpensslVerifiesAsync(stamp, _authority.Roots));
        var live = await CliAsync(["audit", "verify", "--key", key, .. Sandbox.CliOptions]);
        Assert.Contains("stamped 2", live.Output, StringComparison.Ordinal);

        // Roots of somebody else, a token of which one bit is another, a token of another checkpoint.
        await AssertNoProofAsync(_authority.OtherRoots, "is not trusted for time");
        var bytes = await File.ReadAllBytesAsync(stamp, TestContext.Current.CancellationToken);
        foreach (var at in (int[])[bytes.Length - 3, bytes.Length / 2, 0])
        {
            var damaged = (byte[])bytes.Clone();
            damaged[at] ^= 1;
            await File.WriteAllBytesAsync(stamp, damaged, TestContext.Current.CancellationToken);
            await AssertNoProofAsync(_authority.Roots, "");
        }

        // openssl does not look at what follows a token; ours does.
        await File.WriteAllBytesAsync(stamp, [.. bytes, 0], TestContext.Current.CancellationToken);
        Assert.Contains("no RFC 3161", (await CliAsync("audit", "verify", Exported, "--key", key, "--time-stamp-roots", _authority.Roots)).Output, StringComparison.Ordinal);
        File.Delete(stamp);
        var other = Directory.GetFiles(Path.Combine(Exported, LogLayout.Checkpoints)).Single(file => Path.GetFileName(file) != Path.GetFileNameWithoutExtension(stamp));
        stamp = Path.Combine(Exported, "time-stamps", Path.GetFileName(other) + ".tst");
        await File.WriteAllBytesAsync(stamp, bytes, TestContext.Current.CancellationToken);
        await AssertNoProofAsync(_authority.Roots, "does not stamp this checkpoint");

        async Task AssertNoProofAsync(string roots, string why)
        {
            var refused = await CliAsync("audit", "verify", Exported, "--key", key, "--time-stamp-roots", roots, "--json");
            Assert.Equal(1, refused.ExitCode);
            using var verdict = JsonDocument.Parse(refused.Output);
            Assert.Equal("Intact", verdict.RootElement.GetProperty("verdict").GetString());
            Assert.Contains(why, Assert.Single(verdict.RootElement.GetProperty("timeStamps").EnumerateArray()).GetProperty("problem").GetString(), StringComparison.Ordinal);
            var shown = await CliAsync("audit", "verify", Exported, "--key", key, "--time-stamp-roots", roots);
            Assert.Contains("NOT a proof of time", shown.Output, StringComparison.Ordinal);
            Assert.False(await OpensslVerifiesAsync(stamp, roots));
        }
    }

    [Fact]
    public async Task Only_a_stamp_of_this_head_by_a_trusted_authority_is_kept()
    {
        _authority.Mood = AuthorityMood.Garbage;
        await StartAsync();
        foreach (var mood in (AuthorityMood[])[AuthorityMood.Garbage, AuthorityMood.Declines, AuthorityMood.AnotherRoot, AuthorityMood.AnotherText])
            await AssertNotKeptAsync(mood, atMost: 0);
        _authority.Mood = AuthorityMood.Good;
        var kept = await AwaitStampAsync();
        await AssertNotKeptAsync(AuthorityMood.EarlierAnswer, kept);
        Assert.Empty(Sandbox.LoggedErrors());

        async Task AssertNotKeptAsync(AuthorityMood mood, long atMost)
        {
            _authority.Mood = mood;
            var complaints = Complaints();
            for (var tries = 0; Complaints() < complaints + 2; tries++)
            {
                Assert.True(tries < 100, $"{mood}: nothing was said of it\n{Sandbox.Log}");
                await Task.Delay(100, TestContext.Current.CancellationToken);
                // A head of its own to be stamped.
                await CheckpointAsync();
            }

            Assert.Equal(atMost, SizeOf((await CheckpointAsync()).TimeStamp));
        }

        int Complaints() => Sandbox.Output.Split("cannot be kept").Length + Sandbox.Log.Split("cannot be kept").Length;
    }

    [Fact]
    public async Task The_log_goes_on_without_the_authority_until_the_set_limit_and_by_itself_when_it_is_back()
    {
        _authority.Mood = AuthorityMood.Away;
        await StartAsync("--TimeStamps:AlertAfter=00:00:01", "--TimeStamps:StopAfter=00:00:08");
        var first = await CheckpointAsync();
        await Task.Delay(TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken);
        var second = await CheckpointAsync();
        Assert.True(second.TimeStampLag.ToTimeSpan() > first.TimeStampLag.ToTimeSpan());
        Assert.True(second.TimeStampLeft.ToTimeSpan() < first.TimeStampLeft.ToTimeSpan());
        Assert.InRange(second.TimeStampLeft.ToTimeSpan() + second.TimeStampLag.ToTimeSpan(), TimeSpan.FromSeconds(7.9), TimeSpan.FromSeconds(8.1));
        var shown = await CliAsync(["audit", "verify", .. Sandbox.CliOptions]);
        Assert.True(shown.ExitCode == 0, shown.ToString());
        Assert.Contains("stamped never; waits for", shown.Output, StringComparison.Ordinal);
        Assert.Contains("more without the time-stamp authority", shown.Output, StringComparison.Ordinal);

        await EventuallyAsync(async () => await StatusAsync() == StatusCode.Unavailable);
        Assert.Contains(Sandbox.LoggedErrors(), line => line.Contains("for a time-stamp", StringComparison.Ordinal));
        _authority.Mood = AuthorityMood.Good;
        await EventuallyAsync(async () => await StatusAsync() == StatusCode.OK);
        Assert.NotNull((await CheckpointAsync()).TimeStamp);
    }

    private async Task StartAsync(params string[] more)
    {
        _sandbox = await SandboxProcess.StartAsync(
            [$"--TimeStamps:Address={_authority.Address}", $"--TimeStamps:RootsPath={_authority.Roots}", "--TimeStamps:Every=00:00:01", .. more]);
        _school = Sandbox.Connect("edu");
    }

    private async Task<StatusCode> StatusAsync()
    {
        try
        {
            await CheckpointAsync();
            return StatusCode.OK;
        }
        catch (RpcException refused)
        {
            return refused.StatusCode;
        }
    }

    private async Task<Wire.GetCheckpointResponse> CheckpointAsync() => await _school!.Audit.GetCheckpointAsync(new Wire.GetCheckpointRequest
    {
        Context = new Wire.AccessContext
        {
            Purpose = Wire.Purpose.ServiceDelivery, LegalBasis = Wire.LegalBasis.Article6IntegratedService,
            Actor = new Wire.ActingPerson { PersonId = "E0042", Role = Wire.ActorRole.Worker, UnitId = "tpe-school" },
        },
    });

    private async Task<long> AwaitStampAsync()
    {
        var size = 0L;
        await EventuallyAsync(async () => (size = SizeOf((await CheckpointAsync()).TimeStamp)) > 0);
        return size;
    }

    private static long SizeOf(Wire.TimeStamp? stamp) => stamp is null ? 0 : SizeOf(stamp.Note);

    private static long SizeOf(string note) => long.Parse(note.Split('\n')[1], CultureInfo.InvariantCulture);

    /// <summary>Verifies a token in an export over the text of its checkpoint, as section 10 of the format says.</summary>
    private async Task<bool> OpensslVerifiesAsync(string stamp, string roots)
    {
        var note = await File.ReadAllTextAsync(Path.Combine(Exported, LogLayout.Checkpoints, Path.GetFileNameWithoutExtension(stamp)), TestContext.Current.CancellationToken);
        var text = Path.Combine(Sandbox.Folder, "text");
        await File.WriteAllTextAsync(text, note[..(note.LastIndexOf("\n\n", StringComparison.Ordinal) + 1)], TestContext.Current.CancellationToken);
        var told = await ChildProcess.RunAsync("openssl", ["ts", "-verify", "-data", text, "-in", stamp, "-token_in", "-CAfile", roots]);
        return told.ExitCode == 0 && told.ToString().Contains("Verification: OK", StringComparison.Ordinal);
    }

    private Task<Finished> CliAsync(params string[] arguments) => ChildProcess.RunDotnetAsync(Repository.CliDll, arguments, Sandbox.Folder);

    private static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        for (var tries = 0; !await condition(); tries++)
        {
            Assert.True(tries < 120, "waited in vain");
            await Task.Delay(TimeSpan.FromMilliseconds(250));
        }
    }
}
