using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Durability;

/// <summary>
/// An inbox whose server and whose reader are killed by turns while notices come and are read: each is seen, in order, none is lost, and a reader goes on at once when the server
/// answers. 120 notices, with SAFETYNET_CAMPAIGN=n that many.
/// </summary>
[Trait("Rule", "R-NOT-1")]
public sealed class InboxKillTests(ITestOutputHelper output)
{
    private const int Kills = 4, DefaultNotices = 120, Writers = 16, MostBack = 5;

    private static readonly int ReferralsPerRound =
        (int.TryParse(Environment.GetEnvironmentVariable("SAFETYNET_CAMPAIGN"), NumberStyles.None, CultureInfo.InvariantCulture, out var asked) && asked >= DefaultNotices ? asked : DefaultNotices) / Kills;

    /// <summary>Beyond this a resumption hangs. The figure is printed: well under a second on a machine that does nothing else.</summary>
    private static readonly TimeSpan Hangs = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90 + (ReferralsPerRound / 50));

    private static int _strangers;

    private readonly ConcurrentDictionary<string, bool> _made = new(StringComparer.Ordinal);
    private readonly List<Wire.Notice> _seen = [];
    private readonly Random _random = new(1);
    private int _repeated;

    [Fact]
    public async Task Reader_and_server_are_killed_by_turns_and_every_notice_is_seen_without_a_gap_and_within_a_second()
    {
        await using var sandbox = await SandboxProcess.StartAsync("--Limits:PerPersonPerMinute=10000000", "--Limits:PerAgencyPerMinute=10000000");
        var (afterServer, afterReader, starts) = (new List<TimeSpan>(), new List<TimeSpan>(), new List<TimeSpan>());
        for (var round = 0; round < Kills; round++)
        {
            var writing = Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(() => WriteAsync(sandbox, (ReferralsPerRound + writer) / Writers))));
            await ReadAsync(sandbox, ReferralsPerRound / 4);
            await KillReaderAsync(sandbox);
            afterReader.Add(await TimeAsync(() => ReadAsync(sandbox, 1)));
            // Some are read and some wait when it dies.
            while (_made.Count < (round * ReferralsPerRound) + (ReferralsPerRound / 2)) await Task.Delay(5, TestContext.Current.CancellationToken);
            await sandbox.KillAsync();
            starts.Add((await sandbox.RunAsync()).Clock);
            await FirstAnswerAsync(sandbox);
            // The writers repeat what was not answered; that there is something to read does not wait for them.
            afterServer.Add(await TimeAsync(() => ReadAsync(sandbox, 1)));
            await writing;
        }

        await ReadAsync(sandbox, int.MaxValue, upTo: _made.Count);
        output.WriteLine($"{_seen.Count} notices, {_repeated} of them seen again; the server takes connections after {Text(starts)}");
        output.WriteLine($"first notice to a reader that was killed, live server: {Text(afterReader)}");
        output.WriteLine($"first notice after the killed server's first answer:   {Text(afterServer)}");
        Assert.Equal(Enumerable.Range(1, _seen.Count).Select(n => (ulong)n), _seen.Select(n => n.Sequence));
        Assert.Equal(_made.Keys.Order(StringComparer.Ordinal), _seen.Select(n => n.ReferralId).Distinct().Order(StringComparer.Ordinal));
        Assert.All(afterReader.Concat(afterServer), one => Assert.True(one < Hangs, $"{one}"));
        Assert.Empty(sandbox.LoggedErrors());
    }

    /// <summary>Refers children to the employment service, each once however often the server is killed.</summary>
    private async Task WriteAsync(SandboxProcess sandbox, int count)
    {
        var school = sandbox.Connect("edu");
        for (var i = 0; i < count; i++)
        {
            var request = new Wire.CreateReferralRequest
            {
                Context = Context("tpe-school"), RequestId = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString(), ToUnitId = "tpe-employment",
                Subjects = { new Wire.ReferralSubject { NationalId = NewNationalId(), Name = "測試人", BirthDate = "2010-05-05" } },
                Services = { Wire.Article6Service.EmploymentGuidance }, View = new Wire.SenderView { Classes = { Wire.ConfidentialityClass.Identity } },
            };
            while (true)
            {
                try
                {
                    _made.TryAdd((await school.Referrals.CreateReferralAsync(request, deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(20))).Referral.ReferralId, true);
                    break;
                }
                catch (Exception e) when (e is RpcException or HttpRequestException)
                {
                    // The keys of a sandbox's tokens end with it: a new channel, and a new token.
                    school.Dispose();
                    await Task.Delay(20);
                    school = sandbox.Connect("edu");
                }
            }
        }

        school.Dispose();
    }

    /// <summary>A reader in a process of its own that is killed while it reads; of what it printed it had worked on the first notice only.</summary>
    private async Task KillReaderAsync(SandboxProcess sandbox)
    {
        await using var reader = ChildProcess.StartDotnet(Repository.CliDll,
            ["call", "InboxService/WatchInbox", "--as", "tpe-labor", "--unit", "tpe-employment", "--data", $$"""{"afterSequence":"{{Last}}"}""", .. sandbox.CliOptions], sandbox.Folder);
        while (reader.Output.Split("\"referralId\"").Length < 3)
        {
            Assert.False(reader.HasExited, reader.Errors);
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        reader.Kill();
        var printed = new Utf8JsonReader(Encoding.UTF8.GetBytes(reader.Output));
        using var first = JsonDocument.ParseValue(ref printed);
        var notice = first.RootElement.GetProperty("notice");
        Take(new Wire.Notice
        {
            Sequence = ulong.Parse(notice.GetProperty("sequence").GetString()!, CultureInfo.InvariantCulture), ReferralId = notice.GetProperty("referralId").GetString()!,
        });
    }

    /// <summary>Waits until the server that was started again answers a call of somebody else.</summary>
    private static async Task FirstAnswerAsync(SandboxProcess sandbox)
    {
        while (true)
        {
            try
            {
                using var welfare = sandbox.Connect("dosw");
                await welfare.Members.GetSelfAsync(new Wire.GetSelfRequest { Context = Context("tpe-central-swc") });
                return;
            }
            catch (Exception e) when (e is RpcException { StatusCode: StatusCode.Unavailable } or HttpRequestException)
            {
                await Task.Delay(10);
            }
        }
    }

    /// <summary>Reads on from a little before the last notice seen, with a new connection and a new token, until so many more have come or the inbox holds as many as it must.</summary>
    private async Task ReadAsync(SandboxProcess sandbox, int more, int upTo = int.MaxValue)
    {
        using var ends = new CancellationTokenSource(Limit);
        var until = Math.Min(upTo, more == int.MaxValue ? more : _seen.Count + more);
        while (_seen.Count < until)
        {
            try
            {
                using var labor = sandbox.Connect("labor");
                await ReadOnAsync(labor, until, ends.Token);
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.Unavailable)
            {
                await Task.Delay(10, ends.Token);
            }
        }
    }

    private async Task ReadOnAsync(ExchangeChannel labor, int until, CancellationToken ends)
    {
        using var watching = labor.Inbox.WatchInbox(
            new Wire.WatchInboxRequest { Context = Context("tpe-employment"), AfterSequence = (ulong)Math.Max(0, (int)Last - _random.Next(MostBack)) }, cancellationToken: ends);
        while (_seen.Count < until && await watching.ResponseStream.MoveNext(ends)) Take(watching.ResponseStream.Current.Notice);
    }

    private ulong Last => _seen.Count == 0 ? 0 : _seen[^1].Sequence;

    private void Take(Wire.Notice notice)
    {
        if (notice.Sequence > Last) _seen.Add(notice);
        else if (string.Equals(notice.ReferralId, _seen[(int)notice.Sequence - 1].ReferralId, StringComparison.Ordinal)) _repeated++;
        else Assert.Fail($"{notice.Sequence} came again as another");
    }

    private static async Task<TimeSpan> TimeAsync(Func<Task> work)
    {
        var since = TimeProvider.System.GetTimestamp();
        await work();
        return TimeProvider.System.GetElapsedTime(since);
    }

    private static string Text(List<TimeSpan> times)
    {
        var sorted = times.Order().ToList();
        return string.Create(CultureInfo.InvariantCulture, $"p50 {sorted[sorted.Count / 2].TotalMilliseconds:0} ms, most {sorted[^1].TotalMilliseconds:0} ms");
    }

    private static Wire.AccessContext Context(string unitId) => new()
    {
        Purpose = Wire.Purpose.ServiceDelivery, LegalBasis = Wire.LegalBasis.Article6IntegratedService, Actor = new Wire.ActingPerson { PersonId = "T0042", Role = Wire.ActorRole.Worker, UnitId = unitId },
    };

    /// <summary>Of somebody whom no register knows.</summary>
    private static string NewNationalId()
    {
        var nine = string.Create(CultureInfo.InvariantCulture, $"Z1{Interlocked.Increment(ref _strangers):0000000}");
        return nine + NationalId.ComputeCheckDigit(nine);
    }
}
