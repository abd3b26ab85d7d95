using System.Collections.Concurrent;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Durability;

/// <summary>An inbox whose server is killed while notices come and are read: each is seen, in order, none is lost, and a reader goes on at once when the server is back.</summary>
[Trait("Rule", "R-NOT-1")]
public sealed class InboxKillTests(ITestOutputHelper output)
{
    private const int Kills = 4, ReferralsPerRound = 30;

    private static int _strangers;

    /// <summary>A reader that waits so long hangs. How soon it resumes is printed: within a second on a machine that does nothing else.</summary>
    private static readonly TimeSpan Hangs = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task A_reader_resumes_when_the_server_is_back_and_sees_every_notice_without_a_gap()
    {
        await using var sandbox = await SandboxProcess.StartAsync("--Limits:PerPersonPerMinute=10000000", "--Limits:PerAgencyPerMinute=10000000");
        var (made, seen, resumed) = (new ConcurrentDictionary<string, bool>(StringComparer.Ordinal), new List<Wire.Notice>(), new List<TimeSpan>());
        for (var round = 0; round < Kills; round++)
        {
            var writing = Task.Run(() => WriteAsync(sandbox, made));
            await ReadAsync(sandbox, seen, ReferralsPerRound / 3);
            // Some are read and some wait when it dies.
            while (made.Count < (round * ReferralsPerRound) + (ReferralsPerRound / 2)) await Task.Delay(5, TestContext.Current.CancellationToken);
            await sandbox.KillAsync();
            await sandbox.RunAsync();
            var back = TimeProvider.System.GetTimestamp();
            // The writer repeats what was not answered; that there is something to read does not wait for it.
            await ReadAsync(sandbox, seen, 1);
            resumed.Add(TimeProvider.System.GetElapsedTime(back));
            await writing;
        }

        await ReadAsync(sandbox, seen, int.MaxValue, upTo: made.Count);
        output.WriteLine($"{seen.Count} notices, resumed after {string.Join(", ", resumed.Select(one => $"{one.TotalMilliseconds:0} ms"))}");
        Assert.Equal(Enumerable.Range(1, seen.Count).Select(n => (ulong)n), seen.Select(n => n.Sequence));
        Assert.Equal(made.Keys.Order(StringComparer.Ordinal), seen.Select(n => n.ReferralId).Distinct().Order(StringComparer.Ordinal));
        Assert.All(resumed, one => Assert.True(one < Hangs, $"{one}"));
        Assert.Empty(sandbox.LoggedErrors());
    }

    /// <summary>Refers children to the employment service, each once however often the server is killed.</summary>
    private static async Task WriteAsync(SandboxProcess sandbox, ConcurrentDictionary<string, bool> made)
    {
        for (var i = 0; i < ReferralsPerRound; i++)
        {
            var request = new Wire.CreateReferralRequest
            {
                Context = Context("tpe-school", Wire.Purpose.ServiceDelivery), RequestId = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString(), ToUnitId = "tpe-employment",
                Subjects = { new Wire.ReferralSubject { NationalId = NewNationalId(), Name = "測試人", BirthDate = "2010-05-05" } },
                Services = { Wire.Article6Service.EmploymentGuidance }, View = new Wire.SenderView { Classes = { Wire.ConfidentialityClass.Identity } },
            };
            while (true)
            {
                try
                {
                    using var school = sandbox.Connect("edu");
                    made.TryAdd((await school.Referrals.CreateReferralAsync(request, deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(20))).Referral.ReferralId, true);
                    break;
                }
                catch (Exception e) when (e is RpcException or HttpRequestException)
                {
                    await Task.Delay(20);
                }
            }
        }
    }

    /// <summary>Reads on from the last notice seen, until so many more have come or the inbox holds as many as it must.</summary>
    private static async Task ReadAsync(SandboxProcess sandbox, List<Wire.Notice> seen, int more, int upTo = int.MaxValue)
    {
        using var ends = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        while (true)
        {
            try
            {
                // The keys of a sandbox's tokens end with it: a new channel, and a new token.
                using var labor = sandbox.Connect("labor");
                await ReadOnAsync(labor, seen, more, upTo, ends.Token);
                return;
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.Unavailable)
            {
                await Task.Delay(10, ends.Token);
            }
        }
    }

    private static async Task ReadOnAsync(ExchangeChannel labor, List<Wire.Notice> seen, int more, int upTo, CancellationToken ends)
    {
        using var watching = labor.Inbox.WatchInbox(
            new Wire.WatchInboxRequest { Context = Context("tpe-employment", Wire.Purpose.ServiceDelivery), AfterSequence = seen.Count == 0 ? 0 : seen[^1].Sequence }, cancellationToken: ends);
        for (; more > 0 && seen.Count < upTo && await watching.ResponseStream.MoveNext(ends); more--) seen.Add(watching.ResponseStream.Current.Notice);
    }

    private static Wire.AccessContext Context(string unitId, Wire.Purpose purpose) => new()
    {
        Purpose = purpose, LegalBasis = Wire.LegalBasis.Article6IntegratedService, Actor = new Wire.ActingPerson { PersonId = "T0042", Role = Wire.ActorRole.Worker, UnitId = unitId },
    };

    /// <summary>Of somebody whom no register knows.</summary>
    private static string NewNationalId()
    {
        var nine = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Z1{Interlocked.Increment(ref _strangers):0000000}");
        return nine + NationalId.ComputeCheckDigit(nine);
    }
}
