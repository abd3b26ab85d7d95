using System.Text;
using System.Text.Json;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>A policy file that may not decide anything; the revision before it stays in force.</summary>
internal sealed class PolicyFileException : Exception
{
    public PolicyFileException(string file, IReadOnlyList<string> problems)
        : base($"{file}: {problems.Count} problem(s).\n{string.Join('\n', problems.Select(p => $"  {file} {p}"))}")
    {
        File = file;
        Problems = problems;
    }

    /// <summary>Name of the file, as the loader was told it.</summary>
    public string File { get; }

    /// <summary>Every problem found, in file order: <c>$.rules[3].classes[0] (NTK-X): unknown code 'FOO'</c>.</summary>
    public IReadOnlyList<string> Problems { get; }
}

/// <summary>A policy file as read: its form is <c>need-to-know.schema.json</c>.</summary>
/// <param name="Revision">Revision that the file states.</param>
/// <param name="Entries">Everything with an id, by id in ordinal order.</param>
/// <param name="Rules">The need-to-know rules among them.</param>
/// <param name="Purposes">By purpose number: the bases that carry it.</param>
/// <param name="AcrossJurisdictions">Relationships that reach into another jurisdiction.</param>
internal sealed record PolicyContents(
    string Revision,
    IReadOnlyList<PolicyRule> Entries,
    IReadOnlyList<PolicyRule> Rules,
    IReadOnlyDictionary<int, PolicyRule> Purposes,
    PolicyRule AcrossJurisdictions);

/// <summary>Reads a policy file and checks it as a whole: all problems are found in one reading, each with its place.</summary>
internal sealed class PolicyFile
{
    /// <summary>Most entries of a file: a decision notes the rules that made it in a set of this size.</summary>
    public const int MaxEntries = 256;

    /// <summary>Stands in a rule that withholds for every class but NOT_PERSONAL and PUBLIC_STATUS.</summary>
    public const string EveryPersonalClass = "EVERY_PERSONAL_CLASS";

    private static readonly string[] FileMembers = ["$schema", "revision", "description", "purposes", "otherJurisdictions", "rules"];
    private static readonly string[] EntryMembers = ["id", "source", "textEn", "textZh"];
    private static readonly string[] PurposeMembers = [.. EntryMembers, "purpose", "bases"];
    private static readonly string[] AcrossMembers = [.. EntryMembers, "relationships"];
    private static readonly string[] ConditionMembers = ["relationships", "agencyKinds", "unitKinds", "purposes", "bases", "limits", "requires"];
    private static readonly string[] RuleMembers = [.. EntryMembers, .. ConditionMembers, "effect", "classes", "unless", "obligations"];

    private static readonly Dictionary<string, uint> Limits = new(StringComparer.Ordinal)
    {
        ["sent"] = (uint)RuleLimits.Sent,
        ["supplied"] = (uint)RuleLimits.Supplied,
        ["agenda"] = (uint)RuleLimits.Agenda,
        ["scope"] = (uint)RuleLimits.Scope,
        ["own"] = (uint)RuleLimits.Own,
        ["ownOrShared"] = (uint)RuleLimits.OwnOrShared,
        ["granted"] = (uint)RuleLimits.Granted,
    };

    private static readonly Dictionary<string, uint> Requirements = new(StringComparer.Ordinal)
    {
        ["screening"] = (uint)RuleRequirements.Screening,
        ["holdsCase"] = (uint)RuleRequirements.HoldsCase,
        ["protectedAddress"] = (uint)RuleRequirements.ProtectedAddress,
        ["servesOtherParty"] = (uint)RuleRequirements.ServesOtherParty,
        ["breakGlass"] = (uint)RuleRequirements.BreakGlass,
    };

    private static readonly Dictionary<string, uint> ObligationCodes = new(StringComparer.Ordinal)
    {
        ["notifyPrimary"] = (uint)Obligations.NotifyPrimary,
        ["guardiansOnly"] = (uint)Obligations.GuardiansOnly,
        ["reviewBreakGlass"] = (uint)Obligations.ReviewBreakGlass,
    };

    private readonly List<string> problems = [];
    private readonly HashSet<string> ids = new(StringComparer.Ordinal);
    private readonly Dictionary<int, PolicyRule> purposes = [];
    private readonly List<(string Place, PolicyRule Rule)> rules = [];

    private PolicyFile()
    {
    }

