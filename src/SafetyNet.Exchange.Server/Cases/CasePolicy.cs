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
        if (part is null or { Role: Wire.ParticipantRole.Invited } && shared.File.State == Wire.CaseState.Open) part = FindVisitor(call, shared) ?? part;
        var standing = part is null ? Standing.None : StandingOf(part);
        var isProtected = part is not null && call.Read.HasProtected(shared.SubjectsOf(part));
        return (call.Decide(call.Ask(standing.Relationships, shared.File.Jurisdiction) with
        {
            ProtectedAddress = isProtected, Granted = standing.Granted, BreakGlass = standing.BreakGlass,
        }), part!);
    }

    /// <summary>
    /// May the acting unit read this note? Its own always; another's where that unit shared it with this one, the share has not ended, and the note's own
    /// class is permitted too (R-NTK-8, R-NTK-17); by a grant, where it opens CASE_NOTE and that class (R-NTK-12); by a break-glass, where the note is of
    /// a class that is open to it, so not a worker's own record (R-NTK-11).
    /// </summary>
    public static bool MayRead(this Call call, SharedCase shared, CaseParticipant part, CaseNote note, IReadOnlyList<NoteShareRow> shares)
    {
        var own = string.Equals(note.AuthorUnitId, call.Unit.UnitId, StringComparison.Ordinal);
        var share = shares.FirstOrDefault(s => string.Equals(s.UnitId, call.Unit.UnitId, StringComparison.Ordinal) && s.IsOpenAt(call.Now));
        var standing = StandingOf(part);
        if (!own && share is null && standing.Granted.IsEmpty && !standing.BreakGlass) return false;
        var decision = call.Consider(call.Ask(standing.Relationships, shared.File.Jurisdiction) with
        {
            Granted = standing.Granted,
            BreakGlass = standing.BreakGlass && note.ConfidentialityClass != Wire.ConfidentialityClass.CaseNote,
            OwnUnit = own,
            Supplied = own ? ClassSet.Of(note.ConfidentialityClass) : ClassSet.None,
            SharedWithCaller = share is not null,
            ShareBasis = share?.LegalBasis ?? Wire.LegalBasis.Unspecified,
            Shared = share is null ? ClassSet.None : ClassSet.Of(note.ConfidentialityClass, Wire.ConfidentialityClass.CaseNote),
        });
        return decision.Visible.Contains(Wire.ConfidentialityClass.CaseNote) && decision.Visible.Contains(note.ConfidentialityClass);
    }

    private static Standing StandingOf(CaseParticipant part) =>
        part is CaseVisitor visitor ? visitor.Standing : new Standing(Standing.OfParticipant(part.Role), ClassSet.None);

    /// <summary>Who takes no part, but has a grant on a subject of this case, or broke the glass for one, and names it.</summary>
    private static CaseVisitor? FindVisitor(Call call, SharedCase shared)
    {
        if (!call.NamesPermission()) return null;
        foreach (var subject in shared.Subjects)
        {
            var links = Links.OfPerson(call.Read, subject);
            var standing = call.StandingByPermission(links with { Grants = [.. links.Grants.Where(g => g.CaseId == shared.File.CaseId)] }, subject);
            if (standing.Relationships.IsEmpty) continue;
            return new CaseVisitor
            {
                CaseId = shared.File.CaseId, UnitId = call.Unit.UnitId, PersonIds = IdList.ToBytes([subject]), Since = call.Now, Standing = standing,
            };
        }

        return null;
    }
}

/// <summary>A unit that sees one subject of a case for a time without taking part in it; never stored.</summary>
internal sealed class CaseVisitor : CaseParticipant
{
    public Standing Standing { get; init; }
}
