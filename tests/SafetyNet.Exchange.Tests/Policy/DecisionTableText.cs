using System.Numerics;
using System.Text;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Tests.Policy;

/// <summary>
/// The table of all decisions as text that a person can review by its changes. A part is written as what it adds to (+) or takes from (-) the part that it
/// goes beyond, and left out where it does neither, so that one changed rule changes few lines.
/// </summary>
internal static class DecisionTableText
{
    private const string Any = "any";
    private const string But = "any but ";

    private const string Preface =
        """
        # Every decision of the need-to-know policy: agency kind x unit kind x relationship x purpose x basis x facts. Generated; do not edit. A test compares it with
        # the policy in force, says in words what changed and how to renew this file.
        #
        # [RELATIONSHIP, PURPOSE, facts]: what these show beyond the facts that they build on (`sent` on `plain`), and CASE_COORDINATION and CRISIS_RESPONSE beyond
        # SERVICE_DELIVERY; a part that is not there adds nothing. A line: + shown, - withheld, class: bases; agency kinds; unit kinds. PUBLIC_STATUS is a class like any.
        # Facts are in full: `sent` is every class sent. NOT_PERSONAL goes with every answer and is left out.

        """;

    public static string Write(DecisionTable table)
    {
        var text = new StringBuilder(Preface.ReplaceLineEndings("\n")).Append('\n');
        foreach (var purpose in DecisionTable.Purposes)
            text.Append("bases of ").Append(Code(purpose)).Append(": ").Append(CodeTable.Bases.Names(table.Carried(purpose))).Append('\n');

        foreach (var situation in DecisionTable.Situations)
        {
            var cells = table[situation];
            var under = Expected(situation, part => table[part], table.Carried(situation.Purpose));
            var gained = Block.Of(Minus(cells, under)).ToList();
            var lost = Block.Of(Minus(under, cells)).ToList();
            if (gained.Count + lost.Count == 0)
                continue;
            text.Append("\n[").Append(CodeTable.Relationships.Names(CodeTable.Relationships.BitOf((int)situation.Relationship))).Append(", ").Append(Code(situation.Purpose))
                .Append(", ").Append(situation.Facts).Append("]\n");
            foreach (var block in gained)
                Append(text, '+', block, table.Carried(situation.Purpose));
            foreach (var block in lost)
                Append(text, '-', block, table.Carried(situation.Purpose));
        }

        return text.ToString();
    }

    /// <summary>The table that a text holds.</summary>
    /// <exception cref="FormatException">A line is not as <see cref="Write"/> writes it.</exception>
    public static DecisionTable Read(string text)
    {
        var carried = new Dictionary<Wire.Purpose, uint>();
        var parts = new Dictionary<string, List<(bool Shown, string Line)>>(StringComparer.Ordinal);
        List<(bool, string)>? part = null;
        foreach (var line in text.Split('\n').Where(line => line.Length != 0 && line[0] != '#'))
        {
            if (line.StartsWith("bases of ", StringComparison.Ordinal))
            {
                var (name, bases) = Halves(line["bases of ".Length..], ": ");
                carried.Add(DecisionTable.Purposes.Single(purpose => Code(purpose) == name), bases.Split(", ").Aggregate(0u, (all, code) => all | Bit(CodeTable.Bases, code)));
            }
            else if (line[0] == '[')
            {
                parts.Add(line[1..^1], part = []);
            }
            else if (part is not null && line[0] is '+' or '-')
            {
                part!.Add((line[0] == '+', line[2..]));
            }
            else
            {
                throw new FormatException($"not a line of a decision table: {line}");
            }
        }

        var cells = new Dictionary<Situation, uint[]>();
        foreach (var situation in DecisionTable.Situations)
        {
            var own = carried.GetValueOrDefault(situation.Purpose);
            var shown = Expected(situation, part => cells[part], own);
            var name = $"{CodeTable.Relationships.Names(CodeTable.Relationships.BitOf((int)situation.Relationship))}, {Code(situation.Purpose)}, {situation.Facts}";
            if (parts.Remove(name, out var lines))
            {
                foreach (var (set, line) in lines)
                    Parse(line, own).Put(shown, set);
            }

            cells.Add(situation, shown);
        }

        return parts.Count == 0 ? DecisionTable.Of(carried, cells) : throw new FormatException($"no such part: [{parts.Keys.First()}]");
    }

    /// <summary>What one table shows otherwise than another, in words, each difference with where it appears; none: the tables are the same.</summary>
    /// <param name="before">The table that is known.</param>
    /// <param name="after">The table to hold against it.</param>
    /// <param name="parts">Parts to look at; null: all.</param>
    public static IEnumerable<string> Differences(DecisionTable before, DecisionTable after, IEnumerable<Situation>? parts = null)
    {
        var found = new Dictionary<string, List<Situation>>(StringComparer.Ordinal);
        foreach (var situation in parts ?? DecisionTable.Situations)
        {
            var (old, young) = (before[situation], after[situation]);
            if (old.AsSpan().SequenceEqual(young))
                continue;
            var carried = before.Carried(situation.Purpose) | after.Carried(situation.Purpose);
            foreach (var (blocks, verb) in (ReadOnlySpan<(IEnumerable<Block>, string)>)[(Block.Of(Minus(young, old)), "gains"), (Block.Of(Minus(old, young)), "loses")])
            {
                foreach (var block in blocks)
                {
                    var words = $"{Who(block)} as {CodeTable.Relationships.Names(CodeTable.Relationships.BitOf((int)situation.Relationship))} "
                        + $"under {Set(CodeTable.Bases, block.Bases, carried).Replace(Any, "any basis", StringComparison.Ordinal)} {verb} {block.ClassName}";
                    if (!found.TryGetValue(words, out var where))
                        found.Add(words, where = []);
                    where.Add(situation);
                }
            }
        }

        return found.Select(f =>
        {
            var facts = f.Value.Select(s => s.Facts).Distinct(StringComparer.Ordinal).ToList();
            return $"{f.Key}, for {string.Join(", ", f.Value.Select(s => Code(s.Purpose)).Distinct(StringComparer.Ordinal))}"
                + $"; facts: {(facts.Count > 4 ? $"{facts[0]} and {facts.Count - 1} others" : string.Join(" | ", facts))}";
        });
    }

