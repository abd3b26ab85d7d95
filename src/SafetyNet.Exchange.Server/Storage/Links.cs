using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>A person stands in a referral between two units.</summary>
internal readonly record struct ReferralLink(
    Guid ReferralId, Guid PersonId, string FromUnitId, string ToUnitId, Wire.ReferralState State, uint ViewClasses, DateTimeOffset? ViewUntil, Guid? CaseId);

/// <summary>A person stands in an open case with a unit that takes part.</summary>
/// <param name="IsInScope">The person is within the unit's scope.</param>
/// <param name="Protective">Protective classes on the unit's scope (R-NTK-9).</param>
internal readonly record struct CaseLink(Guid CaseId, Guid PersonId, string UnitId, Wire.ParticipantRole Role, bool IsInScope, ProtectiveScope Protective);

/// <summary>A person stands in an open case that is brought to a conference to which a unit is invited.</summary>
/// <param name="Agenda">Classes on the agenda, as bits of the code table.</param>
internal readonly record struct ConferenceLink(
    Guid ConferenceId, Guid CaseId, Guid PersonId, string UnitId, string ConvenorUnitId, uint Agenda, DateTimeOffset MeetingAt);

/// <summary>A unit was granted classes of a person's data on a case.</summary>
/// <param name="Classes">Classes as bits of the code table.</param>
/// <param name="Until">End, exclusive.</param>
internal readonly record struct GrantLink(
    Guid GrantId, Guid CaseId, Guid PersonId, string UnitId, uint Classes, Wire.Purpose Purpose, DateTimeOffset Until, int Version, bool IsCaseOpen);

/// <summary>A unit broke the glass for a person, and no review has closed it.</summary>
/// <param name="Until">End, exclusive.</param>
internal readonly record struct BreakGlassLink(
    Guid BreakGlassId, Guid PersonId, string UnitId, Wire.LegalBasis Basis, DateTimeOffset Until, int Version);

/// <summary>
/// The live steps that tie persons to units: what relationships and involvement are derived from at each call, in the snapshot of the call, and never
/// stored (R-NTK-3, R-HH-6).
/// </summary>
internal sealed record Links(IReadOnlyList<ReferralLink> Referrals, IReadOnlyList<CaseLink> Cases)
{
    /// <summary>Grants that were not revoked; which have ended is for the instant of the call to say.</summary>
    public IReadOnlyList<GrantLink> Grants { get; init; } = [];

    /// <summary>Broken glass that no review has closed; which has ended is for the instant of the call to say.</summary>
    public IReadOnlyList<BreakGlassLink> BreakGlasses { get; init; } = [];

    /// <summary>The open case that a person's own matters are answered for in, or failing that of the household, with its primary unit; null: none.</summary>
    public CaseLink? PrimaryFor(Guid personId)
    {
        CaseLink? found = null;
        foreach (var link in Cases)
        {
            if (link.Role != Wire.ParticipantRole.Primary) continue;
            if (link.PersonId == personId) return link;
            found ??= link;
        }

        return found;
    }

    /// <summary>SQL: ids of the open cases that the unit $0 is primary of.</summary>
    public const string CasesLed =
        "(SELECT p.case_id FROM case_participant AS p JOIN case_file AS c ON c.case_id = p.case_id AND c.state = 1 WHERE p.unit_id = $0 AND p.role = 1)";

    /// <summary>A unit is primary of a case, and the case is open.</summary>
    public static bool IsPrimary(ReadSession session, string unitId, Guid caseId)
    {
        using var reader = session.Query(
            "SELECT 1 FROM case_participant AS p JOIN case_file AS c ON c.case_id = p.case_id AND c.state = 1 WHERE p.case_id = $1 AND p.unit_id = $0 AND p.role = 1",
            unitId, caseId.ToByteArray(true));
        return reader.Read();
    }

    private const string ReferralsOf = """
        SELECT r.referral_id, s.person_id, r.from_unit_id, r.to_unit_id, r.state, r.view_classes, r.view_until, r.case_id
        FROM referral_subject AS s JOIN referral AS r ON r.referral_id = s.referral_id WHERE s.person_id
        """;

    private const string CasesOf = """
        SELECT c.case_id, s.person_id, p.unit_id, p.role, p.person_ids, p.protective_classes, p.protective_until
        FROM case_subject AS s JOIN case_file AS c ON c.case_id = s.case_id AND c.state = 1 JOIN case_participant AS p ON p.case_id = c.case_id
        WHERE s.person_id
        """;

    private const string ConferencesOf = """
        SELECT c.conference_id, c.case_id, s.person_id, i.unit_id, c.convened_by_unit_id, c.agenda, c.meeting_at
        FROM case_subject AS s JOIN case_file AS f ON f.case_id = s.case_id AND f.state = 1 JOIN conference AS c ON c.case_id = s.case_id
        JOIN conference_invitation AS i ON i.conference_id = c.conference_id AND i.withdrawn_at IS NULL WHERE s.person_id
        """;

    private const string GrantsOf = """
        SELECT g.grant_id, g.case_id, g.person_id, g.from_unit_id, g.granted_classes, g.purpose, g.granted_until, g.version, c.state = 1
        FROM access_grant AS g JOIN case_file AS c ON c.case_id = g.case_id WHERE g.state = 2 AND g.person_id
        """;

