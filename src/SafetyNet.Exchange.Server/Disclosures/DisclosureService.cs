using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Disclosures;

/// <summary>The RPCs of the disclosure ledger and of corrections (R-NTK-17): load, decide, change, answer.</summary>
internal sealed class DisclosureService : Wire.DisclosureService.DisclosureServiceBase, IReactTo<SharedDataCorrected>
{
    private static readonly Guid AfterEverything = new("ffffffff-ffff-ffff-ffff-ffffffffffff");

    public override Task<Wire.ListDisclosuresResponse> ListDisclosures(Wire.ListDisclosuresRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var isAudit = call.Context!.Purpose == Wire.Purpose.Audit;
        if (isAudit && call.Context.Actor.Role != Wire.ActorRole.SecurityOfficer)
            throw new Refusal(Wire.ErrorReason.RoleNotAllowed, ("role", CodeText.Of(call.Context.Actor.Role)), ("allowed", CodeText.Of(Wire.ActorRole.SecurityOfficer)));
        var person = FindPerson(call, request);
        var response = new Wire.ListDisclosuresResponse();
        if (isAudit && person is null) return Task.FromResult(response);
        if (person is null) throw new Refusal(Wire.ErrorReason.NotFound);
        var mayKnow = isAudit ? OfficersView(call) : DisclosurePolicy.LedgerView(call, person);
        var size = request.PageSize == 0 ? 50 : request.PageSize;
        var before = PageToken.Read(request.PageToken, AfterEverything);
        // A page is full when it has that many lines that may be known, so that its length does not tell of others.
        for (var more = true; more && response.NextPageToken.Length == 0;)
        {
            var found = call.Read.DisclosuresOfPerson(person.Id, before, size);
            more = found.Count == size;
            foreach (var line in found)
            {
                if (mayKnow(line) is { IsEmpty: false } classes)
                {
                    if (response.Entries.Count == size)
                    {
                        response.NextPageToken = PageToken.Of(before);
                        break;
                    }

                    response.Entries.Add(ToWire(call, line, classes));
                }

                before = line.DisclosureId;
            }
        }

        return Task.FromResult(response);
    }

    public override Task<Wire.NarrowDisclosureResponse> NarrowDisclosure(Wire.NarrowDisclosureRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var stepId = Guid.Parse(request.StepId);
        var given = GivenBy(call, request.Step, stepId).Where(line => string.Equals(line.ToUnitId, request.ToUnitId, StringComparison.Ordinal)).ToList();
        if (given.Count == 0) throw new Refusal(Wire.ErrorReason.NotFound);
        foreach (var id in given.Select(line => line.PersonId).Distinct())
            if (call.Read.FindPerson(call.Vault, id) is { } person) call.Concerns(person);
        var open = new ClassSet(given.Where(line => line.IsOpenAt(call.Now)).Aggregate(0u, (bits, line) => bits | line.Classes));
        var response = new Wire.NarrowDisclosureResponse();
        if (call.Replayed is not null)
        {
            response.ClassesLeft.Add(open.InTableOrder());
            return Task.FromResult(response);
        }

        if (open.IsEmpty) throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", "ENDED"), ("action", "NARROW"), ("allowed", ""));
        var step = new SharingStep(request.Step, stepId, given[0].CaseId);
        var removed = request.Classes.Count == 0 ? open : ClassSet.FromWire(request.Classes) & open;
        if (!removed.IsEmpty)
        {
            var narrowed = new ViewNarrowed(step, request.ToUnitId, removed);
            call.Raise(narrowed);
            if (!narrowed.IsDone) throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", "OPEN"), ("action", "NARROW"), ("allowed", "AMEND, WITHDRAW"));
            call.EndDisclosures(step, request.ToUnitId, removed);
            call.Change.Notify(new NoticeDraft(request.ToUnitId, Wire.NoticeKind.ViewNarrowed, request.Step == Wire.DisclosureStep.Referral ? stepId : null, step.CaseId));
        }

        call.Change.Key!.Outcome = request.StepId;
        response.ClassesLeft.Add((open - removed).InTableOrder());
        return Task.FromResult(response);
    }

