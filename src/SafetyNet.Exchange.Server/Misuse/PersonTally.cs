namespace SafetyNet.Exchange.Server.Misuse;

/// <summary>Somebody of an agency, in a unit of a kind, on a day.</summary>
internal readonly record struct ActorDay(DateOnly Day, Wire.UnitKind UnitKind, Wire.Jurisdiction Jurisdiction, string AgencyCode, string ActorId);

/// <summary>How many distinct persons each actor looked up on each day of the window. In memory; read again from the log after a restart. Counting twice counts once.</summary>
internal sealed class PersonTally(int windowDays)
{
    /// <summary>By day and kind of unit: a count is held against those of the same kind only, and that for every record above the least.</summary>
    private readonly Dictionary<(DateOnly Day, Wire.UnitKind UnitKind), Dictionary<Actor, HashSet<string>>> _persons = [];
    private DateOnly _newest;

    /// <summary>Adds persons, and says how many there are now.</summary>
    public int Add(in ActorDay actor, ReadOnlySpan<string> persons)
    {
        if (actor.Day > _newest)
        {
            _newest = actor.Day;
            foreach (var old in _persons.Keys.Where(a => a.Day <= _newest.AddDays(-windowDays)).ToList()) _persons.Remove(old);
        }

        if (!_persons.TryGetValue((actor.Day, actor.UnitKind), out var actors)) _persons[(actor.Day, actor.UnitKind)] = actors = [];
        if (!actors.TryGetValue(Actor.Of(actor), out var known)) actors[Actor.Of(actor)] = known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var person in persons) known.Add(person);
        return known.Count;
    }

    /// <summary>Counts of a day of everybody else in units of the same kind, on the days of the window; into a list that is emptied first.</summary>
    public void PeersOf(in ActorDay actor, List<int> counts)
    {
        counts.Clear();
        var self = Actor.Of(actor);
        for (var day = actor.Day.AddDays(1 - windowDays); day <= actor.Day; day = day.AddDays(1))
        {
            if (!_persons.TryGetValue((day, actor.UnitKind), out var actors)) continue;
            foreach (var (peer, persons) in actors)
                if (peer != self) counts.Add(persons.Count);
        }
    }

    private readonly record struct Actor(Wire.Jurisdiction Jurisdiction, string AgencyCode, string ActorId)
    {
        public static Actor Of(in ActorDay day) => new(day.Jurisdiction, day.AgencyCode, day.ActorId);
    }
}