    private const string BreakGlassesOf =
        "SELECT break_glass_id, person_id, unit_id, basis, until, version FROM broken_glass WHERE verdict <> 2 AND person_id";

    private const string InHousehold = " IN (SELECT person_id FROM person WHERE household_id = $0)";
    private const string IsPerson = " = $0";

    /// <summary>Invitations to conferences on the cases.</summary>
    public IReadOnlyList<ConferenceLink> Conferences { get; init; } = [];

    /// <summary>Links of everyone of a household, or of one person who has none.</summary>
    public static Links Of(ReadSession session, KnownPerson person) => Of(session, person.Row);

    /// <summary>The same for a person whose sealed part was not opened.</summary>
    public static Links Of(ReadSession session, in PersonPlace person) => person.HouseholdId is { } household
        ? Of(session, ReferralsOf + InHousehold, CasesOf + InHousehold, ConferencesOf + InHousehold, household) with
        {
            Grants = ReadGrants(session, GrantsOf + InHousehold, household), BreakGlasses = ReadBreakGlasses(session, BreakGlassesOf + InHousehold, household),
        }
        : OfPerson(session, person.PersonId);

    public static Links OfPerson(ReadSession session, Guid personId) => Of(session, ReferralsOf + IsPerson, CasesOf + IsPerson, ConferencesOf + IsPerson, personId) with
    {
        Grants = ReadGrants(session, GrantsOf + IsPerson, personId), BreakGlasses = ReadBreakGlasses(session, BreakGlassesOf + IsPerson, personId),
    };

    private static Links Of(ReadSession session, string referralsSql, string casesSql, string conferencesSql, Guid id)
    {
        var key = id.ToByteArray(true);
        var referrals = new List<ReferralLink>();
        using (var reader = session.Query(referralsSql, key))
        {
            while (reader.Read())
            {
                referrals.Add(new ReferralLink(reader.GetId(0), reader.GetId(1), reader.GetString(2), reader.GetString(3),
                    (Wire.ReferralState)reader.GetInt32(4), (uint)reader.GetInt64(5), reader.IsDBNull(6) ? null : Instants.FromMicros(reader.GetInt64(6)),
                    reader.IsDBNull(7) ? null : reader.GetId(7)));
            }
        }

        var cases = new List<CaseLink>();
        using (var reader = session.Query(casesSql, key))
        {
            while (reader.Read())
            {
                var personId = reader.GetFieldValue<byte[]>(1);
                cases.Add(new CaseLink(reader.GetId(0), new Guid(personId, true), reader.GetString(2), (Wire.ParticipantRole)reader.GetInt32(3),
                    IdList.Covers(reader.GetFieldValue<byte[]>(4), personId), ProtectiveScope.Read(reader, 5)));
            }
        }

        var conferences = new List<ConferenceLink>();
        using (var reader = session.Query(conferencesSql, key))
        {
            while (reader.Read())
            {
                conferences.Add(new ConferenceLink(reader.GetId(0), reader.GetId(1), reader.GetId(2), reader.GetString(3), reader.GetString(4),
                    (uint)reader.GetInt64(5), Instants.FromMicros(reader.GetInt64(6))));
            }
        }

        return new Links(referrals, cases) { Conferences = conferences };
    }

    private static List<GrantLink> ReadGrants(ReadSession session, string sql, Guid id)
    {
        var grants = new List<GrantLink>();
        using var reader = session.Query(sql, id.ToByteArray(true));
        while (reader.Read())
        {
            grants.Add(new GrantLink(reader.GetId(0), reader.GetId(1), reader.GetId(2), reader.GetString(3), (uint)reader.GetInt64(4),
                (Wire.Purpose)reader.GetInt32(5), Instants.FromMicros(reader.GetInt64(6)), reader.GetInt32(7), reader.GetBoolean(8)));
        }

        return grants;
    }

    private static List<BreakGlassLink> ReadBreakGlasses(ReadSession session, string sql, Guid id)
    {
        var opened = new List<BreakGlassLink>();
        using var reader = session.Query(sql, id.ToByteArray(true));
        while (reader.Read())
        {
            opened.Add(new BreakGlassLink(reader.GetId(0), reader.GetId(1), reader.GetString(2), (Wire.LegalBasis)reader.GetInt32(3),
                Instants.FromMicros(reader.GetInt64(4)), reader.GetInt32(5)));
        }

        return opened;
    }
}

/// <summary>A short list of ids in one column: 16 bytes each; empty stands for all.</summary>
internal static class IdList
{
    public static byte[] ToBytes(IEnumerable<Guid> ids) => [.. ids.SelectMany(id => id.ToByteArray(true))];

    public static List<Guid> FromBytes(byte[] bytes) => [.. bytes.Chunk(16).Select(chunk => new Guid(chunk, true))];

    public static bool Covers(ReadOnlySpan<byte> list, ReadOnlySpan<byte> id)
    {
        for (var at = 0; at < list.Length; at += 16)
            if (list.Slice(at, 16).SequenceEqual(id)) return true;
        return list.Length == 0;
    }
}
