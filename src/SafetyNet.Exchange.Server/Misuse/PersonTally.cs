namespace SafetyNet.Exchange.Server.Misuse;

/// <summary>Somebody of an agency, in a unit of a kind, on a day.</summary>
internal readonly record struct ActorDay(DateOnly Day, Wire.UnitKind UnitKind, Wire.Jurisdiction Jurisdiction, string AgencyCode, string ActorId);

/// <summary>How many distinct persons each actor looked up on each day of the window. In memory; read again from the log after a restart. Counting twice counts once.</summary>
internal sealed class PersonTally(int windowDays)
{
    private readonly Dictionary<ActorDay, HashSet<string>> _persons = [];
    private DateOnly _newest;

    /// <summary>Adds persons, and says how many there are now.</summary>
    public int Add(ActorDay actor, IEnumerable<string> persons)
    {
        if (actor.Day > _newest)
        {
            _newest = actor.Day;
            foreach (var old in _persons.Keys.Where(a => a.Day <= _newest.AddDays(-windowDays)).ToList()) _persons.Remove(old);
        }

        if (!_persons.TryGetValue(actor, out var known)) _persons[actor] = known = new HashSet<string>(StringComparer.Ordinal);
        known.UnionWith(persons);
        return known.Count;
    }

    /// <summary>Counts of a day of everybody else in units of the same kind, on the days of the window.</summary>
    public List<int> PeersOf(ActorDay actor) => [.. _persons.Where(p => p.Key.UnitKind == actor.UnitKind && p.Key.Day > actor.Day.AddDays(-windowDays) && p.Key.Day <= actor.Day
        && (p.Key.Jurisdiction != actor.Jurisdiction || !string.Equals(p.Key.AgencyCode, actor.AgencyCode, StringComparison.Ordinal)
            || !string.Equals(p.Key.ActorId, actor.ActorId, StringComparison.Ordinal))).Select(p => p.Value.Count)];
}
