using System.Globalization;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.SystemTests.Foreign;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Durability;

/// <summary>A disk that does not answer: calls hear of it soon, nothing is shown, and nobody needs to do anything when it is back.</summary>
[Trait("Rule", "R-AUD-2")]
[Trait("Abuse", "B62")]
public sealed class LostStoreTests(ITestOutputHelper output)
{
    private const int Callers = 16;

    private static readonly TimeSpan Stall = TimeSpan.FromSeconds(6);

    /// <summary>A second, and what a machine with other work adds to it: far from the stall.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(3);

    [Fact]
    public async Task While_the_disk_does_not_answer_calls_are_unavailable_within_a_second_and_then_go_on()
    {
        await Strace.RequireAsync();
        await using var sandbox = await SandboxProcess.StartAsync("--Exchange:StoreLostAfter=00:00:00.8");
        using var school = sandbox.Connect("edu");
        var before = await CallAsync(school);

        string[] slow = ["-f", "-q", "-e", "trace=fsync,fdatasync", "-e", "signal=none", "-e", $"inject=fsync,fdatasync:delay_enter={Stall.TotalMicroseconds.ToString(CultureInfo.InvariantCulture)}:when=1"];
        await using (var strace = await Strace.AttachAsync(sandbox.ProcessId, slow))
        {
            // The first ones are in the flush that stalls, the others come while it does.
            var refused = new List<TimeSpan>();
            for (var round = 0; round < 3; round++)
            {
                var answers = await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => TryAsync(school)));
                Assert.All(answers, answer => Assert.Equal(StatusCode.Unavailable, answer.Status));
                refused.AddRange(answers.Select(answer => answer.Took));
            }

            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"refused after {refused.Max().TotalMilliseconds:0} ms at most, {refused.Order().ElementAt(refused.Count / 2).TotalMilliseconds:0} ms in the middle"));
            Assert.True(refused.Max() < Soon, $"a call waited {refused.Max()} for a store that was lost");

            // It is back by itself, in the same process.
            var waited = TimeProvider.System.GetTimestamp();
            while ((await TryAsync(school)).Status != StatusCode.OK)
            {
                Assert.True(TimeProvider.System.GetElapsedTime(waited) < 3 * Stall, $"the store is not back\n{sandbox.Log}");
                await Task.Delay(50, TestContext.Current.CancellationToken);
            }

            Assert.Contains("(DELAYED)", await strace.EndAsync(), StringComparison.Ordinal);
        }

        Assert.True((await CallAsync(school)).Position > before.Position);
        Assert.Contains(sandbox.LoggedErrors(), line => line.Contains("has not answered", StringComparison.Ordinal));
        var key = StoryCast.LogKey(sandbox);
        var verified = await ChildProcess.RunDotnetAsync(Repository.CliDll, ["audit", "verify", "--key", key, .. sandbox.CliOptions], sandbox.Folder);
        Assert.True(verified.ExitCode == 0, verified.ToString());
    }

    private static async Task<(StatusCode Status, TimeSpan Took)> TryAsync(ExchangeChannel school)
    {
        var began = TimeProvider.System.GetTimestamp();
        try
        {
            await CallAsync(school);
            return (StatusCode.OK, TimeProvider.System.GetElapsedTime(began));
        }
        catch (RpcException refused)
        {
            return (refused.StatusCode, TimeProvider.System.GetElapsedTime(began));
        }
    }

    private static async Task<CallReceipt> CallAsync(ExchangeChannel school)
    {
        using var call = school.Members.GetSelfAsync(new Wire.GetSelfRequest
        {
            Context = new Wire.AccessContext
            {
                Purpose = Wire.Purpose.ServiceDelivery, LegalBasis = Wire.LegalBasis.Article6IntegratedService,
                Actor = new Wire.ActingPerson { PersonId = "E0042", Role = Wire.ActorRole.Worker, UnitId = "tpe-school" },
            },
        });
        await call;
        return Assert.IsType<CallReceipt>(CallReceipt.Read(call.GetTrailers()));
    }
}
