using System.Collections.Concurrent;
using System.Numerics;
using System.Security.Cryptography;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>The need-to-know policy in force (需知原則, R-NTK): one revision of the policy file, compiled to bit masks, immutable. A decision is a pure function
/// of the question (R-NTK-15): nothing permits by default, what withholds wins over what opens, and the order of rules has no meaning.</summary>
internal sealed class NeedToKnowPolicy
{
    private const string BuiltInFile = "need-to-know.json";
    private const int MostCachedRuleLists = 4096;

    private static readonly uint StatusBit = CodeTable.Classes.BitOf((int)Wire.ConfidentialityClass.PublicStatus);
    private static readonly uint NotPersonalBit = CodeTable.Classes.BitOf((int)Wire.ConfidentialityClass.NotPersonal);

    private static readonly Wire.Purpose[] ServicePurposes =
        [Wire.Purpose.ServiceDelivery, Wire.Purpose.CaseCoordination, Wire.Purpose.CrisisResponse];

    private readonly Dictionary<string, PolicyRule> rulesById;
    private readonly string[] ids;
    private readonly CompiledRule[][] permitsByPurpose;
    private readonly CompiledRule[] denies;
    private readonly uint[] basesByPurpose;
    private readonly int[] entryByPurpose;
    private readonly uint acrossJurisdictions;
    private readonly int acrossEntry;
    private readonly ConcurrentDictionary<RuleBits, IReadOnlyList<string>> ruleLists = new();
    private int cachedRuleLists;

    private NeedToKnowPolicy(PolicyContents contents, string sha256)
    {
        Revision = contents.Revision;
        Sha256 = sha256;
        Rules = contents.Entries;
        rulesById = contents.Entries.ToDictionary(e => e.Id, StringComparer.Ordinal);
        ids = [.. contents.Entries.Select(e => e.Id)];
        var places = ids.Select((id, at) => (id, at)).ToDictionary(p => p.id, p => p.at, StringComparer.Ordinal);

        var purposes = contents.Purposes.Keys.Max() + 1;
        basesByPurpose = new uint[purposes];
        entryByPurpose = new int[purposes];
        permitsByPurpose = new CompiledRule[purposes][];
        Array.Fill(permitsByPurpose, []);
        foreach (var (number, entry) in contents.Purposes)
        {
            basesByPurpose[number] = entry.When.Bases;
            entryByPurpose[number] = places[entry.Id];
            permitsByPurpose[number] = [.. contents.Rules
                .Where(r => r.Effect == PolicyEffect.Permit && (r.When.Purposes & (1u << number)) != 0)
                .Select(Compile)];
        }

        denies = [.. contents.Rules.Where(r => r.Effect == PolicyEffect.Deny).Select(Compile)];
        acrossJurisdictions = contents.AcrossJurisdictions.When.Relationships;
        acrossEntry = places[contents.AcrossJurisdictions.Id];

        CompiledRule Compile(PolicyRule rule) =>
            new(places[rule.Id], rule.Classes.Bits, rule.When, [.. rule.Unless], rule.Obligations);
    }

    /// <summary>Revision that the file states; it is in every answer and audit record.</summary>
    public string Revision { get; }

    /// <summary>SHA-256 of the file's bytes, 64 lower-case hex digits.</summary>
    public string Sha256 { get; }

    /// <summary>Everything that a decision can name, by id in ordinal order.</summary>
    public IReadOnlyList<PolicyRule> Rules { get; }

    /// <summary>The revision that this server is built with.</summary>
    public static NeedToKnowPolicy LoadBuiltIn()
    {
        using var json = typeof(NeedToKnowPolicy).Assembly.GetManifestResourceStream(BuiltInFile)
            ?? throw new InvalidOperationException($"{BuiltInFile} is not embedded in the server.");
        return Load(json, BuiltInFile);
    }

    /// <summary>Reads, checks and compiles a policy file (form: <c>need-to-know.schema.json</c>).</summary>
    /// <param name="json">The file's bytes, UTF-8; read to the end.</param>
    /// <param name="file">Name of the file, for problems.</param>
    /// <exception cref="PolicyFileException">The file has problems; all are listed with their place.</exception>
    public static NeedToKnowPolicy Load(Stream json, string file = BuiltInFile)
    {
        using var bytes = new MemoryStream();
        json.CopyTo(bytes);
        return TryLoad(bytes.GetBuffer().AsMemory(0, (int)bytes.Length), out var problems) ?? throw new PolicyFileException(file, problems);
    }

