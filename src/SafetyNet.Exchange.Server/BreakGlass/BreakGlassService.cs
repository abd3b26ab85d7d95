using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Calendar;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.BreakGlass;

/// <summary>The RPCs of break-glass and its review (R-NTK-11).</summary>
internal sealed class BreakGlassService(BreakGlassSettings settings, WorkingDays calendar) : Wire.BreakGlassService.BreakGlassServiceBase
{
    private static readonly Wire.LegalBasis[] Dangers = [Wire.LegalBasis.ImminentDanger, Wire.LegalBasis.SuicideRisk];

    public override Task<Wire.BreakGlassResponse> BreakGlass(Wire.BreakGlassRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        call.BreaksGlass = true;
        var nationalId = NationalId.Parse(request.NationalId).Canonical;
        call.Concerns(nationalId);
        var basis = call.Context!.LegalBasis;
        if (!Dangers.Contains(basis))
        {
            throw new Refusal(Wire.ErrorReason.LegalBasisNotAllowed, ("legal_basis", CodeText.Of(basis)), ("purpose", CodeText.Of(call.Context.Purpose)),
                ("allowed", string.Join(", ", Dangers.Select(d => CodeText.Of(d)))));
        }

        RealText.Require(call.Context.Justification, "context.justification");
        var glass = call.Replayed is { } made ? call.Read.FindBrokenGlass(Guid.Parse(made))! : Break(call, nationalId);
        return Task.FromResult(new Wire.BreakGlassResponse { Opened = Show(call, glass) });
    }

    public override Task<Wire.ListBreakGlassReviewsResponse> ListBreakGlassReviews(Wire.ListBreakGlassReviewsRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var size = request.PageSize == 0 ? 50 : request.PageSize;
        var found = call.Read.ListBrokenGlass(AgenciesOf(call), request.OpenOnly, PageToken.Read(request.PageToken, Guid.Empty), size + 1);
        var response = new Wire.ListBreakGlassReviewsResponse();
        foreach (var glass in found.Take(size)) response.Reviews.Add(ShowReview(call, glass));
        if (found.Count > size) response.NextPageToken = PageToken.Of(found[size - 1].BreakGlassId);
        return Task.FromResult(response);
    }

    public override Task<Wire.ReviewBreakGlassResponse> ReviewBreakGlass(Wire.ReviewBreakGlassRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        RealText.Require(request.Reason, "reason");
        var id = Guid.Parse(request.BreakGlassId);
        call.Touches("break-glass", id);
        if (call.Read.FindBrokenGlass(id) is not { } glass || !AgenciesOf(call).Contains(glass.AgencyKey, StringComparer.Ordinal))
            throw new Refusal(Wire.ErrorReason.NotFound);
        if (call.Replayed is null) Review(call, glass, request);
        return Task.FromResult(new Wire.ReviewBreakGlassResponse { Review = ShowReview(call, glass) });
    }

    private BrokenGlass Break(Call call, string nationalId)
    {
        var (agency, actorId, today) = (call.Agency, call.Context!.Actor.PersonId, WorkingDays.DateOf(call.Now));
        // Glass that breaks unheard stays whole: the notices below are in the same commit, and somebody must be there to read them (B43).
        var office = OfficeOf(call, agency) ?? throw new Refusal(Wire.ErrorReason.SecurityOfficeMissing, ("agency", BrokenGlass.KeyOf(agency)));
        var key = BrokenGlass.KeyOf(agency);
        var right = call.Read.RightOf(key);
        right.Require(key, actorId, today);
        var person = call.Read.FindPerson(call.Vault, nationalId);
        var glass = new BrokenGlass
        {
            BreakGlassId = call.NewId(), AgencyKey = key, Number = call.Read.LastNumber(key) + 1, UnitId = call.Unit.UnitId, ActorId = actorId,
            Jurisdiction = agency.Jurisdiction, PersonId = person?.Id, Subject = call.Vault.Pseudonyms.OfNationalId(nationalId), Basis = call.Context.LegalBasis,
            BrokenAt = call.Now, Until = call.Now + BrokenGlass.OpenFor, DueOn = calendar.After(today, BrokenGlass.ReviewWorkingDays),
            Reached = right.ReachedBy(actorId, call.Now, settings), Version = 1,
        };
        glass.Justification = call.Vault.SealText(glass.Jurisdiction, BreakGlassQueries.JustificationColumn, glass.BreakGlassId, call.Context.Justification);
        call.Change.Add(glass);
        call.Change.Key!.Outcome = glass.BreakGlassId.ToString();
        Tell(call, glass, office, person is null ? null : Links.Of(call.Read, person).PrimaryFor(person.Id));
        return glass;
    }

