using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Conferences;

/// <summary>The RPCs of conferences: load, decide, change, answer. Identity, access, limits, validation and the record are the pipeline's.</summary>
internal sealed class ConferenceService : Wire.ConferenceService.ConferenceServiceBase
{
    private static readonly Guid AfterEverything = new("ffffffff-ffff-ffff-ffff-ffffffffffff");

    public override Task<Wire.ConveneConferenceResponse> ConveneConference(Wire.ConveneConferenceRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        if (call.Replayed is { } made) return Task.FromResult(new Wire.ConveneConferenceResponse { Conference = Show(call, Load(call, made)) });
        var caseId = Guid.Parse(request.CaseId);
        call.Touches("case", caseId);
        var about = call.Read.FindOpenCase(caseId) ?? throw new Refusal(Wire.ErrorReason.NotFound);
        var question = ConferencePolicy.QuestionOf(call, about);
        call.Decide(question);
        if (!question.Relationships.Contains(Wire.Relationship.Primary) && !question.Relationships.Contains(Wire.Relationship.CentralIntake))
            throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "primary"));
        var meetingAt = request.MeetingAt.ToDateTimeOffset();
        Conference.RequireAhead(meetingAt, call.Now);
        var agenda = ConferencePolicy.RequireAgenda(call, request.Agenda);
        var units = ConferencePolicy.RequireInvited(call, about, request.UnitIds);
        var conference = new Conference
        {
            ConferenceId = call.NewId(), CaseId = caseId, Jurisdiction = about.Jurisdiction, Level = request.Level,
            Indicators = request.Indicators.Aggregate(0, (bits, i) => bits | (1 << (int)i)), Ground = request.Ground, Agenda = agenda.Bits,
            ConvenedByUnitId = call.Unit.UnitId, ConvenedAt = call.Now, MeetingAt = meetingAt, Version = 1,
        };
        conference.Statement = call.Vault.SealText(about.Jurisdiction, ConferenceQueries.StatementColumn, conference.ConferenceId, request.Statement);
        call.Change.Add(conference);
        var invitations = units.Select(unit => Invite(call, about, conference, unit, known: null)).ToList();
        if (!string.Equals(about.PrimaryUnitId, call.Unit.UnitId, StringComparison.Ordinal)) Notify(call, about.PrimaryUnitId, Wire.NoticeKind.ConferenceInvitation, conference);
        call.Change.Key!.Outcome = conference.ConferenceId.ToString();
        return Task.FromResult(new Wire.ConveneConferenceResponse { Conference = Show(call, new Table(conference, about, invitations, question)) });
    }

    public override Task<Wire.AmendConferenceResponse> AmendConference(Wire.AmendConferenceRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var table = Load(call, request.ConferenceId);
        if (call.Replayed is not null) return Task.FromResult(new Wire.AmendConferenceResponse { Conference = Show(call, table) });
        var conference = RequireConvenor(call, table);
        RequireEtag(conference, request.Etag);
        var before = new ClassSet(conference.Agenda);
        var (metAt, agenda) = (conference.MeetingAt, ConferencePolicy.RequireAgenda(call, request.Agenda));
        conference.Amend(agenda, request.MeetingAt?.ToDateTimeOffset(), call.Now);
        foreach (var invitation in table.Standing(call.Now))
        {
            var unit = call.Members.FindUnit(invitation.UnitId);
            if (unit is null) continue;
            var (shown, shows) = (ConferencePolicy.OpenedTo(call, table.Case, unit, before), ConferencePolicy.OpenedTo(call, table.Case, unit, agenda));
            // A meeting that moves moves the end of every view with it: each line ends, and goes on with its new end.
            var moved = conference.MeetingAt != metAt;
            call.EndDisclosures(StepOf(conference), unit.UnitId, moved ? ClassSet.All : shown - shows);
            call.Disclose(StepOf(conference), table.Case.Subjects, unit.UnitId, moved ? shows : shows - shown, call.Context!.LegalBasis, conference.OpenUntil);
            Notify(call, unit.UnitId, Wire.NoticeKind.ConferenceChanged, conference);
        }

        Changed(call, conference);
        return Task.FromResult(new Wire.AmendConferenceResponse { Conference = Show(call, table) });
    }

    public override Task<Wire.InviteToConferenceResponse> InviteToConference(Wire.InviteToConferenceRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var table = Load(call, request.ConferenceId);
        if (call.Replayed is not null) return Task.FromResult(new Wire.InviteToConferenceResponse { Conference = Show(call, table) });
        var conference = RequireConvenor(call, table);
        conference.RequireBeforeMeeting(call.Now);
        foreach (var unit in ConferencePolicy.RequireInvited(call, table.Case, request.UnitIds))
        {
            var known = table.Invitations.Find(i => string.Equals(i.UnitId, unit.UnitId, StringComparison.Ordinal));
            if (known is { WithdrawnAt: null }) throw new Refusal(Wire.ErrorReason.NotInvited, ("state", "INVITED"));
            var invitation = Invite(call, table.Case, conference, unit, known);
            if (known is null) table.Invitations.Add(invitation);
        }

        Changed(call, conference);
        return Task.FromResult(new Wire.InviteToConferenceResponse { Conference = Show(call, table) });
    }

    public override Task<Wire.WithdrawInvitationResponse> WithdrawInvitation(Wire.WithdrawInvitationRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var table = Load(call, request.ConferenceId);
        if (call.Replayed is not null) return Task.FromResult(new Wire.WithdrawInvitationResponse { Conference = Show(call, table) });
        var conference = RequireConvenor(call, table);
        var invitation = table.Invitations.Find(i => string.Equals(i.UnitId, request.UnitId, StringComparison.Ordinal));
        if (invitation is not { WithdrawnAt: null }) throw new Refusal(Wire.ErrorReason.NotInvited, ("state", "NOT_INVITED"));
        invitation.WithdrawnAt = call.Now;
        call.Change.Update(invitation);
        call.EndDisclosures(StepOf(conference), invitation.UnitId);
        Notify(call, invitation.UnitId, Wire.NoticeKind.ConferenceChanged, conference);
        Changed(call, conference);
        return Task.FromResult(new Wire.WithdrawInvitationResponse { Conference = Show(call, table) });
    }

    public override Task<Wire.GetConferenceResponse> GetConference(Wire.GetConferenceRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        return Task.FromResult(new Wire.GetConferenceResponse { Conference = Show(call, Load(call, request.ConferenceId)) });
    }

    public override Task<Wire.ListConferencesResponse> ListConferences(Wire.ListConferencesRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var size = request.PageSize == 0 ? 50 : request.PageSize;
        var found = call.Read.ListConferences(call.Unit.UnitId, call.Now, PageToken.Read(request.PageToken, AfterEverything), size + 1);
        var response = new Wire.ListConferencesResponse();
        foreach (var conference in found.Take(size))
        {
            if (Open(call, conference) is { } table && call.Consider(table.Question).Allowed) response.Conferences.Add(Show(call, table, decided: true));
        }

        if (found.Count > size) response.NextPageToken = PageToken.Of(found[size - 1].ConferenceId);
        return Task.FromResult(response);
    }

    private static ConferenceInvitation Invite(Call call, ConferenceCase about, Conference conference, Unit unit, ConferenceInvitation? known)
    {
        var invitation = known ?? new ConferenceInvitation { ConferenceId = conference.ConferenceId, UnitId = unit.UnitId };
        (invitation.InvitedAt, invitation.WithdrawnAt) = (call.Now, null);
        if (known is null) call.Change.Add(invitation);
        else call.Change.Update(invitation);
        call.Disclose(StepOf(conference), about.Subjects, unit.UnitId, ConferencePolicy.OpenedTo(call, about, unit, new ClassSet(conference.Agenda)), call.Context!.LegalBasis,
            conference.OpenUntil);
        Notify(call, unit.UnitId, Wire.NoticeKind.ConferenceInvitation, conference);
        return invitation;
    }

    private static SharingStep StepOf(Conference conference) => new(Wire.DisclosureStep.Conference, conference.ConferenceId, conference.CaseId);

    private static void Notify(Call call, string unitId, Wire.NoticeKind kind, Conference conference) =>
        call.Change.Notify(new NoticeDraft(unitId, kind, null, conference.CaseId, $"conference/{conference.ConferenceId}"));

    private static void Changed(Call call, Conference conference)
    {
        call.Change.Update(conference);
        call.Change.Key!.Outcome = conference.ConferenceId.ToString();
    }

    private static Conference RequireConvenor(Call call, Table table)
    {
        call.Decide(table.Question);
        return ConferencePolicy.IsConvenor(call, table.Conference) ? table.Conference : throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "convenor"));
    }

    private static void RequireEtag(Conference conference, string etag)
    {
        if (etag.Length > 0 && !string.Equals(etag, Etag.Of(conference), StringComparison.Ordinal))
            throw new Refusal(Wire.ErrorReason.ConcurrentChange, ("etag", Etag.Of(conference)));
    }

    private static Table Load(Call call, string conferenceId)
    {
        var id = Guid.Parse(conferenceId);
        call.Touches("conference", id);
        return (call.Read.FindConference(id) is { } conference ? Open(call, conference) : null) ?? throw new Refusal(Wire.ErrorReason.NotFound);
    }

    private static Table? Open(Call call, Conference conference)
    {
        if (call.Read.FindOpenCase(conference.CaseId) is not { } about) return null;
        var invitations = call.Read.InvitationsTo(conference.ConferenceId);
        return new Table(conference, about, invitations, ConferencePolicy.QuestionOf(call, about, conference, invitations));
    }

    private static Wire.Conference Show(Call call, Table table, bool decided = false)
    {
        var decision = decided ? call.Consider(table.Question) : call.Decide(table.Question);
        var conference = table.Conference;
        call.Touches("conference", conference.ConferenceId);
        foreach (var id in table.Case.Subjects)
            if (call.Read.FindPerson(call.Vault, id) is { } person) call.Concerns(person);
        var wire = new Wire.Conference
        {
            ConferenceId = conference.ConferenceId.ToString(), CaseId = conference.CaseId.ToString(), Level = conference.Level, ConvenedByUnitId = conference.ConvenedByUnitId,
            ConvenedAt = Timestamp.FromDateTimeOffset(conference.ConvenedAt), MeetingAt = Timestamp.FromDateTimeOffset(conference.MeetingAt),
            OpenUntil = Timestamp.FromDateTimeOffset(conference.OpenUntil), Ground = conference.Ground, Etag = Etag.Of(conference),
            Statement = call.Vault.OpenText(ConferenceQueries.StatementColumn, conference.ConferenceId, conference.Statement),
        };
        wire.Agenda.Add(new ClassSet(conference.Agenda).InTableOrder());
        wire.Indicators.Add(conference.IndicatorList);
        foreach (var invitation in table.Invitations.Where(i => i.WithdrawnAt is null))
            wire.Invitations.Add(new Wire.ConferenceInvitation { UnitId = invitation.UnitId, InvitedAt = Timestamp.FromDateTimeOffset(invitation.InvitedAt) });
        RedactionPlan.For(Wire.Conference.Descriptor).Redact(wire, decision.Visible);
        return wire;
    }

    /// <summary>A conference with its case, its invitations, withdrawn ones too, and how the acting unit stands to it.</summary>
    private sealed record Table(Conference Conference, ConferenceCase Case, List<ConferenceInvitation> Invitations, NeedToKnowQuestion Question)
    {
        /// <summary>Invitations that open something now.</summary>
        public IEnumerable<ConferenceInvitation> Standing(DateTimeOffset now) => now < Conference.OpenUntil ? Invitations.Where(i => i.WithdrawnAt is null) : [];
    }
}
