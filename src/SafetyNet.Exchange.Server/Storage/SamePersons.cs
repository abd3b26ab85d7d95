using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>
/// A row that names persons by their ids. Who was found to be somebody else is named by that person's id; the writer sees to it that no row is added by the old one (R-HH-7).
/// </summary>
internal interface INamesPersons
{
    IEnumerable<Guid> NamedPersons();
}

/// <summary>
/// Whom a row was entered for, kept while that person is taken for another and the row has the other's id (R-HH-7). What was entered for a person goes back to it when the two are parted.
/// </summary>
internal sealed class EnteredReference
{
    /// <summary>The person that it was entered for.</summary>
    public Guid PersonId { get; set; }

    /// <summary>Number of the table in <see cref="SamePersons"/>.</summary>
    public int Place { get; set; }

    /// <summary>Key of the row, or of what the row says a person of.</summary>
    public byte[] Owner { get; set; } = [];
}

/// <summary>Where entered references lie.</summary>
internal sealed class EnteredReferenceMapping : IEntityTypeConfiguration<EnteredReference>
{
    public void Configure(EntityTypeBuilder<EnteredReference> builder)
    {
        builder.ToTable("entered_reference");
        builder.HasKey(e => new { e.PersonId, e.Place, e.Owner });
        builder.HasIndex(e => new { e.Place, e.Owner });
    }
}

/// <summary>
/// How one person is taken for another from now on, and how the two are parted (R-HH-7): every row that names the one is given the id of the other, so that nothing that reads has to know of it. All of it is
/// done by the writer, on the rows as they are then: constant statements, one after the other (docs/decisions/0031).
/// </summary>
internal static class SamePersons
{
    /// <summary>Index of the numbers of persons who were found to be others; few, so that looking a number up there costs the same for all others, known or not (R-NTK-14).</summary>
    public const string NumberIndex = "ix_person_linked_number";

    /// <summary>Rows with an id of their own that name one person. Where the row of the other stands in the way (the same protocol runs for both), it stays.</summary>
    private static readonly OwnRows[] Own =
    [
        new(1, "access_grant", "grant_id", IsVersioned: true), new(2, "broken_glass", "break_glass_id", IsVersioned: true), new(3, "correction", "correction_id"),
        new(4, "disclosure", "disclosure_id", IsVersioned: true), new(5, "whereabouts_act", "act_id"), new(6, "referral_effort", "effort_id", Column: "client_person_id"),
        new(7, "visit", "visit_id", IsVersioned: true), new(8, "visit_protocol_run", "run_id", IsVersioned: true), new(9, "household_stay", "stay_id"),
    ];

    /// <summary>Rows that say of a thing that a person belongs to it, each person once. Of two open cases both stay open; see <see cref="Cases.CaseSubjectRow.Beside"/>.</summary>
    private static readonly ListedPersons[] Listed =
    [
        new(20, "referral_subject", "referral_id", "person_id"), new(22, "report_subject", "report_id", "person_id", ["received_at"], ["received_at"]),
        new(23, "parent", "child_id", "parent_id"), new(24, "parent", "parent_id", "child_id"),
        new(21, "case_subject", "case_id", "person_id", ["is_open", "beside"], ["is_open",
            "CASE WHEN is_open = 0 THEN 0 ELSE beside + (SELECT coalesce(max(other.beside) + 1, 0) FROM case_subject AS other WHERE other.person_id = ?2 AND other.is_open = 1) END"]),
    ];

    /// <summary>SQL: what ?2 and those who are taken for it stand for at one place, x being an entered reference.</summary>
    private const string OfKept = "(x.person_id = ?2 OR EXISTS (SELECT 1 FROM person AS o WHERE o.person_id = x.person_id AND o.same_as = ?2))";

    /// <summary>SQL: the key of a part in a case.</summary>
    private const string PartKey = "unhex(hex(case_id) || hex(unit_id))";

    /// <summary>Number of the scopes of parts.</summary>
    private const string Scopes = "30";

    /// <summary>SQL: whom an act of a unit was done for.</summary>
    private const string DoneFor = "coalesce((SELECT x.person_id FROM entered_reference AS x WHERE x.place = 5 AND x.owner = {0}.act_id AND x.person_id <> ?2), {0}.person_id)";

