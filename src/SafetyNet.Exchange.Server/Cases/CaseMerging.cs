using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>
/// How two open cases of one family become one. The case that goes keeps all it holds and says where it went; what is asked of the one that goes on finds it. No unit sees more by it than before,
/// but the unit that is primary of both.
/// </summary>
internal static class CaseMerging
{
    /// <summary>The two belong together and are the acting unit's.</summary>
    public static void Require(Call call, SharedCase goesOn, SharedCase goes)
    {
        if (goes.File.CaseId == goesOn.File.CaseId) throw NotMergeable("itself");
        if (goes.PartOf(call.Unit.UnitId) is not { } part) throw new Refusal(Wire.ErrorReason.NotFound);
        if (part.Role != Wire.ParticipantRole.Primary) throw NotMergeable("other_primary");
        var family = goesOn.Subjects.Select(id => call.Read.FindPerson(call.Vault, id)).OfType<KnownPerson>().SelectMany(p => CaseService.Family(call, p)).Select(p => p.Id).Concat(goesOn.Subjects).ToHashSet();
        if (!goes.Subjects.Exists(family.Contains)) throw NotMergeable("not_one_family");
    }

    /// <summary>Takes the one into the other; both have been moved.</summary>
    public static void Merge(Call call, SharedCase goesOn, SharedCase goes)
    {
        foreach (var part in goesOn.Present.Where(p => p.Role != Wire.ParticipantRole.Primary)) Narrow(call, goesOn, part);
        foreach (var part in goes.Present.ToList()) TakeIn(call, goesOn, goes, part);
        foreach (var subject in goes.Subjects)
        {
            call.Change.UpdateFirst(new CaseSubjectRow { CaseId = goes.File.CaseId, PersonId = subject, IsOpen = false });
            // Two persons who were found to be one may have an open case each, and a third in another's family (R-HH-7).
            var wasInBoth = goesOn.Subjects.Contains(subject);
            foreach (var reference in SamePersons.Merge(goes.File.CaseId, goesOn.File.CaseId, subject, wasInBoth)) call.Change.Write(reference);
            if (wasInBoth) continue;
            call.Change.Add(new CaseSubjectRow { CaseId = goesOn.File.CaseId, PersonId = subject, IsOpen = true, Beside = call.Read.BesideOf(goes.File.CaseId, subject) });
            goesOn.Subjects.Add(subject);
        }

        TakeInMarks(call, goesOn, goes);
        call.Raise(new CasesMerged(goes.File.CaseId, goesOn.File.CaseId));
        foreach (var line in call.Read.OpenDisclosuresOfCases([goes.File.CaseId], unitId: null).Where(line => line.Step != Wire.DisclosureStep.ServiceScope))
        {
            // The view goes on, by the case that goes on.
            line.CaseId = goesOn.File.CaseId;
            call.Change.Update(line);
        }

        foreach (var before in call.Read.MergedInto(goes.File.CaseId))
        {
            before.MergedIntoId = goesOn.File.CaseId;
            call.Change.Update(before);
        }

        (goes.File.MergedIntoId, goes.File.EndedAt) = (goesOn.File.CaseId, call.Now);
        // In the order in which they will be read.
        goesOn.Subjects.Sort();
        goesOn.Participants.Sort((one, other) => string.CompareOrdinal(one.UnitId, other.UnitId));
    }

    /// <summary>"All subjects" of a part are from now on those that there were.</summary>
    private static void Narrow(Call call, SharedCase shared, CaseParticipant part)
    {
        if (part.PersonIds.Length == 0) part.PersonIds = IdList.ToBytes(shared.Subjects);
        call.Change.Update(part);
    }

