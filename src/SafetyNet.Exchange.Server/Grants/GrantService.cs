using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Grants;

/// <summary>The RPCs of applications and grants: load, decide, change, answer (R-NTK-12).</summary>
internal sealed class GrantService : Wire.GrantService.GrantServiceBase, IReactTo<CaseClosed>
{
    /// <summary>Inbox of nobody: no unit id is this short. What finds no primary unit is told here, so that it costs what the other costs (R-NTK-14).</summary>
    private const string Nobody = "-";

    private static readonly Guid AfterEverything = new("ffffffff-ffff-ffff-ffff-ffffffffffff");

    public override Task<Wire.ApplyForGrantResponse> ApplyForGrant(Wire.ApplyForGrantRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var nationalId = NationalId.Parse(request.NationalId).Canonical;
        call.Concerns(nationalId);
        var grant = call.Replayed is { } made ? Load(call, made) : Apply(call, request, nationalId);
        return Task.FromResult(new Wire.ApplyForGrantResponse { Grant = Show(call, grant, call.DecideOn(grant)) });
    }

    public override Task<Wire.DecideGrantResponse> DecideGrant(Wire.DecideGrantRequest request, ServerCallContext context)
    {
        if (request.Action is not (Wire.GrantAction.Grant or Wire.GrantAction.Refuse))
            throw Refusal.InvalidField(new FieldFault("action", FieldFaultKind.NotAllowedHere));
        var isRefused = request.Action == Wire.GrantAction.Refuse;
        if (isRefused != (request.Refusal != Wire.GrantRefusal.Unspecified))
            throw Refusal.InvalidField(new FieldFault("refusal", isRefused ? FieldFaultKind.Required : FieldFaultKind.NotAllowedHere));
        return Task.FromResult(new Wire.DecideGrantResponse
        {
            Grant = Move(context, request.GrantId, request.Etag, request.Action, Wire.NoticeKind.GrantDecided, (call, grant) =>
            {
                if (isRefused) grant.Reason = request.Refusal;
                else Open(call, grant, request);
            }),
        });
    }

    public override Task<Wire.NarrowGrantResponse> NarrowGrant(Wire.NarrowGrantRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.NarrowGrantResponse
        {
            Grant = Move(context, request.GrantId, request.Etag, Wire.GrantAction.Narrow, Wire.NoticeKind.GrantChanged,
                (call, grant) =>
                {
                    grant.Open(GrantPolicy.ReadClasses(request.Classes), request.Until?.ToDateTimeOffset(), call.Now);
                    call.EndDisclosures(StepOf(grant));
                    Disclose(call, grant);
                }),
        });

    public override Task<Wire.RevokeGrantResponse> RevokeGrant(Wire.RevokeGrantRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.RevokeGrantResponse
        {
            Grant = Move(context, request.GrantId, request.Etag, Wire.GrantAction.Revoke, Wire.NoticeKind.GrantChanged,
                (call, grant) => End(call, grant, request.Refusal)),
        });

    public override Task<Wire.GetGrantResponse> GetGrant(Wire.GetGrantRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var grant = Load(call, request.GrantId);
        return Task.FromResult(new Wire.GetGrantResponse { Grant = Show(call, grant, call.DecideOn(grant)) });
    }

    public override Task<Wire.ListGrantsResponse> ListGrants(Wire.ListGrantsRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var size = request.PageSize == 0 ? 50 : request.PageSize;
        var before = PageToken.Read(request.PageToken, AfterEverything);
        var found = request.Side == Wire.GrantSide.Made
            ? call.Read.ListMade(call.Unit.UnitId, before, size + 1) : call.Read.ListReceived(call.Unit.UnitId, before, size + 1);
        var response = new Wire.ListGrantsResponse();
        foreach (var grant in found.Take(size))
        {
            var decision = call.ConsiderOne(grant);
            if (decision.Allowed) response.Grants.Add(Show(call, grant, decision));
        }

        if (found.Count > size) response.NextPageToken = PageToken.Of(found[size - 1].GrantId);
        return Task.FromResult(response);
    }

    /// <summary>The same work and the same answer for whomever it names: known or not, with a case or without (R-NTK-14).</summary>
    private static Grant Apply(Call call, Wire.ApplyForGrantRequest request, string nationalId)
    {
        var context = call.Context!;
        RealText.Require(context.Justification, "context.justification");
        var classes = GrantPolicy.ReadClasses(request.Classes);
        var until = Instants.Whole(request.Until.ToDateTimeOffset());
        if (until <= call.Now) throw Refusal.InvalidField(new FieldFault("until", FieldFaultKind.NotInTheFuture));
        if (until > call.Now + Grant.Longest) throw Refusal.InvalidField(new FieldFault("until", FieldFaultKind.OutOfRange, "90 days"));
        GrantPolicy.RequireHoldable(call, call.Unit, context.LegalBasis, classes);

        var known = call.Read.FindPlace(call.Vault, nationalId);
        var place = known ?? new PersonPlace(call.DecisionId, Wire.Jurisdiction.Unspecified, call.DecisionId, "", false);
        var primary = Links.Of(call.Read, place).PrimaryFor(place.PersonId);
        // Nobody decides on its own application: the primary unit sees what it needs without a grant.
        if (primary is { } own && string.Equals(own.UnitId, call.Unit.UnitId, StringComparison.Ordinal)) primary = null;
        var grant = new Grant
        {
            GrantId = call.NewId(), FromUnitId = call.Unit.UnitId, Jurisdiction = call.Agency.Jurisdiction, PersonId = known?.PersonId, CaseId = primary?.CaseId,
            State = Wire.GrantState.Applied, Classes = classes.Bits, Purpose = context.Purpose, LegalBasis = context.LegalBasis, AppliedAt = call.Now, Until = until,
            MovedAt = call.Now, Version = 1,
        };
        grant.Sealed = call.Vault.SealFacts(grant.Jurisdiction, GrantQueries.ContentColumn, grant.GrantId,
            new Wire.Grant { NationalId = nationalId, Justification = context.Justification });
        call.Change.Add(grant);
        call.Change.Notify(new NoticeDraft(primary?.UnitId ?? Nobody, Wire.NoticeKind.GrantApplied, null, primary?.CaseId) { GrantId = grant.GrantId });
        call.Change.Key!.Outcome = grant.GrantId.ToString();
        return grant;
    }

