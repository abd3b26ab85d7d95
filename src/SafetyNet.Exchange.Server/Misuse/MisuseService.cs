using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Misuse;

/// <summary>The RPCs by which officers prepare the search for misuse and dispose of what it found (R-AUD-7).</summary>
internal sealed class MisuseService(MisuseRules rules) : Wire.MisuseService.MisuseServiceBase
{
    public override Task<Wire.RegisterStaffResponse> RegisterStaff(Wire.RegisterStaffRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        if (!request.Ended && request.NationalId.Length == 0) throw Refusal.InvalidField(new FieldFault("national_id", FieldFaultKind.Required));
        var nationalId = request.NationalId.Length == 0 ? "" : NationalId.Parse(request.NationalId).Canonical;
        if (nationalId.Length > 0) call.Concerns(nationalId);
        if (!call.Members.Agencies.Any(a => a.Jurisdiction == call.Agency.Jurisdiction && string.Equals(a.Code, request.AgencyCode, StringComparison.Ordinal)
            && string.Equals(a.SecurityUnitId, call.Unit.UnitId, StringComparison.Ordinal)))
        {
            throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "the agency's own security office"));
        }

        if (call.Replayed is null) Register(call, request, nationalId);
        return Task.FromResult(new Wire.RegisterStaffResponse { StaffNumber = request.StaffNumber, AgencyCode = request.AgencyCode, Ended = request.Ended });
    }

    public override Task<Wire.PlantCanaryResponse> PlantCanary(Wire.PlantCanaryRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var nationalId = NationalId.Parse(request.NationalId).Canonical;
        call.Concerns(nationalId);
        if (call.Replayed is { } planted) return Task.FromResult(new Wire.PlantCanaryResponse { CanaryId = planted });
        var canary = new Canary
        {
            CanaryId = call.NewId(), Jurisdiction = call.Agency.Jurisdiction, Subject = call.Vault.Pseudonyms.OfNationalId(nationalId), PlantedAt = call.Now,
        };
        call.Touches("canary", canary.CanaryId);
        call.Change.Add(canary);
        call.Change.Key!.Outcome = canary.CanaryId.ToString();
        return Task.FromResult(new Wire.PlantCanaryResponse { CanaryId = canary.CanaryId.ToString() });
    }

    public override Task<Wire.WithdrawCanaryResponse> WithdrawCanary(Wire.WithdrawCanaryRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var id = Guid.Parse(request.CanaryId);
        call.Touches("canary", id);
        if (call.Read.FindCanary(id) is not { } canary || canary.Jurisdiction != call.Agency.Jurisdiction) throw new Refusal(Wire.ErrorReason.NotFound);
        call.ConcernsPseudonym(canary.Subject);
        if (call.Replayed is null)
        {
            if (canary.WithdrawnAt is not null)
                throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", "WITHDRAWN"), ("action", "WITHDRAW"), ("allowed", ""));
            canary.WithdrawnAt = call.Now;
            call.Change.Update(canary);
            call.Change.Key!.Outcome = request.CanaryId;
        }

        return Task.FromResult(new Wire.WithdrawCanaryResponse { WithdrawnAt = Timestamp.FromDateTimeOffset(canary.WithdrawnAt!.Value) });
    }

    public override Task<Wire.ListFindingsResponse> ListFindings(Wire.ListFindingsRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var size = request.PageSize == 0 ? 50 : request.PageSize;
        var filter = new FindingFilter(
            call.Agency.Jurisdiction, request.Rule, request.State, request.ActorPersonId, request.ActorUnitId, request.AgencyCode,
            request.After?.ToDateTimeOffset() ?? DateTimeOffset.UnixEpoch, request.Before?.ToDateTimeOffset() ?? DateTimeOffset.MaxValue);
        var found = call.Read.ListFindings(filter, PageToken.Read(request.PageToken, Guid.AllBitsSet), size + 1);
        var response = new Wire.ListFindingsResponse();
        response.Findings.Add(found.Take(size).Select(Show));
        if (found.Count > size) response.NextPageToken = PageToken.Of(found[size - 1].FindingId);
        return Task.FromResult(response);
    }

    public override Task<Wire.GetFindingResponse> GetFinding(Wire.GetFindingRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var finding = Load(call, request.FindingId);
        var response = new Wire.GetFindingResponse { Finding = Show(finding) };
        response.Dispositions.Add(ShowDispositions(call, finding, call.Read.DispositionsOf(finding.FindingId)));
        return Task.FromResult(response);
    }

    public override Task<Wire.DisposeFindingResponse> DisposeFinding(Wire.DisposeFindingRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        if (request.State is not (Wire.FindingState.Confirmed or Wire.FindingState.Justified or Wire.FindingState.FalseAlarm))
            throw Refusal.InvalidField(new FieldFault("state", FieldFaultKind.NotAllowedHere));
        RealText.Require(request.Note, "note");
        var finding = Load(call, request.FindingId);
        var dispositions = call.Read.DispositionsOf(finding.FindingId);
        if (call.Replayed is null) dispositions.Add(Dispose(call, finding, request));
        var response = new Wire.DisposeFindingResponse { Finding = Show(finding) };
        response.Dispositions.Add(ShowDispositions(call, finding, dispositions));
        return Task.FromResult(response);
    }

    public override Task<Wire.ListMisuseRulesResponse> ListMisuseRules(Wire.ListMisuseRulesRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var counts = call.Read.CountFindings(call.Agency.Jurisdiction);
        var response = new Wire.ListMisuseRulesResponse { Revision = rules.Revision, Sha256 = rules.Sha256 };
        response.Rules.Add(rules.Entries.Select(entry => Show(entry, state => counts.GetValueOrDefault((entry.Id, state)))));
        return Task.FromResult(response);
    }

    private static void Register(Call call, Wire.RegisterStaffRequest request, string nationalId)
    {
        var known = call.Read.FindStaff(call.Agency.Jurisdiction, request.AgencyCode, request.StaffNumber);
        if (request.Ended && known is not { Subject.Length: > 0 }) throw new Refusal(Wire.ErrorReason.NotFound);
        var staff = known ?? new StaffMember { StaffId = call.NewId(), Jurisdiction = call.Agency.Jurisdiction, AgencyCode = request.AgencyCode, ActorId = request.StaffNumber };
        call.Touches("staff", staff.StaffId);
        if (request.Ended)
        {
            // Whoever has left is forgotten: what was found stays, and names nobody.
            call.ConcernsPseudonym(staff.Subject);
            (staff.Subject, staff.NationalIdIndex) = ("", []);
        }
        else
        {
            (staff.Subject, staff.NationalIdIndex) = (call.Vault.Pseudonyms.OfNationalId(nationalId), call.Vault.Index.OfNationalId(nationalId));
        }

        if (known is null) call.Change.Add(staff);
        else call.Change.Update(staff);
        call.Change.Key!.Outcome = staff.StaffId.ToString();
    }

    private static Disposition Dispose(Call call, Finding finding, Wire.DisposeFindingRequest request)
    {
        var (current, officer) = (Etag.Of(finding), call.Context!.Actor.PersonId);
        finding.Dispose(request.State, request.Correction, call.Agency.Jurisdiction, officer);
        if (request.Etag.Length > 0 && !string.Equals(request.Etag, current, StringComparison.Ordinal))
            throw new Refusal(Wire.ErrorReason.ConcurrentChange, ("etag", current));
        var disposition = new Disposition
        {
            DispositionId = call.NewId(), FindingId = finding.FindingId, State = request.State, OfficerId = officer, UnitId = call.Unit.UnitId, DisposedAt = call.Now,
        };
        disposition.Note = call.Vault.SealText(finding.Jurisdiction, MisuseQueries.NoteColumn, disposition.DispositionId, request.Note);
        call.Change.Update(finding);
        call.Change.Add(disposition);
        call.Change.Key!.Outcome = finding.FindingId.ToString();
        return disposition;
    }

    /// <summary>A finding of the officer's concern; of another jurisdiction it is as if absent.</summary>
    private static Finding Load(Call call, string findingId)
    {
        var id = Guid.Parse(findingId);
        call.Touches("finding", id);
        if (call.Read.FindFinding(id) is not { } finding || (call.Agency.Jurisdiction != Wire.Jurisdiction.Tw && call.Agency.Jurisdiction != finding.Jurisdiction))
            throw new Refusal(Wire.ErrorReason.NotFound);
        if (finding.Subject.Length > 0) call.ConcernsPseudonym(finding.Subject);
        return finding;
    }

    /// <summary>The officers' words are opened to officers by the same rule as those of a reveal.</summary>
    private static IEnumerable<Wire.FindingDisposition> ShowDispositions(Call call, Finding finding, List<Disposition> dispositions)
    {
        call.Consider(call.Ask(RelationshipSet.Of(Wire.Relationship.None), finding.Jurisdiction) with { Revealed = ClassSet.Of(Wire.ConfidentialityClass.CaseNote) });
        return dispositions.Select(d => new Wire.FindingDisposition
        {
            State = d.State, Note = call.Vault.OpenText(MisuseQueries.NoteColumn, d.DispositionId, d.Note), OfficerId = d.OfficerId, OfficerUnitId = d.UnitId,
            DisposedAt = Timestamp.FromDateTimeOffset(d.DisposedAt),
        });
    }

    private static Wire.Finding Show(Finding finding)
    {
        var wire = new Wire.Finding
        {
            FindingId = finding.FindingId.ToString(), Rule = finding.Rule, State = finding.State, Jurisdiction = finding.Jurisdiction, AgencyCode = finding.AgencyCode,
            ActorUnitId = finding.UnitId, ActorPersonId = finding.ActorId, Subject = finding.Subject, Records = finding.Records,
            FirstAt = Timestamp.FromDateTimeOffset(finding.FirstAt), LastAt = Timestamp.FromDateTimeOffset(finding.LastAt), RaisedAt = Timestamp.FromDateTimeOffset(finding.RaisedAt),
            RulesRevision = finding.RulesRevision, Etag = Etag.Of(finding),
        };
        wire.Positions.Add(finding.PositionList());
        wire.Numbers.Add(finding.NumberList());
        return wire;
    }

    private static Wire.MisuseRule Show(MisuseRuleEntry entry, Func<Wire.FindingState, long> count)
    {
        var (confirmed, justified, falseAlarms) = (count(Wire.FindingState.Confirmed), count(Wire.FindingState.Justified), count(Wire.FindingState.FalseAlarm));
        var precision = RulePrecision.Of(confirmed, confirmed + justified + falseAlarms);
        var wire = new Wire.MisuseRule
        {
            Rule = entry.Id, TextEn = entry.TextEn, TextZh = entry.TextZh, Source = entry.Source, Open = count(Wire.FindingState.Open), Confirmed = confirmed,
            Justified = justified, FalseAlarms = falseAlarms, PrecisionLow = precision.Low, PrecisionHigh = precision.High,
        };
        if (precision.Share is { } share) wire.Precision = share;
        wire.Parameters.Add(entry.Numbers.Select(n => new Wire.MisuseNumber { Name = n.Key, Value = n.Value }));
        wire.Codes.Add(entry.Codes.Values.SelectMany(codes => codes));
        return wire;
    }
}
