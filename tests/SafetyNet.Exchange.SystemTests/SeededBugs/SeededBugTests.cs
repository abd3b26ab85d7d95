namespace SafetyNet.Exchange.SystemTests.SeededBugs;

/// <summary>The worlds find each mistake that is planted, and none where none is.</summary>
public sealed class SeededBugTests(SeededServer server) : IClassFixture<SeededServer>
{
    public static IEnumerable<TheoryDataRow<string>> Names => Seed.All.Select(seed => new TheoryDataRow<string>(seed.Name));

    [Theory]
    [MemberData(nameof(Names))]
    public void A_planted_mistake_is_found(string name) => Assert.NotEmpty(server.Differences[name]);

    [Fact]
    public void Without_a_mistake_the_worlds_find_nothing() => Assert.Empty(server.Differences[""]);
}
