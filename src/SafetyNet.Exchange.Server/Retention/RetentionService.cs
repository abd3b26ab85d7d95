using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Retention;

/// <summary>The RPCs of legal holds and of what retention does. Each of them is a record itself (R-AUD-4).</summary>
internal sealed class RetentionService(RetentionJob job, RetentionSettings settings) : Wire.RetentionService.RetentionServiceBase
{
    private static readonly Guid Newest = new([.. Enumerable.Repeat((byte)0xff, 16)]);

    public override Task<Wire.PlaceLegalHoldResponse> PlaceLegalHold(Wire.PlaceLegalHoldRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var pseudonym = request.SubjectCase == Wire.PlaceLegalHoldRequest.SubjectOneofCase.NationalId
            ? call.Vault.Pseudonyms.OfNationalId(NationalId.Parse(request.NationalId).Canonical) : request.Pseudonym;
        if (pseudonym.Length > 0 && !Pseudonymizer.IsText(pseudonym)) throw Refusal.InvalidField(new FieldFault("pseudonym", FieldFaultKind.NotOpaque));
        if (pseudonym.Length > 0) call.ConcernsPseudonym(pseudonym);
        RequireSomething(request, pseudonym);
        RealText.Require(request.Reason, "reason");
        var hold = call.Replayed is { } made ? call.Read.FindHold(Guid.Parse(made))! : Place(call, request, pseudonym);
        call.Touches(HoldQueries.ResourceKind, hold.HoldId);
        var response = new Wire.PlaceLegalHoldResponse { Hold = hold.Open(call.Vault) };
        if (request.NationalId.Length > 0)
            response.OtherPseudonyms.Add(call.Read.OtherPseudonyms(call.Vault, call.Vault.Index.OfNationalId(NationalId.Parse(request.NationalId).Canonical), call.Agency.Jurisdiction));
        return Task.FromResult(response);
    }

    public override Task<Wire.ReleaseLegalHoldResponse> ReleaseLegalHold(Wire.ReleaseLegalHoldRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        RealText.Require(request.Reason, "reason");
        var within = call.Agency.Jurisdiction;
        if (call.Read.FindHold(Guid.Parse(request.HoldId)) is not { } hold || (within != Wire.Jurisdiction.Tw && hold.Jurisdiction != within))
            throw new Refusal(Wire.ErrorReason.NotFound);
        call.Touches(HoldQueries.ResourceKind, hold.HoldId);
        if (call.Replayed is null) Release(call, hold, request.Reason);
        return Task.FromResult(new Wire.ReleaseLegalHoldResponse { Hold = Show(call, hold) });
    }

    public override Task<Wire.ListLegalHoldsResponse> ListLegalHolds(Wire.ListLegalHoldsRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var size = request.PageSize == 0 ? 50 : request.PageSize;
        var found = call.Read.ListHolds(call.Agency.Jurisdiction, request.OpenOnly, PageToken.Read(request.PageToken, Newest), size + 1);
        var response = new Wire.ListLegalHoldsResponse { Holds = { found.Take(size).Select(hold => Show(call, hold)) } };
        if (found.Count > size) response.NextPageToken = PageToken.Of(found[size - 1].HoldId);
        return Task.FromResult(response);
    }

    public override Task<Wire.GetRetentionResponse> GetRetention(Wire.GetRetentionRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var done = job.LastRun;
        var response = new Wire.GetRetentionResponse
        {
            KeepDays = settings.KeepDays, HeldRecords = done?.Held ?? 0, PurgedRecords = call.Read.CountPurged(), OpenHolds = call.Read.OpenHolds().Count,
            NextRunAt = Timestamp.FromDateTimeOffset(job.NextRunAt),
        };
        if (done is not null) response.LastRunAt = Timestamp.FromDateTimeOffset(done.At);
        foreach (var (position, _, body) in call.Read.ReadKept(0, long.MaxValue, 1))
        {
            response.OldestKeptPosition = (ulong)position;
            response.OldestKeptAt = Wire.AuditRecord.Parser.ParseFrom(body).DecidedAt;
        }

        return Task.FromResult(response);
    }

    private static void RequireSomething(Wire.PlaceLegalHoldRequest request, string pseudonym)
    {
        if (pseudonym.Length == 0 && request.Resource.Length == 0 && request.AgencyCode.Length == 0 && request.After is null && request.Before is null)
            throw Refusal.InvalidField(new FieldFault("subject", FieldFaultKind.SomeRequired, "national_id, pseudonym, resource, agency_code, after, before"));
        if (request.After is { } after && request.Before is { } before && after >= before)
            throw Refusal.InvalidField(new FieldFault("before", FieldFaultKind.NotAfter, "after"));
    }

    private static LegalHold Place(Call call, Wire.PlaceLegalHoldRequest request, string pseudonym)
    {
        var hold = new LegalHold
        {
            HoldId = call.NewId(), Jurisdiction = call.Agency.Jurisdiction, PlacedAt = Instants.Whole(call.Now), PlacedByUnitId = call.Unit.UnitId,
            PlacedByPersonId = call.Context!.Actor.PersonId, Version = 1,
            After = request.After is { } after ? Instants.Whole(after.ToDateTimeOffset()) : null, Before = request.Before is { } before ? Instants.Whole(before.ToDateTimeOffset()) : null,
        };
        hold.Sealed = call.Vault.SealFacts(hold.Jurisdiction, HoldQueries.SealedColumn, hold.HoldId, new Wire.LegalHold
        {
            Pseudonym = pseudonym, Resource = request.Resource, AgencyCode = request.AgencyCode, Reason = request.Reason, Reference = request.Reference,
        });
        call.Change.Add(hold);
        call.Change.Key!.Outcome = hold.HoldId.ToString();
        return hold;
    }

    private static void Release(Call call, LegalHold hold, string reason)
    {
        hold.Release(call.Unit.UnitId, call.Context!.Actor.PersonId, Instants.Whole(call.Now));
        var words = call.Vault.OpenFacts(Wire.LegalHold.Parser, HoldQueries.SealedColumn, hold.HoldId, hold.Sealed);
        words.ReleaseReason = reason;
        hold.Sealed = call.Vault.SealFacts(hold.Jurisdiction, HoldQueries.SealedColumn, hold.HoldId, words);
        call.Change.Update(hold);
        call.Change.Key!.Outcome = hold.HoldId.ToString();
    }

    private static Wire.LegalHold Show(Call call, LegalHold hold)
    {
        var shown = hold.Open(call.Vault);
        if (shown.Pseudonym.Length > 0) call.ConcernsPseudonym(shown.Pseudonym);
        return shown;
    }
}
