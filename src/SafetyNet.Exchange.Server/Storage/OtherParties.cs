namespace SafetyNet.Exchange.Server.Storage;

/// <summary>
/// Who serves the other party (相對人, R-NTK-10), derived from live steps in the snapshot of the call. The mark is kept by blind index of the national id, so that a person
/// whom the exchange does not know yet can be marked, and nobody learns from a mark whether it does.
/// </summary>
internal static class OtherParties
{
    /// <summary>
    /// Steps of unit $1 that have the other party of a case for a person, where that case is about person $0 or somebody who lives there: a scope in any open case, an
    /// open referral addressed to it. The primary unit of that very case answers for both sides and does not count. CROSS JOIN keeps the order of the tables: from the
    /// person outwards, never through all that is addressed to the unit.
    /// </summary>
    private const string Steps = """
        WITH home (id) AS (
          SELECT $0 UNION SELECT m.person_id FROM person AS p JOIN person AS m ON m.household_id = p.household_id WHERE p.person_id = $0),
        opposite (id) AS (
          SELECT DISTINCT coalesce(other.same_as, other.person_id) FROM home JOIN case_subject AS s ON s.person_id = home.id AND s.is_open = 1
          JOIN case_other_party AS mark ON mark.case_id = s.case_id AND mark.lifted_at IS NULL
          JOIN person AS other ON other.national_id_index = mark.national_id_index AND coalesce(other.same_as, other.person_id) <> s.person_id
          WHERE NOT EXISTS (SELECT 1 FROM case_participant AS lead WHERE lead.case_id = s.case_id AND lead.unit_id = $1 AND lead.role = 1))
        SELECT part.person_ids, opposite.id FROM opposite CROSS JOIN case_subject AS o ON o.person_id = opposite.id AND o.is_open = 1
          CROSS JOIN case_participant AS part ON part.case_id = o.case_id AND part.unit_id = $1 AND part.role IN (1, 2)
        UNION ALL
        SELECT x'', opposite.id FROM opposite CROSS JOIN referral_subject AS o ON o.person_id = opposite.id
          CROSS JOIN referral AS r ON r.referral_id = o.referral_id AND r.to_unit_id = $1 AND r.state IN (1, 2, 3, 4, 7)
        """;

    /// <summary>Does the unit serve the other party of a case that is about this person, or about somebody of the person's household?</summary>
    public static bool ServesOtherParty(this ReadSession session, string unitId, Guid personId)
    {
        using var reader = session.Query(Steps, personId.ToByteArray(true), unitId);
        while (reader.Read())
            if (IdList.Covers(reader.GetFieldValue<byte[]>(0), reader.GetFieldValue<byte[]>(1))) return true;
        return false;
    }

    /// <summary>The same for any of several persons.</summary>
    public static bool ServesOtherParty(this ReadSession session, string unitId, IEnumerable<Guid> personIds) =>
        personIds.Any(personId => session.ServesOtherParty(unitId, personId));

    /// <summary>Whom a case is about, and the case that it was merged into: whatever was written for it may tell of any of them.</summary>
    public static List<Guid> SubjectsOfCase(this ReadSession session, Guid caseId)
    {
        var found = new List<Guid>();
        using var reader = session.Query("""
            SELECT person_id FROM case_subject WHERE case_id = $0
            UNION SELECT s.person_id FROM case_file AS c JOIN case_subject AS s ON s.case_id = c.merged_into_id WHERE c.case_id = $0
            """, caseId.ToByteArray(true));
        while (reader.Read()) found.Add(reader.GetId(0));
        return found;
    }
}