    /// <summary>The same without an exception, for a check of a file that is not to be used.</summary>
    /// <param name="json">The file's bytes, UTF-8.</param>
    /// <param name="problems">Every problem with its place; empty: the policy is returned.</param>
    public static NeedToKnowPolicy? TryLoad(ReadOnlyMemory<byte> json, out IReadOnlyList<string> problems) =>
        PolicyFile.TryRead(json, out problems) is { } contents
            ? new NeedToKnowPolicy(contents, Convert.ToHexStringLower(SHA256.HashData(json.Span)))
            : null;

    /// <summary>Which classes the caller may see. Cheap enough for every call and every element: well under a microsecond, and only the answer is allocated.</summary>
    public Decision Decide(in NeedToKnowQuestion question)
    {
        RuleBits deciding = default;
        var purpose = (int)question.Purpose;
        if (!BasisCarries(question.Purpose, question.LegalBasis))
        {
            if ((uint)purpose < (uint)entryByPurpose.Length && purpose != 0)
                deciding.Add(entryByPurpose[purpose]);
            return Refused(deciding);
        }

        var facts = new Facts(question);
        if (!ReachesJurisdiction(question))
        {
            if ((facts.Relationships & ~acrossJurisdictions) != 0)
                deciding.Add(acrossEntry);
            facts.Relationships &= acrossJurisdictions;
        }

        if (facts.Relationships == 0)
            return Refused(deciding);

        Span<uint> withheld = stackalloc uint[denies.Length];
        var denied = 0u;
        for (var at = 0; at < denies.Length; at++)
        {
            withheld[at] = Withheld(denies[at], facts);
            denied |= withheld[at];
        }

        var holdable = question.Holdable.Bits | StatusBit;
        uint permitted = 0, open = 0, narrowed = 0;
        var obligations = Obligations.None;
        foreach (ref readonly var rule in permitsByPurpose[purpose].AsSpan())
        {
            var classes = Opened(rule.When, facts, rule.Classes) & holdable;
            permitted |= classes;
            classes &= ~denied;
            if (classes == 0)
                continue;
            deciding.Add(rule.Index);
            obligations |= rule.Obligations & ~Obligations.GuardiansOnly;
            if ((rule.Obligations & Obligations.GuardiansOnly) == Obligations.None)
                open |= classes;
            else
                narrowed |= classes;
        }

        for (var at = 0; at < denies.Length; at++)
        {
            if ((withheld[at] & permitted) != 0)
                deciding.Add(denies[at].Index);
        }

        var visible = open | narrowed;
        if (visible == 0)
            return Refused(deciding);
        // One rule that opens the household as a whole lifts the narrowing of another: a further relationship never hides (R-NTK-15).
        if ((narrowed & ~open) != 0)
            obligations |= Obligations.GuardiansOnly;
        return new Decision(Allowed: true, new ClassSet(visible | NotPersonalBit), RuleList(deciding), obligations, Revision);
    }

    /// <summary>The entry of that id.</summary>
    /// <exception cref="KeyNotFoundException">This revision has no such rule.</exception>
    public PolicyRule GetRule(string id) => rulesById[id];

    /// <summary>The entry of that id; null: this revision has none (an older record may name rules that are gone).</summary>
    public PolicyRule? FindRule(string id) => rulesById.GetValueOrDefault(id);

    /// <summary>Whether an access for that purpose may stand on that basis at all; false for UNSPECIFIED and unknown codes.</summary>
    public bool BasisCarries(Wire.Purpose purpose, Wire.LegalBasis basis) =>
        (uint)purpose < (uint)basesByPurpose.Length && (basesByPurpose[(int)purpose] & CodeTable.Bases.BitOf((int)basis)) != 0;

