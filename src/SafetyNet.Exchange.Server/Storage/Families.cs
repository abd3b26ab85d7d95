using System.Collections.Concurrent;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>A person with household, kin and live steps, opened from one snapshot. Shared by calls: whoever shows a person of it clones first.</summary>
internal sealed record Family(
    KnownPerson Person, IReadOnlyList<KnownPerson> Members, IReadOnlyList<(KnownPerson Person, Wire.Kinship Kinship)> Relatives, Links Links)
{
    /// <summary>Reads a family through a snapshot; null: nobody has that national id.</summary>
    public static Family? Read(ReadSession session, Vault vault, string nationalId) =>
        session.FindPerson(vault, nationalId) is { } person ? Of(session, vault, person) : null;

    public static Family Of(ReadSession session, Vault vault, KnownPerson person)
    {
        // Most relatives are of the household: each person is opened once, and may stand in both lists.
        var opened = new Dictionary<Guid, KnownPerson> { [person.Id] = person };
        var relatives = session.RelativesOf(vault, person.Id, opened);
        var members = person.Row.HouseholdId is { } household ? session.MembersOf(vault, household, opened) : [];
        return new Family(person, members, relatives, Links.Of(session, person));
    }
}

/// <summary>
/// Families that were opened lately, each with the revision of the store it was read at. A commit that changes persons or live steps raises the revision before
/// it is acknowledged, so whatever a call finds here is what a snapshot of that moment would show: no relationship outlives the step it follows from (R-NTK-3).
/// </summary>
/// <remarks>
/// Why: in write-ahead mode every commit, and each call's record is one, empties the page caches of all readers; reading the same family again cost several times the
/// rest of a look-up. Memory: at most two generations of <see cref="MostFamilies"/>; they hold opened persons, so their keys are the plain national ids.
/// </remarks>
internal sealed class Families(SqliteStore store, Vault vault)
{
    /// <summary>Families of one generation; about 4 KiB each.</summary>
    private const int MostFamilies = 8192;

    private long _revision;
    private volatile ConcurrentDictionary<string, Entry> _young = new(StringComparer.Ordinal);
    private volatile ConcurrentDictionary<string, Entry> _old = new(StringComparer.Ordinal);

    /// <summary>Persons or live steps changed; called when the change is durable and before anybody hears of it.</summary>
    public void Changed() => Interlocked.Increment(ref _revision);

    /// <summary>The family of a national id; null: nobody has it.</summary>
    /// <param name="nationalId">In canonical form.</param>
    public Family? Find(string nationalId)
    {
        // Before the snapshot begins: what is read may be newer than this number, never older.
        var revision = Volatile.Read(ref _revision);
        if ((_young.TryGetValue(nationalId, out var entry) || _old.TryGetValue(nationalId, out entry)) && entry.Revision == revision) return entry.Family;
        using var session = store.Read();
        if (Family.Read(session, vault, nationalId) is not { } family) return null;
        if (_young.Count >= MostFamilies) (_old, _young) = (_young, new(StringComparer.Ordinal));
        _young[nationalId] = new Entry(family, revision);
        return family;
    }

    private sealed record Entry(Family Family, long Revision);
}
