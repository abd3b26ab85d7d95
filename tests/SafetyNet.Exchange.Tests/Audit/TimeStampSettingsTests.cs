using SafetyNet.Exchange.Server.Audit;

namespace SafetyNet.Exchange.Tests.Audit;

/// <summary>An authority that is half set keeps the server from starting, and production states how long it goes on without it.</summary>
[Trait("Rule", "R-AUD-9")]
public sealed class TimeStampSettingsTests
{
    private static readonly TimeStampSettings Good = new()
    {
        Address = "http://localhost:1/tsa", RootsPath = typeof(TimeStampSettingsTests).Assembly.Location, StopAfter = TimeSpan.FromDays(3),
    };

    [Fact]
    public void Without_an_authority_nothing_is_asked_for()
    {
        Assert.Empty(new TimeStampSettings().Problems());
        Assert.Empty(new TimeStampSettings().Missing());
    }

    [Fact]
    public void With_an_authority_everything_must_be_right()
    {
        Assert.Empty(Good.Problems());
        Assert.Empty(Good.Missing());
        Assert.Contains("StopAfter", Assert.Single((Good with { StopAfter = TimeSpan.Zero }).Missing()), StringComparison.Ordinal);
        AssertProblem("Address", Good with { Address = "ftp://localhost/tsa" });
        AssertProblem("Address", Good with { Address = "localhost" });
        AssertProblem("RootsPath", Good with { RootsPath = "" });
        AssertProblem("RootsPath", Good with { RootsPath = "/nowhere/roots.pem" });
        AssertProblem("Address", Good with { Address = "" });
        AssertProblem("Every", Good with { Every = TimeSpan.Zero });
        AssertProblem("AlertAfter", Good with { AlertAfter = TimeSpan.FromMinutes(1) });
        AssertProblem("StopAfter", Good with { StopAfter = TimeSpan.FromMinutes(30) });
        AssertProblem("StopAfter", Good with { StopAfter = TimeSpan.FromMinutes(-1) });
    }

    private static void AssertProblem(string setting, TimeStampSettings settings) => Assert.Contains($"TimeStamps:{setting}", Assert.Single(settings.Problems()), StringComparison.Ordinal);
}
