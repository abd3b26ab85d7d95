using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>How a closed case is opened again (R-CASE-8).</summary>
internal static class CaseReopening
{
    /// <summary>A case that is opened again before so many months are over counts as reopened (1年內再被開案).</summary>
    private const int CountingMonths = 12;

    public static CaseMoveRow Reopen(Call call, SharedCase shared, CaseParticipant part, string reason)
    {
        RealText.Require(reason, "reason");
        foreach (var subject in shared.Subjects)
        {
            if (Links.OfPerson(call.Read, subject).Cases.Any()) throw new Refusal(Wire.ErrorReason.CaseAlreadyOpen, ("rule", "R-INT-4"));
            if (call.Read.FindPerson(call.Vault, subject) is { } person) call.Concerns(person);
            call.Change.Update(new CaseSubjectRow { CaseId = shared.File.CaseId, PersonId = subject, IsOpen = true });
        }

        if (shared.File.EndedAt is { } ended) shared.File.IsReopenedWithinYear |= CountsAsReopened(ended, call.Now);
        (shared.File.EndedAt, shared.File.ReopenedAt, part.EndedAt) = (null, call.Now, null);
        call.Change.Update(part);
        return CaseSteps.Words(call, shared, reason);
    }

    /// <summary>By civil dates: the day of the closing twelve months later is the last that counts. Pure.</summary>
    public static bool CountsAsReopened(DateTimeOffset endedAt, DateTimeOffset reopenedAt) =>
        CivilDate.InTaiwan(reopenedAt) <= CivilDate.InTaiwan(endedAt).AddMonths(CountingMonths);
}
