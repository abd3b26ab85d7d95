using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Cli.Policy;

/// <summary>A rule or legal basis about a class, and what keeps it from applying to a caller.</summary>
/// <param name="Rule">The rule, or the entry of the registry.</param>
/// <param name="Decides">It made the decision.</param>
/// <param name="Misses">What does not fit, in English and Chinese; empty: it applies.</param>
internal sealed record RuleFinding(PolicyRule Rule, bool Decides, IReadOnlyList<(string En, string Zh)> Misses);

/// <summary>Why a caller sees a class or does not: the decision itself, then every rule and legal basis about that class, with what each lacks.</summary>
/// <param name="Sees">The decision shows the class.</param>
/// <param name="Rules">Rules about the class that open it.</param>
/// <param name="Denials">Rules that withhold it from this caller.</param>
/// <param name="Bases">Entries of the registry about the class.</param>
internal sealed record PolicyExplanation(bool Sees, IReadOnlyList<RuleFinding> Rules, IReadOnlyList<RuleFinding> Denials, IReadOnlyList<RuleFinding> Bases)
{
    private static readonly (RuleLimits Limit, string En, string Zh)[] Limits =
    [
        (RuleLimits.Sent, "only what a sender opened", "僅限送出單位所揭露者"),
        (RuleLimits.Supplied, "only what the caller supplied itself", "僅限該單位自行提供者"),
        (RuleLimits.Agenda, "only what stands on the agenda", "僅限列入議程者"),
        (RuleLimits.Scope, "only what is on the scope of the service", "僅限服務範圍所列者"),
        (RuleLimits.Own, "only records of the unit", "僅限本單位之紀錄"),
        (RuleLimits.Granted, "only what the primary unit granted", "僅限主責單位核准者"),
        (RuleLimits.Revealed, "only what two security officers reveal", "僅限經二名資安人員核准還原者"),
        (RuleLimits.OwnOrShared, "only own and shared records", "僅限本單位及受分享之紀錄"),
    ];

    public static PolicyExplanation Of(NeedToKnowPolicy policy, NeedToKnowQuestion question, Wire.ConfidentialityClass one)
    {
        var decision = policy.Decide(question with { Holdable = ClassSet.Of(one) });
        var rules = policy.Contents.Rules.Where(r => r.Classes.Contains(one)).ToList();
        return new PolicyExplanation(
            decision.Visible.Contains(one),
            Findings(rules.Where(r => r.Effect == PolicyEffect.Permit)),
            Findings(rules.Where(r => r.Effect == PolicyEffect.Deny && decision.Rules.Contains(r.Id, StringComparer.Ordinal))),
            Findings(policy.Registry.Entries.Where(e => e.Basis == question.LegalBasis).Select(e => e.Rule with { Until = e.Ends }).Where(r => r.Classes.Contains(one))));

        List<RuleFinding> Findings(IEnumerable<PolicyRule> about) =>
            [.. about.Select(r => new RuleFinding(r, decision.Rules.Contains(r.Id, StringComparer.Ordinal), [.. Misses(r, question, one)])).OrderBy(f => f.Misses.Count)];
    }

    private static IEnumerable<(string En, string Zh)> Misses(PolicyRule rule, NeedToKnowQuestion question, Wire.ConfidentialityClass one)
    {
        var when = rule.When;
        if ((when.Relationships & question.Relationships.Bits) == 0)
            yield return ($"relationship is not {CodeTable.Relationships.Names(when.Relationships)}", "關係不符");
        if ((when.AgencyKinds & CodeTable.AgencyKinds.BitOf((int)question.AgencyKind)) == 0)
            yield return ($"agency kind is not {CodeTable.AgencyKinds.Names(when.AgencyKinds)}", "體系不符");
        if ((when.UnitKinds & CodeTable.UnitKinds.BitOf((int)question.UnitKind)) == 0)
            yield return ($"unit kind is not {CodeTable.UnitKinds.Names(when.UnitKinds)}", "單位類別不符");
        if ((when.Purposes & CodeTable.Purposes.BitOf((int)question.Purpose)) == 0)
            yield return ($"purpose is not {CodeTable.Purposes.Names(when.Purposes)}", "使用目的不符");
        if ((when.Bases & CodeTable.Bases.BitOf((int)question.LegalBasis)) == 0)
            yield return ($"legal basis is not {CodeTable.Bases.Names(when.Bases)}", "法律依據不符");
        if (question.On < rule.From)
            yield return ($"counts only from {CivilDate.ToText(rule.From)}", $"自 {CivilDate.ToText(rule.From)} 起始生效");
        if (question.On >= rule.Until)
            yield return ($"ended on {CivilDate.ToText(rule.Until)}", $"已於 {CivilDate.ToText(rule.Until)} 失效");
        foreach (var (limit, en, zh) in Limits)
        {
            if ((when.Limits & limit) != RuleLimits.None && !PutForward(limit, question).Contains(one))
                yield return (en, zh);
        }

        foreach (var (requirement, holds) in Facts(question))
        {
            if ((when.Requires & requirement) != RuleRequirements.None && !holds)
                yield return ($"requires {requirement}", "所需事實未成立");
        }
    }

    private static (RuleRequirements Requirement, bool Holds)[] Facts(NeedToKnowQuestion question) =>
    [
        (RuleRequirements.Screening, question.Screening), (RuleRequirements.HoldsCase, question.HoldsCase),
        (RuleRequirements.ProtectedAddress, question.ProtectedAddress), (RuleRequirements.ServesOtherParty, question.ServesOtherParty),
    ];

    private static ClassSet PutForward(RuleLimits limit, NeedToKnowQuestion question) => limit switch
    {
        RuleLimits.Sent => question.SharedWithCaller ? question.Sent | question.Shared : question.Sent,
        RuleLimits.Supplied => question.Supplied,
        RuleLimits.Agenda => question.Agenda,
        RuleLimits.Scope => question.ServiceScope,
        RuleLimits.Granted => question.Granted,
        RuleLimits.Revealed => question.Revealed,
        RuleLimits.Own => question.OwnUnit ? ClassSet.All : ClassSet.None,
        _ => question.OwnUnit || question.SharedWithCaller ? ClassSet.All : ClassSet.None,
    };
}
