using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Cli.Policy;

/// <summary>The facts under which two policies are compared; each widens or narrows what the same caller sees.</summary>
[Flags]
internal enum Situations
{
    None = 0,

    /// <summary>Nothing was put forward; nothing is protected.</summary>
    Plain = 1,

    /// <summary>Everything was sent, shared, supplied, put on the agenda and on the scope of the service; the unit holds the case.</summary>
    PutForward = 2,

    /// <summary>The same, and the whereabouts are protected.</summary>
    ProtectedAddress = 4,

    /// <summary>The same, and the unit serves the other party.</summary>
    OtherParty = 8,

    All = Plain | PutForward | ProtectedAddress | OtherParty,
}

/// <summary>A class that callers gain or lose, each part a set of codes of its table: every combination of them.</summary>
internal sealed record VisibilityChange(
    bool Gains, Wire.ConfidentialityClass Class, uint AgencyKinds, uint UnitKinds, uint Relationships, uint Purposes, uint Bases, Situations Situations);

/// <summary>Who gains and who loses which class from one policy to another: every combination of agency kind, unit kind, relationship, purpose and legal basis is asked
/// of both, and what differs is put together into as few lines as it takes.</summary>
internal static class PolicyDiff
{
    private static readonly Situations[] AllSituations = [Situations.Plain, Situations.PutForward, Situations.ProtectedAddress, Situations.OtherParty];

    /// <param name="before">The policy so far.</param>
    /// <param name="after">The policy to come.</param>
    /// <param name="on">Civil date in Taiwan for which both are asked.</param>
    /// <returns>Losses and gains by class, in table order; empty: nobody sees anything else.</returns>
    public static IReadOnlyList<VisibilityChange> Between(NeedToKnowPolicy before, NeedToKnowPolicy after, DateOnly on)
    {
        var units = new Dictionary<Cell, uint>();
        foreach (var agency in Codes<Wire.AgencyKind>())
        foreach (var relationship in Codes<Wire.Relationship>())
        foreach (var purpose in Codes<Wire.Purpose>())
        foreach (var basis in Codes<Wire.LegalBasis>())
        foreach (var situation in AllSituations)
        foreach (var unit in Codes<Wire.UnitKind>())
        {
            var question = Ask(agency, unit, relationship, purpose, basis, situation, on);
            var (old, now) = (before.Decide(question).Visible, after.Decide(question).Visible);
            if (old == now)
                continue;
            Add(gains: true, (now - old).Without(Wire.ConfidentialityClass.NotPersonal));
            Add(gains: false, (old - now).Without(Wire.ConfidentialityClass.NotPersonal));

            void Add(bool gains, ClassSet classes)
            {
                foreach (var one in classes.InTableOrder())
                {
                    var cell = new Cell(gains, one, 1u << (int)agency, 0, 1u << (int)relationship, 1u << (int)purpose, 1u << (int)basis, (uint)situation);
                    units[cell] = units.GetValueOrDefault(cell) | (1u << (int)unit);
                }
            }
        }

        IEnumerable<Cell> cells = units.Select(pair => pair.Key with { Unit = pair.Value });
        cells = Merge(cells, c => c with { Agency = 0 }, (c, set) => c with { Agency = set }, c => c.Agency);
        cells = Merge(cells, c => c with { Basis = 0 }, (c, set) => c with { Basis = set }, c => c.Basis);
        cells = Merge(cells, c => c with { Purpose = 0 }, (c, set) => c with { Purpose = set }, c => c.Purpose);
        cells = Merge(cells, c => c with { Situation = 0 }, (c, set) => c with { Situation = set }, c => c.Situation);
        cells = Merge(cells, c => c with { Relationship = 0 }, (c, set) => c with { Relationship = set }, c => c.Relationship);
        return [.. cells.OrderBy(c => c.Gains).ThenBy(c => c.Class).ThenBy(c => c.Relationship).ThenBy(c => c.Purpose).ThenBy(c => c.Agency).ThenBy(c => c.Unit)
            .Select(c => new VisibilityChange(c.Gains, c.Class, c.Agency, c.Unit, c.Relationship, c.Purpose, c.Basis, (Situations)c.Situation))];
    }

    /// <summary>The codes of a part for people: <c>any</c> where it is the whole table.</summary>
    public static string Text(CodeTable table, uint set) => (table.Known & ~set) == 0 ? "any" : table.Names(set);

    public static NeedToKnowQuestion Ask(
        Wire.AgencyKind agency, Wire.UnitKind unit, Wire.Relationship relationship, Wire.Purpose purpose, Wire.LegalBasis basis, Situations situation, DateOnly on)
    {
        var question = new NeedToKnowQuestion
        {
            AgencyKind = agency,
            UnitKind = unit,
            CallerJurisdiction = Wire.Jurisdiction.Tpe,
            ResourceJurisdiction = Wire.Jurisdiction.Tpe,
            Holdable = ClassSet.All,
            Purpose = purpose,
            LegalBasis = basis,
            Relationships = RelationshipSet.Of(relationship),
            On = on,
        };
        return situation == Situations.Plain
            ? question
            : question with
            {
                Sent = ClassSet.All,
                Supplied = ClassSet.All,
                Agenda = ClassSet.All,
                Shared = ClassSet.All,
                SharedWithCaller = true,
                ShareBasis = basis,
                ServiceScope = ClassSet.All,
                OwnUnit = true,
                Screening = true,
                HoldsCase = true,
                ProtectedAddress = situation is Situations.ProtectedAddress or Situations.OtherParty,
                ServesOtherParty = situation == Situations.OtherParty,
            };
    }

    private static List<Cell> Merge(IEnumerable<Cell> cells, Func<Cell, Cell> without, Func<Cell, uint, Cell> with, Func<Cell, uint> part)
    {
        var merged = new Dictionary<Cell, uint>();
        foreach (var cell in cells)
        {
            var rest = without(cell);
            merged[rest] = merged.GetValueOrDefault(rest) | part(cell);
        }

        return [.. merged.Select(pair => with(pair.Key, pair.Value))];
    }

    private static IEnumerable<T> Codes<T>()
        where T : struct, Enum => Enum.GetValues<T>().Where(code => Convert.ToInt32(code, System.Globalization.CultureInfo.InvariantCulture) != 0);

    private readonly record struct Cell(
        bool Gains, Wire.ConfidentialityClass Class, uint Agency, uint Unit, uint Relationship, uint Purpose, uint Basis, uint Situation);
}
