using System.Globalization;
using System.Text;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Tests.Policy;

/// <summary>docs/need-to-know-matrix.md: for a reader who wants to know which unit sees what, and by which rule. It is made from decisions, not from the rules' text.</summary>
internal sealed class NeedToKnowMatrix
{
    private static readonly (Wire.LegalBasis Basis, string Letter)[] Letters =
    [
        (Wire.LegalBasis.Article6IntegratedService, "6"), (Wire.LegalBasis.SubjectWaiver, "W"), (Wire.LegalBasis.ImminentDanger, "D"), (Wire.LegalBasis.DutyToWarn, "U"),
        (Wire.LegalBasis.StatutoryReport, "R"), (Wire.LegalBasis.LethalInfection, "L"), (Wire.LegalBasis.SuicideRisk, "S"), (Wire.LegalBasis.CriminalCase, "C"),
        (Wire.LegalBasis.ConferenceResolution, "F"), (Wire.LegalBasis.RosterMatchingPlan, "M"), (Wire.LegalBasis.SubjectAccess, "A"), (Wire.LegalBasis.AuditDuty, "T"),
    ];

    /// <summary>Facts that a cell may name, each with those that it is told beyond.</summary>
    private static readonly (string Name, string[] Beyond)[] Facts =
    [
        ("sent", ["plain"]), ("shared", ["sent"]), ("supplied", ["plain"]), ("own", ["plain"]), ("own, supplied", ["own", "supplied"]), ("agenda", ["plain"]), ("scope", ["plain"]),
        ("agenda, scope", ["agenda", "scope"]), ("granted", ["plain"]), ("revealed", ["plain"]), ("break-glass", ["plain"]), ("screening", ["plain"]), ("holds the case", ["plain"]),
    ];

    /// <summary>Offices that see the status only, whatever the table says (R-NTK-6).</summary>
    private static readonly uint Offices = CodeTable.UnitKinds.BitOf((int)Wire.UnitKind.DistrictOffice) | CodeTable.UnitKinds.BitOf((int)Wire.UnitKind.BoroughOffice);

    private readonly NeedToKnowPolicy _policy;
    private readonly DecisionTable _table;
    private readonly Wire.Relationship _relationship;
    private readonly Wire.Purpose _purpose;
    private readonly List<string> _notes = [];

    private NeedToKnowMatrix(NeedToKnowPolicy policy, DecisionTable table, Wire.Relationship relationship, Wire.Purpose purpose) =>
        (_policy, _table, _relationship, _purpose) = (policy, table, relationship, purpose);

    public static string Render(NeedToKnowPolicy policy)
    {
        var table = DecisionTable.Of(policy);
        var text = new StringBuilder(
            $"""
            # Who needs to know what

            Generated from the decisions of the need-to-know policy in force (`need-to-know.json` and `legal-bases.json` in `src/SafetyNet.Exchange.Server/Policy`, revision {policy.Revision}); do not edit. A test compares it with the policy and says how to
            renew it. Every single combination, for comparing two revisions, is in `tests/SafetyNet.Exchange.Tests/Policy/decisions.golden.txt`.

            A table per relationship (R-NTK-3): rows are confidentiality classes, columns kinds of agencies. What is not in a table is withheld; what withholds (at the end) wins over every table.

            - `●`: on every basis that carries the purpose. Letters: only on these bases: {string.Join(", ", Letters.Select(l => $"`{l.Letter}` {Code(l.Basis)}"))}.
            - `sent`: what the sender's view of a referral, or a share with this very unit, opens; `shared`: a share only; `shared under W D`: shared under one of these bases, whatever the basis of the call.
            - `supplied`: as the caller itself supplied it; `own`: a note that it wrote itself; `own, supplied`: what that note tells; `agenda`: what the convenor listed; `scope`: what is on the scope of its service;
              `granted`: what the primary unit granted; `revealed`: what two officers opened by the reveal of a pseudonym; `break-glass`, `screening`, `holds the case`: while that is so. With letters behind: on these bases only.
            - A small number: kinds of units to which something else applies, under the table. DISTRICT_OFFICE and BOROUGH_OFFICE see PUBLIC_STATUS only, and at a conference what is on its agenda.

            PUBLIC_STATUS goes to every relationship but NONE (there with a grant only), for every purpose but STATISTICS and AUDIT (NTK-STATUS), and is left out below.

            """.ReplaceLineEndings("\n"));

        text.Append("\n## Bases of the purposes\n\n| Purpose | Bases | Entries of the registry |\n|---|---|---|\n");
        foreach (var purpose in DecisionTable.Purposes)
        {
            var entries = policy.Registry.Entries.Where(entry => (entry.Rule.When.Purposes & CodeTable.Purposes.BitOf((int)purpose)) != 0).Select(entry => entry.Id);
            text.Append("| ").Append(Code(purpose)).Append(" | ").Append(CodeTable.Bases.Names(table.Carried(purpose))).Append(" | ").AppendJoin(", ", entries).Append(" |\n");
        }

        foreach (var relationship in DecisionTable.Relationships.OrderBy(Order))
        {
            var bodies = DecisionTable.Purposes.Select(purpose => (Purpose: purpose, Text: new NeedToKnowMatrix(policy, table, relationship, purpose).Body()))
                .Where(body => body.Text.Length != 0).ToList();
            foreach (var alike in bodies.GroupBy(body => body.Text, StringComparer.Ordinal))
                text.Append("\n## ").Append(Code(relationship)).Append(" for ").AppendJoin(", ", alike.Select(body => Code(body.Purpose))).Append("\n\n").Append(alike.Key);
            if (bodies.Count == 0)
                text.Append("\n## ").Append(Code(relationship)).Append("\n\nNothing but the status.\n");
        }

        AppendRules(text, "What withholds", policy.Rules.Where(rule => rule.Effect == PolicyEffect.Deny));
        AppendRules(text, "What opens", policy.Contents.Rules.Where(rule => rule.Effect == PolicyEffect.Permit).OrderBy(rule => rule.Id, StringComparer.Ordinal));
        AppendRules(text, "What it stands on (R-NTK-16)", policy.Registry.Entries.Select(entry => entry.Rule).OrderBy(rule => rule.Id, StringComparer.Ordinal));
        return text.ToString();
    }