    /// <summary>The bases that carry a purpose, in table order; for the metadata of a refusal.</summary>
    public string BasesOf(Wire.Purpose purpose) =>
        (uint)purpose < (uint)basesByPurpose.Length ? CodeTable.Bases.Names(basesByPurpose[(int)purpose]) : "";

    /// <summary>Whether the receiver of a referral may hold a class that is sent to it under a basis: what a sender's view may contain (R-NTK-17).</summary>
    public bool MayHold(Wire.AgencyKind agencyKind, Wire.UnitKind unitKind, Wire.LegalBasis basis, Wire.ConfidentialityClass one) =>
        MayHold(agencyKind, unitKind, basis, one, RelationshipSet.Of(Wire.Relationship.ReferredTo), ClassSet.None);

    /// <summary>The same for a unit that stands in the given relationships to the person: the receiver of a shared note.</summary>
    /// <param name="agencyKind">System of the receiver's agency.</param>
    /// <param name="unitKind">Kind of the receiving unit.</param>
    /// <param name="basis">Basis under which it is sent.</param>
    /// <param name="one">Class of what is sent.</param>
    /// <param name="relationships">How the receiver stands to the person.</param>
    /// <param name="scope">Protective classes on the scope of the receiver's service.</param>
    public bool MayHold(
        Wire.AgencyKind agencyKind,
        Wire.UnitKind unitKind,
        Wire.LegalBasis basis,
        Wire.ConfidentialityClass one,
        RelationshipSet relationships,
        ClassSet scope)
    {
        var sent = ClassSet.FromWire([one]);
        if (sent.IsEmpty)
            return false;
        foreach (var purpose in ServicePurposes)
        {
            var decision = Decide(new NeedToKnowQuestion
            {
                AgencyKind = agencyKind,
                UnitKind = unitKind,
                CallerJurisdiction = Wire.Jurisdiction.Tw,
                ResourceJurisdiction = Wire.Jurisdiction.Tw,
                Holdable = ClassSet.All,
                Purpose = purpose,
                LegalBasis = basis,
                Relationships = relationships,
                Sent = sent,
                Shared = sent,
                SharedWithCaller = true,
                ShareBasis = basis,
                ServiceScope = scope,
            });
            if (decision.Visible.Contains(one))
                return true;
        }

        return false;
    }

    /// <summary>R-NTK-13: the same jurisdiction, or a duty of the central level. Jurisdictions that are not stated are not the same.</summary>
    private static bool ReachesJurisdiction(in NeedToKnowQuestion question) =>
        question.CallerJurisdiction == Wire.Jurisdiction.Tw
        || (question.CallerJurisdiction != Wire.Jurisdiction.Unspecified && question.CallerJurisdiction == question.ResourceJurisdiction);

    private static uint Withheld(in CompiledRule rule, in Facts facts)
    {
        var classes = Opened(rule.When, facts, rule.Classes);
        if (classes == 0)
            return 0;
        foreach (ref readonly var unless in rule.Unless.AsSpan())
            classes &= ~Opened(unless, facts, rule.Classes);
        return classes;
    }

    /// <summary>Those of the classes for which the condition holds.</summary>
    private static uint Opened(in RuleCondition when, in Facts facts, uint classes)
    {
        if ((when.Relationships & facts.Relationships) == 0
            || (when.AgencyKinds & facts.AgencyKind) == 0
            || (when.UnitKinds & facts.UnitKind) == 0
            || (when.Purposes & facts.Purpose) == 0
            || (when.Requires & ~facts.Holds) != RuleRequirements.None)
        {
            return 0;
        }

        var onBasis = (when.Bases & facts.Basis) != 0;
        var limits = when.Limits;
        if (limits == RuleLimits.None)
            return onBasis ? classes : 0;
        if ((limits & RuleLimits.Sent) != RuleLimits.None)
            classes &= (onBasis ? facts.Sent | facts.Shared : 0) | ((when.Bases & facts.ShareBasis) != 0 ? facts.Shared : 0);
        else if (!onBasis)
            return 0;
        if ((limits & RuleLimits.Supplied) != RuleLimits.None)
            classes &= facts.Supplied;
        if ((limits & RuleLimits.Agenda) != RuleLimits.None)
            classes &= facts.Agenda;
        if ((limits & RuleLimits.Scope) != RuleLimits.None)
            classes &= facts.Scope;
        if ((limits & RuleLimits.Granted) != RuleLimits.None)
            classes &= facts.Granted;
        if ((limits & RuleLimits.Own) != RuleLimits.None && !facts.Own)
            return 0;
        if ((limits & RuleLimits.OwnOrShared) != RuleLimits.None && !facts.OwnOrShared)
            return 0;
        return classes;
    }

