using System.Buffers.Binary;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>
/// A person as stored: found by blind index, opened only with the vault. The sealed part is a <see cref="Wire.HouseholdMember"/>.
/// A person whom no register has brought yet, known from a referral only, has no household.
/// </summary>
internal sealed class PersonRow : IFamilyFact
{
    private Guid? _householdId;
    private Guid? _leftHouseholdId;

    public Guid PersonId { get; set; }

    /// <summary>Jurisdiction of the household, or of the unit that brought the person.</summary>
    public Wire.Jurisdiction Jurisdiction { get; set; }

    /// <summary>Blind index of the national id, 32 bytes; unique.</summary>
    public byte[] NationalIdIndex { get; set; } = [];

    /// <summary>Blind index of name and birth date, 32 bytes.</summary>
    public byte[] NameIndex { get; set; } = [];

    public Guid? HouseholdId
    {
        get => _householdId;
        set
        {
            if (_householdId is { } left && left != value) _leftHouseholdId = left;
            _householdId = value;
        }
    }

    /// <summary>District of residence; empty: not known.</summary>
    public string District { get; set; } = "";

    /// <summary>Place in the household, head first, from 0.</summary>
    public int Place { get; set; }

    /// <summary>The whereabouts are protected (R-NTK-10). As read by <see cref="People"/> also where somebody lives there whose are: it is the same address.</summary>
    public bool IsProtected { get; set; }

    /// <summary>A unit protects the whereabouts, whatever the register says (R-NTK-10).</summary>
    public bool IsShielded { get; set; }

    public byte[] Sealed { get; set; } = [];

    /// <summary>The person that this one was found to be (R-HH-7): a number of that person's, kept as it was; see <see cref="SamePersons"/>. Null: a person in its own right.</summary>
    public Guid? SameAs { get; set; }

    /// <summary>Whom the decision in force names: <see cref="SameAs"/>, or somebody who was found to be that person since.</summary>
    public Guid? LinkedTo { get; set; }

    /// <summary>The household that a person leaves changes too: it may have been protected for that person's sake.</summary>
    public IEnumerable<Guid> AffectedIds()
    {
        yield return PersonId;
        if (_householdId is { } household) yield return household;
        if (_leftHouseholdId is { } left) yield return left;
    }
}

/// <summary>Parenthood by blood, the one fact that every kinship follows from.</summary>
internal sealed class ParentRow : IFamilyFact
{
    public Guid ParentId { get; set; }

    public Guid ChildId { get; set; }

    /// <summary>Kin of the second degree stand on either side of one that a family has already.</summary>
    public IEnumerable<Guid> AffectedIds() => [ParentId, ChildId];
}

/// <summary>Where persons lie.</summary>
internal sealed class PeopleMapping : IEntityTypeConfiguration<PersonRow>, IEntityTypeConfiguration<ParentRow>
{
    public void Configure(EntityTypeBuilder<PersonRow> builder)
    {
        builder.ToTable("person");
        builder.HasKey(p => p.PersonId);
        builder.HasIndex(p => p.NationalIdIndex).IsUnique();
        builder.HasIndex(p => p.NameIndex);
        builder.HasIndex(p => p.HouseholdId);
        builder.HasIndex(p => p.SameAs).HasFilter("same_as IS NOT NULL");
        builder.HasIndex(p => p.NationalIdIndex, SamePersons.NumberIndex).HasFilter("same_as IS NOT NULL");
    }

    public void Configure(EntityTypeBuilder<ParentRow> builder)
    {
        builder.ToTable("parent");
        builder.HasKey(p => new { p.ParentId, p.ChildId });
        builder.HasIndex(p => p.ChildId);
    }
}

/// <summary>What decisions ask of a stored person; the indexes and the sealed part stay in the store.</summary>
internal readonly record struct PersonPlace(Guid PersonId, Wire.Jurisdiction Jurisdiction, Guid? HouseholdId, string District, bool IsProtected);

/// <summary>A stored person who has been opened.</summary>
internal sealed record KnownPerson(PersonPlace Row, Wire.HouseholdMember Facts)
{
    public Guid Id => Row.PersonId;

    public Wire.Person Person => Facts.Person;

    private string? _pseudonym;
    private Shown? _shown;

