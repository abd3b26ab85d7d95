using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>A step that shows data of persons to a unit.</summary>
/// <param name="Kind">Kind of the step.</param>
/// <param name="Id">Its id.</param>
/// <param name="CaseId">Case that it belongs to; null: none.</param>
internal readonly record struct SharingStep(Wire.DisclosureStep Kind, Guid Id, Guid? CaseId = null);

/// <summary>
/// Keeps the disclosure ledger (揭露帳, R-NTK-17) in the commit of the step that shares: whoever opens a view says so here, and whoever ends or narrows it too.
/// </summary>
internal static class Disclosing
{
    /// <summary>The acting unit's step shows these classes of these persons to a unit from now on.</summary>
    /// <param name="call">The call that makes the step.</param>
    /// <param name="step">The step.</param>
    /// <param name="personIds">Whose data.</param>
    /// <param name="toUnitId">The receiver.</param>
    /// <param name="classes">Classes shown; those that are not personal are left out, and nothing is written where none is left.</param>
    /// <param name="basis">Basis of the disclosure.</param>
    /// <param name="until">First instant at which it is over by its own terms; null: with the step.</param>
    /// <param name="fromUnitId">Unit that discloses; null: the acting one.</param>
    public static void Disclose(this Call call, SharingStep step, IEnumerable<Guid> personIds, string toUnitId, ClassSet classes, Wire.LegalBasis basis, DateTimeOffset? until,
        string? fromUnitId = null)
    {
        classes &= ClassSet.Personal;
        if (classes.IsEmpty) return;
        foreach (var personId in personIds)
        {
            call.Change.Add(new DisclosureRow
            {
                DisclosureId = call.NewId(), PersonId = personId, Step = step.Kind, StepId = step.Id, CaseId = step.CaseId, FromUnitId = fromUnitId ?? call.Unit.UnitId,
                ToUnitId = toUnitId, Classes = classes.Bits, Purpose = call.Context!.Purpose, LegalBasis = basis, At = call.Now, Until = until, Version = 1,
            });
        }
    }

    /// <summary>Ends what a step shows; to one unit or to all, of some classes or of all.</summary>
    /// <param name="call">The call that ends it.</param>
    /// <param name="step">The step.</param>
    /// <param name="toUnitId">Receiver whose view ends; null: every one.</param>
    /// <param name="classes">Classes that end; null: all.</param>
    public static void EndDisclosures(this Call call, SharingStep step, string? toUnitId = null, ClassSet? classes = null)
    {
        foreach (var line in call.Read.DisclosuresOfStep(step.Kind, step.Id))
        {
            var ended = line.Classes & (classes ?? ClassSet.All).Bits;
            if (!line.IsOpenAt(call.Now) || ended == 0 || (toUnitId is not null && !string.Equals(toUnitId, line.ToUnitId, StringComparison.Ordinal))) continue;
            if (ended == line.Classes) line.EndedAt = call.Now;
            else call.Change.Add(line.Split(ended, call.NewId(), call.Now));
            call.Change.Update(line);
        }
    }
}
