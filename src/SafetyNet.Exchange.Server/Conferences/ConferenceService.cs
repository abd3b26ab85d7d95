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
        var meetingAt = Instants.Whole(request.MeetingAt.ToDateTimeOffset());
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
        // Closed in this instant, the case is not brought to anything.
        call.Change.Hold(new HeldRow(HeldTable.Case, caseId, about.Version));
        var invitations = units.Select(unit => Invite(call, about, conference, unit, known: null)).ToList();
        if (!string.Equals(about.PrimaryUnitId, call.Unit.UnitId, StringComparison.Ordinal)) ConferenceTable.Notify(call, about.PrimaryUnitId, Wire.NoticeKind.ConferenceInvitation, conference);
        ItemLists.Touch(call, caseId);
        ItemLists.CarryOver(call, about, conference, call.Read.ItemsOnList(caseId).Where(item => item.IsOpen && item.Level == conference.Level));
        call.Change.Key!.Outcome = conference.ConferenceId.ToString();
        return Task.FromResult(new Wire.ConveneConferenceResponse { Conference = Show(call, new ConferenceTable(conference, about, invitations), question) });
    }

    public override Task<Wire.AmendConferenceResponse> AmendConference(Wire.AmendConferenceRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var table = Load(call, request.ConferenceId);
        if (call.Replayed is not null) return Task.FromResult(new Wire.AmendConferenceResponse { Conference = Show(call, table) });
        var conference = RequireConvenor(call, table);
        ConferenceTable.RequireEtag(conference, request.Etag);
        var before = new ClassSet(conference.Agenda);
        var (metAt, agenda) = (conference.MeetingAt, ConferencePolicy.RequireAgenda(call, request.Agenda));
        conference.Amend(agenda, request.MeetingAt is { } at ? Instants.Whole(at.ToDateTimeOffset()) : null, call.Now);
        foreach (var invitation in table.Standing(call.Now))
        {
            var unit = call.Members.FindUnit(invitation.UnitId);
            if (unit is null) continue;
            var (shown, shows) = (ConferencePolicy.OpenedTo(call, table.Case, unit, before), ConferencePolicy.OpenedTo(call, table.Case, unit, agenda));
            // A meeting that moves moves the end of every view with it: each line ends, and goes on with its new end.
            var moved = conference.MeetingAt != metAt;
            call.EndDisclosures(ConferenceTable.StepOf(conference), unit.UnitId, moved ? ClassSet.All : shown - shows);
            call.Disclose(ConferenceTable.StepOf(conference), table.Case.Subjects, unit.UnitId, moved ? shows : shows - shown, call.Context!.LegalBasis, conference.OpenUntil);
            ConferenceTable.Notify(call, unit.UnitId, Wire.NoticeKind.ConferenceChanged, conference);
        }

        AmendShownToChair(call, conference, before - agenda, hasMoved: conference.MeetingAt != metAt);
        ConferenceTable.Changed(call, conference);
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

        ConferenceTable.Changed(call, conference);
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
        call.EndDisclosures(ConferenceTable.StepOf(conference), invitation.UnitId);
        ConferenceTable.Notify(call, invitation.UnitId, Wire.NoticeKind.ConferenceChanged, conference);
        ConferenceTable.Changed(call, conference);
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
            if (ConferenceTable.Of(call, conference) is { } table && call.Consider(QuestionOf(call, table)).Allowed) response.Conferences.Add(Show(call, table, decided: true));
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
        call.Disclose(ConferenceTable.StepOf(conference), about.Subjects, unit.UnitId, ConferencePolicy.OpenedTo(call, about, unit, new ClassSet(conference.Agenda)), call.Context!.LegalBasis,
            conference.OpenUntil);
        ConferenceTable.Notify(call, unit.UnitId, Wire.NoticeKind.ConferenceInvitation, conference);
        return invitation;
    }

    /// <summary>Extracts are shown to the chair too, as far as the agenda goes and as long as the invitations are.</summary>
    private static void AmendShownToChair(Call call, Conference conference, ClassSet ended, bool hasMoved)
    {
        var (step, chair) = (ConferenceTable.StepOf(conference), conference.ConvenedByUnitId);
        call.EndDisclosures(step, chair, hasMoved ? ClassSet.All : ended);
        if (!hasMoved) return;
        foreach (var line in call.Read.DisclosuresOfStep(step.Kind, step.Id).Where(line => line.IsOpenAt(call.Now) && string.Equals(line.ToUnitId, chair, StringComparison.Ordinal)))
            call.Disclose(step, [line.PersonId], chair, new ClassSet(line.Classes) - ended, line.LegalBasis, conference.OpenUntil, line.FromUnitId);
    }

    private static Conference RequireConvenor(Call call, ConferenceTable table)
    {
        call.Decide(QuestionOf(call, table));
        return ConferencePolicy.IsConvenor(call, table.Conference) ? table.Conference : throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "convenor"));
    }

    private static ConferenceTable Load(Call call, string conferenceId)
    {
        var id = Guid.Parse(conferenceId);
        call.Touches("conference", id);
        return ConferenceTable.Find(call, id) ?? throw new Refusal(Wire.ErrorReason.NotFound);
    }

    private static NeedToKnowQuestion QuestionOf(Call call, ConferenceTable table) => ConferencePolicy.QuestionOf(call, table.Case, table.Conference, table.Invitations);

    private static Wire.Conference Show(Call call, ConferenceTable table, NeedToKnowQuestion? asked = null, bool decided = false)
    {
        var question = asked ?? QuestionOf(call, table);
        var decision = decided ? call.Consider(question) : call.Decide(question);
        var conference = table.Conference;
        table.Concerns(call);
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
}