    /// <summary>
    /// The person as it is shown to whoever may see these classes. The same object goes into many answers and is never changed again: an answer as a whole is
    /// redacted by no fewer classes than its parts, so that step clears only what is clear already.
    /// </summary>
    public Wire.Person ShownWith(RedactionPlan plan, ClassSet visible)
    {
        if (_shown is { } known && known.Visible == visible) return known.Person;
        var copy = Person.Clone();
        plan.Redact(copy, visible);
        _shown = new Shown(visible, copy);
        return copy;
    }

    /// <summary>The person's pseudonym in evidence; computed once for all calls that share the person.</summary>
    public string PseudonymBy(Vault vault) => _pseudonym ??= vault.Pseudonyms.OfNationalId(Person.NationalId);

    private sealed record Shown(ClassSet Visible, Wire.Person Person);
}

/// <summary>Finds and opens persons; the hot statements of the exchange.</summary>
internal static class People
{
    public static readonly SealedColumn FactsColumn = new("person", "sealed");

    /// <summary>Persons of one name and birth date whom a record names; of the most common names two or three share a day.</summary>
    private const int MostNamesakes = 4;

    /// <summary>SQL over a row of <c>person</c>: it or somebody of its household is protected.</summary>
    public const string IsProtected =
        "(person.is_protected OR person.is_shielded OR EXISTS (SELECT 1 FROM person AS home WHERE home.household_id = person.household_id AND (home.is_protected OR home.is_shielded)))";

    private const string Columns = $"person_id, jurisdiction, household_id, district, {IsProtected}, sealed";

    /// <summary>The person who has that national id, or was found to be the one who had it (R-HH-7).</summary>
    public static KnownPerson? FindPerson(this ReadSession session, Vault vault, string nationalId) =>
        Kept(session, vault, session.Query($"SELECT {Columns}, same_as FROM person WHERE national_id_index = $0", vault.Index.OfNationalId(nationalId)));

    /// <inheritdoc cref="FindPerson(ReadSession, Vault, string)"/>
    public static KnownPerson? FindPerson(this ReadSession session, Vault vault, Guid personId) =>
        Kept(session, vault, session.Query($"SELECT {Columns}, same_as FROM person WHERE person_id = $0", personId.ToByteArray(true)));

    /// <summary>The person of a row as it was entered, whoever it was found to be since.</summary>
    public static KnownPerson? FindEntered(this ReadSession session, Vault vault, Guid personId) =>
        One(vault, session.Query($"SELECT {Columns} FROM person WHERE person_id = $0", personId.ToByteArray(true)));

    /// <summary>The person whom the log knows by a pseudonym; null: nobody who is kept. The two keys are apart on purpose, so everybody is opened until one fits: some 10 us
    /// a person, for an act of two officers (docs/decisions/0018).</summary>
    public static Guid? FindByPseudonym(this ReadSession session, Vault vault, string pseudonym)
    {
        using var reader = session.Query("SELECT person_id, sealed FROM person");
        while (reader.Read())
        {
            var id = reader.GetId(0);
            var facts = vault.OpenFacts(Wire.HouseholdMember.Parser, FactsColumn, id, reader.GetFieldValue<byte[]>(1));
            if (string.Equals(vault.Pseudonyms.OfNationalId(facts.Person.NationalId), pseudonym, StringComparison.Ordinal)) return id;
        }

        return null;
    }

    /// <summary>Where a person stands, without opening its sealed part; null: nobody has that national id.</summary>
    public static PersonPlace? FindPlace(this ReadSession session, Vault vault, string nationalId)
    {
        using var reader = session.Query(
            $"SELECT person_id, jurisdiction, household_id, district, {IsProtected} FROM person WHERE national_id_index = $0", session.KeptIndex(vault.Index.OfNationalId(nationalId)));
        return reader.Read()
            ? new PersonPlace(reader.GetId(0), (Wire.Jurisdiction)reader.GetInt32(1), reader.IsDBNull(2) ? null : reader.GetId(2), reader.GetString(3), reader.GetBoolean(4))
            : null;
    }