    private static void Open(Call call, Grant grant, Wire.DecideGrantRequest request)
    {
        grant.Open(GrantPolicy.ReadClasses(request.Classes), request.Until?.ToDateTimeOffset(), call.Now);
        var (applicant, classes) = (Addressee.Require(call, grant.FromUnitId), new ClassSet(grant.GrantedClasses));
        GrantPolicy.RequireHoldable(call, applicant, grant.LegalBasis, classes);
        GrantPolicy.RequireSameJurisdiction(applicant, call.Read.FindPerson(call.Vault, grant.PersonId!.Value)!.Row.Jurisdiction, classes);
        Disclose(call, grant);
    }

    /// <summary>The grants on a case end with it, whatever becomes of the case later (R-NTK-17).</summary>
    public void React(Call call, CaseClosed happened)
    {
        foreach (var grant in call.Read.GrantsOn(happened.CaseId).Where(grant => grant.StateAt(call.Now) == Wire.GrantState.Granted))
        {
            grant.Move(Wire.GrantAction.Revoke, GrantParty.Primary, call.Now);
            End(call, grant, Wire.GrantRefusal.PurposeFulfilled);
            call.Touches("grant", grant.GrantId);
            call.Change.Update(grant);
            call.Change.Notify(new NoticeDraft(grant.FromUnitId, Wire.NoticeKind.GrantChanged, null, null) { GrantId = grant.GrantId });
        }
    }

    private static SharingStep StepOf(Grant grant) => new(Wire.DisclosureStep.Grant, grant.GrantId, grant.CaseId);

    /// <summary>The ledger says what the grant opens from now on.</summary>
    private static void Disclose(Call call, Grant grant) =>
        call.Disclose(StepOf(grant), [grant.PersonId!.Value], grant.FromUnitId, new ClassSet(grant.GrantedClasses), grant.LegalBasis, grant.GrantedUntil);

    private static void End(Call call, Grant grant, Wire.GrantRefusal why)
    {
        grant.Reason = why;
        call.EndDisclosures(StepOf(grant));
    }

    private static Wire.Grant Move(
        ServerCallContext context, string grantId, string etag, Wire.GrantAction action, Wire.NoticeKind notice, Action<Call, Grant> move)
    {
        var call = Call.Of(context);
        var grant = Load(call, grantId);
        var decision = call.DecideOn(grant);
        if (call.Replayed is not null) return Show(call, grant, decision);
        var (current, state) = (Etag.Of(grant), grant.StateAt(call.Now));
        grant.Move(action, call.PartyOf(grant)!.Value, call.Now);
        if (etag.Length > 0 && !string.Equals(etag, current, StringComparison.Ordinal))
            throw new Refusal(Wire.ErrorReason.ConcurrentChange, ("etag", current), ("state", CodeText.Of(state)));
        move(call, grant);
        call.Change.Update(grant);
        call.Change.Notify(new NoticeDraft(grant.FromUnitId, notice, null, null) { GrantId = grant.GrantId });
        call.Change.Key!.Outcome = grant.GrantId.ToString();
        return Show(call, grant, decision);
    }

    private static Grant Load(Call call, string grantId)
    {
        var id = Guid.Parse(grantId);
        call.Touches("grant", id);
        return call.Read.FindGrant(id) ?? throw new Refusal(Wire.ErrorReason.NotFound);
    }

    private static Wire.Grant Show(Call call, Grant grant, Decision decision)
    {
        call.Touches("grant", grant.GrantId);
        var wire = call.Vault.OpenFacts(Wire.Grant.Parser, GrantQueries.ContentColumn, grant.GrantId, grant.Sealed);
        call.Concerns(wire.NationalId);
        wire.GrantId = grant.GrantId.ToString();
        wire.State = grant.StateAt(call.Now);
        wire.FromUnitId = grant.FromUnitId;
        wire.Classes.Add(new ClassSet(grant.Classes).InTableOrder());
        wire.Purpose = grant.Purpose;
        wire.LegalBasis = grant.LegalBasis;
        wire.Until = Timestamp.FromDateTimeOffset(grant.Until);
        wire.AppliedAt = Timestamp.FromDateTimeOffset(grant.AppliedAt);
        wire.GrantedClasses.Add(new ClassSet(grant.GrantedClasses).InTableOrder());
        wire.GrantedUntil = grant.GrantedUntil is { } end ? Timestamp.FromDateTimeOffset(end) : null;
        wire.Refusal = grant.Reason;
        wire.MovedAt = Timestamp.FromDateTimeOffset(grant.MovedAt);
        wire.Etag = Etag.Of(grant);
        // That there is a case is told to the applicant with the grant, not before.
        if (grant.GrantedUntil is not null || call.PartyOf(grant) == GrantParty.Primary) wire.CaseId = grant.CaseId?.ToString() ?? "";
        RedactionPlan.For(Wire.Grant.Descriptor).Redact(wire, decision.Visible);
        return wire;
    }
}
