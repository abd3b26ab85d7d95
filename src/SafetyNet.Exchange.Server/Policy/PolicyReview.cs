using System.Numerics;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>
/// Whether the rules and legal bases of a new policy make sense together: what a lawyer would otherwise find out when it decides wrongly, or never. Looked at
/// before a policy is proposed; one that is in force is not stopped by it, for a basis may run out by itself.
/// </summary>
internal static class PolicyReview
{
    /// <summary>Reads both files and reviews them.</summary>
    /// <param name="rules">Bytes of the rule file, UTF-8.</param>
    /// <param name="registry">Bytes of the legal-basis registry, UTF-8.</param>
    /// <param name="today">Civil date in Taiwan.</param>
    /// <param name="problems">Every problem with its place; empty: the policy is returned.</param>
    /// <param name="rulesFile">Name of the rule file, for problems.</param>
    /// <param name="basesFile">Name of the registry, for problems.</param>
    public static NeedToKnowPolicy? TryAccept(
        ReadOnlyMemory<byte> rules,
        ReadOnlyMemory<byte> registry,
        DateOnly today,
        out IReadOnlyList<PolicyProblem> problems,
        string rulesFile = NeedToKnowPolicy.RulesFile,
        string basesFile = NeedToKnowPolicy.BasesFile)
    {
        var policy = NeedToKnowPolicy.TryLoad(rules, registry, out problems, rulesFile, basesFile);
        if (policy is null)
            return null;
        problems = Problems(policy, today);
        return problems.Count == 0 ? policy : null;
    }

    /// <summary>Everything that does not make sense, rules before entries, each in file order; empty: the policy may be activated.</summary>
    public static IReadOnlyList<PolicyProblem> Problems(NeedToKnowPolicy policy, DateOnly today)
    {
        List<PolicyProblem> found = [];
        var (contents, registry) = (policy.Contents, policy.Registry);
        if (contents.Revision != registry.Revision)
        {
            found.Add(registry.Places[""].Problem(
                "", $"revision {registry.Revision}, but the rules are revision {contents.Revision}: the two files of a policy carry one number"));
        }

        var denies = contents.Rules.Where(r => r.Effect == PolicyEffect.Deny).ToList();
        for (var at = 0; at < contents.Rules.Count; at++)
        {
            var rule = contents.Rules[at];
            var place = contents.Places[rule.Id];
            CheckDays(rule, place, today, found);
            if (rule.Effect != PolicyEffect.Permit)
                continue;
            CheckCarried(rule, place, registry.Entries, found);
            if (FindDenials(rule, denies) is { Count: > 0 } denials)
                found.Add(place.Problem(rule.Id, $"contradiction: {string.Join(", ", denials)} withholds all that this rule opens"));
            else if (FindCover(contents.Rules, at) is { } cover)
                found.Add(place.Problem(rule.Id, $"unreachable: {cover} opens the same or more to the same or more"));
        }

        foreach (var entry in registry.Entries)
            CheckDays(entry.Rule, registry.Places[entry.Id], today, found);
        return found;
    }

    private static void CheckDays(PolicyRule rule, PolicyPlace place, DateOnly today, List<PolicyProblem> found)
    {
        if (rule.From >= rule.Until)
            found.Add(place.Problem(rule.Id, "unreachable: it ends before it begins", "until"));
        else if (rule.Until <= today)
            found.Add(place.Problem(rule.Id, $"expired on {CivilDate.ToText(rule.Until)}", "until"));
    }

    /// <summary>R-NTK-16: each class, purpose and basis that a rule opens has an entry that can carry it.</summary>
    private static void CheckCarried(PolicyRule rule, PolicyPlace place, IReadOnlyList<LegalBasisEntry> entries, List<PolicyProblem> found)
    {
        uint classes = 0, purposes = 0, bases = 0;
        foreach (var entry in entries.Select(e => e.Rule).Where(entry => Overlap(entry, rule)))
        {
            classes |= entry.Classes.Bits;
            purposes |= entry.When.Purposes;
            bases |= entry.When.Bases;
        }

        Report("classes", CodeTable.Classes, rule.Classes.Bits & ~classes);
        Report("purposes", CodeTable.Purposes, rule.When.Purposes == ~0u ? 0 : rule.When.Purposes & ~purposes);
        Report("bases", CodeTable.Bases, rule.When.Bases == ~0u ? 0 : rule.When.Bases & ~bases);

        void Report(string member, CodeTable table, uint idle)
        {
            if (idle != 0)
                found.Add(place.Problem(rule.Id, $"no entry of the legal-basis registry carries {table.Names(idle)} here: it opens nothing", member));
        }
    }

