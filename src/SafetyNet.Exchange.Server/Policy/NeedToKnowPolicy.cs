using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>A need-to-know policy (需知原則, R-NTK): one revision of rules and legal-basis registry, compiled to bit masks, immutable. A decision is a pure function
/// of the question (R-NTK-15): nothing permits by default, what withholds wins over what opens, and the order of rules has no meaning.</summary>
internal sealed class NeedToKnowPolicy
{
    /// <summary>Usual name of the rule file.</summary>
    public const string RulesFile = "need-to-know.json";

    /// <summary>Usual name of the legal-basis registry.</summary>
    public const string BasesFile = "legal-bases.json";

    /// <summary>The registry that this program is built with, read once.</summary>
    private static readonly Lazy<(LegalBasisContents Contents, string Sha256)> BuiltInRegistry = new(() =>
    {
        var bytes = ReadBuiltIn(BasesFile);
        List<PolicyProblem> problems = [];
        return (LegalBasisFile.TryRead(bytes, BasesFile, [], problems) ?? throw new PolicyFileException(BasesFile, problems), Hash(bytes));
    });

    private const int MostKeptRuleLists = 4096;

    private static readonly uint StatusBit = CodeTable.Classes.BitOf((int)Wire.ConfidentialityClass.PublicStatus);
    private static readonly uint NotPersonalBit = CodeTable.Classes.BitOf((int)Wire.ConfidentialityClass.NotPersonal);

    private static readonly Wire.Purpose[] ServicePurposes =
        [Wire.Purpose.ServiceDelivery, Wire.Purpose.CaseCoordination, Wire.Purpose.CrisisResponse];

    private readonly Dictionary<string, PolicyRule> rulesById;
    private readonly string[] ids;
    private readonly CompiledRule[][] permitsByPurpose;
    private readonly CompiledRule[] denies;
    private readonly RegisteredBases bases;
    private readonly uint acrossJurisdictions;
    private readonly int acrossEntry;
    private readonly KeptLists<RuleBits, string> ruleLists = new(MostKeptRuleLists);

    private NeedToKnowPolicy(PolicyContents contents, LegalBasisContents registry, string rulesSha256, string basesSha256)
    {
        (Contents, Registry) = (contents, registry);
        RevisionNumber = contents.Revision;
        Revision = contents.Revision.ToString(CultureInfo.InvariantCulture);
        (RulesSha256, BasesSha256) = (rulesSha256, basesSha256);
        Sha256 = PairHash(rulesSha256, basesSha256);
        PolicyRule[] entries = [.. contents.Rules, contents.AcrossJurisdictions, .. registry.Entries.Select(e => e.Rule)];
        Array.Sort(entries, (left, right) => string.CompareOrdinal(left.Id, right.Id));
        Rules = entries;
        rulesById = entries.ToDictionary(e => e.Id, StringComparer.Ordinal);
        ids = [.. entries.Select(e => e.Id)];
        var places = ids.Select((id, at) => (id, at)).ToDictionary(p => p.id, p => p.at, StringComparer.Ordinal);

        bases = new RegisteredBases(registry.Entries, places);
        permitsByPurpose = [.. Enumerable.Range(0, BitOperations.Log2(CodeTable.Purposes.Known) + 1).Select(purpose => contents.Rules
            .Where(r => r.Effect == PolicyEffect.Permit && (r.When.Purposes & CodeTable.Purposes.BitOf(purpose)) != 0).Select(Compile).ToArray())];
        denies = [.. contents.Rules.Where(r => r.Effect == PolicyEffect.Deny).Select(Compile)];
        acrossJurisdictions = contents.AcrossJurisdictions.When.Relationships;
        acrossEntry = places[contents.AcrossJurisdictions.Id];

        CompiledRule Compile(PolicyRule rule) =>
            new(places[rule.Id], rule.Classes.Bits, rule.When, [.. rule.Unless], rule.Obligations, rule.From.DayNumber, rule.Until.DayNumber);
    }

    /// <summary>Revision that both files state; it is in every answer and audit record.</summary>
    public string Revision { get; }

    /// <summary>The same as a number; it only ever grows.</summary>
    public int RevisionNumber { get; }

