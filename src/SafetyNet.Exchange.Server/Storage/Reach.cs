namespace SafetyNet.Exchange.Server.Storage;

/// <summary>The live step, grant or break-glass that an access names: one of the five, or none.</summary>
internal readonly record struct Step(Guid? ReferralId, Guid? CaseId, Guid? ConferenceId, Guid? GrantId, Guid? BreakGlassId);

/// <summary>
/// What the step that an access names can reach at all, asked before anything personal is looked for (R-NTK-14). Every question here starts at the step and at the
/// acting unit: whoever is not reached costs the same, whether or not there is such a person, referral or case.
/// </summary>
internal static class Reach
{
    /// <summary>
    /// By a referral addressed to the unit: its subjects, and their households unless it was made for a case. CROSS JOIN keeps the order of the tables, and the plus
    /// keeps the engine from beginning at the index of the person asked for, which would find somebody or nobody.
    /// </summary>
    private const string ByReferral = """
        SELECT home.person_id
        FROM referral AS r INDEXED BY IX_referral_to_unit_id_referral_id CROSS JOIN referral_subject AS s CROSS JOIN person AS p CROSS JOIN person AS home
        WHERE r.to_unit_id = $1 AND r.referral_id = $0 AND s.referral_id = r.referral_id AND p.person_id = s.person_id
        AND (home.person_id = p.person_id OR (home.household_id = p.household_id AND r.case_id IS NULL)) AND +home.
        """;

    /// <summary>By a case that the unit takes part in: its subjects within the unit's scope; the primary unit reaches their households.</summary>
    private const string ByCase = """
        SELECT home.person_id
        FROM case_participant AS c CROSS JOIN case_subject AS s CROSS JOIN person AS p CROSS JOIN person AS home
        WHERE c.case_id = $0 AND c.unit_id = $1 AND s.case_id = c.case_id AND p.person_id = s.person_id
        AND (c.role = 1 OR length(c.person_ids) = 0 OR instr(c.person_ids, s.person_id) > 0)
        AND (home.person_id = p.person_id OR (home.household_id = p.household_id AND c.role = 1)) AND +home.
        """;

    /// <summary>By an invitation to a conference: the subjects of its case.</summary>
    private const string ByConference = """
        SELECT home.person_id
        FROM conference_invitation AS i CROSS JOIN conference AS c CROSS JOIN case_subject AS s CROSS JOIN person AS home
        WHERE i.conference_id = $0 AND i.unit_id = $1 AND i.withdrawn_at IS NULL AND c.conference_id = i.conference_id AND s.case_id = c.case_id
        AND home.person_id = s.person_id AND +home.
        """;

    /// <summary>By a grant to the unit, or glass that it broke: the one person.</summary>
    private const string ByGrant = """
        SELECT home.person_id FROM access_grant AS g CROSS JOIN person AS home WHERE g.grant_id = $0 AND g.from_unit_id = $1 AND home.person_id = g.person_id AND +home.
        """;

    private const string ByBreakGlass = """
        SELECT home.person_id FROM broken_glass AS g CROSS JOIN person AS home WHERE g.break_glass_id = $0 AND g.unit_id = $1 AND home.person_id = g.person_id AND +home.
        """;

    /// <summary>The column of <c>person</c> by which one is asked for.</summary>
    private const string NationalId = "national_id_index = $2", Name = "name_index = $2";

    private const string OfReceiver = "SELECT 1 FROM referral INDEXED BY IX_referral_to_unit_id_referral_id WHERE to_unit_id = $1 AND referral_id = $0";
    private const string OfReferrer = "SELECT 1 FROM referral INDEXED BY IX_referral_from_unit_id_referral_id WHERE from_unit_id = $1 AND referral_id = $0";

    private const string OfReporter = "SELECT 1 FROM report INDEXED BY IX_report_submitted_by_unit_id_report_id WHERE submitted_by_unit_id = $1 AND report_id = $0";
    private const string OfIntake = "SELECT 1 FROM report INDEXED BY IX_report_intake_unit_id_report_id WHERE intake_unit_id = $1 AND report_id = $0";
    private const string OfLead = "SELECT 1 FROM report INDEXED BY IX_report_lead_unit_id_report_id WHERE lead_unit_id = $1 AND report_id = $0";