    private static void TakeIn(Call call, SharedCase goesOn, SharedCase goes, CaseParticipant part)
    {
        part.EndedAt = call.Now;
        call.Change.Update(part);
        var protective = part.Protective;
        call.EndDisclosures(goes.Scope, part.UnitId);
        if (part.Role == Wire.ParticipantRole.Primary)
        {
            Share(call, goesOn, goesOn.Primary, protective, goes.Subjects);
            TakeInWorker(call, goesOn, goes, part.UnitId);
            return;
        }

        var persons = goes.SubjectsOf(part).ToList();
        if (goesOn.PartOf(part.UnitId) is not { } own)
        {
            own = goesOn.Add(part.UnitId, part.Role, part.ServiceList, persons, call.Now);
            call.Keep(own);
            Share(call, goesOn, own, protective, persons);
        }
        else if (own.Role == Wire.ParticipantRole.Serving && part.Role == Wire.ParticipantRole.Invited)
        {
            // It serves already; what it was asked besides it may be asked again.
            return;
        }
        else if (own.Role == Wire.ParticipantRole.Invited && part.Role == Wire.ParticipantRole.Serving)
        {
            (own.Role, own.Services, own.PersonIds, own.Since) = (part.Role, part.Services, IdList.ToBytes(persons), call.Now);
            Share(call, goesOn, own, protective.Common(own.Protective, call.Now), persons);
        }
        else
        {
            own.Services = own.Services == 0 || part.Services == 0 ? 0 : own.Services | part.Services;
            own.PersonIds = IdList.ToBytes(IdList.FromBytes(own.PersonIds).Union(persons));
            // A class that was on the scope for the persons of one case only is put onto it anew by who may do so (R-NTK-9).
            Share(call, goesOn, own, protective.Common(own.Protective, call.Now), persons);
        }

        if (own.Role == Wire.ParticipantRole.Invited) call.Tell(own.UnitId, Wire.NoticeKind.CaseInvitation, goesOn);
        TakeInWorker(call, goesOn, goes, part.UnitId);
    }

    /// <summary>Protective classes of a part after the merging, with what the ledger says of them.</summary>
    private static void Share(Call call, SharedCase goesOn, CaseParticipant part, ProtectiveScope protective, IEnumerable<Guid> persons)
    {
        var before = part.Protective.At(call.Now);
        if (part.Role == Wire.ParticipantRole.Primary) protective = part.Protective.Joined(protective, call.Now);
        part.Protective = protective;
        var after = protective.At(call.Now);
        call.Change.Update(part);
        call.EndDisclosures(goesOn.Scope, part.UnitId, before - after);
        call.Disclose(goesOn.Scope, persons, part.UnitId, after, call.Context!.LegalBasis, protective.Until);
        if (!(before - after).IsEmpty) call.Tell(part.UnitId, Wire.NoticeKind.ViewNarrowed, goesOn);
    }

    private static void TakeInWorker(Call call, SharedCase goesOn, SharedCase goes, string unitId)
    {
        var row = call.Read.FindWorker(goesOn.File.CaseId, unitId);
        if (row is { WorkerPersonId.Length: > 0 } || call.Read.FindWorker(goes.File.CaseId, unitId) is not { } worker) return;
        var taken = row ?? new CaseWorkerRow { CaseId = goesOn.File.CaseId, UnitId = unitId, Version = 1 };
        (taken.WorkerPersonId, taken.SupervisorPersonId) = (worker.WorkerPersonId, worker.SupervisorPersonId);
        if (row is null) call.Change.Add(taken);
        else call.Change.Update(taken);
    }

    /// <summary>Who is the other party in one of the two is it in both together (R-NTK-10).</summary>
    private static void TakeInMarks(Call call, SharedCase goesOn, SharedCase goes)
    {
        var known = call.Read.OtherPartiesOf(goesOn.File.CaseId);
        foreach (var mark in call.Read.OtherPartiesOf(goes.File.CaseId).Where(mark => mark.LiftedAt is null))
        {
            var own = known.Find(o => call.Read.KeptIndex(o.NationalIdIndex).AsSpan().SequenceEqual(call.Read.KeptIndex(mark.NationalIdIndex)));
            if (own is { LiftedAt: null }) continue;
            var taken = own ?? new OtherPartyRow { CaseId = goesOn.File.CaseId, NationalIdIndex = mark.NationalIdIndex, MarkId = call.NewId() };
            (taken.MarkedByUnitId, taken.MarkedAt, taken.LiftedAt) = (mark.MarkedByUnitId, mark.MarkedAt, null);
            taken.Reason = call.Vault.SealText(goesOn.File.Jurisdiction, CaseQueries.OtherPartyColumn, taken.MarkId, call.Vault.OpenText(CaseQueries.OtherPartyColumn, mark.MarkId, mark.Reason));
            if (own is null) call.Change.Add(taken);
            else call.Change.Update(taken);
        }
    }

    private static Refusal NotMergeable(string problem) =>
        new(Wire.ErrorReason.CasesNotMergeable, ("problem", problem), ("field", "merged_case_id"), ("rule", problem is "other_primary" ? "R-CASE-7" : "R-CASE-1"));
}