    private static bool Overlap(PolicyRule entry, PolicyRule rule) =>
        (entry.Classes.Bits & rule.Classes.Bits) != 0 && (entry.When.Purposes & rule.When.Purposes) != 0
        && (entry.When.Bases & rule.When.Bases) != 0 && (entry.When.AgencyKinds & rule.When.AgencyKinds) != 0;

    /// <summary>The rules that withhold everything that a rule opens, to everyone and for every purpose; empty: it opens something.</summary>
    private static SortedSet<string> FindDenials(PolicyRule permit, List<PolicyRule> denies)
    {
        var named = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var purpose in Bits(permit.When.Purposes, CodeTable.Purposes))
        foreach (var agency in Bits(permit.When.AgencyKinds, CodeTable.AgencyKinds))
        foreach (var unit in Bits(permit.When.UnitKinds, CodeTable.UnitKinds))
        {
            var withheld = 0u;
            foreach (var deny in denies)
            {
                if ((deny.Classes.Bits & permit.Classes.Bits) == 0 || !Withholds(deny, permit, purpose, agency, unit))
                    continue;
                withheld |= deny.Classes.Bits;
                named.Add(deny.Id);
            }

            if ((permit.Classes.Bits & ~withheld) != 0)
                return [];
        }

        return named;
    }

    /// <summary>A rule that withholds speaks wherever the other does, and none of its exceptions can.</summary>
    private static bool Withholds(PolicyRule deny, PolicyRule permit, uint purpose, uint agency, uint unit) =>
        Fits(deny.When, purpose, agency, unit)
        && (deny.When.Requires & ~permit.When.Requires) == RuleRequirements.None
        && deny.From <= permit.From && permit.Until <= deny.Until
        && !deny.Unless.Any(unless => Fits(unless, purpose, agency, unit));

    private static bool Fits(in RuleCondition when, uint purpose, uint agency, uint unit) =>
        (when.Purposes & purpose) != 0 && (when.AgencyKinds & agency) != 0 && (when.UnitKinds & unit) != 0;

    /// <summary>Another rule that opens all that a rule opens, whenever it does, with the same obligations; of two that are the same, the first. Null: none.</summary>
    private static string? FindCover(IReadOnlyList<PolicyRule> rules, int at)
    {
        for (var other = 0; other < rules.Count; other++)
        {
            if (other != at && Covers(rules[other], rules[at]) && (other < at || !Covers(rules[at], rules[other])))
                return rules[other].Id;
        }

        return null;
    }

    private static bool Covers(PolicyRule wide, PolicyRule narrow) =>
        wide.Effect == PolicyEffect.Permit
        && wide.Classes.ContainsAll(narrow.Classes)
        && Holds(wide.When.Relationships, narrow.When.Relationships, CodeTable.Relationships)
        && Holds(wide.When.AgencyKinds, narrow.When.AgencyKinds, CodeTable.AgencyKinds)
        && Holds(wide.When.UnitKinds, narrow.When.UnitKinds, CodeTable.UnitKinds)
        && Holds(wide.When.Purposes, narrow.When.Purposes, CodeTable.Purposes)
        && Holds(wide.When.Bases, narrow.When.Bases, CodeTable.Bases)
        && (wide.When.Limits & ~narrow.When.Limits) == RuleLimits.None
        // What was sent may stand on the basis of a share, which what was not sent cannot.
        && ((wide.When.Limits ^ narrow.When.Limits) & RuleLimits.Sent) == RuleLimits.None
        && (wide.When.Requires & ~narrow.When.Requires) == RuleRequirements.None
        && wide.Obligations == narrow.Obligations
        && wide.From <= narrow.From && narrow.Until <= wide.Until;

    private static bool Holds(uint wide, uint narrow, CodeTable table) => (narrow & ~wide & table.Known) == 0;

    private static IEnumerable<uint> Bits(uint set, CodeTable table)
    {
        for (var rest = set & table.Known; rest != 0; rest &= rest - 1)
            yield return 1u << BitOperations.TrailingZeroCount(rest);
    }
}