    public override Task<Wire.CorrectSharedDataResponse> CorrectSharedData(Wire.CorrectSharedDataRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var nationalId = NationalId.Parse(request.NationalId).Canonical;
        call.Concerns(nationalId);
        if (call.Replayed is { } made)
        {
            var before = call.Read.FindCorrection(Guid.Parse(made)) ?? throw new Refusal(Wire.ErrorReason.NotFound);
            return Task.FromResult(new Wire.CorrectSharedDataResponse { Correction = ToWire(call, before, call.Read.ReceiversOf(before.CorrectionId)) });
        }

        var stepId = Guid.Parse(request.StepId);
        var person = call.Read.FindPerson(call.Vault, nationalId);
        var given = GivenBy(call, request.Step, stepId)
            .Where(line => line.PersonId == person?.Id && new ClassSet(line.Classes).Contains(request.ConfidentialityClass)).ToList();
        if (given.Count == 0) throw new Refusal(Wire.ErrorReason.NotFound);
        var text = new Wire.CorrectedText { ConfidentialityClass = request.ConfidentialityClass, Wrong = request.Wrong, Right = request.Right };
        var (correction, receivers) = Send(call, person!.Id, new SharingStep(request.Step, stepId, given[0].CaseId), text, given);
        call.Change.Key!.Outcome = correction.CorrectionId.ToString();
        return Task.FromResult(new Wire.CorrectSharedDataResponse { Correction = ToWire(call, correction, receivers) });
    }

    /// <summary>The author of a note amends what others hold: each of them once, by the person that its line is about.</summary>
    public void React(Call call, SharedDataCorrected happened)
    {
        var text = new Wire.CorrectedText { ConfidentialityClass = happened.ConfidentialityClass, Wrong = happened.Wrong, Right = happened.Right };
        var lines = GivenBy(call, happened.Step.Kind, happened.Step.Id).Where(line => new ClassSet(line.Classes).Contains(happened.ConfidentialityClass));
        foreach (var person in lines.OrderBy(line => line.PersonId).DistinctBy(line => line.ToUnitId, StringComparer.Ordinal).GroupBy(line => line.PersonId))
            Send(call, person.Key, happened.Step, text, [.. person]);
    }

    public override Task<Wire.GetCorrectionResponse> GetCorrection(Wire.GetCorrectionRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var (correction, receiver) = Received(call, request.CorrectionId);
        var person = call.Read.FindPerson(call.Vault, correction.PersonId) ?? throw new Refusal(Wire.ErrorReason.NotFound);
        call.Concerns(person);
        // Access follows the live step: whose view of the class has ended is told by ListCorrections that it was corrected, and no content.
        var line = call.Read.DisclosuresOfStep(correction.Step, correction.StepId).Find(l => l.PersonId == correction.PersonId && l.IsOpenAt(call.Now)
            && string.Equals(l.ToUnitId, call.Unit.UnitId, StringComparison.Ordinal) && new ClassSet(l.Classes).Contains(correction.ConfidentialityClass))
            ?? throw new Refusal(Wire.ErrorReason.NotFound);
        call.Decide(DisclosurePolicy.QuestionOf(call, person, correction, line));
        var text = call.Vault.OpenFacts(Wire.CorrectedText.Parser, CorrectionQueries.TextColumn, correction.CorrectionId, correction.Sealed);
        return Task.FromResult(new Wire.GetCorrectionResponse { Correction = ToWire(call, correction, [receiver]), Texts = { text } });
    }

    public override Task<Wire.ListCorrectionsResponse> ListCorrections(Wire.ListCorrectionsRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var size = request.PageSize == 0 ? 50 : request.PageSize;
        var before = PageToken.Read(request.PageToken, AfterEverything);
        var found = request.Sent
            ? call.Read.CorrectionsSentBy(call.Unit.UnitId, request.UnacknowledgedOnly, before, size + 1)
            : call.Read.CorrectionsSentTo(call.Unit.UnitId, request.UnacknowledgedOnly, before, size + 1);
        var response = new Wire.ListCorrectionsResponse();
        foreach (var correction in found.Take(size))
        {
            call.Touches("correction", correction.CorrectionId);
            var receivers = call.Read.ReceiversOf(correction.CorrectionId);
            response.Corrections.Add(ToWire(call, correction, request.Sent ? receivers : receivers.Where(r => IsOwn(call, r.UnitId))));
        }

        if (found.Count > size) response.NextPageToken = PageToken.Of(found[size - 1].CorrectionId);
        return Task.FromResult(response);
    }

    public override Task<Wire.AcknowledgeCorrectionResponse> AcknowledgeCorrection(Wire.AcknowledgeCorrectionRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var (correction, receiver) = Received(call, request.CorrectionId);
        if (call.Replayed is null && receiver.AcknowledgedAt is null)
        {
            receiver.AcknowledgedAt = call.Now;
            call.Change.Update(receiver);
            Notify(call, correction.FromUnitId, Wire.NoticeKind.CorrectionAcknowledged, correction);
        }

        if (call.Change.Key is { } key) key.Outcome = correction.CorrectionId.ToString();
        return Task.FromResult(new Wire.AcknowledgeCorrectionResponse { Correction = ToWire(call, correction, [receiver]) });
    }