    /// <summary>The whereabouts of one of these persons are protected, so the contact of none is shown (R-NTK-10).</summary>
    public static bool HasProtected(this ReadSession session, IEnumerable<Guid> personIds) => personIds.Any(id =>
    {
        using var reader = session.Query($"SELECT 1 FROM person WHERE person_id = $0 AND {IsProtected}", id.ToByteArray(true));
        return reader.Read();
    });

    /// <summary>The register protects the whereabouts of the person itself, under any of its numbers, whatever units do.</summary>
    public static bool IsProtectedByRegister(this ReadSession session, Guid personId)
    {
        using var reader = session.Query("SELECT is_protected OR EXISTS (SELECT 1 FROM person AS o WHERE o.same_as = $0 AND o.is_protected) FROM person WHERE person_id = $0", personId.ToByteArray(true));
        return reader.Read() && reader.GetBoolean(0);
    }

    /// <summary>
    /// Everyone of that name and birth date, usually one, at most <see cref="MostNamesakes"/>. As many are opened whether there are any or not: other persons, drawn by
    /// the index, stand in for those who are missing, by the same statements and from pages as cold, so that the time does not tell how many there are (R-NTK-14).
    /// </summary>
    /// <param name="index">Blind index of name and birth date.</param>
    /// <param name="standIns">Persons who were opened for nothing.</param>
    public static List<KnownPerson> OpenNamesakes(this ReadSession session, Vault vault, byte[] index, out List<KnownPerson> standIns)
    {
        var places = new List<long>(MostNamesakes);
        using (var reader = session.Query("SELECT rowid FROM person WHERE name_index = $0 AND same_as IS NULL LIMIT $1", index, MostNamesakes))
        {
            while (reader.Read()) places.Add(reader.GetInt64(0));
        }

        long last;
        using (var reader = session.Query("SELECT max(rowid) FROM person")) last = reader.Read() && !reader.IsDBNull(0) ? reader.GetInt64(0) : 1;
        var real = places.Count;
        for (var at = real; at < MostNamesakes; at++) places.Add(1 + (BinaryPrimitives.ReadUInt32BigEndian(index.AsSpan(4 * at)) % last));
        var (found, others) = (new List<KnownPerson>(), new List<KnownPerson>());
        for (var at = 0; at < places.Count; at++)
        {
            if (One(vault, session.Query($"SELECT {Columns} FROM person WHERE rowid = $0", places[at])) is { } person)
                (at < real ? found : others).Add(person);
        }

        standIns = others;
        return found;
    }

    /// <summary>Pseudonyms of the subjects of these cases, by one statement.</summary>
    public static List<string> PseudonymsOfCases(this ReadSession session, Vault vault, IReadOnlyCollection<Guid> caseIds)
    {
        if (caseIds.Count == 0) return [];
        // A constant statement takes any number of ids: they stand one after the other in a blob of 16 bytes each.
        var ids = string.Concat(caseIds.Select(id => Convert.ToHexString(id.ToByteArray(true))));
        var found = new List<string>();
        using var reader = session.Query("""
            WITH RECURSIVE listed (at, id) AS (
              SELECT 1, unhex(substr($0, 1, 32)) UNION ALL SELECT at + 32, unhex(substr($0, at + 32, 32)) FROM listed WHERE at + 32 < length($0))
            SELECT DISTINCT person.person_id, person.sealed FROM listed CROSS JOIN case_subject AS s ON s.case_id = listed.id JOIN person ON person.person_id = s.person_id
            """, ids);
        while (reader.Read())
        {
            var facts = vault.OpenFacts(Wire.HouseholdMember.Parser, FactsColumn, reader.GetId(0), reader.GetFieldValue<byte[]>(1));
            found.Add(vault.Pseudonyms.OfNationalId(facts.Person.NationalId));
        }

        return found;
    }

    /// <summary>Everyone of a household, head first.</summary>
    /// <param name="opened">Persons opened before, who are not opened again; everyone found is in it afterwards.</param>
    public static List<KnownPerson> MembersOf(this ReadSession session, Vault vault, Guid householdId, Dictionary<Guid, KnownPerson>? opened = null) =>
        All(vault, session.Query($"SELECT {Columns} FROM person WHERE household_id = $0 ORDER BY place", householdId.ToByteArray(true)), opened);

