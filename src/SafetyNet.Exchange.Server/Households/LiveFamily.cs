using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Households;

/// <summary>A family with the facts that the household office has of it now. What it is to the exchange - ids, steps, protection, kin - stays as stored.</summary>
/// <param name="Family">The family, with the office's facts and members.</param>
/// <param name="At">When the office answered.</param>
internal sealed record LiveFamily(Family Family, DateTimeOffset At)
{
    /// <summary>Persons of one answer; a household of more is looked at by people.</summary>
    private const int MostMembers = 100;

    /// <summary>Reads an office's answer; null: it is not about that person, or holds something that no register has.</summary>
    public static LiveFamily? From(ReadSession session, Vault vault, Family stored, Wire.LookUpHouseholdResponse answer, DateTimeOffset at)
    {
        if (answer.Person is null || answer.Members.Count > MostMembers || !IsReadable(answer.Person) || !answer.Members.All(m => m.Person is not null && IsReadable(m.Person))) return null;
        if (!string.Equals(NationalId.Parse(answer.Person.NationalId).Canonical, stored.Person.Person.NationalId, StringComparison.Ordinal)) return null;
        var person = Fresh(stored.Person, stored.Person.Facts.Role, answer.Person);
        List<KnownPerson> members = [person];
        foreach (var member in answer.Members)
        {
            var id = NationalId.Parse(member.Person.NationalId).Canonical;
            if (members.Exists(known => string.Equals(known.Person.NationalId, id, StringComparison.Ordinal))) return null;
            var known = stored.Members.FirstOrDefault(one => string.Equals(one.Person.NationalId, id, StringComparison.Ordinal)) ?? session.FindPerson(vault, id);
            // Somebody whom the exchange has no person for yet has no id here, and no steps.
            known ??= new KnownPerson(stored.Person.Row with { PersonId = Guid.Empty, IsProtected = false }, new Wire.HouseholdMember { Person = new Wire.Person() });
            members.Add(Fresh(known with { Row = known.Row with { HouseholdId = stored.Person.Row.HouseholdId } }, member.Role, member.Person));
        }

        // Where one is protected all are who live there: it is the same address (R-NTK-10).
        if (members.Exists(member => member.Row.IsProtected)) members = [.. members.Select(member => member with { Row = member.Row with { IsProtected = true } })];
        // Most relatives are of the household too: one person is shown by one set of facts.
        var relatives = stored.Relatives.Select(relative => (members.Find(member => member.Id == relative.Person.Id) ?? relative.Person, relative.Kinship)).ToList();
        return new LiveFamily(stored with { Person = members[0], Members = members, Relatives = relatives }, at);
    }

    private static KnownPerson Fresh(KnownPerson stored, string role, Wire.Person live)
    {
        // An address that the office does not give is protected there: the copy's is not shown in its place.
        var isWithheld = live.Address.Length == 0;
        var facts = new Wire.HouseholdMember
        {
            Role = role,
            Person = new Wire.Person
            {
                PersonId = stored.Row.PersonId == Guid.Empty ? "" : stored.Row.PersonId.ToString(), NationalId = NationalId.Parse(live.NationalId).Canonical, Name = live.Name,
                RomanizedName = live.RomanizedName, Sex = live.Sex, BirthDate = live.BirthDate, Address = live.Address,
                Phone = isWithheld ? "" : live.Phone.Length > 0 ? live.Phone : stored.Person.Phone,
            },
        };
        return new KnownPerson(stored.Row with { IsProtected = stored.Row.IsProtected || isWithheld }, facts);
    }

    private static bool IsReadable(Wire.Person person) => NationalId.TryParse(person.NationalId, out _, out _) && person.Name.Length is > 0 and <= 100 && person.Address.Length <= 200
        && person.Phone.Length <= 40 && person.RomanizedName.Length <= 100
        && DateOnly.TryParseExact(person.BirthDate, "yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.None, out _);
}
