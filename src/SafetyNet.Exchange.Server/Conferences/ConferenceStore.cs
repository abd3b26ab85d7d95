using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Conferences;

/// <summary>Where conferences lie.</summary>
internal sealed class ConferenceMapping : IEntityTypeConfiguration<Conference>, IEntityTypeConfiguration<ConferenceInvitation>
{
    public void Configure(EntityTypeBuilder<Conference> builder)
    {
        builder.ToTable("conference");
        builder.HasKey(c => c.ConferenceId);
        builder.Ignore(c => c.OpenUntil);
        builder.Ignore(c => c.IndicatorList);
        builder.Property(c => c.Version).IsConcurrencyToken();
        builder.HasIndex(c => c.CaseId);
        builder.HasIndex(c => new { c.ConvenedByUnitId, c.ConferenceId });
    }

    public void Configure(EntityTypeBuilder<ConferenceInvitation> builder)
    {
        builder.ToTable("conference_invitation");
        builder.HasKey(i => new { i.ConferenceId, i.UnitId });
        builder.HasIndex(i => new { i.UnitId, i.ConferenceId });
    }
}

/// <summary>Reads conferences.</summary>
internal static class ConferenceQueries
{
    public static readonly SealedColumn StatementColumn = new("conference", "statement");

    public static Conference? FindConference(this ReadSession session, Guid conferenceId) =>
        session.Db.Set<Conference>().AsNoTracking().FirstOrDefault(c => c.ConferenceId == conferenceId);

    /// <summary>The conference of a level on a case that meets next; null: none lies ahead.</summary>
    public static Conference? NextConference(this ReadSession session, Guid caseId, Wire.ConferenceLevel level, Guid notThis, DateTimeOffset now) =>
        session.Db.Set<Conference>().AsNoTracking().Where(c => c.CaseId == caseId && c.Level == level && c.ConferenceId != notThis && c.MeetingAt > now).OrderBy(c => c.MeetingAt).FirstOrDefault();

    /// <summary>Another conference on the case has met since.</summary>
    public static bool HasMetSince(this ReadSession session, Conference conference, DateTimeOffset now) =>
        session.Db.Set<Conference>().Any(c => c.CaseId == conference.CaseId && c.ConferenceId != conference.ConferenceId && c.MeetingAt > conference.MeetingAt && c.MeetingAt <= now);

    /// <summary>Conferences on a case by which those invited still see something, by id.</summary>
    public static List<Conference> OpenConferencesOn(this ReadSession session, Guid caseId, DateTimeOffset now)
    {
        var metAfter = now.AddDays(-Standing.DaysAfterMeeting);
        return [.. session.Db.Set<Conference>().AsNoTracking().Where(c => c.CaseId == caseId && c.MeetingAt > metAfter).OrderBy(c => c.ConferenceId)];
    }

    /// <summary>Units invited, by id; withdrawn invitations too.</summary>
    public static List<ConferenceInvitation> InvitationsTo(this ReadSession session, Guid conferenceId) =>
        [.. session.Db.Set<ConferenceInvitation>().AsNoTracking().Where(i => i.ConferenceId == conferenceId).OrderBy(i => i.UnitId)];

    /// <summary>Conferences that a unit convened, or is invited to and still sees, newest first, before an id.</summary>
    public static List<Conference> ListConferences(this ReadSession session, string unitId, DateTimeOffset now, Guid before, int count)
    {
        var metAfter = now.AddDays(-Standing.DaysAfterMeeting);
        var invited = session.Db.Set<ConferenceInvitation>().Where(i => i.UnitId == unitId && i.WithdrawnAt == null).Select(i => i.ConferenceId);
        return [.. session.Db.Set<Conference>().AsNoTracking()
            .Where(c => c.ConferenceId.CompareTo(before) < 0 && (c.ConvenedByUnitId == unitId || (c.MeetingAt > metAfter && invited.Contains(c.ConferenceId))))
            .OrderByDescending(c => c.ConferenceId).Take(count)];
    }

    /// <summary>The open case that a conference is about; null: there is none.</summary>
    public static ConferenceCase? FindOpenCase(this ReadSession session, Guid caseId)
    {
        var key = caseId.ToByteArray(true);
        Wire.Jurisdiction jurisdiction;
        int version;
        using (var reader = session.Query("SELECT jurisdiction, version FROM case_file WHERE case_id = $0 AND state = 1", key))
        {
            if (!reader.Read()) return null;
            (jurisdiction, version) = ((Wire.Jurisdiction)reader.GetInt32(0), reader.GetInt32(1));
        }

        var subjects = new List<Guid>();
        using (var reader = session.Query("SELECT person_id FROM case_subject WHERE case_id = $0 ORDER BY person_id", key))
        {
            while (reader.Read()) subjects.Add(reader.GetId(0));
        }

        var participants = new Dictionary<string, Wire.ParticipantRole>(StringComparer.Ordinal);
        var scopes = new Dictionary<string, ProtectiveScope>(StringComparer.Ordinal);
        using (var reader = session.Query("SELECT unit_id, role, protective_classes, protective_until FROM case_participant WHERE case_id = $0", key))
        {
            while (reader.Read())
            {
                participants.Add(reader.GetString(0), (Wire.ParticipantRole)reader.GetInt32(1));
                if (Standing.OfParticipant((Wire.ParticipantRole)reader.GetInt32(1)) != RelationshipSet.None) scopes.Add(reader.GetString(0), ProtectiveScope.Read(reader, 2));
            }
        }

        return new ConferenceCase(caseId, jurisdiction, version, subjects, participants, scopes);
    }
}