    /// <summary>Whether the step may reach the person of a national id. More than the decision allows, never less: it knows nothing of states and views.</summary>
    /// <param name="session">Snapshot of the call.</param>
    /// <param name="unitId">Acting unit.</param>
    /// <param name="step">What the access names.</param>
    /// <param name="index">Blind index of the national id.</param>
    public static bool OfNationalId(ReadSession session, string unitId, Step step, byte[] index) =>
        Of(session, unitId, SqlById(step), index).Count > 0;

    /// <summary>The same for everyone of a name and birth date: ids, each once.</summary>
    public static HashSet<Guid> OfName(ReadSession session, string unitId, Step step, byte[] index) =>
        Of(session, unitId, SqlByName(step), index);

    /// <summary>The unit made the referral or received it, whatever has become of it.</summary>
    public static bool IsEndOf(ReadSession session, Guid referralId, string unitId) =>
        Any(session, OfReceiver, referralId, unitId) | Any(session, OfReferrer, referralId, unitId);

    /// <summary>The referral is addressed to the unit.</summary>
    public static bool IsReceiverOf(ReadSession session, Guid referralId, string unitId) => Any(session, OfReceiver, referralId, unitId);

    /// <summary>The unit handed the report in, screens it or leads it.</summary>
    public static bool IsPartOfReport(ReadSession session, Guid reportId, string unitId) =>
        Any(session, OfReporter, reportId, unitId) | Any(session, OfIntake, reportId, unitId) | Any(session, OfLead, reportId, unitId);

    /// <summary>The unit takes part in the case, or is asked in.</summary>
    public static bool IsPartOf(ReadSession session, Guid caseId, string unitId) =>
        Any(session, "SELECT 1 FROM case_participant WHERE case_id = $0 AND unit_id = $1", caseId, unitId);

    /// <summary>The unit is invited to the conference.</summary>
    public static bool IsInvitedTo(ReadSession session, Guid conferenceId, string unitId) =>
        Any(session, "SELECT 1 FROM conference_invitation WHERE conference_id = $0 AND unit_id = $1", conferenceId, unitId);

    /// <summary>The grant is the unit's.</summary>
    public static bool HasGrant(ReadSession session, Guid grantId, string unitId) =>
        Any(session, "SELECT 1 FROM access_grant WHERE grant_id = $0 AND from_unit_id = $1", grantId, unitId);

    /// <summary>The unit broke the glass.</summary>
    public static bool BrokeGlass(ReadSession session, Guid breakGlassId, string unitId) =>
        Any(session, "SELECT 1 FROM broken_glass WHERE break_glass_id = $0 AND unit_id = $1", breakGlassId, unitId);

    private static bool Any(ReadSession session, string sql, Guid id, string unitId)
    {
        using var reader = session.Query(sql, id.ToByteArray(true), unitId);
        return reader.Read();
    }

    private static (Guid Id, string Sql)? SqlById(Step step) => step switch
    {
        { ReferralId: { } id } => (id, ByReferral + NationalId),
        { CaseId: { } id } => (id, ByCase + NationalId),
        { ConferenceId: { } id } => (id, ByConference + NationalId),
        { GrantId: { } id } => (id, ByGrant + NationalId),
        { BreakGlassId: { } id } => (id, ByBreakGlass + NationalId),
        _ => null,
    };

    private static (Guid Id, string Sql)? SqlByName(Step step) => step switch
    {
        { ReferralId: { } id } => (id, ByReferral + Name),
        { CaseId: { } id } => (id, ByCase + Name),
        { ConferenceId: { } id } => (id, ByConference + Name),
        { GrantId: { } id } => (id, ByGrant + Name),
        { BreakGlassId: { } id } => (id, ByBreakGlass + Name),
        _ => null,
    };

    private static HashSet<Guid> Of(ReadSession session, string unitId, (Guid Id, string Sql)? asked, byte[] index)
    {
        var found = new HashSet<Guid>();
        if (asked is not var (id, sql)) return found;
        using var reader = session.Query(sql, id.ToByteArray(true), unitId, index);
        while (reader.Read()) found.Add(reader.GetId(0));
        return found;
    }
}