    /// <summary>
    /// Whereabouts that the register protects under any of a person's numbers, or a unit under one without lifting it under that one, are protected (R-NTK-10): the word that a unit had on another number does not lift it.
    /// What units did is read from their acts, which have gone where their persons went.
    /// </summary>
    private static readonly string Shield = $"""
        UPDATE person SET is_shielded = EXISTS (SELECT 1 FROM whereabouts_act AS a WHERE a.person_id = person.person_id AND a.is_lifted = 0 AND NOT EXISTS (
            SELECT 1 FROM whereabouts_act AS b WHERE b.person_id = a.person_id AND (b.at, b.act_id) > (a.at, a.act_id) AND {DoneFor.Replace("{0}", "b", StringComparison.Ordinal)} = {DoneFor.Replace("{0}", "a", StringComparison.Ordinal)}))
          OR EXISTS (SELECT 1 FROM person AS o WHERE o.same_as = person.person_id AND o.is_protected)
        WHERE person_id IN (?1, ?2)
        """;

    private static readonly string[] JoinSql =
    [
        // No row comes of these: they refuse what another change has overtaken, as the registration of whoever was not registered.
        "INSERT INTO person SELECT * FROM person WHERE person_id IN (?1, ?2) AND same_as IS NOT NULL",
        "INSERT INTO person SELECT * FROM person WHERE person_id = ?1 AND EXISTS (SELECT 1 FROM person AS o WHERE o.same_as = ?1) AND ?2 IS NOT NULL",
        "INSERT INTO person SELECT * FROM person WHERE person_id = ?1 AND household_id IS NOT NULL AND ?2 IS NOT NULL",
        // Children who wait for the one have found the other.
        "INSERT OR IGNORE INTO parent (parent_id, child_id) SELECT ?1, child_id FROM pending_parent WHERE parent_index = (SELECT national_id_index FROM person WHERE person_id = ?1) AND child_id <> ?2",
        // Whoever changes a case of the one meanwhile is told so.
        "UPDATE case_file SET version = version + 1 WHERE case_id IN (SELECT case_id FROM case_subject WHERE person_id = ?1) AND ?2 IS NOT NULL",
        .. JoinScopes(), .. Listed.SelectMany(table => table.Join()), .. Own.SelectMany(table => table.Join()),
        "UPDATE person SET same_as = ?2 WHERE person_id = ?1",
        Shield,
    ];

    private static readonly string[] PartSql =
    [
        "INSERT INTO person SELECT * FROM person WHERE person_id = ?1 AND same_as IS NOT ?2",
        "UPDATE case_file SET version = version + 1 WHERE case_id IN (SELECT case_id FROM case_subject WHERE person_id = ?2) AND ?1 IS NOT NULL",
        .. PartScopes(), .. Listed.SelectMany(table => table.Part()), .. Own.Select(table => table.Part()),
        // Whoever has one open case has it as anybody has.
        "UPDATE case_subject SET beside = 0 WHERE person_id IN (?1, ?2) AND is_open = 1 AND (SELECT count(*) FROM case_subject AS o WHERE o.person_id = case_subject.person_id AND o.is_open = 1) = 1",
        "UPDATE person SET same_as = NULL, linked_to = NULL WHERE person_id = ?1 AND ?2 IS NOT NULL",
        // A number that came into the exchange by the link alone is not known any more.
        $"DELETE FROM person WHERE person_id = ?1 AND name_index = zeroblob({BlindIndex.SizeBytes}) AND NOT EXISTS (SELECT 1 FROM entered_reference AS x WHERE x.person_id = ?1) AND ?2 IS NOT NULL",
        "DELETE FROM entered_reference WHERE person_id = ?1 AND ?2 IS NOT NULL",
        Shield,
    ];

    /// <summary>Tables and columns that name persons and that these statements change; for the test that asks whether they are all.</summary>
    public static IEnumerable<(string Table, string Column)> Columns =>
        [.. Own.Select(table => (table.Table, table.Column)), .. Listed.Select(table => (table.Table, table.Column)), ("case_participant", "person_ids")];

