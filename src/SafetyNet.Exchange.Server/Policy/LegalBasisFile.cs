using System.Numerics;
using System.Text.Json;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>One entry of the legal-basis registry (法律依據登錄, R-NTK-16): an article of law that lets systems of the network see classes for purposes.</summary>
/// <param name="Rule">Id, classes, purposes, basis, systems and days, as a decision looks at them; its source is the article.</param>
/// <param name="Basis">The legal basis that callers name.</param>
/// <param name="RevokedAt">Day from which it was revoked; null: it was not.</param>
/// <param name="ApprovedBy">Officer who approved it.</param>
/// <param name="ApprovedAt">Day of the approval.</param>
internal sealed record LegalBasisEntry(PolicyRule Rule, Wire.LegalBasis Basis, DateOnly? RevokedAt, string ApprovedBy, DateOnly ApprovedAt)
{
    public string Id => Rule.Id;

    /// <summary>First day on which it carries nothing any more, by its end or its revocation.</summary>
    public DateOnly Ends => RevokedAt is { } revoked && revoked < Rule.Until ? revoked : Rule.Until;

    public bool Carries(DateOnly on) => Rule.From <= on && on < Ends;
}

/// <summary>A legal-basis registry as read: its form is <c>legal-bases.schema.json</c>.</summary>
/// <param name="Revision">Revision that the file states, 1 or more.</param>
/// <param name="Entries">The entries, in file order.</param>
/// <param name="Places">Where each id stands; empty id: the revision.</param>
internal sealed record LegalBasisContents(int Revision, IReadOnlyList<LegalBasisEntry> Entries, IReadOnlyDictionary<string, PolicyPlace> Places);

/// <summary>Reads a legal-basis registry and checks its form: all problems are found in one reading, each with its place.</summary>
internal sealed class LegalBasisFile : PolicyReader
{
    private static readonly string[] FileMembers = ["$schema", "revision", "description", "entries"];

    private static readonly string[] EntryMembers =
    [
        "id", "basis", "purposes", "classes", "agencyKinds", "law", "article", "from", "until", "revokedAt", "approvedBy", "approvedAt", "textEn", "textZh",
    ];

    private LegalBasisFile(string file, HashSet<string> ids, JsonLines lines)
        : base(file, ids, lines)
    {
    }

    /// <summary>The contents; null: the file is no JSON or breaks the schema, and every problem is named.</summary>
    /// <param name="json">The file's bytes, UTF-8.</param>
    /// <param name="file">Its name, for problems.</param>
    /// <param name="ids">Ids used so far; those of the file are added.</param>
    /// <param name="problems">Where problems go.</param>
    public static LegalBasisContents? TryRead(ReadOnlyMemory<byte> json, string file, HashSet<string> ids, List<PolicyProblem> problems)
    {
        var before = problems.Count;
        var contents = Parse(json, file, problems, (root, lines) =>
        {
            var reader = new LegalBasisFile(file, ids, lines);
            var read = reader.ReadFile(root);
            problems.AddRange(reader.Problems);
            return read;
        });
        return problems.Count == before ? contents : null;
    }

    private LegalBasisContents? ReadFile(JsonElement root)
    {
        if (!IsObject(root, "$", id: null, FileMembers))
            return null;
        var revision = ReadRevision(root);
        List<LegalBasisEntry> entries = [];
        foreach (var (place, entry) in ReadList(root, "$", "entries"))
        {
            if (IsObject(entry, place, id: null, EntryMembers))
                entries.Add(ReadEntry(entry, place));
        }

        return new LegalBasisContents(revision, entries, Places);
    }

    private LegalBasisEntry ReadEntry(JsonElement entry, string place)
    {
        var id = ReadId(entry, place);
        if (id.Length != 0 && !id.StartsWith("LB-", StringComparison.Ordinal))
            Report($"{place}.id", id, "an entry of the registry is called LB-...");
        var basis = 0u;
        var name = ReadText(entry, place, id, "basis");
        if (name.Length != 0 && !CodeTable.Bases.TryParse(name, out basis))
            Report($"{place}.basis", id, $"unknown code '{name}'");
        var classes = new ClassSet(ReadCodes(entry, place, id, "classes", CodeTable.Classes, required: true));
        if (classes.Contains(Wire.ConfidentialityClass.NotPersonal) && classes.Count > 1)
            Report($"{place}.classes", id, "NOT_PERSONAL stands alone: it says that no personal class goes with the access");
        var when = RuleCondition.Always with
        {
            Purposes = ReadCodes(entry, place, id, "purposes", CodeTable.Purposes, required: true),
            AgencyKinds = ReadCodes(entry, place, id, "agencyKinds", CodeTable.AgencyKinds, required: true),
            Bases = basis,
        };
        var rule = new PolicyRule(
            id, PolicyEffect.Permit, classes, when, [], Obligations.None, [$"{ReadText(entry, place, id, "law")} {ReadText(entry, place, id, "article")}"],
            ReadText(entry, place, id, "textEn"), ReadChinese(entry, place, id, "textZh"))
        {
            From = ReadDate(entry, place, id, "from", required: true) ?? DateOnly.MinValue,
            Until = ReadDate(entry, place, id, "until") ?? DateOnly.MaxValue,
        };
        return new LegalBasisEntry(
            rule, basis == 0 ? Wire.LegalBasis.Unspecified : (Wire.LegalBasis)BitOperations.TrailingZeroCount(basis),
            ReadDate(entry, place, id, "revokedAt"), ReadText(entry, place, id, "approvedBy"),
            ReadDate(entry, place, id, "approvedAt", required: true) ?? DateOnly.MinValue);
    }
}