    /// <summary>SHA-256 over the two files' SHA-256, rules first, 64 lower-case hex digits: what is proposed, compared and activated.</summary>
    public string Sha256 { get; }

    /// <summary>SHA-256 of the rule file's bytes, 64 lower-case hex digits.</summary>
    public string RulesSha256 { get; }

    /// <summary>SHA-256 of the registry's bytes, 64 lower-case hex digits.</summary>
    public string BasesSha256 { get; }

    /// <summary>Everything that a decision can name, by id in ordinal order.</summary>
    public IReadOnlyList<PolicyRule> Rules { get; }

    /// <summary>The rule file as read.</summary>
    public PolicyContents Contents { get; }

    /// <summary>The registry of legal bases as read.</summary>
    public LegalBasisContents Registry { get; }

    /// <summary>The revision that this program is built with.</summary>
    public static NeedToKnowPolicy LoadBuiltIn() =>
        TryLoad(ReadBuiltIn(RulesFile), ReadBuiltIn(BasesFile), out var problems) ?? throw new PolicyFileException("built-in policy", problems);

    /// <summary>Whether this is the revision that this program is built with, by its bytes.</summary>
    public bool IsBuiltIn() => string.Equals(RulesSha256, Hash(ReadBuiltIn(RulesFile)), StringComparison.Ordinal)
        && string.Equals(BasesSha256, Hash(ReadBuiltIn(BasesFile)), StringComparison.Ordinal);

    /// <summary>Bytes of one of the two files that this program is built with.</summary>
    public static byte[] ReadBuiltIn(string file)
    {
        using var json = typeof(NeedToKnowPolicy).Assembly.GetManifestResourceStream(file)
            ?? throw new InvalidOperationException($"{file} is not embedded.");
        using var bytes = new MemoryStream();
        json.CopyTo(bytes);
        return bytes.ToArray();
    }

    /// <summary>Reads and compiles a rule file (form: <c>need-to-know.schema.json</c>) over the built-in registry.</summary>
    /// <param name="json">The file's bytes, UTF-8; read to the end.</param>
    /// <param name="file">Name of the file, for problems.</param>
    /// <exception cref="PolicyFileException">The file has problems; all are listed with their place.</exception>
    public static NeedToKnowPolicy Load(Stream json, string file = RulesFile)
    {
        using var bytes = new MemoryStream();
        json.CopyTo(bytes);
        var rules = bytes.ToArray();
        var registry = BuiltInRegistry.Value;
        List<PolicyProblem> found = [];
        var contents = TryReadRules(rules, file, registry.Contents.Entries.Select(entry => entry.Id).ToHashSet(StringComparer.Ordinal), found);
        return contents is null ? throw new PolicyFileException(file, found) : new NeedToKnowPolicy(contents, registry.Contents, Hash(rules), registry.Sha256);
    }

    /// <summary>Reads and compiles the two files of a policy; whether its rules make sense together is for <see cref="PolicyReview"/> to say.</summary>
    /// <param name="rules">Bytes of the rule file, UTF-8.</param>
    /// <param name="registry">Bytes of the legal-basis registry, UTF-8.</param>
    /// <param name="problems">Every problem with its place; empty: the policy is returned.</param>
    /// <param name="rulesFile">Name of the rule file, for problems.</param>
    /// <param name="basesFile">Name of the registry, for problems.</param>
    public static NeedToKnowPolicy? TryLoad(
        ReadOnlyMemory<byte> rules, ReadOnlyMemory<byte> registry, out IReadOnlyList<PolicyProblem> problems, string rulesFile = RulesFile, string basesFile = BasesFile)
    {
        List<PolicyProblem> found = [];
        var used = new HashSet<string>(StringComparer.Ordinal);
        var contents = PolicyFile.TryRead(rules, rulesFile, used, found);
        var entries = LegalBasisFile.TryRead(registry, basesFile, used, found);
        if (contents is not null && used.Count > PolicyFile.MaxEntries)
            found.Add(contents.Places[""].Problem("", $"{used.Count} rules and entries; at most {PolicyFile.MaxEntries}"));
        problems = found;
        return contents is null || entries is null || found.Count != 0
            ? null
            : new NeedToKnowPolicy(contents, entries, Hash(rules.Span), Hash(registry.Span));
    }

