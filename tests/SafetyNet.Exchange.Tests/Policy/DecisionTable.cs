using System.Collections.Concurrent;
using System.Numerics;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Tests.Policy;

/// <summary>What a unit's standing and the facts are in one part of the table.</summary>
/// <param name="Relationship">The one relationship that the unit has.</param>
/// <param name="Purpose">What it asks for.</param>
/// <param name="Facts">Name of a <see cref="TableFacts"/>.</param>
internal readonly record struct Situation(Wire.Relationship Relationship, Wire.Purpose Purpose, string Facts);

/// <summary>Facts that a part of the table is about, in full: what someone put forward are all classes.</summary>
/// <param name="Name">As the golden file names them.</param>
/// <param name="Beyond">Facts that they add to or take from; null: none.</param>
/// <param name="Put">Sets them in a question that has nothing put forward and nothing protected.</param>
internal sealed record TableFacts(string Name, string? Beyond, Func<NeedToKnowQuestion, NeedToKnowQuestion> Put)
{
    public const string Plain = "plain";
    private const string Sent = "sent";
    private const string Shared = "shared";

    public static IReadOnlyList<TableFacts> All { get; } =
    [
        new(Plain, Beyond: null, q => q),
        new(Sent, Plain, q => q with { Sent = ClassSet.All }),
        new(Shared, Plain, q => q with { Shared = ClassSet.All, SharedWithCaller = true }),
        .. Enum.GetValues<Wire.LegalBasis>().Where(basis => basis != Wire.LegalBasis.Unspecified).Select(basis => new TableFacts(
            $"shared under {CodeTable.Bases.Names(CodeTable.Bases.BitOf((int)basis))}", Shared, q => q with { Shared = ClassSet.All, SharedWithCaller = true, ShareBasis = basis })),
        new("shared with another unit", Plain, q => q with { Shared = ClassSet.All, ShareBasis = Wire.LegalBasis.SubjectWaiver }),
        new("supplied", Plain, q => q with { Supplied = ClassSet.All }),
        new("own", Plain, q => q with { OwnUnit = true }),
        new("own, supplied", "own", q => q with { OwnUnit = true, Supplied = ClassSet.All }),
        new("agenda", Plain, q => q with { Agenda = ClassSet.All }),
        new("scope", Plain, q => q with { ServiceScope = ClassSet.All }),
        new("agenda, scope", "agenda", q => q with { Agenda = ClassSet.All, ServiceScope = ClassSet.All }),
        new("granted", Plain, q => q with { Granted = ClassSet.All }),
        new("revealed", Plain, q => q with { Revealed = ClassSet.All }),
        new("break-glass", Plain, q => q with { BreakGlass = true }),
        new("screening", Plain, q => q with { Screening = true }),
        new("holds the case", Plain, q => q with { HoldsCase = true }),
        new("protected address", Plain, q => q with { ProtectedAddress = true }),
        new("protected address, sent", Sent, q => q with { ProtectedAddress = true, Sent = ClassSet.All }),
        new("protected address, serves the other party", "protected address", q => q with { ProtectedAddress = true, ServesOtherParty = true }),
        new("serves the other party", Plain, q => q with { ServesOtherParty = true }),
        new("other jurisdiction", Plain, q => q with { ResourceJurisdiction = Wire.Jurisdiction.Khh }),
        new("other jurisdiction, caller of the central level", Plain, q => q with { CallerJurisdiction = Wire.Jurisdiction.Tw }),
    ];
}

/// <summary>Which classes are shown in all combinations of agency kind, unit kind, relationship, purpose, basis and facts: by a policy, or by the golden file.</summary>
internal sealed class DecisionTable
{
    /// <summary>Bit that no class has: HOUSEHOLD is shown as guardians only.</summary>
    public const uint GuardiansOnly = 1;

    public static Wire.AgencyKind[] AgencyKinds { get; } = Known<Wire.AgencyKind>();

    public static Wire.UnitKind[] UnitKinds { get; } = Known<Wire.UnitKind>();

    public static Wire.LegalBasis[] Bases { get; } = Known<Wire.LegalBasis>();

    public static Wire.Purpose[] Purposes { get; } = Known<Wire.Purpose>();

    public static Wire.Relationship[] Relationships { get; } = Known<Wire.Relationship>();

    /// <summary>Every part of the table, the facts that others go beyond first.</summary>
    public static IEnumerable<Situation> Situations { get; } =
        [.. from relationship in Relationships from purpose in Purposes from facts in TableFacts.All select new Situation(relationship, purpose, facts.Name)];

    private readonly Func<Situation, uint[]> cells;

    private DecisionTable(Func<Wire.Purpose, uint> carried, Func<Situation, uint[]> cells) => (Carried, this.cells) = (carried, cells);

    /// <summary>Bits of the bases that carry a purpose for any kind of agency.</summary>
    public Func<Wire.Purpose, uint> Carried { get; }

    /// <summary>The table of a policy; each part is decided when it is asked for.</summary>
    public static DecisionTable Of(NeedToKnowPolicy policy)
    {
        var carried = Purposes.ToDictionary(purpose => purpose, purpose => Bases.Where(basis => IsCarried(policy, purpose, basis)).Aggregate(0u, (all, basis) => all | Bit(basis)));
        var decided = new ConcurrentDictionary<Situation, uint[]>();
        return new DecisionTable(purpose => carried[purpose], situation => decided.GetOrAdd(situation, Decide));

        uint[] Decide(Situation situation) => DecisionTable.Decide(policy, situation, carried[situation.Purpose]);
    }

    /// <summary>A table that was read.</summary>
    public static DecisionTable Of(IReadOnlyDictionary<Wire.Purpose, uint> carried, IReadOnlyDictionary<Situation, uint[]> cells) =>
        new(purpose => carried.GetValueOrDefault(purpose), situation => cells[situation]);