    private static void AppendRules(StringBuilder text, string title, IEnumerable<PolicyRule> rules)
    {
        text.Append("\n## ").Append(title).Append("\n\n| Rule | Says | 內容 | Source |\n|---|---|---|---|\n");
        foreach (var rule in rules)
            text.Append("| ").AppendJoin(" | ", rule.Id, rule.TextEn, rule.TextZh, rule.Source).Append(" |\n");
    }

    /// <summary>The table of one relationship and purpose; empty: nothing but the status is ever shown.</summary>
    private string Body()
    {
        var rows = new List<(string Class, string[] Cells, string Rules)>();
        var everyone = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var one in CodeTable.Classes.Codes.Where(code => code is not ("NOT_PERSONAL" or "PUBLIC_STATUS")))
        {
            var bit = CodeTable.Classes.TryParse(one, out var known) ? known : 0;
            var open = Facts.Where(fact => OpensToEveryone(bit, fact.Name, fact.Beyond)).Select(fact => fact.Name).ToHashSet(StringComparer.Ordinal);
            foreach (var fact in open)
                (everyone.TryGetValue(fact, out var classes) ? classes : everyone[fact] = []).Add(one);
            string[] cells = [.. Enumerable.Range(0, DecisionTable.AgencyKinds.Length).Select(agency => Cell(bit, agency, open))];
            if (Array.Exists(cells, cell => cell.Length != 0) || open.Count != 0)
                rows.Add((one, cells, string.Join(" ", RulesOn(bit))));
        }

        if (rows.Count == 0)
            return "";

