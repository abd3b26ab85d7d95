using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>Who of a unit has which case in hand (R-CASE-1, R-CASE-4). A unit's own matter beside the case: the case keeps its version.</summary>
internal static class CaseWork
{
    /// <summary>Most cases that one call moves to another worker: its record names each of them.</summary>
    private const int MostReassigned = 200;

    /// <summary>Workers of a case by unit, with what this call changes.</summary>
    public static Dictionary<string, CaseWorkerRow> WorkersNow(Call call, Guid caseId)
    {
        var workers = call.Read.WorkersOf(caseId).ToDictionary(w => w.UnitId, StringComparer.Ordinal);
        foreach (var changed in call.Change.Added.Concat(call.Change.Updated).OfType<CaseWorkerRow>().Where(w => w.CaseId == caseId)) workers[changed.UnitId] = changed;
        return workers;
    }

    /// <summary>The acting unit says who of it has the case in hand.</summary>
    public static void Assign(Call call, SharedCase shared, Wire.AssignWorkersRequest request)
    {
        var part = shared.PartOf(call.Unit.UnitId) ?? throw new Refusal(Wire.ErrorReason.NotFound);
        var current = Etag.Of(shared.File);
        shared.File.Move(Wire.CaseAction.AssignWorkers, shared.PartyOf(part));
        CaseSteps.RequireCurrent(request.Etag, current, CodeText.Of(shared.File.State));
        // A unit that leaves in this instant has nobody in the case afterwards.
        call.Change.Hold(shared.Held);
        var row = call.Read.FindWorker(shared.File.CaseId, part.UnitId);
        var worker = row ?? new CaseWorkerRow { CaseId = shared.File.CaseId, UnitId = part.UnitId, Version = 1 };
        worker.WorkerPersonId = request.WorkerPersonId;
        if (request.SupervisorPersonId.Length > 0) worker.SupervisorPersonId = request.SupervisorPersonId;
        if (row is null) call.Change.Add(worker);
        else call.Change.Update(worker);
        if (request.CaseloadRole != Wire.CaseloadRole.Unspecified) StateRole(call, request.WorkerPersonId, request.CaseloadRole);
        CaseSteps.Record(call, shared, Wire.CaseAction.AssignWorkers, CaseSteps.Words(call, shared, ""));
        call.Change.Key!.Outcome = shared.File.CaseId.ToString();
    }

    /// <summary>Moves the cases of one worker of the acting unit to another.</summary>
    public static Wire.ReassignWorkerResponse Reassign(Call call, Wire.ReassignWorkerRequest request)
    {
        if (string.Equals(request.FromPersonId, request.ToPersonId, StringComparison.Ordinal))
            throw Refusal.InvalidField(new FieldFault("to_person_id", FieldFaultKind.NotAllowedHere));
        var response = new Wire.ReassignWorkerResponse();
        if (call.Replayed is { } made)
        {
            // What the first call moved, whatever has become of the cases since.
            response.CaseIds.Add(call.Read.CasesOfBatch(Guid.Parse(made)).Select(id => id.ToString()));
            response.CasesLeft = call.Read.CasesOfWorker(call.Unit.UnitId, request.FromPersonId).Count;
            return response;
        }

        var cases = call.Read.CasesOfWorker(call.Unit.UnitId, request.FromPersonId);
        var batch = call.NewId();
        foreach (var caseId in cases.Take(MostReassigned))
        {
            var worker = call.Read.FindWorker(caseId, call.Unit.UnitId)!;
            worker.WorkerPersonId = request.ToPersonId;
            call.Change.Update(worker);
            call.Change.Add(new CaseMoveRow
            {
                MoveId = call.NewId(), CaseId = caseId, Action = Wire.CaseAction.AssignWorkers, State = Wire.CaseState.Open, MovedAt = call.Now, UnitId = call.Unit.UnitId,
                PersonId = call.Context!.Actor.PersonId, BatchId = batch,
            });
            call.Touches("case", caseId);
            response.CaseIds.Add(caseId.ToString());
        }

        response.CasesLeft = Math.Max(0, cases.Count - MostReassigned);
        call.Change.Key!.Outcome = batch.ToString();
        return response;
    }

    private static void StateRole(Call call, string personId, Wire.CaseloadRole role)
    {
        var row = call.Read.FindUnitWorker(call.Unit.UnitId, personId);
        if (row?.Role == role) return;
        var worker = row ?? new UnitWorkerRow { UnitId = call.Unit.UnitId, PersonId = personId, Version = 1 };
        worker.Role = role;
        if (row is null) call.Change.Add(worker);
        else call.Change.Update(worker);
    }
}