    /// <summary>Classes shown in a part of the table, a mask for each cell; NOT_PERSONAL, which goes with every answer, is left out.</summary>
    public uint[] this[Situation situation] => cells(situation);

    /// <summary>Place of a cell among those of its part, by the places of its codes.</summary>
    public static int Cell(int basis, int agencyKind, int unitKind) => (((basis * AgencyKinds.Length) + agencyKind) * UnitKinds.Length) + unitKind;

    public static uint[] NoCells() => new uint[Bases.Length * AgencyKinds.Length * UnitKinds.Length];

    public static uint Bit(Wire.LegalBasis basis) => CodeTable.Bases.BitOf((int)basis);

    private static bool IsCarried(NeedToKnowPolicy policy, Wire.Purpose purpose, Wire.LegalBasis basis) =>
        AgencyKinds.Any(kind => policy.AskBasis(purpose, basis, kind, Some.Today).Standing == BasisStanding.Carries);

    private static uint[] Decide(NeedToKnowPolicy policy, Situation situation, uint carried)
    {
        var plain = Some.Question(situation.Relationship) with { Purpose = situation.Purpose };
        var question = TableFacts.All.Single(facts => facts.Name == situation.Facts).Put(plain);
        var notPersonal = CodeTable.Classes.BitOf((int)Wire.ConfidentialityClass.NotPersonal);
        var shown = NoCells();
        for (var basis = 0; basis < Bases.Length; basis++)
        {
            // What a basis shows that does not carry the purpose, NeedToKnowPolicyTests and BaselineTableTests ask.
            if ((carried & Bit(Bases[basis])) == 0)
                continue;
            var at = Cell(basis, 0, 0);
            foreach (var agencyKind in AgencyKinds)
            foreach (var unitKind in UnitKinds)
            {
                var decision = policy.Decide(question with { LegalBasis = Bases[basis], AgencyKind = agencyKind, UnitKind = unitKind });
                shown[at++] = (decision.Visible.Bits & ~notPersonal) | ((decision.Obligations & Obligations.GuardiansOnly) != Obligations.None ? GuardiansOnly : 0);
            }
        }

        return shown;
    }

    private static T[] Known<T>()
        where T : struct, Enum => [.. Enum.GetValues<T>().Where(value => !value.Equals(default(T)))];
}

/// <summary>A class that goes to some units under some bases: what one line of the golden file, or of a difference, says.</summary>
/// <param name="Class">Bit of the class, or <see cref="DecisionTable.GuardiansOnly"/>.</param>
/// <param name="Bases">Under any of these.</param>
/// <param name="AgencyKinds">Units of any of these agencies ...</param>
/// <param name="UnitKinds">... that are of any of these kinds.</param>
internal readonly record struct Block(uint Class, uint Bases, uint AgencyKinds, uint UnitKinds)
{
    public string ClassName => Class == DecisionTable.GuardiansOnly ? "HOUSEHOLD-GUARDIANS-ONLY" : CodeTable.Classes.Names(Class);

    /// <summary>The cells that hold a class, in the fewest blocks that units alike under the same bases make; the same cells give the same blocks.</summary>
    public static IEnumerable<Block> Of(uint[] cells)
    {
        for (var rest = cells.Aggregate(0u, (all, cell) => all | cell); rest != 0; rest &= rest - 1)
        {
            var one = rest & (~rest + 1);
            var unitsByAgencyAndBases = new Dictionary<(uint Agency, uint Bases), uint>();
            for (var agency = 0; agency < DecisionTable.AgencyKinds.Length; agency++)
            for (var unit = 0; unit < DecisionTable.UnitKinds.Length; unit++)
            {
                var bases = 0u;
                for (var basis = 0; basis < DecisionTable.Bases.Length; basis++)
                {
                    if ((cells[DecisionTable.Cell(basis, agency, unit)] & one) != 0)
                        bases |= DecisionTable.Bit(DecisionTable.Bases[basis]);
                }

                if (bases == 0)
                    continue;
                var key = (CodeTable.AgencyKinds.BitOf((int)DecisionTable.AgencyKinds[agency]), bases);
                unitsByAgencyAndBases[key] = unitsByAgencyAndBases.GetValueOrDefault(key) | CodeTable.UnitKinds.BitOf((int)DecisionTable.UnitKinds[unit]);
            }

            foreach (var alike in unitsByAgencyAndBases.GroupBy(u => (u.Key.Bases, Units: u.Value)).OrderByDescending(g => BitOperations.PopCount(g.Key.Bases)).ThenBy(g => g.Min(u => u.Key.Agency)))
                yield return new Block(one, alike.Key.Bases, alike.Aggregate(0u, (all, u) => all | u.Key.Agency), alike.Key.Units);
        }
    }

    /// <summary>Sets, or clears, the class in the cells of this block.</summary>
    public void Put(uint[] cells, bool set)
    {
        for (var basis = 0; basis < DecisionTable.Bases.Length; basis++)
        for (var agency = 0; agency < DecisionTable.AgencyKinds.Length; agency++)
        for (var unit = 0; unit < DecisionTable.UnitKinds.Length; unit++)
        {
            if ((Bases & DecisionTable.Bit(DecisionTable.Bases[basis])) == 0 || (AgencyKinds & CodeTable.AgencyKinds.BitOf((int)DecisionTable.AgencyKinds[agency])) == 0
                || (UnitKinds & CodeTable.UnitKinds.BitOf((int)DecisionTable.UnitKinds[unit])) == 0)
            {
                continue;
            }

            ref var cell = ref cells[DecisionTable.Cell(basis, agency, unit)];
            cell = set ? cell | Class : cell & ~Class;
        }
    }
}
