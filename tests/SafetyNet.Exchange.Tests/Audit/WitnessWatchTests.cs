using System.Net;
using System.Text;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Witness;
using SafetyNet.Exchange.Witness;

namespace SafetyNet.Exchange.Tests.Audit;

/// <summary>The exchange and its witnesses: what one of them holds binds whoever runs the database.</summary>
[Trait("Rule", "R-AUD-3")]
public sealed class WitnessWatchTests(TestExchange exchange) : WireTests(exchange), IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("safetynet-witness-").FullName;
    private readonly NoteSigner _own = WitnessedLog.NewSigner("witness.example.tw");
    private WitnessBook? _book;
    private WebApplication? _witness;
    private int _port;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await StopWitnessAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Each_head_is_co_signed_and_given_out_with_the_signatures()
    {
        await StartWitnessAsync();
        await using var own = await TestExchange.StartAsync(witness: Settings());
        var the = new The(own);
        var made = await the.School.AnswerAsync(to => to.Referrals.CreateReferralAsync(Some.Referral(the.School, the.Centre.UnitId)));
        await Eventually.TrueAsync(() => own.Composition.Witnesses.Witnessed is { } head && head.Size > made.Receipt.Position, "a co-signed head over the record");
        var answer = await the.School.AskAsync(to => to.Audit.GetCheckpointAsync(new() { Context = the.School.Context() }));
        Assert.True(NoteVerifier.TryParse(answer.VerifierKey, out var log, out _));
        Assert.True(SignedCheckpoint.TryOpen(Encoding.UTF8.GetBytes(answer.WitnessedNote), log, [_own.ToVerifier()], out var opened, out var problem), problem);
        Assert.Equal(["witness.example.tw"], opened.Witnesses);
        Assert.True(opened.Checkpoint.Size > made.Receipt.Position);
        Assert.Equal([_own.ToVerifier().ToVerifierKey()], answer.WitnessKeys);
        Assert.InRange(answer.WitnessLag.ToTimeSpan(), TimeSpan.Zero, TimeSpan.FromSeconds(30));
    }

    [Fact]
    [Trait("Abuse", "B60")]
    public async Task Last_nights_copy_does_not_start_and_no_copy_goes_on_beside_another()
    {
        await StartWitnessAsync();
        var own = await TestExchange.StartAsync(witness: Settings());
        await DoSomethingAsync(own);
        await own.StopAsync();
        var (night, fork) = (own.Folder + "-night", own.Folder + "-fork");
        Copy(own.Folder, night);
        Copy(own.Folder, fork);

        await using var again = await TestExchange.StartAsync(folder: own.Folder, witness: Settings());
        await DoSomethingAsync(again);
        var refused = await Assert.ThrowsAsync<EvidenceException>(() => TestExchange.StartAsync(folder: night, witness: Settings()));
        Assert.Contains("restored from an old copy", refused.Message, StringComparison.Ordinal);

        // The copy grows a history of its own while the witness is away; when it is back, it holds another.
        await StopWitnessAsync();
        await using (var copy = await TestExchange.StartAsync(folder: fork, witness: Settings()))
        {
            for (var i = 0; i < 3; i++) await DoSomethingAsync(copy, awaited: false);
            await Eventually.TrueAsync(() => copy.Composition.Log.Published is { } head && head.Size > again.Composition.Witnesses.Witnessed!.Size, "the copy is the longer one");
            await StartWitnessAsync();
            await Eventually.TrueAsync(() => copy.HasGivenUp, "the copy stops by itself");
            Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => DoSomethingAsync(copy, awaited: false))).StatusCode);
        }

        Assert.Contains(ServerOutput.TakeErrors(), error => error.Contains("not the beginning of this log", StringComparison.Ordinal));
        Assert.False(again.HasGivenUp);
    }

    [Fact]
    public async Task A_witness_that_stays_away_is_told_of_then_holds_all_calls_and_none_when_it_is_back()
    {
        await StartWitnessAsync();
        await using var own = await TestExchange.StartAsync(witness: Settings());
        await DoSomethingAsync(own);
        await StopWitnessAsync();
        await DoSomethingAsync(own, awaited: false);
        await Eventually.TrueAsync(() => own.Composition.Witnesses.Lag > TimeSpan.Zero, "a head waits");
        own.Clock.Advance(TimeSpan.FromMinutes(3));
        await Eventually.TrueAsync(() => ServerOutput.Lines.Any(line => line.Contains("has waited", StringComparison.Ordinal)), "the lag is told");
        await DoSomethingAsync(own, awaited: false);

        own.Clock.Advance(TimeSpan.FromMinutes(8));
        var before = own.RecordCount();
        var held = await Assert.ThrowsAsync<RpcException>(() => DoSomethingAsync(own, awaited: false));
        Assert.Equal(StatusCode.Unavailable, held.StatusCode);
        Assert.Equal(before, own.RecordCount());

        await StartWitnessAsync();
        await Eventually.TrueAsync(() => own.Composition.Witnesses.Lag == TimeSpan.Zero, "the witness is back");
        await DoSomethingAsync(own);
        Assert.NotEmpty(ServerOutput.TakeErrors());
    }

    [Fact]
    public async Task A_database_without_any_record_does_not_start_where_the_witness_knows_some()
    {
        await StartWitnessAsync();
        var own = await TestExchange.StartAsync(witness: Settings());
        await DoSomethingAsync(own);
        await own.StopAsync();
        foreach (var file in Directory.EnumerateFiles(own.Folder, "exchange.db*")) File.Delete(file);
        var refused = await Assert.ThrowsAsync<EvidenceException>(() => TestExchange.StartAsync(folder: own.Folder, witness: Settings()));
        Assert.Contains("has only", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ftp://localhost/", "Address")]
    [InlineData("http://witness.example.tw/", "Address")]
    [InlineData("nowhere", "Address")]
    public void Settings_that_would_not_bind_anybody_are_refused(string address, string field)
    {
        var settings = new WitnessSettings { Peers = [new WitnessPeer { Address = address, Key = _own.ToVerifier().ToVerifierKey() }], StopAfter = TimeSpan.FromHours(1) };
        Assert.Contains(field, Assert.Single(settings.Problems()), StringComparison.Ordinal);
    }

    [Fact]
    public void Production_asks_for_a_witness_and_a_limit()
    {
        Assert.Equal(2, new WitnessSettings().Missing().Count());
        Assert.Empty(Settings().Missing());
        Assert.Empty(Settings().Problems());
        Assert.Contains("Required", Assert.Single((Settings() with { Required = 2 }).Problems()), StringComparison.Ordinal);
        Assert.Contains("twice", Assert.Single((Settings() with { Peers = [.. Settings().Peers, .. Settings().Peers] }).Problems()), StringComparison.Ordinal);
    }

    private WitnessSettings Settings() => new()
    {
        Peers = [new WitnessPeer { Address = $"http://127.0.0.1:{_port}", Key = _own.ToVerifier().ToVerifierKey() }], StopAfter = TimeSpan.FromMinutes(10),
    };

    private static async Task DoSomethingAsync(TestExchange at, bool awaited = true)
    {
        var the = new The(at);
        var done = await the.School.AnswerAsync(to => to.Members.GetSelfAsync(new() { Context = the.School.Context() }));
        if (awaited) await Eventually.TrueAsync(() => at.Composition.Witnesses.Witnessed is { } head && head.Size > done.Receipt.Position, "a co-signed head over the record");
    }

    private async Task StartWitnessAsync()
    {
        _book = WitnessBook.Open(Path.Combine(_folder, "book"));
        Assert.True(NoteVerifier.TryParse(Exchange.Composition.Log.VerifierKey, out var watched, out _));
        _witness = await WitnessHost.StartAsync(new HeadWitness(_own, [watched], _book), new IPEndPoint(IPAddress.Loopback, _port), certificate: null, _ => { });
        _port = new Uri(_witness.Urls.Single()).Port;
    }

    private async Task StopWitnessAsync()
    {
        if (_witness is not null) await _witness.DisposeAsync();
        _book?.Dispose();
        (_witness, _book) = (null, null);
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }
}
