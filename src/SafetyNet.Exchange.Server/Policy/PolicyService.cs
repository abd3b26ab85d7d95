using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>The RPCs by which a policy is proposed by one person and put in force by another (R-NTK-16, B50).</summary>
internal sealed class PolicyService(PolicyInForce inForce) : Wire.PolicyService.PolicyServiceBase
{
    private const int DefaultDays = 60;

    public override Task<Wire.ProposePolicyResponse> ProposePolicy(Wire.ProposePolicyRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var row = call.Replayed is { } made ? Load(call, made) : Propose(call, request.RuleFile.ToByteArray(), request.BasisFile.ToByteArray());
        call.TouchesPolicy(row.Revision.ToString(CultureInfo.InvariantCulture), row.Sha256);
        return Task.FromResult(new Wire.ProposePolicyResponse { Policy = ToWire(call, row) });
    }

    public override Task<Wire.ActivatePolicyResponse> ActivatePolicy(Wire.ActivatePolicyRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var row = Load(call, request.ProposalId);
        call.TouchesPolicy(row.Revision.ToString(CultureInfo.InvariantCulture), row.Sha256);
        if (call.Replayed is not null) return Task.FromResult(new Wire.ActivatePolicyResponse { Policy = ToWire(call, row) });
        Activate(call, row, request.Sha256);
        var answer = ToWire(call, row);
        answer.InForce = true;
        return Task.FromResult(new Wire.ActivatePolicyResponse { Policy = answer });
    }

    public override Task<Wire.GetPolicyResponse> GetPolicy(Wire.GetPolicyRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var row = Load(call, request.ProposalId.Length > 0 ? request.ProposalId : call.Read.FindPolicyInForce()!.ProposalId.ToString());
        var response = new Wire.GetPolicyResponse { Policy = ToWire(call, row) };
        if (request.IncludeFiles)
        {
            response.RuleFile = UnsafeByteOperations.UnsafeWrap(row.Rules);
            response.BasisFile = UnsafeByteOperations.UnsafeWrap(row.Bases);
        }

        return Task.FromResult(response);
    }

    public override Task<Wire.ListExpiringBasesResponse> ListExpiringBases(Wire.ListExpiringBasesRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var response = new Wire.ListExpiringBasesResponse { PolicyRevision = call.Policy.Revision };
        var (referrals, cases) = (call.Read.CountOpenReferrals(), call.Read.CountOpenCases());
        foreach (var ending in ExpiringBases.Find(call.Policy, call.On, request.Days == 0 ? DefaultDays : request.Days))
        {
            var basis = new Wire.ExpiringBasis
            {
                EntryId = ending.Entry.Id, Article = ending.Entry.Rule.Source, LegalBasis = ending.Entry.Basis, Until = CivilDate.ToText(ending.Entry.Ends),
                Purposes = { ending.Purposes }, LostClasses = { ending.Lost.InTableOrder() },
            };
            foreach (var agency in call.Members.Agencies.Where(a => a.IsActive && ending.AgencyKinds.Contains(a.Kind)
                && (call.Agency.Jurisdiction == Wire.Jurisdiction.Tw || a.Jurisdiction == call.Agency.Jurisdiction))
                .OrderBy(a => a.Jurisdiction).ThenBy(a => a.Code, StringComparer.Ordinal))
            {
                var units = call.Members.UnitsOf(agency);
                basis.Agencies.Add(new Wire.AffectedAgency
                {
                    Jurisdiction = agency.Jurisdiction, AgencyCode = agency.Code,
                    OpenReferrals = units.Sum(u => referrals.GetValueOrDefault(u.UnitId)), OpenCases = units.Sum(u => cases.GetValueOrDefault(u.UnitId)),
                });
            }

            response.Bases.Add(basis);
        }

        return Task.FromResult(response);
    }

    private static PolicyRevisionRow Propose(Call call, byte[] rules, byte[] bases)
    {
        var policy = Accept(call, rules, bases);
        RequireNewer(policy.RevisionNumber, call.Read.FindPolicyInForce()!.Revision);
        var row = new PolicyRevisionRow
        {
            ProposalId = call.NewId(), Revision = policy.RevisionNumber, Rules = rules, Bases = bases, RulesSha256 = policy.RulesSha256, BasesSha256 = policy.BasesSha256,
            ProposedByAgency = AgencyOf(call), ProposedByUnit = call.Unit.UnitId, ProposedByPerson = call.Context!.Actor.PersonId, ProposedAt = call.Now,
        };
        call.Change.Add(row);
        call.Change.Key!.Outcome = row.ProposalId.ToString();
        return row;
    }

