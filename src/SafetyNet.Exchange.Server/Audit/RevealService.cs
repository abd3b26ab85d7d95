using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Audit;

/// <summary>The RPCs by which two officers reveal who stands behind a pseudonym (R-AUD-6, B68).</summary>
internal sealed class RevealService(RevealSettings settings, AuditLog log, SearchIndex search) : Wire.RevealService.RevealServiceBase
{
    private const int RecordsPerPage = 100;

    /// <summary>Pages of the log that are looked through for an access that is no audit.</summary>
    private const int MostPages = 50;

    private static readonly ClassSet Words = ClassSet.Of(Wire.ConfidentialityClass.CaseNote);

    public override Task<Wire.RequestRevealResponse> RequestReveal(Wire.RequestRevealRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        if (!Pseudonymizer.IsText(request.Subject)) throw Refusal.InvalidField(new FieldFault("subject", FieldFaultKind.NotOpaque));
        RealText.Require(request.Reason, "reason");
        call.ConcernsPseudonym(request.Subject);
        var reveal = call.Replayed is { } made ? call.Read.FindReveal(Guid.Parse(made))! : Request(call, request);
        return Task.FromResult(new Wire.RequestRevealResponse { Reveal = Show(call, reveal) });
    }

    public override Task<Wire.DecideRevealResponse> DecideReveal(Wire.DecideRevealRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        if (request.Decision is not (Wire.RevealState.Approved or Wire.RevealState.Declined))
            throw Refusal.InvalidField(new FieldFault("decision", FieldFaultKind.NotAllowedHere));
        RealText.Require(request.Reason, "reason");
        var reveal = Load(call, request.RevealId);
        if (call.Replayed is null) Decide(call, reveal, request);
        return Task.FromResult(new Wire.DecideRevealResponse { Reveal = Show(call, reveal) });
    }

    public override Task<Wire.GetRevealResponse> GetReveal(Wire.GetRevealRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var reveal = Load(call, request.RevealId);
        reveal.RequireShownTo(call.Agency.Jurisdiction, call.Context!.Actor.PersonId, call.Now);
        var response = new Wire.GetRevealResponse { Reveal = Show(call, reveal) };
        call.Consider(Ask(call, reveal, Words | ClassSet.Of(Wire.ConfidentialityClass.Identity)));
        // The number that two officers decided on, and no other of the person's.
        if (reveal.PersonId is { } personId && call.Read.FindEntered(call.Vault, personId) is { } person)
            response.Person = new Wire.RevealedPerson { NationalId = person.Person.NationalId, Name = person.Person.Name };
        return Task.FromResult(response);
    }

    public override Task<Wire.ListRevealsResponse> ListReveals(Wire.ListRevealsRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var size = request.PageSize == 0 ? 50 : request.PageSize;
        var found = call.Read.ListReveals(call.Agency.Jurisdiction, request.UndecidedOnly, call.Now, PageToken.Read(request.PageToken, Guid.Empty), size + 1);
        var response = new Wire.ListRevealsResponse();
        foreach (var reveal in found.Take(size)) response.Reveals.Add(Show(call, reveal));
        if (found.Count > size) response.NextPageToken = PageToken.Of(found[size - 1].RevealId);
        return Task.FromResult(response);
    }

    private Reveal Request(Call call, Wire.RequestRevealRequest request)
    {
        if (!IsOfConcern(call, request.Subject)) throw new Refusal(Wire.ErrorReason.NotFound);
        var reveal = new Reveal
        {
            RevealId = call.NewId(), Jurisdiction = call.Agency.Jurisdiction, Subject = request.Subject, RequesterId = call.Context!.Actor.PersonId, UnitId = call.Unit.UnitId,
            RequestedAt = call.Now, Until = call.Now + TimeSpan.FromDays(settings.DecisionDays),
        };
        reveal.Reason = call.Vault.SealText(reveal.Jurisdiction, RevealQueries.ReasonColumn, reveal.RevealId, request.Reason);
        reveal.Proceeding = call.Vault.SealText(reveal.Jurisdiction, RevealQueries.ProceedingColumn, reveal.RevealId, request.Proceeding);
        call.Change.Add(reveal);
        call.Change.Key!.Outcome = reveal.RevealId.ToString();
        return reveal;
    }

