using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>What ends with a unit's part in a case, and with the case, in the same commit: access follows from a live step and ends with it (R-NTK-17).</summary>
internal static class CaseEndings
{
    /// <summary>The unit takes part no more. What was shared with it is over, nobody of it has the case in hand, and its goals that are worked on pass to another unit.</summary>
    /// <param name="heirUnitId">Unit that answers for those goals from now on.</param>
    public static void EndPart(this Call call, SharedCase shared, CaseParticipant part, string heirUnitId)
    {
        part.End(call.Now);
        call.Change.Update(part);
        EndSharing(call, shared, part.UnitId);
        if (call.Read.FindWorker(shared.File.CaseId, part.UnitId) is { } worker)
        {
            (worker.WorkerPersonId, worker.SupervisorPersonId) = ("", "");
            call.Change.Update(worker);
        }

        call.PassGoalsOn(shared, part.UnitId, heirUnitId);
        call.Raise(new CasePartEnded(shared.File.CaseId, part.UnitId));
    }

    /// <summary>A proposal of the primary role is void, because the unit that made it or the one it was made to is no longer what it was.</summary>
    public static void EndProposal(this Call call, SharedCase shared, string toldUnitId)
    {
        if (!shared.File.IsProposed) return;
        shared.File.ProposedUnitId = "";
        call.Tell(toldUnitId, Wire.NoticeKind.PrimaryProposalEnded, shared);
    }

    /// <summary>The case is over for everybody: closed, until it may be opened again.</summary>
    public static void EndCase(this Call call, SharedCase shared)
    {
        foreach (var part in shared.Present.ToList())
        {
            if (part.Role == Wire.ParticipantRole.Invited)
            {
                part.End(call.Now);
                call.Tell(part.UnitId, Wire.NoticeKind.CaseClosed, shared);
            }
            else
            {
                // It stays the unit that answered for the case, and may open it again.
                part.EndedAt = call.Now;
                call.Raise(new CasePartEnded(shared.File.CaseId, part.UnitId));
            }

            call.Change.Update(part);
        }

        shared.File.EndedAt = call.Now;
        foreach (var subject in shared.Subjects) call.Change.Update(new CaseSubjectRow { CaseId = shared.File.CaseId, PersonId = subject, IsOpen = false });
        EndSharing(call, shared, unitId: null);
        call.Raise(new CaseClosed(shared.File.CaseId));
    }

    /// <summary>Tells a unit of something in the case; the acting unit knows.</summary>
    public static void Tell(this Call call, string unitId, Wire.NoticeKind kind, SharedCase shared)
    {
        if (!string.Equals(unitId, call.Unit.UnitId, StringComparison.Ordinal)) call.Change.Notify(new NoticeDraft(unitId, kind, null, shared.File.CaseId));
    }

    /// <summary>Shares of notes end for good, so that a unit that is back, or a case that is opened again, does not find them open; the ledger says when.</summary>
    private static void EndSharing(Call call, SharedCase shared, string? unitId)
    {
        var caseIds = call.Read.WithMerged(shared.File.CaseId);
        foreach (var share in call.Read.OpenSharesOfCases(caseIds, unitId, call.Now))
        {
            share.Until = call.Now;
            call.Change.Update(share);
        }

        foreach (var line in call.Read.OpenDisclosuresOfCases(caseIds, unitId))
        {
            if (!line.IsOpenAt(call.Now)) continue;
            line.EndedAt = call.Now;
            call.Change.Update(line);
        }
    }
}
