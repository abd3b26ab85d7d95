using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>
/// A step that tied a unit to a person for a time, ended or not: what it was and when, by the instants that rows keep. Where a row does not keep an instant the span is
/// the longer one: it says who could have, not who could.
/// </summary>
/// <param name="Ground">Kind of the step.</param>
/// <param name="Resource">Its kind and id, as records of the log have it.</param>
/// <param name="UnitId">The unit.</param>
/// <param name="Since">When it began.</param>
/// <param name="Until">When it ended, exclusive; null: it is open, or does not end.</param>
internal readonly record struct PastStep(Wire.ViewingGround Ground, string Resource, string UnitId, DateTimeOffset Since, DateTimeOffset? Until)
{
    /// <summary>Classes that the step itself opens or allows, as bits of the code table: the sender's view, the grant, the share, the agenda, the scope.</summary>
    public uint Classes { get; init; }

    /// <summary>The unit's role in a case.</summary>
    public Wire.ParticipantRole Role { get; init; }

    /// <summary>The receiver of a referral took the person into its care.</summary>
    public bool WasServed { get; init; }

    /// <summary>Basis of a share or break-glass; UNSPECIFIED: any.</summary>
    public Wire.LegalBasis Basis { get; init; }

    /// <summary>Purpose of a grant; UNSPECIFIED: any.</summary>
    public Wire.Purpose Purpose { get; init; }

    /// <summary>It shows one thing of these classes, a note, a goal or an item, and nothing else of the person.</summary>
    public bool IsOneThing { get; init; }
}

/// <summary>Reads what tied units to a person, from the beginning.</summary>
internal static class StepHistory
{
    private const string ReferralsSql = """
        SELECT r.referral_id, r.from_unit_id, r.to_unit_id, r.created_at, r.view_classes, r.state,
          (SELECT max(m.moved_at) FROM referral_move AS m WHERE m.referral_id = r.referral_id),
          EXISTS (SELECT 1 FROM referral_move AS m WHERE m.referral_id = r.referral_id AND m.state = $1)
        FROM referral_subject AS s JOIN referral AS r ON r.referral_id = s.referral_id WHERE s.person_id = $0
        """;

    private const string CasesSql = """
        SELECT c.case_id, p.unit_id, p.role, p.person_ids, p.protective_classes, p.protective_until, p.since, p.former_role, p.ended_at
        FROM case_subject AS s JOIN case_file AS c ON c.case_id = s.case_id JOIN case_participant AS p ON p.case_id = c.case_id WHERE s.person_id = $0
        """;

    private const string GrantsSql =
        "SELECT grant_id, from_unit_id, granted_classes, purpose, applied_at, granted_until, state, moved_at FROM access_grant WHERE person_id = $0 AND granted_until IS NOT NULL";

    private const string SharesSql = "SELECT step, step_id, to_unit_id, classes, legal_basis, at, until, ended_at FROM disclosure WHERE person_id = $0 AND step IN ($1, $2, $3, $4)";

    private const string BreakGlassesSql = "SELECT break_glass_id, unit_id, basis, broken_at, until, verdict, reviewed_at FROM broken_glass WHERE person_id = $0";

    /// <summary>In no order.</summary>
    /// <param name="session">The snapshot.</param>
    /// <param name="personId">Whom the steps were about.</param>
    /// <param name="isOpen">Is a referral in this state open to its receiver?</param>
    public static IEnumerable<PastStep> StepsOf(this ReadSession session, Guid personId, Func<Wire.ReferralState, bool> isOpen)
    {
        var person = personId.ToByteArray(true);
        return [.. Referrals(session, person, isOpen), .. Cases(session, person), .. Grants(session, person), .. Shares(session, person), .. BreakGlasses(session, person)];
    }

    private static IEnumerable<PastStep> Referrals(ReadSession session, byte[] person, Func<Wire.ReferralState, bool> isOpen)
    {
        using var reader = session.Query(ReferralsSql, person, (int)Wire.ReferralState.Accepted);
        while (reader.Read())
        {
            var (resource, since) = ($"referral/{reader.GetId(0)}", Instants.FromMicros(reader.GetInt64(3)));
            // What it sent itself the referrer may read again for good.
            yield return new PastStep(Wire.ViewingGround.ReferralSent, resource, reader.GetString(1), since, null);
            DateTimeOffset? ended = isOpen((Wire.ReferralState)reader.GetInt32(5)) || reader.IsDBNull(6) ? null : Instants.FromMicros(reader.GetInt64(6));
            yield return new PastStep(Wire.ViewingGround.ReferralReceived, resource, reader.GetString(2), since, ended)
            {
                Classes = (uint)reader.GetInt64(4), WasServed = reader.GetBoolean(7),
            };
        }
    }