    private void Decide(Call call, Reveal reveal, Wire.DecideRevealRequest request)
    {
        var current = Etag.Of(reveal);
        reveal.Decide(request.Decision, call.Agency.Jurisdiction, call.Context!.Actor.PersonId, call.Unit.UnitId, call.Now, TimeSpan.FromHours(settings.AnswerHours));
        if (request.Etag.Length > 0 && !string.Equals(request.Etag, current, StringComparison.Ordinal))
            throw new Refusal(Wire.ErrorReason.ConcurrentChange, ("etag", current));
        reveal.DecisionReason = call.Vault.SealText(reveal.Jurisdiction, RevealQueries.DecisionColumn, reveal.RevealId, request.Reason);
        if (reveal.State == Wire.RevealState.Approved) reveal.PersonId = call.Read.FindByPseudonym(call.Vault, reveal.Subject);
        call.Change.Update(reveal);
        call.Change.Key!.Outcome = reveal.RevealId.ToString();
    }

    /// <summary>An access of the officer's jurisdiction names the pseudonym; what audits left, its own searches among them, is none (R-NTK-13).</summary>
    private bool IsOfConcern(Call call, string pseudonym)
    {
        var filter = new AccessFilter { Pseudonym = pseudonym, Within = call.Agency.Jurisdiction };
        var below = log.Size;
        for (var pages = 0; pages < MostPages; pages++)
        {
            var page = AccessSearch.Page(call, search, filter, below, RecordsPerPage);
            if (page.Found.Any(found => found.Record.Purpose != Wire.Purpose.Audit)) return true;
            if (page.GoOnBelow is not { } next) return false;
            below = next;
        }

        return false;
    }

    /// <summary>A reveal of the officer's concern; of another jurisdiction it is as if absent.</summary>
    private static Reveal Load(Call call, string revealId)
    {
        var id = Guid.Parse(revealId);
        call.Touches("reveal", id);
        if (call.Read.FindReveal(id) is not { } reveal || (call.Agency.Jurisdiction != Wire.Jurisdiction.Tw && call.Agency.Jurisdiction != reveal.Jurisdiction))
            throw new Refusal(Wire.ErrorReason.NotFound);
        call.ConcernsPseudonym(reveal.Subject);
        return reveal;
    }

    private static NeedToKnowQuestion Ask(Call call, Reveal reveal, ClassSet revealed) =>
        call.Ask(RelationshipSet.Of(Wire.Relationship.None), reveal.Jurisdiction) with { Revealed = revealed };

    /// <summary>What officers of the jurisdiction see of it: the words, never the person.</summary>
    private static Wire.Reveal Show(Call call, Reveal reveal)
    {
        call.Touches("reveal", reveal.RevealId);
        call.ConcernsPseudonym(reveal.Subject);
        call.Consider(Ask(call, reveal, Words));
        return new Wire.Reveal
        {
            RevealId = reveal.RevealId.ToString(), Subject = reveal.Subject, Jurisdiction = reveal.Jurisdiction, State = reveal.StateAt(call.Now),
            RequesterId = reveal.RequesterId, RequesterUnitId = reveal.UnitId, RequestedAt = Timestamp.FromDateTimeOffset(reveal.RequestedAt),
            Reason = call.Vault.OpenText(RevealQueries.ReasonColumn, reveal.RevealId, reveal.Reason),
            Proceeding = call.Vault.OpenText(RevealQueries.ProceedingColumn, reveal.RevealId, reveal.Proceeding),
            Until = reveal.State == Wire.RevealState.Declined ? null : Timestamp.FromDateTimeOffset(reveal.Until), DeciderId = reveal.DeciderId, DeciderUnitId = reveal.DeciderUnitId,
            DecisionReason = reveal.DecisionReason.Length == 0 ? "" : call.Vault.OpenText(RevealQueries.DecisionColumn, reveal.RevealId, reveal.DecisionReason),
            DecidedAt = reveal.DecidedAt is { } at ? Timestamp.FromDateTimeOffset(at) : null, Etag = Etag.Of(reveal),
        };
    }
}
