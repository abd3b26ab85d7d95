namespace SafetyNet.Exchange.Server.Audit;

/// <summary>
/// What a record can be found by, as 64 bits: FNV-1a over the kind and the characters. Two texts may share a term; whoever searches looks at the record itself before it counts.
/// </summary>
internal static class SearchTerm
{
    public static ulong Subject(string pseudonym) => Of('s', pseudonym);

    public static ulong Actor(string personId) => Of('a', personId);

    public static ulong Unit(string unitId) => Of('u', unitId);

    public static ulong Agency(string code) => Of('g', code);

    public static ulong Jurisdiction(Wire.Jurisdiction one) => Of('j', (int)one);

    public static ulong Shown(Wire.ConfidentialityClass one) => Of('c', (int)one);

    public static ulong Basis(Wire.LegalBasis one) => Of('b', (int)one);

    public static ulong Purpose(Wire.Purpose one) => Of('p', (int)one);

    public static ulong Outcome(Wire.AuditOutcome one) => Of('o', (int)one);

    public static ulong Method(string method) => Of('m', method);

    public static ulong Resource(string resource) => Of('r', resource);

    public static ulong BreakGlass() => Of('x', "");

    /// <summary>Everything that a record can be found by.</summary>
    public static IEnumerable<ulong> Of(Wire.AuditRecord record)
    {
        foreach (var subject in record.Subjects) yield return Subject(subject);
        foreach (var resource in record.Resources) yield return Resource(resource);
        if (record.Reference.Length > 0 && !record.Resources.Contains(record.Reference)) yield return Resource(record.Reference);
        foreach (var one in record.ShownClasses) yield return Shown(one);
        if (record.ActorPersonId.Length > 0) yield return Actor(record.ActorPersonId);
        if (record.ActorUnitId.Length > 0) yield return Unit(record.ActorUnitId);
        yield return Agency(record.AgencyCode);
        yield return Jurisdiction(record.Jurisdiction);
        yield return Basis(record.LegalBasis);
        yield return Purpose(record.Purpose);
        yield return Outcome(record.Outcome);
        yield return Method(record.Method);
        if (record.BreakGlass) yield return BreakGlass();
    }

    private static ulong Of(char kind, int code)
    {
        var hash = Step(14695981039346656037, kind);
        return Step(hash, (ushort)code);
    }

    private static ulong Of(char kind, string text)
    {
        var hash = Step(14695981039346656037, kind);
        foreach (var c in text) hash = Step(hash, c);
        return hash;
    }

    private static ulong Step(ulong hash, ushort part) => (hash ^ part) * 1099511628211;
}