    /// <summary>Takes a person for another from now on. Neither is taken for a third.</summary>
    /// <param name="alias">The one, whom nobody is taken for.</param>
    /// <param name="kept">The other, whose id stays.</param>
    /// <param name="linkedTo">Whom the decision names: the other, or one who is taken for it.</param>
    public static IEnumerable<IStatementRow> Join(Guid alias, Guid kept, Guid linkedTo) =>
        [.. JoinSql.Select(sql => new PersonStatement(sql, alias, kept)), new PersonStatement("UPDATE person SET linked_to = ?2 WHERE person_id = ?1", alias, linkedTo)];

    /// <summary>Parts a person from the one that it is taken for: what was entered for it is its own again, what was entered since is the other's.</summary>
    public static IEnumerable<IStatementRow> Part(Guid alias, Guid kept) => PartSql.Select(sql => new PersonStatement(sql, alias, kept));

    /// <summary>A case is taken into another: whom its subjects were entered for is known of the other too.</summary>
    /// <param name="goes">The case that goes.</param>
    /// <param name="goesOn">The other.</param>
    /// <param name="personId">A subject of the one that goes.</param>
    /// <param name="wasInBoth">It was a subject of both.</param>
    public static IEnumerable<IStatementRow> Merge(Guid goes, Guid goesOn, Guid personId, bool wasInBoth)
    {
        if (wasInBoth) yield return new MergeStatement(KeepOwn, goes, goesOn, personId);
        yield return new MergeStatement(TakeReferences, goes, goesOn, personId);
        if (wasInBoth) yield return new MergeStatement(TakeOwn, goes, goesOn, personId);
    }

    /// <summary>SQL: an entered reference x of ?3, or of one who is taken for it, to a case.</summary>
    private const string ToCase = "x.place = 21 AND (x.person_id = ?3 OR EXISTS (SELECT 1 FROM person AS o WHERE o.person_id = x.person_id AND o.same_as = ?3)) AND x.owner = ";

    private const string KeepOwn = $"""
        INSERT OR IGNORE INTO entered_reference (person_id, place, owner) SELECT ?3, 21, ?2
        WHERE EXISTS (SELECT 1 FROM entered_reference AS x WHERE {ToCase} ?1) AND NOT EXISTS (SELECT 1 FROM entered_reference AS x WHERE {ToCase} ?2)
        """;

    private const string TakeReferences = $"INSERT OR IGNORE INTO entered_reference (person_id, place, owner) SELECT x.person_id, 21, ?2 FROM entered_reference AS x WHERE {ToCase} ?1";

    private const string TakeOwn = $"""
        INSERT OR IGNORE INTO entered_reference (person_id, place, owner) SELECT ?3, 21, ?2
        WHERE NOT EXISTS (SELECT 1 FROM entered_reference AS x WHERE {ToCase} ?1) AND EXISTS (SELECT 1 FROM entered_reference AS x WHERE {ToCase} ?2)
        """;

    /// <summary>The id of a person now: of whoever it was found to be, else its own.</summary>
    public static Guid Kept(this ReadSession session, Guid personId)
    {
        using var reader = session.Query("SELECT same_as FROM person WHERE person_id = $0", personId.ToByteArray(true));
        return reader.Read() && !reader.IsDBNull(0) ? reader.GetId(0) : personId;
    }

    /// <summary>The same for a blind index of a national id, known or not.</summary>
    public static byte[] KeptIndex(this ReadSession session, byte[] nationalIdIndex)
    {
        using var reader = session.Query(
            $"SELECT kept.national_id_index FROM person AS one INDEXED BY {NumberIndex} CROSS JOIN person AS kept ON kept.person_id = one.same_as WHERE one.national_id_index = $0 AND one.same_as IS NOT NULL",
            nationalIdIndex);
        return reader.Read() ? reader.GetFieldValue<byte[]>(0) : nationalIdIndex;
    }

    /// <summary>Who is taken for a person, and whom the decision in force names for each.</summary>
    public static List<(Guid Alias, Guid LinkedTo)> TakenFor(this ReadSession session, Guid kept)
    {
        var found = new List<(Guid, Guid)>();
        using var reader = session.Query("SELECT person_id, linked_to FROM person WHERE same_as = $0 ORDER BY person_id", kept.ToByteArray(true));
        while (reader.Read()) found.Add((reader.GetId(0), reader.GetId(1)));
        return found;
    }

