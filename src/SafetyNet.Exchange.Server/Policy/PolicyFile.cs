using System.Text.Json;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>A policy file as read: its form is <c>need-to-know.schema.json</c>.</summary>
/// <param name="Revision">Revision that the file states, 1 or more.</param>
/// <param name="Rules">The need-to-know rules, in file order.</param>
/// <param name="AcrossJurisdictions">Relationships that reach into another jurisdiction.</param>
/// <param name="Places">Where each id stands; empty id: the revision.</param>
internal sealed record PolicyContents(
    int Revision,
    IReadOnlyList<PolicyRule> Rules,
    PolicyRule AcrossJurisdictions,
    IReadOnlyDictionary<string, PolicyPlace> Places);

/// <summary>Reads a policy file and checks it as a whole: all problems are found in one reading, each with its place.</summary>
internal sealed class PolicyFile : PolicyReader
{
    /// <summary>Most entries of a file: a decision notes the rules that made it in a set of this size.</summary>
    public const int MaxEntries = 256;

    /// <summary>Stands in a rule that withholds for every class but NOT_PERSONAL and PUBLIC_STATUS.</summary>
    public const string EveryPersonalClass = "EVERY_PERSONAL_CLASS";

    private static readonly string[] FileMembers = ["$schema", "revision", "description", "otherJurisdictions", "rules"];
    private static readonly string[] EntryMembers = ["id", "source", "textEn", "textZh"];
    private static readonly string[] AcrossMembers = [.. EntryMembers, "relationships"];
    private static readonly string[] ConditionMembers = ["relationships", "agencyKinds", "unitKinds", "purposes", "bases", "limits", "requires"];
    private static readonly string[] RuleMembers = [.. EntryMembers, .. ConditionMembers, "effect", "classes", "unless", "obligations", "from", "until"];

    private static readonly Dictionary<string, uint> Limits = new(StringComparer.Ordinal)
    {
        ["sent"] = (uint)RuleLimits.Sent,
        ["supplied"] = (uint)RuleLimits.Supplied,
        ["agenda"] = (uint)RuleLimits.Agenda,
        ["scope"] = (uint)RuleLimits.Scope,
        ["own"] = (uint)RuleLimits.Own,
        ["ownOrShared"] = (uint)RuleLimits.OwnOrShared,
        ["granted"] = (uint)RuleLimits.Granted,
        ["revealed"] = (uint)RuleLimits.Revealed,
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

    private readonly List<PolicyRule> rules = [];

    private PolicyFile(string file, HashSet<string> ids, JsonLines lines)
        : base(file, ids, lines)
    {
    }

    /// <summary>The contents; null: the file is no JSON, breaks the schema, or contradicts domain.md, and every problem is named.</summary>
    /// <param name="json">The file's bytes, UTF-8.</param>
    /// <param name="file">Its name, for problems.</param>
    /// <param name="ids">Ids used so far; those of the file are added.</param>
    /// <param name="problems">Where problems go.</param>
    public static PolicyContents? TryRead(ReadOnlyMemory<byte> json, string file, HashSet<string> ids, List<PolicyProblem> problems)
    {
        var before = problems.Count;
        var contents = Parse(json, file, problems, (root, lines) =>
        {
            var reader = new PolicyFile(file, ids, lines);
            var read = reader.ReadFile(root);
            problems.AddRange(reader.Problems);
            return read;
        });
        return problems.Count == before ? contents : null;
    }

    private PolicyContents? ReadFile(JsonElement root)
    {
        if (!IsObject(root, "$", id: null, FileMembers))
            return null;
        var revision = ReadRevision(root);
        var across = ReadAcrossJurisdictions(root);
        foreach (var (place, entry) in ReadList(root, "$", "rules"))
            ReadRule(entry, place);
        return across is null ? null : new PolicyContents(revision, rules, across, Places);
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
            From = ReadDate(entry, place, id, "from") ?? DateOnly.MinValue,
            Until = ReadDate(entry, place, id, "until") ?? DateOnly.MaxValue,
        };
        if (effect == PolicyEffect.Permit)
            CheckPermit(entry, rule, place);
        else
            CheckDeny(entry, rule, place);
        rules.Add(rule);

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

        return new PolicyRule(
            id, effect, classes, when, [], Obligations.None, sources, ReadText(entry, place, id, "textEn"), ReadChinese(entry, place, id, "textZh"));
    }

    private static uint AnyIfAbsent(uint set) => set == 0 ? ~0u : set;
}
