using SafetyNet.Exchange.Server.Deliveries;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>The persons whom a call names as subjects of what it makes.</summary>
internal static class SubjectPersons
{
    /// <summary>
    /// The person of a national id; of one whom no register knows, the identity is kept as the caller tells it. The answer of the call has one shape for both (R-NTK-14). Somebody
    /// whom the same call names for several things is one person.
    /// </summary>
    /// <param name="call">The call.</param>
    /// <param name="jurisdiction">Whose keys seal what is kept.</param>
    /// <param name="nationalId">Canonical.</param>
    /// <param name="name">As the caller writes it.</param>
    /// <param name="birthDate"><c>YYYY-MM-DD</c>.</param>
    public static Guid PersonOf(this Call call, Wire.Jurisdiction jurisdiction, string nationalId, string name, string birthDate)
    {
        if (call.Read.FindPerson(call.Vault, nationalId) is { } known)
        {
            // Known by number alone, from a link that was undone (R-HH-7): now somebody tells who it is.
            if (known.Person.Name.Length == 0) call.Change.Write(new PersonWrite(RowOf(known.Id), null));
            return known.Id;
        }

        var index = call.Vault.Index.OfNationalId(nationalId);
        if (call.Change.Added.OfType<PersonRow>().FirstOrDefault(row => row.NationalIdIndex.AsSpan().SequenceEqual(index)) is { } added) return added.PersonId;
        var personId = call.NewId();
        call.Change.Add(RowOf(personId));
        return personId;

        PersonRow RowOf(Guid id) => People.ToRow(
            call.Vault, jurisdiction, new Wire.HouseholdMember { Person = new Wire.Person { NationalId = nationalId, Name = name, BirthDate = birthDate } }, id, null, "", 0, isProtected: false);
    }
}