    /// <summary>Pseudonyms of the other numbers of a person, under which the log has what was asked before they were found to be one.</summary>
    /// <param name="session">The snapshot.</param>
    /// <param name="vault">Opens the numbers.</param>
    /// <param name="nationalIdIndex">One of the numbers.</param>
    /// <param name="within">Only where the person is of this jurisdiction; TW: of any.</param>
    public static List<string> OtherPseudonyms(this ReadSession session, Vault vault, byte[] nationalIdIndex, Wire.Jurisdiction within)
    {
        var found = new List<string>();
        using var reader = session.Query("""
            WITH kept (id) AS (SELECT one.person_id FROM person AS named CROSS JOIN person AS one
              WHERE named.national_id_index = $0 AND one.person_id = coalesce(named.same_as, named.person_id) AND one.jurisdiction = coalesce($1, one.jurisdiction))
            SELECT person.person_id, person.sealed, person.national_id_index FROM kept CROSS JOIN person WHERE person.person_id = kept.id AND EXISTS (SELECT 1 FROM person AS o WHERE o.same_as = kept.id)
            UNION ALL SELECT person.person_id, person.sealed, person.national_id_index FROM kept CROSS JOIN person WHERE person.same_as = kept.id
            """, nationalIdIndex, within == Wire.Jurisdiction.Tw ? DBNull.Value : (int)within);
        while (reader.Read())
        {
            if (reader.GetFieldValue<byte[]>(2).AsSpan().SequenceEqual(nationalIdIndex)) continue;
            found.Add(vault.Pseudonyms.OfNationalId(vault.OpenFacts(Wire.HouseholdMember.Parser, People.FactsColumn, reader.GetId(0), reader.GetFieldValue<byte[]>(1)).Person.NationalId));
        }

        return found;
    }

    private static string[] JoinScopes() =>
    [
        $"""
        INSERT OR IGNORE INTO entered_reference (person_id, place, owner) SELECT ?2, {Scopes}, {PartKey} FROM case_participant
        WHERE case_id IN (SELECT case_id FROM case_subject WHERE person_id = ?1) AND instr(person_ids, ?1) > 0 AND instr(person_ids, ?2) > 0
          AND NOT EXISTS (SELECT 1 FROM entered_reference AS x WHERE x.place = {Scopes} AND x.owner = {PartKey} AND {OfKept})
        """,
        $"""
        INSERT OR IGNORE INTO entered_reference (person_id, place, owner) SELECT ?1, {Scopes}, {PartKey} FROM case_participant
        WHERE case_id IN (SELECT case_id FROM case_subject WHERE person_id = ?1) AND instr(person_ids, ?1) > 0 AND ?2 IS NOT NULL
        """,
        "UPDATE case_participant SET person_ids = unhex(hex(person_ids) || hex(?2)) WHERE case_id IN (SELECT case_id FROM case_subject WHERE person_id = ?1) AND instr(person_ids, ?1) > 0 AND instr(person_ids, ?2) = 0",
    ];

    /// <summary>A scope that named the one goes on to name it; the other it names no more, unless it did.</summary>
    private static string[] PartScopes() =>
    [
        $"""
        UPDATE case_participant SET person_ids = unhex(replace(hex(person_ids), hex(?2), ''))
        WHERE case_id IN (SELECT case_id FROM case_subject WHERE person_id = ?2) AND instr(person_ids, ?2) > 0
          AND EXISTS (SELECT 1 FROM entered_reference AS x WHERE x.place = {Scopes} AND x.owner = {PartKey} AND x.person_id = ?1)
          AND NOT EXISTS (SELECT 1 FROM entered_reference AS x WHERE x.place = {Scopes} AND x.owner = {PartKey} AND x.person_id <> ?1 AND {OfKept})
        """,
    ];

    /// <param name="Number">Of the table, in <see cref="EnteredReference.Place"/>.</param>
    private sealed record OwnRows(int Number, string Table, string Key, bool IsVersioned = false, string Column = "person_id")
    {
        private string Set(string person) => IsVersioned ? $"{Column} = {person}, version = version + 1" : $"{Column} = {person}";

