using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>Facts of a case and its notes for the need-to-know decision.</summary>
internal static class CasePolicy
{
    /// <summary>Decides on the case for the acting unit by its part in it; no part, no case.</summary>
    public static (Decision Decision, CaseParticipant Part) DecideOn(this Call call, SharedCase shared)
    {
        var part = shared.File.State == Wire.CaseState.Open ? shared.PartOf(call.Unit.UnitId) : null;
        var relationships = part is null ? RelationshipSet.None : Standing.OfParticipant(part.Role);
        var isProtected = part is not null && call.Read.HasProtected(shared.SubjectsOf(part));
        return (call.Decide(call.Ask(relationships, shared.File.Jurisdiction) with { ProtectedAddress = isProtected }), part!);
    }

    /// <summary>
    /// May the acting unit read this note? Its own always; another's where that unit shared it with this one, the share has not ended, and the note's own
    /// class is permitted too (R-NTK-8, R-NTK-17).
    /// </summary>
    public static bool MayRead(this Call call, SharedCase shared, CaseParticipant part, CaseNote note, IReadOnlyList<NoteShareRow> shares)
    {
        var own = string.Equals(note.AuthorUnitId, call.Unit.UnitId, StringComparison.Ordinal);
        var share = shares.FirstOrDefault(s => string.Equals(s.UnitId, call.Unit.UnitId, StringComparison.Ordinal) && s.IsOpenAt(call.Now));
        if (!own && share is null) return false;
        var decision = call.Consider(call.Ask(Standing.OfParticipant(part.Role), shared.File.Jurisdiction) with
        {
            OwnUnit = own,
            Supplied = own ? ClassSet.Of(note.ConfidentialityClass) : ClassSet.None,
            SharedWithCaller = share is not null,
            ShareBasis = share?.LegalBasis ?? Wire.LegalBasis.Unspecified,
            Shared = share is null ? ClassSet.None : ClassSet.Of(note.ConfidentialityClass, Wire.ConfidentialityClass.CaseNote),
        });
        return decision.Visible.Contains(Wire.ConfidentialityClass.CaseNote) && decision.Visible.Contains(note.ConfidentialityClass);
    }
}