    /// <summary>The primary unit and the officers of both agencies hear of it in the same commit; of a reached limit, those of this agency.</summary>
    private static void Tell(Call call, BrokenGlass glass, string office, CaseLink? primary)
    {
        var offices = new SortedSet<string>(StringComparer.Ordinal) { office };
        if (primary is { } concerned)
        {
            Notify(call, glass, concerned.UnitId, Wire.NoticeKind.GlassBroken, concerned.CaseId);
            if (call.Members.FindUnit(concerned.UnitId) is { } unit && OfficeOf(call, unit.Agency) is { } theirs) offices.Add(theirs);
        }

        foreach (var told in offices) Notify(call, glass, told, Wire.NoticeKind.GlassBroken);
        if (glass.Reached != ReachedLimits.None) Notify(call, glass, office, Wire.NoticeKind.BreakGlassLimitReached);
    }

    private static void Review(Call call, BrokenGlass glass, Wire.ReviewBreakGlassRequest request)
    {
        var current = Etag.Of(glass);
        glass.Review(request.Verdict, call.Agency.Jurisdiction, call.Context!.Actor.PersonId, call.Now);
        if (request.Etag.Length > 0 && !string.Equals(request.Etag, current, StringComparison.Ordinal))
            throw new Refusal(Wire.ErrorReason.ConcurrentChange, ("etag", current));
        glass.VerdictReason = call.Vault.SealText(glass.Jurisdiction, BreakGlassQueries.ReasonColumn, glass.BreakGlassId, request.Reason);
        call.Change.Update(glass);
        Notify(call, glass, glass.UnitId, Wire.NoticeKind.BreakGlassReviewed);
        call.Change.Key!.Outcome = glass.BreakGlassId.ToString();
    }

    private static void Notify(Call call, BrokenGlass glass, string unitId, Wire.NoticeKind kind, Guid? caseId = null) =>
        call.Change.Notify(new NoticeDraft(unitId, kind, null, caseId) { BreakGlassId = glass.BreakGlassId });

    /// <summary>The unit whose inbox an agency's officers read; null: none that is active.</summary>
    private static string? OfficeOf(Call call, Agency agency) =>
        call.Members.FindUnit(agency.SecurityUnitId) is { IsActive: true } office ? office.UnitId : null;

    /// <summary>Agencies whose officers the acting unit's are.</summary>
    private static List<string> AgenciesOf(Call call) =>
        [.. call.Members.Agencies.Where(a => string.Equals(a.SecurityUnitId, call.Unit.UnitId, StringComparison.Ordinal)).Select(BrokenGlass.KeyOf)];

    private static Wire.OpenedGlass Show(Call call, BrokenGlass glass)
    {
        call.Touches("break-glass", glass.BreakGlassId);
        var wire = new Wire.OpenedGlass
        {
            BreakGlassId = glass.BreakGlassId.ToString(), BrokenAt = Timestamp.FromDateTimeOffset(glass.BrokenAt), Until = Timestamp.FromDateTimeOffset(glass.Until),
            ReviewDueOn = DateText(glass.DueOn),
        };
        if (glass.PersonId is not { } personId || call.Read.FindPerson(call.Vault, personId) is not { } person) return wire;
        call.Consider(call.Ask(RelationshipSet.Of(Wire.Relationship.Serving), person.Row.Jurisdiction) with { BreakGlass = true });
        if (Links.OfPerson(call.Read, personId).PrimaryFor(personId) is { } primary)
        {
            wire.CaseId = primary.CaseId.ToString();
            call.Touches("case", primary.CaseId);
        }

        return wire;
    }

    private static Wire.BreakGlassReview ShowReview(Call call, BrokenGlass glass)
    {
        call.Touches("break-glass", glass.BreakGlassId);
        call.ConcernsPseudonym(glass.Subject);
        call.Consider(call.Ask(RelationshipSet.Of(Wire.Relationship.None), glass.Jurisdiction) with { BreakGlass = true });
        return new Wire.BreakGlassReview
        {
            BreakGlassId = glass.BreakGlassId.ToString(), UnitId = glass.UnitId, PersonId = glass.ActorId, LegalBasis = glass.Basis,
            BrokenAt = Timestamp.FromDateTimeOffset(glass.BrokenAt), Until = Timestamp.FromDateTimeOffset(glass.Until), ReviewDueOn = DateText(glass.DueOn),
            Overdue = glass.IsOverdue(WorkingDays.DateOf(call.Now)), Subject = glass.Subject,
            Justification = call.Vault.OpenText(BreakGlassQueries.JustificationColumn, glass.BreakGlassId, glass.Justification),
            Verdict = glass.Verdict,
            VerdictReason = glass.VerdictReason.Length == 0 ? "" : call.Vault.OpenText(BreakGlassQueries.ReasonColumn, glass.BreakGlassId, glass.VerdictReason),
            ReviewedAt = glass.ReviewedAt is { } at ? Timestamp.FromDateTimeOffset(at) : null, ReviewerId = glass.ReviewerId, Etag = Etag.Of(glass),
        };
    }

    private static string DateText(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
