namespace SafetyNet.Exchange.SystemTests.SeededBugs;

/// <summary>A mistake that somebody could make in the server, as an edit of its source. It exists in a copy that a test compiles, behind a switch of that copy, and nowhere else.</summary>
/// <param name="Name">Name of the switch.</param>
/// <param name="File">Source file below the server's folder.</param>
/// <param name="Right">The text as it stands there, exactly once.</param>
/// <param name="Wrong">What stands in its place; asks the switch.</param>
internal sealed record Seed(string Name, string File, string Right, string Wrong)
{
    /// <summary>The switch itself, added to the copy.</summary>
    public const string Switch = """
        using System.Collections.Concurrent;
        using SafetyNet.Exchange.Server.Policy;

        namespace SafetyNet.Exchange.Server;

        internal static class SeededBugs
        {
            public static volatile string Planted = "";

            private static readonly ConcurrentDictionary<NeedToKnowQuestion, Decision> Known = new();

            public static bool Is(string name) => string.Equals(Planted, name, StringComparison.Ordinal);

            public static Decision Remembered(NeedToKnowQuestion key, Decision decision) => Known.GetOrAdd(key, decision);

            public static Decision Everything(Decision decision) => decision with { Allowed = true, Visible = ClassSet.All };
        }
        """;

    public static readonly IReadOnlyList<Seed> All =
    [
        new("CacheKeyWithoutPurpose", "Pipeline/Call.cs", "var decision = Policy.Decide(question);",
            """
            var decision = SeededBugs.Is("CacheKeyWithoutPurpose")
                        ? SeededBugs.Remembered(question with { Purpose = default, LegalBasis = default }, Policy.Decide(question))
                        : SeededBugs.Is("ReplaySkipsTheDecision") && Replayed is not null ? SeededBugs.Everything(Policy.Decide(question)) : Policy.Decide(question);
            """),
        new("PageTokenNotChecked", "Cases/CaseNotes.cs", "if (!call.MayRead(shared, view, note, shares)) continue;",
            """if (!(SeededBugs.Is("PageTokenNotChecked") && pageToken.Length > 0) && !call.MayRead(shared, view, note, shares)) continue;"""),
        new("CaseInsensitiveIds", "Pipeline/IdempotencyStep.cs", "{call.Context!.Actor.PersonId}",
            """{(SeededBugs.Is("CaseInsensitiveIds") ? call.Context!.Actor.PersonId.ToUpperInvariant() : call.Context!.Actor.PersonId)}"""),
        new("StreamChecksOnce", "Inbox/InboxService.cs", "call.RequireActive();", """if (!SeededBugs.Is("StreamChecksOnce")) call.RequireActive();"""),
        new("BatchSharesAcrossPurposes", "Storage/People.cs", "known.Visible == visible)", """(SeededBugs.Is("BatchSharesAcrossPurposes") || known.Visible == visible))"""),
        new("ShareEndsTooLate", "Cases/CaseFile.cs", "|| now < until;", """|| (SeededBugs.Is("ShareEndsTooLate") ? now <= until : now < until);"""),
        new("ViewEndsTooLate", "Policy/Standing.cs", "&& until <= now ?", """&& (SeededBugs.Is("ViewEndsTooLate") ? until < now : until <= now) ?"""),
        new("NestedListsNotRedacted", "Policy/RedactionPlan.cs", "var list = (IList)value;", """if (SeededBugs.Is("NestedListsNotRedacted")) return; var list = (IList)value;"""),
        new("WithheldNotNamed", "Pipeline/AnswerStep.cs", "disclosure.WithheldClasses.Add(", """if (!SeededBugs.Is("WithheldNotNamed")) disclosure.WithheldClasses.Add("""),
        new("ClosedReferralStillOpens", "Policy/Standing.cs", "IsOpen(Wire.ReferralState state) => state is",
            """IsOpen(Wire.ReferralState state) => (SeededBugs.Is("ClosedReferralStillOpens") && state == Wire.ReferralState.Closed) || state is"""),
        new("JurisdictionIgnored", "Audit/AuditService.cs", "call.Agency.Jurisdiction is Wire.Jurisdiction.Tw ||",
            """SeededBugs.Is("JurisdictionIgnored") || call.Agency.Jurisdiction is Wire.Jurisdiction.Tw ||"""),
        new("SendersViewIgnored", "Referrals/ReferralPolicy.cs", "Sent = standing.Sent,", """Sent = SeededBugs.Is("SendersViewIgnored") ? ClassSet.All : standing.Sent,"""),
        // Planted with the cache above: the same line.
        new("ReplaySkipsTheDecision", "Pipeline/Call.cs", "", ""),
        new("ScopeIgnored", "Cases/CaseFile.cs", "Subjects.Where(id => IdList.Covers(", """Subjects.Where(id => SeededBugs.Is("ScopeIgnored") || IdList.Covers("""),
        new("ProtectionIgnored", "Households/HouseholdService.cs", "ProtectedAddress = person.Row.IsProtected,", """ProtectedAddress = person.Row.IsProtected && !SeededBugs.Is("ProtectionIgnored"),"""),
        new("ShareReachesAnyone", "Cases/CasePolicy.cs", "shares.FirstOrDefault(s => string.Equals(s.UnitId, unitId, StringComparison.Ordinal)",
            """shares.FirstOrDefault(s => (SeededBugs.Is("ShareReachesAnyone") || string.Equals(s.UnitId, unitId, StringComparison.Ordinal))"""),
        new("GrantShowsEverything", "Policy/Standing.cs", "Granted = new ClassSet(link.Classes)", """Granted = SeededBugs.Is("GrantShowsEverything") ? ClassSet.All : new ClassSet(link.Classes)"""),
        new("BrokenGlassForAnyone", "Policy/Standing.cs", "link.BreakGlassId != breakGlassId || link.PersonId != personId",
            """link.BreakGlassId != breakGlassId || (link.PersonId != personId && !SeededBugs.Is("BrokenGlassForAnyone"))"""),
        new("AnyStepOpens", "Policy/Standing.cs", "return named ?", """return named || SeededBugs.Is("AnyStepOpens") ?"""),
    ];
}