    /// <summary>What a part shows if nothing is said of it: the same as the facts that it goes beyond; for the other purposes of service the same as SERVICE_DELIVERY, but for
    /// what the purpose itself adds or takes where nothing is put forward. Parts before it in order are known.</summary>
    private static uint[] Expected(Situation situation, Func<Situation, uint[]> known, uint carried)
    {
        var beyond = TableFacts.All.Single(facts => facts.Name == situation.Facts).Beyond;
        if (situation.Purpose is not (Wire.Purpose.CaseCoordination or Wire.Purpose.CrisisResponse))
            return beyond is null ? DecisionTable.NoCells() : WithinBases(known(situation with { Facts = beyond }), carried);

        var service = WithinBases(known(situation with { Purpose = Wire.Purpose.ServiceDelivery }), carried);
        if (beyond is null)
            return service;
        var servicePlain = WithinBases(known(situation with { Purpose = Wire.Purpose.ServiceDelivery, Facts = TableFacts.Plain }), carried);
        var plain = known(situation with { Facts = TableFacts.Plain });
        return [.. service.Select((cell, at) => (cell & ~(servicePlain[at] & ~plain[at])) | (plain[at] & ~servicePlain[at]))];
    }

    private static uint[] WithinBases(uint[] cells, uint bases)
    {
        var within = (uint[])cells.Clone();
        var perBasis = within.Length / DecisionTable.Bases.Length;
        for (var basis = 0; basis < DecisionTable.Bases.Length; basis++)
        {
            if ((bases & DecisionTable.Bit(DecisionTable.Bases[basis])) == 0)
                within.AsSpan(basis * perBasis, perBasis).Clear();
        }

        return within;
    }

    private static uint[] Minus(uint[] left, uint[] right) => [.. left.Zip(right, (one, other) => one & ~other)];

    private static void Append(StringBuilder text, char sign, Block block, uint carried) => text.Append(sign).Append(' ').Append(block.ClassName).Append(": ")
        .Append(Set(CodeTable.Bases, block.Bases, carried)).Append("; ").Append(Set(CodeTable.AgencyKinds, block.AgencyKinds, CodeTable.AgencyKinds.Known)).Append("; ")
        .Append(Set(CodeTable.UnitKinds, block.UnitKinds, CodeTable.UnitKinds.Known)).Append('\n');

    private static Block Parse(string line, uint carried)
    {
        var (name, sets) = Halves(line, ": ");
        var parts = sets.Split("; ");
        var one = name == (default(Block) with { Class = DecisionTable.GuardiansOnly }).ClassName ? DecisionTable.GuardiansOnly : Bit(CodeTable.Classes, name);
        return parts.Length == 3
            ? new Block(one, Bits(CodeTable.Bases, parts[0], carried), Bits(CodeTable.AgencyKinds, parts[1], CodeTable.AgencyKinds.Known), Bits(CodeTable.UnitKinds, parts[2], CodeTable.UnitKinds.Known))
            : throw new FormatException($"not bases, agency kinds and unit kinds: {line}");
    }

    private static string Who(Block block)
    {
        var (agencies, units) = (Set(CodeTable.AgencyKinds, block.AgencyKinds, CodeTable.AgencyKinds.Known), Set(CodeTable.UnitKinds, block.UnitKinds, CodeTable.UnitKinds.Known));
        return BitOperations.PopCount(block.AgencyKinds) == 1 && BitOperations.PopCount(block.UnitKinds) == 1 ? $"{agencies}/{units}" : $"({agencies})/({units})";
    }

    private static string Set(CodeTable table, uint set, uint all) =>
        set == all ? Any
        : BitOperations.PopCount(all & ~set) * 2 < BitOperations.PopCount(set) ? But + table.Names(all & ~set)
        : table.Names(set);

    private static uint Bits(CodeTable table, string text, uint all) =>
        text == Any ? all
        : text.StartsWith(But, StringComparison.Ordinal) ? all & ~Codes(table, text[But.Length..])
        : Codes(table, text);

    private static uint Codes(CodeTable table, string codes) => codes.Split(", ").Aggregate(0u, (all, code) => all | Bit(table, code));

    private static uint Bit(CodeTable table, string code) => table.TryParse(code, out var bit) ? bit : throw new FormatException($"unknown code '{code}'");

    private static (string, string) Halves(string line, string by)
    {
        var at = line.IndexOf(by, StringComparison.Ordinal);
        return at > 0 ? (line[..at], line[(at + by.Length)..]) : throw new FormatException($"no '{by}' in: {line}");
    }

    private static string Code(Wire.Purpose purpose) => CodeTable.Purposes.Names(CodeTable.Purposes.BitOf((int)purpose));
}