        public string[] Join() =>
        [
            $"INSERT OR IGNORE INTO entered_reference (person_id, place, owner) SELECT ?1, {Number}, {Key} FROM {Table} WHERE {Column} = ?1 AND ?2 IS NOT NULL",
            $"UPDATE OR IGNORE {Table} SET {Set("?2")} WHERE {Column} = ?1",
        ];

        public string Part() =>
            $"UPDATE OR IGNORE {Table} SET {Set("?1")} WHERE {Column} = ?2 AND {Key} IN (SELECT owner FROM entered_reference WHERE person_id = ?1 AND place = {Number})";
    }

    /// <param name="Number">Of the table, in <see cref="EnteredReference.Place"/>.</param>
    /// <param name="Owner">Column of the thing.</param>
    /// <param name="Column">Column of the person.</param>
    /// <param name="Others">Further columns.</param>
    /// <param name="Joined">What stands in them when the row is given the id of the other person.</param>
    private sealed record ListedPersons(int Number, string Table, string Owner, string Column, string[] Others, string[] Joined)
    {
        public ListedPersons(int number, string table, string owner, string column)
            : this(number, table, owner, column, [], [])
        {
        }

        private string All => string.Concat(Others.Select(column => $", {column}"));

        /// <summary>Where both belong to a thing, it is kept that the other does so by itself.</summary>
        public string[] Join() =>
        [
            $"""
            INSERT OR IGNORE INTO entered_reference (person_id, place, owner) SELECT ?2, {Number}, t.{Owner} FROM {Table} AS t
            WHERE t.{Column} = ?1 AND EXISTS (SELECT 1 FROM {Table} AS both WHERE both.{Owner} = t.{Owner} AND both.{Column} = ?2)
              AND NOT EXISTS (SELECT 1 FROM entered_reference AS x WHERE x.place = {Number} AND x.owner = t.{Owner} AND {OfKept})
            """,
            $"INSERT OR IGNORE INTO entered_reference (person_id, place, owner) SELECT ?1, {Number}, {Owner} FROM {Table} WHERE {Column} = ?1 AND {Owner} <> ?2",
            $"INSERT OR IGNORE INTO {Table} ({Owner}, {Column}{All}) SELECT {Owner}, ?2{string.Concat(Joined.Select(value => $", {value}"))} FROM {Table} WHERE {Column} = ?1 AND {Owner} <> ?2",
            $"DELETE FROM {Table} WHERE {Column} = ?1 AND {Owner} <> ?2",
        ];

        public string[] Part() =>
        [
            $"""
            INSERT OR IGNORE INTO {Table} ({Owner}, {Column}{All}) SELECT {Owner}, ?1{All} FROM {Table}
            WHERE {Column} = ?2 AND {Owner} IN (SELECT owner FROM entered_reference WHERE person_id = ?1 AND place = {Number})
            """,
            $"""
            DELETE FROM {Table} WHERE {Column} = ?2 AND {Owner} IN (SELECT owner FROM entered_reference WHERE person_id = ?1 AND place = {Number})
              AND NOT EXISTS (SELECT 1 FROM entered_reference AS x WHERE x.place = {Number} AND x.owner = {Table}.{Owner} AND x.person_id <> ?1 AND {OfKept})
            """,
        ];
    }
}

/// <summary>
/// One of the statements by which a person is taken for another, or parted from it. It is no family's fact alone: a child who has found its parent by it is in families that neither was of, so all are read anew.
/// </summary>
internal sealed record PersonStatement(string Sql, Guid Alias, Guid Kept) : IStatementRow
{
    public void Bind(HotStatement statement)
    {
        statement.Bind(1, Alias);
        statement.Bind(2, Kept);
    }
}

/// <summary>What a case that takes in another knows of whom its subjects were entered for.</summary>
internal sealed record MergeStatement(string Sql, Guid Goes, Guid GoesOn, Guid PersonId) : IStatementRow, IFamilyFact
{
    public void Bind(HotStatement statement)
    {
        statement.Bind(1, Goes);
        statement.Bind(2, GoesOn);
        statement.Bind(3, PersonId);
    }

    /// <summary>Whom rows were entered for, no family shows.</summary>
    public IEnumerable<Guid> AffectedIds() => [];
}