    /// <summary>The contents; null: the file is no JSON, breaks the schema, or contradicts domain.md, and every problem is named.</summary>
    public static PolicyContents? TryRead(ReadOnlyMemory<byte> json, out IReadOnlyList<string> problems)
    {
        var reader = new PolicyFile();
        PolicyContents? contents = null;
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 16 });
            contents = reader.ReadFile(document.RootElement);
        }
        catch (JsonException broken)
        {
            reader.Report(
                $"line {broken.LineNumber + 1}, byte {broken.BytePositionInLine + 1}", id: null, "not JSON: truncated, or a wrong character");
        }

        problems = reader.problems;
        return reader.problems.Count == 0 ? contents : null;
    }

    private PolicyContents? ReadFile(JsonElement root)
    {
        if (!IsObject(root, "$", id: null, FileMembers))
            return null;
        var revision = ReadText(root, "$", id: null, "revision");
        if (revision.Length > 32)
            Report("$.revision", id: null, "longer than 32 characters");

        foreach (var (place, entry) in ReadList(root, "$", "purposes"))
            ReadPurpose(entry, place);
        var across = ReadAcrossJurisdictions(root);
        // Which bases carry which purposes is known from here on; rules are checked against it.
        foreach (var (place, entry) in ReadList(root, "$", "rules"))
            ReadRule(entry, place);

        var unlisted = CodeTable.Purposes.Known & ~purposes.Keys.Aggregate(0u, (all, number) => all | (1u << number));
        if (unlisted != 0)
            Report("$.purposes", id: null, $"no entry for {CodeTable.Purposes.Names(unlisted)}");
        if (ids.Count > MaxEntries)
            Report("$", id: null, $"{ids.Count} entries; at most {MaxEntries}");
        if (problems.Count != 0 || across is null)
            return null;

        PolicyRule[] entries = [.. purposes.Values, across, .. rules.Select(r => r.Rule)];
        Array.Sort(entries, (left, right) => string.CompareOrdinal(left.Id, right.Id));
        return new PolicyContents(revision, entries, [.. rules.Select(r => r.Rule)], purposes, across);
    }

    private void ReadPurpose(JsonElement entry, string place)
    {
        if (!IsObject(entry, place, id: null, PurposeMembers))
            return;
        var id = ReadId(entry, place);
        var bases = ReadCodes(entry, place, id, "bases", CodeTable.Bases, required: true);
        var name = ReadText(entry, place, id, "purpose");
        if (name.Length == 0)
            return;
        if (!CodeTable.Purposes.TryParse(name, out var bit))
        {
            Report($"{place}.purpose", id, $"unknown code '{name}'");
            return;
        }

        var rule = ReadEntry(entry, place, id, PolicyEffect.Permit, ClassSet.None, RuleCondition.Always with { Purposes = bit, Bases = bases });
        if (!purposes.TryAdd(System.Numerics.BitOperations.TrailingZeroCount(bit), rule))
            Report($"{place}.purpose", id, $"{name} has an entry already");
    }

    private PolicyRule? ReadAcrossJurisdictions(JsonElement root)
    {
        const string place = "$.otherJurisdictions";
        if (!root.TryGetProperty("otherJurisdictions", out var entry))
        {
            Report(place, id: null, "missing");
            return null;
        }

        if (!IsObject(entry, place, id: null, AcrossMembers))
            return null;
        var id = ReadId(entry, place);
        var relationships = ReadCodes(entry, place, id, "relationships", CodeTable.Relationships, required: true);
        return ReadEntry(entry, place, id, PolicyEffect.Deny, ClassSet.All, RuleCondition.Always with { Relationships = relationships });
    }

    private void ReadRule(JsonElement entry, string place)
    {
        if (!IsObject(entry, place, id: null, RuleMembers))
            return;
        var id = ReadId(entry, place);
        var effect = ReadText(entry, place, id, "effect") switch
        {
            "permit" => PolicyEffect.Permit,
            "deny" => PolicyEffect.Deny,
            "" => PolicyEffect.Deny,
            var other => Unknown($"{place}.effect", id, other),
        };
        var classes = ReadClasses(entry, place, id, effect);
        var rule = ReadEntry(entry, place, id, effect, classes, ReadCondition(entry, place, id)) with
        {
            Unless = ReadUnless(entry, place, id, effect),
            Obligations = (Obligations)ReadNames(entry, place, id, "obligations", ObligationCodes),
        };
        if (effect == PolicyEffect.Permit)
            CheckPermit(entry, rule, place);
        else
            CheckDeny(entry, rule, place);
        rules.Add((place, rule));

        PolicyEffect Unknown(string where, string ruleId, string name)
        {
            Report(where, ruleId, $"'{name}' is neither 'permit' nor 'deny'");
            return PolicyEffect.Deny;
        }
    }

    private ClassSet ReadClasses(JsonElement entry, string place, string id, PolicyEffect effect)
    {
        if (effect == PolicyEffect.Deny && entry.TryGetProperty("classes", out var all) && all.ValueKind == JsonValueKind.Array
            && all.GetArrayLength() == 1 && all[0].ValueKind == JsonValueKind.String && all[0].ValueEquals(EveryPersonalClass))
        {
            return ClassSet.Personal;
        }

        var classes = new ClassSet(ReadCodes(entry, place, id, "classes", CodeTable.Classes, required: true));
        if (classes.Contains(Wire.ConfidentialityClass.NotPersonal))
            Report($"{place}.classes", id, "NOT_PERSONAL goes to everyone who is answered; no rule decides on it");
        return classes;
    }

    private RuleCondition ReadCondition(JsonElement entry, string place, string id) => new(
        AnyIfAbsent(ReadCodes(entry, place, id, "relationships", CodeTable.Relationships)),
        AnyIfAbsent(ReadCodes(entry, place, id, "agencyKinds", CodeTable.AgencyKinds)),
        AnyIfAbsent(ReadCodes(entry, place, id, "unitKinds", CodeTable.UnitKinds)),
        AnyIfAbsent(ReadCodes(entry, place, id, "purposes", CodeTable.Purposes)),
        AnyIfAbsent(ReadCodes(entry, place, id, "bases", CodeTable.Bases)),
        (RuleLimits)ReadNames(entry, place, id, "limits", Limits),
        (RuleRequirements)ReadNames(entry, place, id, "requires", Requirements));

    private List<RuleCondition> ReadUnless(JsonElement entry, string place, string id, PolicyEffect effect)
    {
        if (!entry.TryGetProperty("unless", out _))
            return [];
        if (effect == PolicyEffect.Permit)
            Report($"{place}.unless", id, "only a rule that withholds has exceptions");
        List<RuleCondition> unless = [];
        foreach (var (where, condition) in ReadList(entry, place, "unless"))
        {
            if (!IsObject(condition, where, id, ConditionMembers))
                continue;
            if (!condition.EnumerateObject().Any())
                Report(where, id, "an exception for everyone: the rule would withhold nothing");
            unless.Add(ReadCondition(condition, where, id));
        }

        return unless;
    }

    private void CheckPermit(JsonElement entry, PolicyRule rule, string place)
    {
        foreach (var member in (string[])["relationships", "purposes"])
        {
            if (!entry.TryGetProperty(member, out _))
                Report($"{place}.{member}", rule.Id, "missing: what opens says to whom and for what (R-NTK-2)");
        }

        if (entry.TryGetProperty("bases", out _))
        {
            var carried = purposes.Where(p => (rule.When.Purposes & (1u << p.Key)) != 0).Aggregate(0u, (all, p) => all | p.Value.When.Bases);
            var idle = rule.When.Bases & CodeTable.Bases.Known & ~carried;
            if (idle != 0)
                Report($"{place}.bases", rule.Id, $"{CodeTable.Bases.Names(idle)} carries none of the rule's purposes: it opens nothing");
        }

        if (rule.Obligations.HasFlag(Obligations.GuardiansOnly) && rule.Classes != ClassSet.Of(Wire.ConfidentialityClass.Household))
            Report($"{place}.obligations", rule.Id, "guardiansOnly narrows HOUSEHOLD and nothing else");

        if (rule.Classes.Contains(Wire.ConfidentialityClass.ReporterIdentity) && !OpensReporterAsTheLawDoes(rule.When))
        {
            Report(
                $"{place}.classes",
                rule.Id,
                "REPORTER_IDENTITY is opened by R-NTK-5 only: to relationship CENTRAL_INTAKE of a CENTRAL_INTAKE unit that requires 'screening', "
                + "or to a PROTECTION_CENTER unit that requires 'holdsCase'");
        }
    }

    /// <summary>R-NTK-5: the intake centre while it screens, and the protection centre that holds the case; nobody else.</summary>
    private static bool OpensReporterAsTheLawDoes(RuleCondition when)
    {
        var whileScreening = when.Relationships == CodeTable.Relationships.BitOf((int)Wire.Relationship.CentralIntake)
            && when.UnitKinds == CodeTable.UnitKinds.BitOf((int)Wire.UnitKind.CentralIntake)
            && when.Requires.HasFlag(RuleRequirements.Screening);
        var holdingTheCase = when.UnitKinds == CodeTable.UnitKinds.BitOf((int)Wire.UnitKind.ProtectionCenter)
            && when.Requires.HasFlag(RuleRequirements.HoldsCase);
        return whileScreening || holdingTheCase;
    }

    private void CheckDeny(JsonElement entry, PolicyRule rule, string place)
    {
        // A rule that withheld from a relationship, or under a basis, would hide by adding one, or show by removing one (R-NTK-15).
        foreach (var member in (string[])["relationships", "bases", "limits"])
        {
            if (entry.TryGetProperty(member, out _))
                Report($"{place}.{member}", rule.Id, $"a rule that withholds names no {member}, so that more of them never show less (R-NTK-15); use 'unless'");
        }

        if (entry.TryGetProperty("obligations", out _))
            Report($"{place}.obligations", rule.Id, "a rule that withholds has no obligations");
        if (rule.Classes.Contains(Wire.ConfidentialityClass.PublicStatus))
            Report($"{place}.classes", rule.Id, "PUBLIC_STATUS goes to every relationship");
    }

    private PolicyRule ReadEntry(
        JsonElement entry, string place, string id, PolicyEffect effect, ClassSet classes, RuleCondition when)
    {
        List<string> sources = [];
        foreach (var (where, source) in ReadList(entry, place, "source", id))
        {
            if (source.ValueKind == JsonValueKind.String && !string.IsNullOrWhiteSpace(source.GetString()))
                sources.Add(source.GetString()!);
            else
                Report(where, id, "a rule of domain.md or an article of law, as text");
        }

        var zh = ReadText(entry, place, id, "textZh");
        if (zh.Length != 0 && !zh.EnumerateRunes().Any(IsHan))
            Report($"{place}.textZh", id, "not in Chinese");
        return new PolicyRule(id, effect, classes, when, [], Obligations.None, sources, ReadText(entry, place, id, "textEn"), zh);

        static bool IsHan(Rune rune) => rune.Value is >= 0x4E00 and <= 0x9FFF;
    }

    private string ReadId(JsonElement entry, string place)
    {
        var id = ReadText(entry, place, id: null, "id");
        if (id.Length == 0)
            return id;
        if (id.Length > 64 || !id.All(c => c is (>= 'A' and <= 'Z') or (>= '0' and <= '9') or '-'))
            Report($"{place}.id", id, "not 1 to 64 of A-Z, 0-9 and '-'");
        if (!ids.Add(id))
            Report($"{place}.id", id, "used twice");
        return id;
    }

    private string ReadText(JsonElement entry, string place, string? id, string member)
    {
        if (!entry.TryGetProperty(member, out var value))
            Report($"{place}.{member}", id, "missing");
        else if (value.ValueKind != JsonValueKind.String || string.IsNullOrWhiteSpace(value.GetString()))
            Report($"{place}.{member}", id, "not a text, or empty");
        else
            return value.GetString()!;
        return "";
    }

    private List<(string Place, JsonElement Entry)> ReadList(JsonElement entry, string place, string member, string? id = null)
    {
        List<(string, JsonElement)> items = [];
        if (!entry.TryGetProperty(member, out var value))
            Report($"{place}.{member}", id, "missing");
        else if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0)
            Report($"{place}.{member}", id, "not a list, or empty");
        else
            items.AddRange(value.EnumerateArray().Select((item, at) => ($"{place}.{member}[{at}]", item)));
        return items;
    }

    private uint ReadCodes(JsonElement entry, string place, string id, string member, CodeTable table, bool required = false) =>
        ReadSet(entry, place, id, member, required, code => table.TryParse(code, out var bit) ? bit : 0);

    private uint ReadNames(JsonElement entry, string place, string id, string member, Dictionary<string, uint> names) =>
        ReadSet(entry, place, id, member, required: false, code => names.GetValueOrDefault(code));

    private uint ReadSet(JsonElement entry, string place, string id, string member, bool required, Func<string, uint> bitOf)
    {
        if (!required && !entry.TryGetProperty(member, out _))
            return 0;
        var set = 0u;
        foreach (var (where, item) in ReadList(entry, place, member, id))
        {
            var code = item.ValueKind == JsonValueKind.String ? item.GetString()! : item.GetRawText();
            var bit = bitOf(code);
            if (bit == 0)
                Report(where, id, $"unknown code '{code}'");
            else if ((set & bit) != 0)
                Report(where, id, $"'{code}' twice");
            set |= bit;
        }

        return set;
    }

    private static uint AnyIfAbsent(uint set) => set == 0 ? ~0u : set;

    private bool IsObject(JsonElement element, string place, string? id, string[] members)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            Report(place, id, "not an object");
            return false;
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in element.EnumerateObject())
        {
            if (!members.Contains(member.Name, StringComparer.Ordinal))
                Report($"{place}.{member.Name}", id, "unknown member");
            if (!seen.Add(member.Name))
                Report($"{place}.{member.Name}", id, "twice");
        }

        return true;
    }

    private void Report(string place, string? id, string what) =>
        problems.Add(string.IsNullOrEmpty(id) ? $"{place}: {what}" : $"{place} ({id}): {what}");
}
