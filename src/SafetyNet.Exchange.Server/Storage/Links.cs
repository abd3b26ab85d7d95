namespace SafetyNet.Exchange.Server.Storage;

/// <summary>A person stands in a referral between two units.</summary>
internal readonly record struct ReferralLink(
    Guid ReferralId, Guid PersonId, string FromUnitId, string ToUnitId, Wire.ReferralState State, uint ViewClasses, DateTimeOffset? ViewUntil, Guid? CaseId);

/// <summary>A person stands in an open case with a unit that takes part.</summary>
/// <param name="IsInScope">The person is within the unit's scope.</param>
/// <param name="ProtectiveClasses">Protective classes on the unit's scope (R-NTK-9), as bits of the code table.</param>
internal readonly record struct CaseLink(Guid CaseId, Guid PersonId, string UnitId, Wire.ParticipantRole Role, bool IsInScope, uint ProtectiveClasses);

/// <summary>A person stands in an open case that is brought to a conference to which a unit is invited.</summary>
/// <param name="Agenda">Classes on the agenda, as bits of the code table.</param>
internal readonly record struct ConferenceLink(
    Guid ConferenceId, Guid CaseId, Guid PersonId, string UnitId, string ConvenorUnitId, uint Agenda, DateTimeOffset MeetingAt);

/// <summary>
/// The live steps that tie persons to units: what relationships and involvement are derived from at each call, in the snapshot of the call, and never
/// stored (R-NTK-3, R-HH-6).
/// </summary>
internal sealed record Links(IReadOnlyList<ReferralLink> Referrals, IReadOnlyList<CaseLink> Cases)
{
    private const string ReferralsOf = """
        SELECT r.referral_id, s.person_id, r.from_unit_id, r.to_unit_id, r.state, r.view_classes, r.view_until, r.case_id
        FROM referral_subject AS s JOIN referral AS r ON r.referral_id = s.referral_id WHERE s.person_id
        """;

    private const string CasesOf = """
        SELECT c.case_id, s.person_id, p.unit_id, p.role, p.person_ids, p.protective_classes
        FROM case_subject AS s JOIN case_file AS c ON c.case_id = s.case_id AND c.state = 1 JOIN case_participant AS p ON p.case_id = c.case_id
        WHERE s.person_id
        """;

    private const string ConferencesOf = """
        SELECT c.conference_id, c.case_id, s.person_id, i.unit_id, c.convened_by_unit_id, c.agenda, c.meeting_at
        FROM case_subject AS s JOIN case_file AS f ON f.case_id = s.case_id AND f.state = 1 JOIN conference AS c ON c.case_id = s.case_id
        JOIN conference_invitation AS i ON i.conference_id = c.conference_id AND i.withdrawn_at IS NULL WHERE s.person_id
        """;

    private const string InHousehold = " IN (SELECT person_id FROM person WHERE household_id = $0)";
    private const string IsPerson = " = $0";

    /// <summary>Invitations to conferences on the cases.</summary>
    public IReadOnlyList<ConferenceLink> Conferences { get; init; } = [];

    /// <summary>Links of everyone of a household, or of one person who has none.</summary>
    public static Links Of(ReadSession session, KnownPerson person) => person.Row.HouseholdId is { } household
        ? Of(session, ReferralsOf + InHousehold, CasesOf + InHousehold, ConferencesOf + InHousehold, household)
        : OfPerson(session, person.Id);

    public static Links OfPerson(ReadSession session, Guid personId) => Of(session, ReferralsOf + IsPerson, CasesOf + IsPerson, ConferencesOf + IsPerson, personId);

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
                    IdList.Covers(reader.GetFieldValue<byte[]>(4), personId), (uint)reader.GetInt64(5)));
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