    private static IEnumerable<PastStep> Cases(ReadSession session, byte[] person)
    {
        using var reader = session.Query(CasesSql, person);
        while (reader.Read())
        {
            var role = (Wire.ParticipantRole)reader.GetInt32(2);
            DateTimeOffset? until = reader.IsDBNull(8) ? null : Instants.FromMicros(reader.GetInt64(8));
            if (role == Wire.ParticipantRole.Former) role = (Wire.ParticipantRole)reader.GetInt32(7);
            if (role != Wire.ParticipantRole.Primary && !IdList.Covers(reader.GetFieldValue<byte[]>(3), person)) continue;
            var (scope, since) = (ProtectiveScope.Read(reader, 4), Instants.FromMicros(reader.GetInt64(6)));
            var whole = new PastStep(Wire.ViewingGround.Case, $"case/{reader.GetId(0)}", reader.GetString(1), since, until) { Role = role };
            if (scope.Until is not { } passed || !(passed < until || until is null))
            {
                yield return whole with { Classes = scope.Bits };
                continue;
            }

            // The part goes on, without the classes that left its scope.
            yield return whole with { Until = passed, Classes = scope.Bits };
            yield return whole with { Since = passed };
        }
    }

    private static IEnumerable<PastStep> Grants(ReadSession session, byte[] person)
    {
        using var reader = session.Query(GrantsSql, person);
        while (reader.Read())
        {
            var isRevoked = (Wire.GrantState)reader.GetInt32(6) == Wire.GrantState.Revoked;
            yield return new PastStep(Wire.ViewingGround.Grant, $"grant/{reader.GetId(0)}", reader.GetString(1), Instants.FromMicros(reader.GetInt64(4)),
                Instants.FromMicros(reader.GetInt64(isRevoked ? 7 : 5)))
            {
                Classes = (uint)reader.GetInt64(2), Purpose = (Wire.Purpose)reader.GetInt32(3),
            };
        }
    }

    private static IEnumerable<PastStep> Shares(ReadSession session, byte[] person)
    {
        using var reader = session.Query(SharesSql, person, (int)Wire.DisclosureStep.NoteShare, (int)Wire.DisclosureStep.Conference, (int)Wire.DisclosureStep.ServiceGoal, (int)Wire.DisclosureStep.TrackedItem);
        while (reader.Read())
        {
            // A goal of the plan is shown to its owner and to the primary unit as a note is to whom it is shared with.
            var (ground, thing) = (Wire.DisclosureStep)reader.GetInt32(0) switch
            {
                Wire.DisclosureStep.NoteShare => (Wire.ViewingGround.NoteShare, "note"),
                Wire.DisclosureStep.ServiceGoal => (Wire.ViewingGround.NoteShare, "goal"),
                Wire.DisclosureStep.TrackedItem => (Wire.ViewingGround.Conference, "item"),
                _ => (Wire.ViewingGround.Conference, "conference"),
            };
            DateTimeOffset? until = reader.IsDBNull(6) ? null : Instants.FromMicros(reader.GetInt64(6)), ended = reader.IsDBNull(7) ? null : Instants.FromMicros(reader.GetInt64(7));
            yield return new PastStep(ground, $"{thing}/{reader.GetId(1)}",
                reader.GetString(2), Instants.FromMicros(reader.GetInt64(5)), ended < until || until is null ? ended : until)
            {
                Classes = (uint)reader.GetInt64(3), Basis = (Wire.LegalBasis)reader.GetInt32(4), IsOneThing = thing is not "conference",
            };
        }
    }

    private static IEnumerable<PastStep> BreakGlasses(ReadSession session, byte[] person)
    {
        using var reader = session.Query(BreakGlassesSql, person);
        while (reader.Read())
        {
            var until = Instants.FromMicros(reader.GetInt64(4));
            // A verdict against it closes it early.
            if ((Wire.BreakGlassVerdict)reader.GetInt32(5) == Wire.BreakGlassVerdict.NotJustified && !reader.IsDBNull(6) && Instants.FromMicros(reader.GetInt64(6)) is var closed && closed < until)
                until = closed;
            yield return new PastStep(Wire.ViewingGround.BreakGlass, $"break-glass/{reader.GetId(0)}", reader.GetString(1), Instants.FromMicros(reader.GetInt64(3)), until)
            {
                Basis = (Wire.LegalBasis)reader.GetInt32(2),
            };
        }
    }
}