        var text = new StringBuilder();
        // Kinds of agencies that differ nowhere share a column.
        var columns = Enumerable.Range(0, DecisionTable.AgencyKinds.Length).GroupBy(agency => string.Join('|', rows.Select(row => row.Cells[agency])), StringComparer.Ordinal).ToList();
        text.Append("| Class | ").AppendJoin(" | ", columns.Select(column => columns.Count == 1 ? "any agency" : string.Join("<br>", column.Select(agency => Code(DecisionTable.AgencyKinds[agency])))))
            .Append(" | Rules |\n|---|").AppendJoin("", columns.Select(_ => "---|")).Append("---|\n");
        foreach (var row in rows)
            text.Append("| ").Append(row.Class).Append(" | ").AppendJoin(" | ", columns.Select(column => row.Cells[column.First()] is { Length: > 0 } cell ? cell : "-")).Append(" | ").Append(row.Rules).Append(" |\n");
        if (everyone.Count + _notes.Count != 0)
            text.Append('\n');
        foreach (var (fact, classes) in everyone)
            text.Append("- `").Append(fact).Append("` opens to any unit: ").AppendJoin(", ", classes).Append(".\n");
        for (var number = 0; number < _notes.Count; number++)
            text.Append(CultureInfo.InvariantCulture, $"- <sup>{number + 1}</sup> {_notes[number]}.\n");
        return text.ToString();
    }

    /// <summary>What a kind of agency sees of a class, with the numbers of notes on kinds of units.</summary>
    private string Cell(uint one, int agency, HashSet<string> but)
    {
        var byText = Enumerable.Range(0, DecisionTable.UnitKinds.Length).Where(unit => !IsOffice(unit)).GroupBy(unit => Phrase(one, agency, unit, but), StringComparer.Ordinal).ToList();
        var most = byText.MaxBy(units => units.Count())!;
        var numbers = byText.Where(units => units != most).Select(units => NumberOf($"{string.Join(", ", units.Select(unit => Code(DecisionTable.UnitKinds[unit])))}: {(units.Key.Length == 0 ? "-" : units.Key)}"));
        var marks = string.Join(" ", numbers.Select(number => string.Create(CultureInfo.InvariantCulture, $"<sup>{number}</sup>")));
        return most.Key + marks;
    }

    private string Phrase(uint one, int agency, int unit, HashSet<string> but)
    {
        var plain = Bases(one, agency, unit, TableFacts.Plain);
        List<string> parts = plain == 0 ? [] : [(Bases(DecisionTable.GuardiansOnly, agency, unit, TableFacts.Plain) != 0 && one == CodeTable.Classes.BitOf((int)Wire.ConfidentialityClass.Household) ? "guardians only " : "") + Named(plain)];
        foreach (var (fact, beyond) in Facts.Where(fact => !but.Contains(fact.Name)))
        {
            var gained = Gained(one, agency, unit, fact, beyond);
            if (gained != 0)
                parts.Add((gained | plain) == _table.Carried(_purpose) ? fact : $"{fact} {Named(gained)}");
        }

        var shared = Letters.Where(l => (Bases(one, agency, unit, $"shared under {Code(l.Basis)}") & ~Bases(one, agency, unit, "shared")) != 0).Select(l => l.Letter).ToList();
        if (shared.Count != 0)
            parts.Add($"shared under {string.Join(" ", shared)}");
        return string.Join("; ", parts);
    }

    private bool OpensToEveryone(uint one, string fact, string[] beyond) =>
        Enumerable.Range(0, DecisionTable.AgencyKinds.Length).All(agency => Enumerable.Range(0, DecisionTable.UnitKinds.Length).Where(unit => !IsOffice(unit))
            .All(unit => (Gained(one, agency, unit, fact, beyond) | beyond.Aggregate(0u, (all, f) => all | Bases(one, agency, unit, f))) == _table.Carried(_purpose)))
        && Enumerable.Range(0, DecisionTable.AgencyKinds.Length).Any(agency => Enumerable.Range(0, DecisionTable.UnitKinds.Length).Any(unit => Gained(one, agency, unit, fact, beyond) != 0));

    private uint Gained(uint one, int agency, int unit, string fact, string[] beyond) =>
        Bases(one, agency, unit, fact) & ~beyond.Aggregate(0u, (all, f) => all | Bases(one, agency, unit, f));

    private uint Bases(uint one, int agency, int unit, string facts)
    {
        var cells = _table[new Situation(_relationship, _purpose, facts)];
        var bases = 0u;
        for (var basis = 0; basis < DecisionTable.Bases.Length; basis++)
            bases |= (cells[DecisionTable.Cell(basis, agency, unit)] & one) != 0 ? DecisionTable.Bit(DecisionTable.Bases[basis]) : 0;
        return bases;
    }

    private IEnumerable<string> RulesOn(uint one) => _policy.Contents.Rules.Where(rule => rule.Effect == PolicyEffect.Permit && (rule.Classes.Bits & one) != 0
        && (rule.When.Relationships & CodeTable.Relationships.BitOf((int)_relationship)) != 0 && (rule.When.Purposes & CodeTable.Purposes.BitOf((int)_purpose)) != 0).Select(rule => rule.Id).Order(StringComparer.Ordinal);

    private int NumberOf(string note)
    {
        if (!_notes.Contains(note, StringComparer.Ordinal))
            _notes.Add(note);
        return _notes.IndexOf(note) + 1;
    }

    private string Named(uint bases) =>
        bases == _table.Carried(_purpose) ? "●" : string.Join(" ", Letters.Where(l => (bases & DecisionTable.Bit(l.Basis)) != 0).Select(l => l.Letter));

    private static bool IsOffice(int unit) => (Offices & CodeTable.UnitKinds.BitOf((int)DecisionTable.UnitKinds[unit])) != 0;

    /// <summary>As domain.md 3.1 orders its columns.</summary>
    private static int Order(Wire.Relationship relationship) => relationship switch
    {
        Wire.Relationship.Primary => 0,
        Wire.Relationship.Serving => 1,
        Wire.Relationship.ReferredTo => 2,
        Wire.Relationship.Referrer => 3,
        Wire.Relationship.Conference => 4,
        Wire.Relationship.Matched => 5,
        Wire.Relationship.CentralIntake => 6,
        Wire.Relationship.Registrar => 7,
        _ => 8,
    };

    private static string Code<T>(T value)
        where T : struct, Enum => RandomPolicies.Code(value);
}