    /// <summary>Sends a correction to everyone who holds it or held it: what was copied out while the view was open is wrong there still.</summary>
    private static (Correction Correction, List<CorrectionReceiver> Receivers) Send(Call call, Guid personId, SharingStep step, Wire.CorrectedText text, List<DisclosureRow> given)
    {
        var correction = new Correction
        {
            CorrectionId = call.NewId(), PersonId = personId, Jurisdiction = call.Agency.Jurisdiction, Step = step.Kind, StepId = step.Id, CaseId = step.CaseId,
            ConfidentialityClass = text.ConfidentialityClass, FromUnitId = call.Unit.UnitId, At = call.Now,
        };
        correction.Sealed = call.Vault.SealFacts(correction.Jurisdiction, CorrectionQueries.TextColumn, correction.CorrectionId, text);
        call.Change.Add(correction);
        call.Touches("correction", correction.CorrectionId);
        var receivers = given.Select(line => line.ToUnitId).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
            .Select(unit => new CorrectionReceiver { CorrectionId = correction.CorrectionId, UnitId = unit }).ToList();
        foreach (var receiver in receivers)
        {
            call.Change.Add(receiver);
            Notify(call, receiver.UnitId, Wire.NoticeKind.DataCorrected, correction);
        }

        return (correction, receivers);
    }

    private static KnownPerson? FindPerson(Call call, Wire.ListDisclosuresRequest request)
    {
        if (request.PersonCase == Wire.ListDisclosuresRequest.PersonOneofCase.NationalId)
        {
            var nationalId = NationalId.Parse(request.NationalId).Canonical;
            call.Concerns(nationalId);
            return call.Read.FindPerson(call.Vault, nationalId);
        }

        var person = call.Read.FindPerson(call.Vault, Guid.Parse(request.PersonId));
        if (person is not null) call.Concerns(person);
        return person;
    }

    /// <summary>An officer sees what units of its own jurisdiction gave or were given, one of the central level all; the classes as they stand in the log.</summary>
    private static Func<DisclosureRow, ClassSet> OfficersView(Call call) => line =>
        call.Agency.Jurisdiction == Wire.Jurisdiction.Tw || IsOfJurisdiction(call, line.FromUnitId) || IsOfJurisdiction(call, line.ToUnitId)
            ? new ClassSet(line.Classes)
            : ClassSet.None;

    private static bool IsOfJurisdiction(Call call, string unitId) => call.Members.FindUnit(unitId)?.Agency.Jurisdiction == call.Agency.Jurisdiction;

    private static bool IsOwn(Call call, string unitId) => string.Equals(unitId, call.Unit.UnitId, StringComparison.Ordinal);

    private static IEnumerable<DisclosureRow> GivenBy(Call call, Wire.DisclosureStep step, Guid stepId)
    {
        call.Touches("step", stepId);
        return call.Read.DisclosuresOfStep(step, stepId).Where(line => IsOwn(call, line.FromUnitId));
    }

    private static (Correction Correction, CorrectionReceiver Receiver) Received(Call call, string correctionId)
    {
        var id = Guid.Parse(correctionId);
        call.Touches("correction", id);
        return call.Read.FindCorrection(id) is { } correction && call.Read.ReceiversOf(id).Find(r => IsOwn(call, r.UnitId)) is { } receiver
            ? (correction, receiver)
            : throw new Refusal(Wire.ErrorReason.NotFound);
    }

    private static void Notify(Call call, string unitId, Wire.NoticeKind kind, Correction correction) =>
        call.Change.Notify(new NoticeDraft(unitId, kind, null, null, $"correction/{correction.CorrectionId}"));

    private static Wire.DisclosureEntry ToWire(Call call, DisclosureRow line, ClassSet classes) => new()
    {
        DisclosureId = line.DisclosureId.ToString(), Step = line.Step, StepId = line.StepId.ToString(), FromUnitId = line.FromUnitId, ToUnitId = line.ToUnitId,
        Classes = { classes.InTableOrder() }, Purpose = line.Purpose, LegalBasis = line.LegalBasis, DisclosedAt = Timestamp.FromDateTimeOffset(line.At),
        Until = ToWire(line.Until), EndedAt = ToWire(line.EndedAt), Open = line.IsOpenAt(call.Now),
    };

    private static Wire.Correction ToWire(Call call, Correction correction, IEnumerable<CorrectionReceiver> receivers)
    {
        call.Touches("correction", correction.CorrectionId);
        var wire = new Wire.Correction
        {
            CorrectionId = correction.CorrectionId.ToString(), Step = correction.Step, StepId = correction.StepId.ToString(),
            ConfidentialityClass = correction.ConfidentialityClass, FromUnitId = correction.FromUnitId, CorrectedAt = Timestamp.FromDateTimeOffset(correction.At),
        };
        wire.Receivers.Add(receivers.Select(r => new Wire.CorrectionReceiver { UnitId = r.UnitId, AcknowledgedAt = ToWire(r.AcknowledgedAt) }));
        return wire;
    }

    private static Timestamp? ToWire(DateTimeOffset? at) => at is { } instant ? Timestamp.FromDateTimeOffset(instant) : null;
}
