using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Deliveries;

/// <summary>A person as the register has it now. The id stays, and what a unit protects (<see cref="PersonRow.IsShielded"/>) is not the register's to change.</summary>
/// <param name="Row">As it will be.</param>
/// <param name="LeftHouseholdId">Household that the person leaves by it; null: none.</param>
internal sealed record PersonWrite(PersonRow Row, Guid? LeftHouseholdId) : IStatementRow, IFamilyFact, INamesPersons
{
    public string Sql => """
        INSERT INTO person (person_id, jurisdiction, national_id_index, name_index, household_id, district, place, is_protected, is_shielded, sealed)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9)
        ON CONFLICT (person_id) DO UPDATE SET jurisdiction = excluded.jurisdiction, name_index = excluded.name_index, household_id = excluded.household_id, district = excluded.district,
          place = excluded.place, is_protected = excluded.is_protected, sealed = excluded.sealed
        """;

    public void Bind(HotStatement statement)
    {
        statement.Bind(1, Row.PersonId);
        statement.Bind(2, (long)Row.Jurisdiction);
        statement.Bind(3, Row.NationalIdIndex);
        statement.Bind(4, Row.NameIndex);
        statement.Bind(5, Row.HouseholdId);
        statement.Bind(6, Row.District);
        statement.Bind(7, (long)Row.Place);
        statement.Bind(8, Row.IsProtected);
        statement.Bind(9, Row.Sealed);
    }

    public IEnumerable<Guid> AffectedIds()
    {
        yield return Row.PersonId;
        if (Row.HouseholdId is { } household) yield return household;
        if (LeftHouseholdId is { } left) yield return left;
    }

    public IEnumerable<Guid> NamedPersons() => [Row.PersonId];
}

/// <summary>What the register has said of a person, and in which delivery.</summary>
internal sealed record EntryWrite(Guid PersonId, Guid DeliveryId, int SinceDay, byte[] Fingerprint) : IStatementRow, IFamilyFact
{
    public string Sql => """
        INSERT INTO register_entry (person_id, taken_in, seen_in, since_day, fingerprint) VALUES (?1, ?2, ?2, ?3, ?4)
        ON CONFLICT (person_id) DO UPDATE SET taken_in = excluded.taken_in, seen_in = excluded.seen_in, since_day = excluded.since_day, fingerprint = excluded.fingerprint
        """;

    public void Bind(HotStatement statement)
    {
        statement.Bind(1, PersonId);
        statement.Bind(2, DeliveryId);
        statement.Bind(3, (long)SinceDay);
        statement.Bind(4, Fingerprint);
    }

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>The register says of a person what it said before.</summary>
internal sealed record EntryAgain(Guid PersonId, Guid DeliveryId) : IStatementRow, IFamilyFact
{
    public string Sql => "UPDATE register_entry SET taken_in = ?2, seen_in = ?2 WHERE person_id = ?1";

    public void Bind(HotStatement statement)
    {
        statement.Bind(1, PersonId);
        statement.Bind(2, DeliveryId);
    }

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>A delivery has a row about the person, which is wrong: nobody is absent for that.</summary>
internal sealed record EntrySeen(Guid PersonId, Guid DeliveryId) : IStatementRow, IFamilyFact
{
    public string Sql => "INSERT INTO register_entry (person_id, seen_in, fingerprint) VALUES (?1, ?2, x'') ON CONFLICT (person_id) DO UPDATE SET seen_in = excluded.seen_in";

    public void Bind(HotStatement statement)
    {
        statement.Bind(1, PersonId);
        statement.Bind(2, DeliveryId);
    }

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>Parenthood by blood, once.</summary>
internal sealed record ParentWrite(Guid ParentId, Guid ChildId) : IStatementRow, IFamilyFact, INamesPersons
{
    public string Sql => "INSERT INTO parent (parent_id, child_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";

    public void Bind(HotStatement statement)
    {
        statement.Bind(1, ParentId);
        statement.Bind(2, ChildId);
    }

    public IEnumerable<Guid> AffectedIds() => [ParentId, ChildId];

    public IEnumerable<Guid> NamedPersons() => [ParentId, ChildId];
}

/// <summary>The register names another parent of that sex now.</summary>
internal sealed record ParentEnd(Guid ParentId, Guid ChildId) : IStatementRow, IFamilyFact
{
    public string Sql => "DELETE FROM parent WHERE parent_id = ?1 AND child_id = ?2";

    public void Bind(HotStatement statement)
    {
        statement.Bind(1, ParentId);
        statement.Bind(2, ChildId);
    }

    public IEnumerable<Guid> AffectedIds() => [ParentId, ChildId];
}

/// <summary>A parent who has not come yet.</summary>
internal sealed record PendingWrite(Guid ChildId, bool IsFather, byte[] ParentIndex) : IStatementRow, IFamilyFact
{
    public string Sql => "INSERT INTO pending_parent (child_id, is_father, parent_index) VALUES (?1, ?2, ?3) ON CONFLICT (child_id, is_father) DO UPDATE SET parent_index = excluded.parent_index";

    public void Bind(HotStatement statement)
    {
        statement.Bind(1, ChildId);
        statement.Bind(2, IsFather);
        statement.Bind(3, ParentIndex);
    }

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>The parent has come, or another is named.</summary>
internal sealed record PendingEnd(Guid ChildId, bool IsFather) : IStatementRow, IFamilyFact
{
    public string Sql => "DELETE FROM pending_parent WHERE child_id = ?1 AND is_father = ?2";

    public void Bind(HotStatement statement)
    {
        statement.Bind(1, ChildId);
        statement.Bind(2, IsFather);
    }

    public IEnumerable<Guid> AffectedIds() => [];
}

/// <summary>One thing that is wrong with a row; no value of it.</summary>
/// <param name="SparedHouseholdId">Household that a row names which names nobody who can be found: its members are not taken to be absent. Null: the row says whom it is about.</param>
internal sealed record RejectionWrite(Guid DeliveryId, long Line, int Number, string Field, Wire.RegisterFault Fault, string Argument, Guid? SparedHouseholdId) : IStatementRow, IFamilyFact
{
    public string Sql => "INSERT INTO delivery_rejection (delivery_id, line, number, field, fault, argument, household_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

    public void Bind(HotStatement statement)
    {
        statement.Bind(1, DeliveryId);
        statement.Bind(2, Line);
        statement.Bind(3, (long)Number);
        statement.Bind(4, Field);
        statement.Bind(5, (long)Fault);
        statement.Bind(6, Argument);
        statement.Bind(7, SparedHouseholdId);
    }

    public IEnumerable<Guid> AffectedIds() => [];
}
