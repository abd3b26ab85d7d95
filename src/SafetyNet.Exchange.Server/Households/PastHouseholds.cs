using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Households;

/// <summary>
/// A family as it was registered on a day (R-HH-7). Only the facts, and who lived together, are of that day: every person keeps the row of today, by which it is decided who may see it, so that
/// whoever is protected now is protected in the past too (R-NTK-10).
/// </summary>
internal static class PastHouseholds
{
    /// <summary>The family on a day. A person who was not registered then is shown without address, role and household; kinship by blood has no days.</summary>
    /// <param name="session">Snapshot of the call.</param>
    /// <param name="family">The family of today.</param>
    /// <param name="day">Not after today.</param>
    public static Family On(ReadSession session, Vault vault, Family family, DateOnly day)
    {
        var on = day.DayNumber;
        var (person, household) = StateOf(session, vault, family.Person, on);
        return family with
        {
            Person = person,
            Members = household is { } home ? MembersOn(session, vault, home, on) : [],
            Relatives = [.. family.Relatives.Select(relative => (StateOf(session, vault, relative.Person, on).Person, relative.Kinship))],
        };
    }

    private static (KnownPerson Person, Guid? HouseholdId) StateOf(ReadSession session, Vault vault, KnownPerson person, int on)
    {
        if (IsAsNow(session, person.Id, on)) return (person, person.Row.HouseholdId);
        using (var reader = session.Query("SELECT stay_id, household_id, sealed FROM household_stay WHERE person_id = $0 AND from_day <= $1 AND until_day > $1", person.Id.ToByteArray(true), on))
        {
            if (reader.Read()) return (new KnownPerson(person.Row, Open(vault, reader.GetId(0), person.Id, reader.GetFieldValue<byte[]>(2))), reader.GetId(1));
        }

        var facts = person.Facts.Clone();
        (facts.Role, facts.Person.Address) = ("", "");
        return (new KnownPerson(person.Row, facts), null);
    }

    /// <summary>Everyone of a household on a day, head first: those who live there since, and those who have left.</summary>
    private static List<KnownPerson> MembersOn(ReadSession session, Vault vault, Guid householdId, int on)
    {
        var found = new List<(int Place, KnownPerson Person)>();
        var now = session.MembersOf(vault, householdId);
        for (var place = 0; place < now.Count; place++)
            if (IsAsNow(session, now[place].Id, on)) found.Add((place, now[place]));
        var then = new List<(Guid StayId, Guid PersonId, int Place, byte[] Sealed)>();
        using (var reader = session.Query(
            "SELECT stay_id, person_id, place, sealed FROM household_stay WHERE household_id = $0 AND from_day <= $1 AND until_day > $1", householdId.ToByteArray(true), on))
        {
            while (reader.Read()) then.Add((reader.GetId(0), reader.GetId(1), reader.GetInt32(2), reader.GetFieldValue<byte[]>(3)));
        }

        foreach (var (stayId, personId, place, sealedFacts) in then)
            if (session.FindPerson(vault, personId) is { } person) found.Add((place, new KnownPerson(person.Row, Open(vault, stayId, personId, sealedFacts))));
        return [.. found.OrderBy(one => one.Place).ThenBy(one => one.Person.Id).Select(one => one.Person)];
    }

    /// <summary>What holds now held on that day already; of whom no register has told, it always did.</summary>
    private static bool IsAsNow(ReadSession session, Guid personId, int on)
    {
        using var reader = session.Query("SELECT since_day FROM register_entry WHERE person_id = $0", personId.ToByteArray(true));
        return !reader.Read() || reader.IsDBNull(0) || reader.GetInt32(0) <= on;
    }

    private static Wire.HouseholdMember Open(Vault vault, Guid stayId, Guid personId, byte[] sealedFacts)
    {
        var facts = vault.OpenFacts(Wire.HouseholdMember.Parser, EndedStay.FactsColumn, stayId, sealedFacts);
        facts.Person.PersonId = personId.ToString();
        return facts;
    }
}
