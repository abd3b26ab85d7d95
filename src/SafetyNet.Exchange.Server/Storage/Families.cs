using System.Collections.Concurrent;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>A person with household, kin and live steps, opened from one snapshot. Shared by calls and never changed.</summary>
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

    /// <summary>Ids of all that this family was made of: persons, their households, referrals, cases. Whatever adds to it names one of them.</summary>
    public Guid[] MadeOf()
    {
        var ids = new HashSet<Guid>();
        Add(Person);
        foreach (var member in Members) Add(member);
        foreach (var (relative, _) in Relatives) Add(relative);
        foreach (var link in Links.Referrals) ids.Add(link.ReferralId);
        foreach (var link in Links.Cases) ids.Add(link.CaseId);
        foreach (var link in Links.Grants) ids.Add(link.CaseId);
        return [.. ids];

        void Add(KnownPerson person)
        {
            ids.Add(person.Id);
            if (person.Row.HouseholdId is { } household) ids.Add(household);
        }
    }
}

/// <summary>
/// A row of which it is known whose families it changes. A row of any other kind is taken to change every family, so that one that is forgotten costs time and
/// never shows what has ended.
/// </summary>
internal interface IFamilyFact
{
    /// <summary>Persons, households, referrals or cases that the row tells something of; none: no family shows it.</summary>
    IEnumerable<Guid> AffectedIds();
}

/// <summary>
/// Families that were opened lately. A commit that changes persons or live steps notes whom it affects before it is acknowledged, so whatever a call finds here is
/// what a snapshot of that moment would show: no relationship outlives the step it follows from (R-NTK-3).
/// </summary>
/// <remarks>
/// Why: in write-ahead mode every commit, and each call's record is one, empties the page caches of all readers; reading the same family again cost several times the
/// rest of a look-up (docs/decisions/0007). Memory: at most two generations of <see cref="MostFamilies"/>; they hold opened persons, so their keys are the plain
/// national ids.
/// </remarks>
internal sealed class Families(SqliteStore store, Vault vault)
{
    /// <summary>Families of one generation; about 4 KiB each.</summary>
    private const int MostFamilies = 8192;

    /// <summary>Most ids whose last change is kept apart; beyond, all families are read anew and the list begins again.</summary>
    private const int MostChanges = 100_000;

    private readonly ConcurrentDictionary<Guid, long> _changedAt = new();
    private long _revision;
    private long _allChangedAt;
    private volatile Family? _standIn;
    private volatile ConcurrentDictionary<string, Entry> _young = new(StringComparer.Ordinal);
    private volatile ConcurrentDictionary<string, Entry> _old = new(StringComparer.Ordinal);

    /// <summary>The family that was read last, to spend time on in place of one that is not there; null: none was read yet. Nothing of it is shown.</summary>
    public Family? StandIn => _standIn;

    /// <summary>Persons or live steps changed; called by the one writer when the changes are durable and before anybody hears of them.</summary>
    public void Changed(IEnumerable<Change> changes)
    {
        var next = _revision + 1;
        foreach (var row in changes.SelectMany(change => change.Added.Concat(change.Updated).Concat(change.Statements)))
        {
            if (row is not IFamilyFact fact) Volatile.Write(ref _allChangedAt, next);
            else
                foreach (var id in fact.AffectedIds()) _changedAt[id] = next;
        }

        if (_changedAt.Count > MostChanges)
        {
            Volatile.Write(ref _allChangedAt, next);
            _changedAt.Clear();
        }

        // Last: who reads this number sees what was noted above.
        Volatile.Write(ref _revision, next);
    }

    /// <summary>The family of a national id where it is in memory and as the store has it; nothing is read.</summary>
    /// <param name="nationalId">In canonical form.</param>
    public Family? Peek(string nationalId) => Peek(nationalId, Volatile.Read(ref _revision));

    /// <summary>The family of a national id; null: nobody has it.</summary>
    /// <param name="nationalId">In canonical form.</param>
    public Family? Find(string nationalId)
    {
        // Before the snapshot begins: what is read may be newer than this number, never older.
        var revision = Volatile.Read(ref _revision);
        if (Peek(nationalId, revision) is { } known) return known;
        using var session = store.Read();
        if (Family.Read(session, vault, nationalId) is not { } family) return null;
        if (_young.Count >= MostFamilies) (_old, _young) = (_young, new(StringComparer.Ordinal));
        _young[nationalId] = new Entry(family, revision);
        _standIn = family;
        return family;
    }

    private Family? Peek(string nationalId, long revision) =>
        (_young.TryGetValue(nationalId, out var entry) || _old.TryGetValue(nationalId, out entry)) && IsCurrent(entry, revision) ? entry.Family : null;

    /// <summary>Nothing that the family is made of has changed since it was read.</summary>
    private bool IsCurrent(Entry entry, long revision)
    {
        var since = Volatile.Read(ref entry.CurrentAt);
        if (since >= revision) return true;
        if (Volatile.Read(ref _allChangedAt) > since) return false;
        foreach (var id in entry.MadeOf)
            if (_changedAt.TryGetValue(id, out var changedAt) && changedAt > since) return false;
        // A list that was begun again meanwhile says so here.
        if (Volatile.Read(ref _allChangedAt) > since) return false;
        Volatile.Write(ref entry.CurrentAt, revision);
        return true;
    }

    private sealed class Entry(Family family, long readAt)
    {
        /// <summary>Newest revision at which the family is known to be as the store has it.</summary>
        public long CurrentAt = readAt;

        public Family Family { get; } = family;

        public Guid[] MadeOf { get; } = family.MadeOf();
    }
}