    private void Activate(Call call, PolicyRevisionRow row, string sha256)
    {
        var (agency, person) = (AgencyOf(call), call.Context!.Actor.PersonId);
        if (string.Equals(row.ProposedByAgency, agency, StringComparison.Ordinal) && string.Equals(row.ProposedByPerson, person, StringComparison.OrdinalIgnoreCase))
            throw new Refusal(Wire.ErrorReason.SecondPersonNeeded);
        if (!string.Equals(row.Sha256, sha256, StringComparison.Ordinal) || !IsWhole(row))
            throw new Refusal(Wire.ErrorReason.PolicyHashDiffers, ("proposed", row.Sha256));
        var policy = Accept(call, row.Rules, row.Bases);
        var current = call.Read.FindPolicyInForce()!;
        RequireNewer(row.Revision, current.Revision);
        (row.ActivatedByAgency, row.ActivatedByUnit, row.ActivatedByPerson) = (agency, call.Unit.UnitId, person);
        (row.ActivatedAt, row.ActivatedByDecision) = (call.Now, call.DecisionId);
        (current.ProposalId, current.Revision) = (row.ProposalId, row.Revision);
        call.Change.Update(row);
        call.Change.Update(current);
        call.Change.Key!.Outcome = row.ProposalId.ToString();
        call.Change.Durable = () => inForce.Swap(policy);
    }

    private static NeedToKnowPolicy Accept(Call call, byte[] rules, byte[] bases)
    {
        if (PolicyReview.TryAccept(rules, bases, call.On, out var problems) is { } policy) return policy;
        throw new Refusal(Wire.ErrorReason.PolicyNotAccepted, ("file", problems[0].File), ("line", problems[0].Line.ToString(CultureInfo.InvariantCulture)),
            ("problems", problems.Count.ToString(CultureInfo.InvariantCulture)))
        {
            Faults = [.. problems.Take(Refusal.MaximumFaults).Select(p => new FieldFault(
                string.Equals(p.File, NeedToKnowPolicy.BasesFile, StringComparison.Ordinal) ? "basis_file" : "rule_file", FieldFaultKind.PolicyProblem, p.ToString()))],
        };
    }

    private static void RequireNewer(int revision, int current)
    {
        if (revision > current) return;
        throw new Refusal(Wire.ErrorReason.PolicyNotNewer, ("revision", revision.ToString(CultureInfo.InvariantCulture)),
            ("in_force", current.ToString(CultureInfo.InvariantCulture)));
    }

    /// <summary>The stored bytes are those that were proposed.</summary>
    private static bool IsWhole(PolicyRevisionRow row) => string.Equals(NeedToKnowPolicy.Hash(row.Rules), row.RulesSha256, StringComparison.Ordinal)
        && string.Equals(NeedToKnowPolicy.Hash(row.Bases), row.BasesSha256, StringComparison.Ordinal);

    private static PolicyRevisionRow Load(Call call, string proposalId) =>
        call.Read.FindPolicy(Guid.Parse(proposalId)) ?? throw new Refusal(Wire.ErrorReason.NotFound);

    private static string AgencyOf(Call call) => $"{CodeText.Of(call.Agency.Jurisdiction).ToLowerInvariant()}/{call.Agency.Code}";

    private static Wire.Policy ToWire(Call call, PolicyRevisionRow row)
    {
        var policy = new Wire.Policy
        {
            ProposalId = row.ProposalId.ToString(), Revision = row.Revision.ToString(CultureInfo.InvariantCulture), Sha256 = row.Sha256,
            RulesSha256 = row.RulesSha256, BasesSha256 = row.BasesSha256, ProposedAt = Timestamp.FromDateTimeOffset(row.ProposedAt),
            ProposedBy = new Wire.PolicyOfficer { Agency = row.ProposedByAgency, UnitId = row.ProposedByUnit, PersonId = row.ProposedByPerson },
            InForce = call.Read.FindPolicyInForce()!.ProposalId == row.ProposalId,
        };
        if (row.ActivatedAt is not { } activated) return policy;
        policy.ActivatedAt = Timestamp.FromDateTimeOffset(activated);
        policy.ActivatedBy = new Wire.PolicyOfficer { Agency = row.ActivatedByAgency, UnitId = row.ActivatedByUnit, PersonId = row.ActivatedByPerson };
        return policy;
    }
}