    private Decision Refused(in RuleBits deciding) =>
        new(Allowed: false, ClassSet.None, RuleList(deciding), Obligations.None, Revision);

    /// <summary>The ids of a set of rules. The same few sets decide nearly all calls, so their lists are kept; how many are kept is bounded.</summary>
    private IReadOnlyList<string> RuleList(in RuleBits rules)
    {
        if (rules == default)
            return [];
        if (ruleLists.TryGetValue(rules, out var known))
            return known;
        var list = Array.AsReadOnly(rules.Indexes().Select(at => ids[at]).ToArray());
        if (Volatile.Read(ref cachedRuleLists) < MostCachedRuleLists && ruleLists.TryAdd(rules, list))
            Interlocked.Increment(ref cachedRuleLists);
        return list;
    }

    private readonly record struct CompiledRule(int Index, uint Classes, RuleCondition When, RuleCondition[] Unless, Obligations Obligations);

    /// <summary>A question as masks.</summary>
    private ref struct Facts
    {
        public uint Relationships;
        public readonly uint AgencyKind;
        public readonly uint UnitKind;
        public readonly uint Purpose;
        public readonly uint Basis;
        public readonly uint ShareBasis;
        public readonly uint Sent;
        public readonly uint Shared;
        public readonly uint Supplied;
        public readonly uint Agenda;
        public readonly uint Scope;
        public readonly uint Granted;
        public readonly RuleRequirements Holds;
        public readonly bool Own;
        public readonly bool OwnOrShared;

        public Facts(in NeedToKnowQuestion question)
        {
            Relationships = question.Relationships.Bits & CodeTable.Relationships.Known;
            AgencyKind = CodeTable.AgencyKinds.BitOf((int)question.AgencyKind);
            UnitKind = CodeTable.UnitKinds.BitOf((int)question.UnitKind);
            Purpose = CodeTable.Purposes.BitOf((int)question.Purpose);
            Basis = CodeTable.Bases.BitOf((int)question.LegalBasis);
            Sent = question.Sent.Bits;
            Supplied = question.Supplied.Bits;
            Agenda = question.Agenda.Bits;
            Scope = question.ServiceScope.Bits;
            Granted = question.Granted.Bits;
            Own = question.OwnUnit;
            OwnOrShared = question.OwnUnit || question.SharedWithCaller;
            if (question.SharedWithCaller)
            {
                Shared = question.Shared.Bits;
                ShareBasis = CodeTable.Bases.BitOf((int)question.ShareBasis);
            }

            if (question.Screening)
                Holds |= RuleRequirements.Screening;
            if (question.HoldsCase)
                Holds |= RuleRequirements.HoldsCase;
            if (question.ProtectedAddress)
                Holds |= RuleRequirements.ProtectedAddress;
            if (question.ServesOtherParty)
                Holds |= RuleRequirements.ServesOtherParty;
            if (question.BreakGlass)
                Holds |= RuleRequirements.BreakGlass;
        }
    }

    /// <summary>A set of entries of the file, by their place in ordinal order.</summary>
    private record struct RuleBits
    {
        private ulong first;
        private ulong second;
        private ulong third;
        private ulong fourth;

        public void Add(int at)
        {
            var bit = 1ul << (at & 63);
            switch (at >> 6)
            {
                case 0: first |= bit; break;
                case 1: second |= bit; break;
                case 2: third |= bit; break;
                default: fourth |= bit; break;
            }
        }

        public readonly IEnumerable<int> Indexes()
        {
            ulong[] words = [first, second, third, fourth];
            for (var word = 0; word < words.Length; word++)
            {
                for (var rest = words[word]; rest != 0; rest &= rest - 1)
                    yield return (word * 64) + BitOperations.TrailingZeroCount(rest);
            }
        }
    }
}