    /// <summary>Relatives by blood to the second degree (R-HH-2), nearest first, each once.</summary>
    /// <param name="opened">As for the members of a household: most relatives are both.</param>
    public static List<(KnownPerson Person, Wire.Kinship Kinship)> RelativesOf(
        this ReadSession session, Vault vault, Guid personId, Dictionary<Guid, KnownPerson>? opened = null)
    {
        var found = new List<(KnownPerson, Wire.Kinship)>();
        using var reader = session.Query($"""
            WITH kin (id, kinship) AS (
              SELECT parent_id, 1 FROM parent WHERE child_id = $0
              UNION ALL SELECT child_id, 2 FROM parent WHERE parent_id = $0
              UNION ALL SELECT up.parent_id, 3 FROM parent AS mine JOIN parent AS up ON up.child_id = mine.parent_id WHERE mine.child_id = $0
              UNION ALL SELECT down.child_id, 4 FROM parent AS mine JOIN parent AS down ON down.parent_id = mine.child_id WHERE mine.parent_id = $0
              UNION ALL SELECT other.child_id, 5 FROM parent AS mine JOIN parent AS other ON other.parent_id = mine.parent_id WHERE mine.child_id = $0),
            nearest (id, kinship) AS (SELECT id, min(kinship) FROM kin WHERE id <> $0 GROUP BY id)
            SELECT {Columns}, kinship FROM nearest JOIN person ON person_id = id ORDER BY kinship, person_id
            """, personId.ToByteArray(true));
        while (reader.Read()) found.Add((Open(vault, reader, opened), (Wire.Kinship)reader.GetInt32(6)));
        return found;
    }

    /// <summary>Seals a person for storage under a new or known id.</summary>
    public static PersonRow ToRow(Vault vault, Wire.Jurisdiction jurisdiction, Wire.HouseholdMember facts, Guid personId, Guid? householdId, string district, int place,
        bool isProtected)
    {
        var person = facts.Person;
        return new PersonRow
        {
            PersonId = personId,
            Jurisdiction = jurisdiction,
            NationalIdIndex = vault.Index.OfNationalId(person.NationalId),
            NameIndex = vault.Index.OfNameAndBirthDate(person.Name, DateOnly.ParseExact(person.BirthDate, "yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture)),
            HouseholdId = householdId,
            District = district,
            Place = place,
            IsProtected = isProtected,
            Sealed = vault.SealFacts(jurisdiction, FactsColumn, personId, facts),
        };
    }

    private static KnownPerson? One(Vault vault, SqliteDataReader reader)
    {
        using (reader) return reader.Read() ? Open(vault, reader) : null;
    }

    /// <summary>The person of a row, or the one that it was found to be; the seventh column says.</summary>
    private static KnownPerson? Kept(ReadSession session, Vault vault, SqliteDataReader reader)
    {
        Guid kept;
        using (reader)
        {
            if (!reader.Read()) return null;
            if (reader.IsDBNull(6)) return Open(vault, reader);
            kept = reader.GetId(6);
        }

        return session.FindPerson(vault, kept);
    }

    private static List<KnownPerson> All(Vault vault, SqliteDataReader reader, Dictionary<Guid, KnownPerson>? opened = null)
    {
        var found = new List<KnownPerson>();
        using (reader)
        {
            while (reader.Read()) found.Add(Open(vault, reader, opened));
        }

        return found;
    }

    private static KnownPerson Open(Vault vault, SqliteDataReader reader, Dictionary<Guid, KnownPerson>? opened = null)
    {
        var id = reader.GetId(0);
        if (opened is not null && opened.TryGetValue(id, out var known)) return known;
        var place = new PersonPlace(
            id, (Wire.Jurisdiction)reader.GetInt32(1), reader.IsDBNull(2) ? null : reader.GetId(2), reader.GetString(3), reader.GetBoolean(4));
        var facts = vault.OpenFacts(Wire.HouseholdMember.Parser, FactsColumn, id, reader.GetFieldValue<byte[]>(5));
        facts.Person.PersonId = id.ToString();
        var person = new KnownPerson(place, facts);
        opened?.Add(id, person);
        return person;
    }

    /// <summary>An id stored as 16 bytes.</summary>
    public static Guid GetId(this SqliteDataReader reader, int column) => new(reader.GetFieldValue<byte[]>(column), true);
}
