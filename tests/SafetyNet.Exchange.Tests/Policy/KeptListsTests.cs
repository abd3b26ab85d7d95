using FsCheck.Fluent;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Tests.Policy;

public sealed class KeptListsTests
{
    private const int Most = 100;

    [Fact]
    public void However_many_are_made_no_more_than_two_generations_are_kept()
    {
        var lists = new KeptLists<int, int>(Most);
        for (var key = 0; key < 50 * Most; key++)
        {
            Ask(lists, key);
            Assert.InRange(lists.Count, 1, 2 * Most);
        }
    }

    [Fact]
    public void What_is_asked_for_again_and_again_stays_and_what_is_not_is_let_go()
    {
        var lists = new KeptLists<int, int>(Most);
        var often = Ask(lists, -1);
        var once = Ask(lists, -2);
        for (var key = 0; key < 50 * Most; key++)
        {
            Ask(lists, key);
            if (key % 10 == 0) Assert.Same(often, Ask(lists, -1));
        }

        Assert.NotSame(once, Ask(lists, -2));
        Assert.Equal([-2, -1], Ask(lists, -2));
    }

    [Fact]
    public void Asked_by_several_at_once_each_gets_the_list_of_its_key_and_the_bound_holds()
    {
        var lists = new KeptLists<int, int>(Most);
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, thread =>
        {
            for (var at = 0; at < 200 * Most; at++)
            {
                var key = ((at * 7) + thread) % (10 * Most);
                if (Ask(lists, key)[0] != key) throw new InvalidOperationException($"{key} has the list of another");
            }
        });
        Assert.InRange(lists.Count, 1, (2 * Most) + 8);
    }

    /// <summary>Why it may not simply keep the first: a policy can name more sets of rules than anybody would keep.</summary>
    [Fact]
    public void The_policy_in_force_gives_more_lists_than_are_kept_and_each_is_right_all_the_same()
    {
        var (policy, apart) = (NeedToKnowPolicy.LoadBuiltIn(), NeedToKnowPolicy.LoadBuiltIn());
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var question in Gen.Sample(Some.Questions, 60_000))
        {
            var decision = policy.Decide(question);
            if (!seen.Add(string.Join(' ', decision.Rules)) || seen.Count % 50 != 0) continue;
            Assert.Equal(apart.Decide(question).Rules, decision.Rules);
            Assert.All(decision.Rules, id => Assert.NotNull(policy.FindRule(id)));
        }

        Assert.True(seen.Count > 8192, $"only {seen.Count} sets of rules decided something");
    }

    private static IReadOnlyList<int> Ask(KeptLists<int, int> lists, int key)
    {
        if (lists.TryFind(key, out var known)) return known;
        IReadOnlyList<int> made = [key, key + 1];
        lists.Keep(key, made);
        return made;
    }
}