    private static PolicyContents? TryReadRules(ReadOnlyMemory<byte> rules, string file, HashSet<string> registered, List<PolicyProblem> problems)
    {
        var contents = PolicyFile.TryRead(rules, file, registered, problems);
        if (contents is not null && registered.Count > PolicyFile.MaxEntries)
            problems.Add(contents.Places[""].Problem("", $"{registered.Count} rules and entries; at most {PolicyFile.MaxEntries}"));
        return problems.Count == 0 ? contents : null;
    }

    /// <summary>SHA-256 of a file, 64 lower-case hex digits.</summary>
    public static string Hash(ReadOnlySpan<byte> file) => Convert.ToHexStringLower(SHA256.HashData(file));

    /// <summary>SHA-256 over the hashes of the two files, 32 bytes each, rules first; 64 lower-case hex digits.</summary>
    public static string PairHash(string rulesSha256, string basesSha256) => Hash(Convert.FromHexString(rulesSha256 + basesSha256));

    /// <summary>Which classes the caller may see. Cheap enough for every call and every element: well under a microsecond, and only the answer is allocated.</summary>
    public Decision Decide(in NeedToKnowQuestion question)
    {
        RuleBits deciding = default;
        var purpose = (int)question.Purpose;
        var day = question.On.DayNumber;
        var entries = bases.Find(question.Purpose, question.LegalBasis, question.AgencyKind);
        var carried = RegisteredBases.Carried(entries, day);
        if (carried == 0)
        {
            AddEnded(ref deciding, entries, day);
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
            withheld[at] = denies[at].Counts(day) ? Withheld(denies[at], facts) : 0;
            denied |= withheld[at];
        }

        // What withholds does so whatever law stands behind the access; what opens needs an entry of the registry for each class (R-NTK-16).
        var shareEntries = facts is { Shared: not 0, ShareBasis: not 0 } ? bases.Find(question.Purpose, question.ShareBasis, question.AgencyKind) : [];
        (facts.Carried, facts.CarriedByShare) = (carried, RegisteredBases.Carried(shareEntries, day));
        var holdable = question.Holdable.Bits | StatusBit;
        uint permitted = 0, open = 0, narrowed = 0;
        var obligations = Obligations.None;
        foreach (ref readonly var rule in permitsByPurpose[purpose].AsSpan())
        {
            if (!rule.Counts(day))
                continue;
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
        AddCarrying(ref deciding, entries, day, visible);
        AddCarrying(ref deciding, shareEntries, day, visible & facts.Shared);
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

    /// <summary>Whether systems of a kind may access for that purpose on that basis on that day, and by which entries of the registry (R-NTK-16).</summary>
    public BasisAnswer AskBasis(Wire.Purpose purpose, Wire.LegalBasis basis, Wire.AgencyKind agencyKind, DateOnly on)
    {
        var (entries, day) = (bases.Find(purpose, basis, agencyKind), on.DayNumber);
        RuleBits named = default;
        if (RegisteredBases.Carried(entries, day) != 0)
        {
            AddCarrying(ref named, entries, day, ~0u);
            return new BasisAnswer(BasisStanding.Carries, RuleList(named), default);
        }

        AddEnded(ref named, entries, day);
        return named == default
            ? new BasisAnswer(BasisStanding.NotAllowed, [], default)
            : new BasisAnswer(BasisStanding.Expired, RuleList(named), DateOnly.FromDayNumber(RegisteredBases.LastEnd(entries, day)));
    }

    /// <summary>The bases that carry a purpose for systems of a kind on a day, in table order; for the metadata of a refusal.</summary>
    public string BasesOf(Wire.Purpose purpose, Wire.AgencyKind agencyKind, DateOnly on) => string.Join(", ", CodeTable.Bases.Codes.Where(code =>
        CodeTable.Bases.TryParse(code, out var bit)
        && RegisteredBases.Carried(bases.Find(purpose, (Wire.LegalBasis)BitOperations.TrailingZeroCount(bit), agencyKind), on.DayNumber) != 0));

    /// <summary>Whether the receiver of a referral may hold a class that is sent to it under a basis: what a sender's view may contain (R-NTK-17).</summary>
    public bool MayHold(Wire.AgencyKind agencyKind, Wire.UnitKind unitKind, Wire.LegalBasis basis, Wire.ConfidentialityClass one, DateOnly on) =>
        MayHold(agencyKind, unitKind, basis, one, RelationshipSet.Of(Wire.Relationship.ReferredTo), ClassSet.None, on);

    /// <summary>The same for a unit that stands in the given relationships to the person: the receiver of a shared note.</summary>
    /// <param name="agencyKind">System of the receiver's agency.</param>
    /// <param name="unitKind">Kind of the receiving unit.</param>
    /// <param name="basis">Basis under which it is sent.</param>
    /// <param name="one">Class of what is sent.</param>
    /// <param name="relationships">How the receiver stands to the person.</param>
    /// <param name="scope">Protective classes on the scope of the receiver's service.</param>
    /// <param name="on">Civil date in Taiwan.</param>
    public bool MayHold(
        Wire.AgencyKind agencyKind,
        Wire.UnitKind unitKind,
        Wire.LegalBasis basis,
        Wire.ConfidentialityClass one,
        RelationshipSet relationships,
        ClassSet scope,
        DateOnly on)
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
                On = on,
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
            return onBasis ? classes & facts.Carried : 0;
        if ((limits & RuleLimits.Sent) != RuleLimits.None)
        {
            classes &= (onBasis ? (facts.Sent | facts.Shared) & facts.Carried : 0)
                | ((when.Bases & facts.ShareBasis) != 0 ? facts.Shared & facts.CarriedByShare : 0);
        }
        else
        {
            classes &= onBasis ? facts.Carried : 0;
        }

        if ((limits & RuleLimits.Supplied) != RuleLimits.None)
            classes &= facts.Supplied;
        if ((limits & RuleLimits.Agenda) != RuleLimits.None)
            classes &= facts.Agenda;
        if ((limits & RuleLimits.Scope) != RuleLimits.None)
            classes &= facts.Scope;
        if ((limits & RuleLimits.Granted) != RuleLimits.None)
            classes &= facts.Granted;
        if ((limits & RuleLimits.Revealed) != RuleLimits.None)
            classes &= facts.Revealed;
        if ((limits & RuleLimits.Own) != RuleLimits.None && !facts.Own)
            return 0;
        if ((limits & RuleLimits.OwnOrShared) != RuleLimits.None && !facts.OwnOrShared)
            return 0;
        return classes;
    }

    private static void AddCarrying(ref RuleBits named, RegisteredBasis[] entries, int day, uint classes)
    {
        foreach (ref readonly var entry in entries.AsSpan())
        {
            if (entry.Carries(day) && (entry.Classes & classes) != 0)
                named.Add(entry.Index);
        }
    }

    private static void AddEnded(ref RuleBits named, RegisteredBasis[] entries, int day)
    {
        foreach (ref readonly var entry in entries.AsSpan())
        {
            if (entry.HasEnded(day))
                named.Add(entry.Index);
        }
    }

    private Decision Refused(in RuleBits deciding) =>
        new(Allowed: false, ClassSet.None, RuleList(deciding), Obligations.None, Revision);

    /// <summary>The ids of a set of rules. Some hundred sets decide nearly all calls, so their lists are kept.</summary>
    private IReadOnlyList<string> RuleList(in RuleBits rules)
    {
        if (rules == default)
            return [];
        if (ruleLists.TryFind(rules, out var known))
            return known;
        var list = Array.AsReadOnly(rules.Indexes().Select(at => ids[at]).ToArray());
        ruleLists.Keep(rules, list);
        return list;
    }

    private readonly record struct CompiledRule(
        int Index, uint Classes, RuleCondition When, RuleCondition[] Unless, Obligations Obligations, int FromDay, int UntilDay)
    {
        public bool Counts(int day) => FromDay <= day && day < UntilDay;
    }

    /// <summary>A question as masks.</summary>
    private ref struct Facts
    {
        public uint Relationships;

        /// <summary>Classes that the registry carries on the basis of the call, and on that of a share; until they are asked for, all.</summary>
        public uint Carried = ~0u;
        public uint CarriedByShare = ~0u;
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
        public readonly uint Revealed;
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
            Revealed = question.Revealed.Bits;
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
