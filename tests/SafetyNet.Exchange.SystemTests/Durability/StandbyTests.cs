using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Durability;

/// <summary>Several processes with one database: one orders and signs the log, the others wait for its end.</summary>
[Trait("Rule", "R-AUD-3")]
[Trait("Abuse", "B60")]
public sealed class StandbyTests
{
    private const int Turns = 3;

    [Fact]
    public async Task The_one_that_stands_by_goes_on_where_the_killed_one_stopped()
    {
        await using var one = SandboxProcess.Prepare();
        await using var other = SandboxProcess.Beside(one, "--Exchange:Standby=true");
        await using var third = SandboxProcess.Beside(one);
        await one.RunAsync();
        var answered = new List<CallReceipt>();
        await CallAsync(one, answered);
        other.Begin();
        await EventuallyAsync(() => Task.FromResult(other.Log.Contains("standing by", StringComparison.Ordinal) || other.Output.Contains("standing by", StringComparison.Ordinal)), other);
        Assert.False(await other.TakesConnectionsAsync());
        third.Begin();
        Assert.Equal(2, await third.WaitForEndAsync(TimeSpan.FromSeconds(60)));
        Assert.Contains("Exchange:Standby=true", third.Log, StringComparison.Ordinal);

        await CallAsync(one, answered);
        await one.KillAsync();
        await EventuallyAsync(other.TakesConnectionsAsync, other);
        await CallAsync(other, answered);

        // What the killed one answered stands, in its place, and what came after follows it.
        Assert.Equal(answered.Count, answered.Select(receipt => receipt.Position).Distinct().Count());
        Assert.Equal(answered.Select(receipt => receipt.Position).Order(), answered.Select(receipt => receipt.Position));
        var verified = await ChildProcess.RunDotnetAsync(Repository.CliDll, ["audit", "verify", .. other.CliOptions], one.Folder);
        Assert.True(verified.ExitCode == 0, verified.ToString());
        Assert.Empty(other.LoggedErrors());
    }

    private static async Task CallAsync(SandboxProcess server, List<CallReceipt> answered)
    {
        using var school = server.Connect("edu");
        for (var turn = 0; turn < Turns; turn++)
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
            answered.Add(Assert.IsType<CallReceipt>(CallReceipt.Read(call.GetTrailers())));
        }
    }

    private static async Task EventuallyAsync(Func<Task<bool>> condition, SandboxProcess server)
    {
        for (var tries = 0; !await condition(); tries++)
        {
            Assert.True(tries < 600, $"waited in vain\n{server.Log}\n{server.Output}");
            await Task.Delay(TimeSpan.FromMilliseconds(100), TestContext.Current.CancellationToken);
        }
    }
}
