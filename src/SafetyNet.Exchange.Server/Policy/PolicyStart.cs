using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>
/// Which policy a server starts with: the newest that was activated, from the store. Its bytes must have the hash they were activated with, and the record of
/// the activation in the log must name that hash (B76); who changes the store has to change the signed log too.
/// On an empty store the built-in files are activated in the name of two persons of the operator.
/// </summary>
internal static class PolicyStart
{
    private const string Method = "start/ActivateBuiltInPolicy";

    /// <exception cref="StartRefusedException">The stored policy is not the one that was activated, or nobody stands for the first.</exception>
    public static PolicyInForce Open(SqliteStore store, CommitQueue commits, PolicySettings settings, TimeProvider clock)
    {
        var policy = FindActivated(store);
        if (policy is null)
            Activate(policy = NeedToKnowPolicy.LoadBuiltIn(), commits, settings, Instants.Whole(clock.GetUtcNow()));
        else if (!policy.IsBuiltIn() && NeedToKnowPolicy.LoadBuiltIn() is { } builtIn && builtIn.RevisionNumber >= policy.RevisionNumber)
            ServerLog.PolicyOffered(builtIn.Revision, policy.Revision);
        foreach (var entry in policy.Registry.Entries.Where(e => e.Ends <= CivilDate.InTaiwan(clock.GetUtcNow())))
            ServerLog.BasisEnded(entry.Id, CivilDate.ToText(entry.Ends));
        return new PolicyInForce(policy);
    }

    private static NeedToKnowPolicy? FindActivated(SqliteStore store)
    {
        using var read = store.Read();
        if (read.FindPolicyInForce() is not { } inForce) return null;
        var row = read.FindPolicy(inForce.ProposalId);
        if (row?.ActivatedByDecision is not { } decision || row.Revision != inForce.Revision)
            throw Differs("the store does not hold the activated policy");
        var (rules, bases) = (NeedToKnowPolicy.Hash(row.Rules), NeedToKnowPolicy.Hash(row.Bases));
        if (!string.Equals(rules, row.RulesSha256, StringComparison.Ordinal))
            throw Differs($"the rule file of revision {row.Revision} has SHA-256 {rules}, but {row.RulesSha256} was activated");
        if (!string.Equals(bases, row.BasesSha256, StringComparison.Ordinal))
            throw Differs($"the legal-basis registry of revision {row.Revision} has SHA-256 {bases}, but {row.BasesSha256} was activated");
        var policy = NeedToKnowPolicy.TryLoad(row.Rules, row.Bases, out var problems)
            ?? throw Differs($"revision {row.Revision} cannot be read by this program: {string.Join("; ", problems.Take(3))}");
        var name = PolicyName.Of(policy.Revision, policy.Sha256);
        if (read.FindDecision(decision) is not { } record || !Wire.AuditRecord.Parser.ParseFrom(record.Body).Resources.Contains(name))
            throw Differs($"the log does not tell of an activation of {name}");
        return policy;
    }

    private static StartRefusedException Differs(string what) => new(
        [$"Policy: {what}. Somebody changed the store: keep the database file as it is, and call the security officer"]);

    private static void Activate(NeedToKnowPolicy policy, CommitQueue commits, PolicySettings settings, DateTimeOffset now)
    {
        if (Problems(settings).ToList() is { Count: > 0 } problems) throw new StartRefusedException(problems);
        var (proposal, decision) = (Guid.CreateVersion7(now), Guid.CreateVersion7(now));
        var change = new Change();
        var (rules, bases) = (NeedToKnowPolicy.ReadBuiltIn(NeedToKnowPolicy.RulesFile), NeedToKnowPolicy.ReadBuiltIn(NeedToKnowPolicy.BasesFile));
        change.Add(new PolicyRevisionRow
        {
            ProposalId = proposal, Revision = policy.RevisionNumber, Rules = rules, Bases = bases, RulesSha256 = policy.RulesSha256, BasesSha256 = policy.BasesSha256,
            ProposedByAgency = "operator", ProposedByPerson = settings.ProposedBy, ProposedAt = now,
            ActivatedByAgency = "operator", ActivatedByPerson = settings.ActivatedBy, ActivatedAt = now, ActivatedByDecision = decision,
        });
        change.Add(new PolicyInForceRow { ProposalId = proposal, Revision = policy.RevisionNumber });
        // A start has no other caller to wait beside.
        commits.CommitAsync(AuditEntry.Of(new Wire.AuditRecord
        {
            Version = 1, DecisionId = decision.ToString(), DecidedAt = Timestamp.FromDateTimeOffset(now), Method = Method,
            ActorPersonId = settings.ActivatedBy, ActorRole = Wire.ActorRole.SecurityOfficer, Purpose = Wire.Purpose.Audit, LegalBasis = Wire.LegalBasis.AuditDuty,
            Outcome = Wire.AuditOutcome.Permitted, PolicyRevision = policy.Revision, PolicyHash = policy.Sha256[..16],
            Resources = { PolicyName.Of(policy.Revision, policy.Sha256) },
        }), change).GetAwaiter().GetResult();
    }

    /// <summary>What keeps the operator's two persons from standing for the first policy; empty: they do.</summary>
    public static IEnumerable<string> Problems(PolicySettings settings)
    {
        const string why = "the store is empty, and the first policy is activated in the name of two persons of the operator";
        if (!TextCharacters.IsActorId(settings.ProposedBy)) yield return $"Policy:ProposedBy is not set to a staff number: {why}";
        if (!TextCharacters.IsActorId(settings.ActivatedBy)) yield return $"Policy:ActivatedBy is not set to a staff number: {why}";
        if (settings.ProposedBy.Length > 0 && string.Equals(settings.ProposedBy, settings.ActivatedBy, StringComparison.OrdinalIgnoreCase))
            yield return "Policy:ProposedBy and Policy:ActivatedBy name the same person; it takes two";
    }
}
