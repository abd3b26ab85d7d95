using Google.Protobuf.WellKnownTypes;

namespace SafetyNet.Exchange.Tests.Hosting;

/// <summary>What parties do with conferences, scopes, whereabouts, disclosures and corrections, as one line each.</summary>
internal static class Sharing
{
    public static Wire.AccessContext AtConference(this Party by, string? conferenceId = null, string? inCase = null)
    {
        var context = by.Context(Wire.Purpose.CaseConference, inCase: inCase);
        if (conferenceId is not null) context.ConferenceId = conferenceId;
        return context;
    }

    public static Wire.ConveneConferenceRequest Conference(this Party by, string caseId, DateTimeOffset meetingAt, IEnumerable<Party> invited,
        params Wire.ConfidentialityClass[] agenda) => new()
        {
            Context = by.AtConference(inCase: caseId), RequestId = Some.RequestId(), CaseId = caseId, Level = Wire.ConferenceLevel.District,
            Indicators = { Wire.ConferenceIndicator.SelfHarm }, Ground = Wire.ConferenceGround.MechanismWithoutEffect, Statement = "網絡內多次協調後仍無成效",
            MeetingAt = Timestamp.FromDateTimeOffset(meetingAt), Agenda = { agenda }, UnitIds = { invited.Select(p => p.UnitId) },
        };

    public static async Task<Wire.Conference> ConvenesAsync(this Party by, Wire.ConveneConferenceRequest request) =>
        (await by.AskAsync(to => to.Conferences.ConveneConferenceAsync(request))).Conference;

    public static async Task<Wire.Conference> AmendsAsync(this Party by, string conferenceId, params Wire.ConfidentialityClass[] agenda) =>
        (await by.AskAsync(to => to.Conferences.AmendConferenceAsync(new()
        {
            Context = by.AtConference(conferenceId), RequestId = Some.RequestId(), ConferenceId = conferenceId, Agenda = { agenda },
        }))).Conference;

    public static async Task<Wire.Conference> UninvitesAsync(this Party by, string conferenceId, Party whom) =>
        (await by.AskAsync(to => to.Conferences.WithdrawInvitationAsync(new()
        {
            Context = by.AtConference(conferenceId), RequestId = Some.RequestId(), ConferenceId = conferenceId, UnitId = whom.UnitId,
        }))).Conference;

    public static async Task<Wire.Conference> InvitesAsync(this Party by, string conferenceId, Party whom) =>
        (await by.AskAsync(to => to.Conferences.InviteToConferenceAsync(new()
        {
            Context = by.AtConference(conferenceId), RequestId = Some.RequestId(), ConferenceId = conferenceId, UnitIds = { whom.UnitId },
        }))).Conference;

    public static Task<Wire.GetConferenceResponse> SeesConferenceAsync(this Party by, string conferenceId) =>
        by.AskAsync(to => to.Conferences.GetConferenceAsync(new() { Context = by.AtConference(conferenceId), ConferenceId = conferenceId }));

    public static Task<Wire.GetCaseResponse> SeesCaseAtAsync(this Party by, string conferenceId, string caseId) =>
        by.AskAsync(to => to.Cases.GetCaseAsync(new() { Context = by.AtConference(conferenceId), CaseId = caseId }));

    public static Task<Wire.ListNotesResponse> ReadsNotesAtAsync(this Party by, string conferenceId, string caseId) =>
        by.AskAsync(to => to.Cases.ListNotesAsync(new() { Context = by.AtConference(conferenceId), CaseId = caseId }));

    public static Task<Wire.LookUpHouseholdResponse> LooksUpAtAsync(this Party by, string conferenceId, string nationalId) =>
        by.AskAsync(to => to.Households.LookUpHouseholdAsync(new() { Context = by.AtConference(conferenceId), NationalId = nationalId }));

    public static async Task<bool> ProtectsAsync(this Party by, string nationalId, string? inCase = null, string? referral = null, bool lifted = false) =>
        (await by.AskAsync(to => to.Households.ProtectWhereaboutsAsync(new()
        {
            Context = by.Context(referral: referral, inCase: inCase), RequestId = Some.RequestId(), NationalId = nationalId, Lifted = lifted, Reason = "保護令核發中",
        }))).Protected;

    public static async Task<Wire.Case> MarksOtherPartyAsync(this Party by, string caseId, string nationalId, bool lifted = false) =>
        (await by.AskAsync(to => to.Cases.MarkOtherPartyAsync(new()
        {
            Context = by.Context(Wire.Purpose.CaseCoordination, inCase: caseId), RequestId = Some.RequestId(), CaseId = caseId, NationalId = nationalId, Lifted = lifted,
            Reason = "保護令之相對人",
        }))).Case;

    public static Task<Wire.Case> ScopesAsync(this Party by, string caseId, Party whom, params Wire.ConfidentialityClass[] classes) => by.ScopesUntilAsync(caseId, whom, null, classes);

    public static async Task<Wire.Case> ScopesUntilAsync(this Party by, string caseId, Party whom, DateTimeOffset? until, params Wire.ConfidentialityClass[] classes) =>
        (await by.AskAsync(to => to.Cases.SetProtectiveScopeAsync(new()
        {
            Context = by.Context(Wire.Purpose.CaseCoordination, inCase: caseId), RequestId = Some.RequestId(), CaseId = caseId, UnitId = whom.UnitId,
            ProtectiveClasses = { classes }, ProtectiveUntil = until is { } end ? Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(end) : null,
        }))).Case;

    public static async Task<IReadOnlyList<Wire.DisclosureEntry>> ListsDisclosuresAsync(this Party by, string nationalId, Wire.LegalBasis? basis = null)
    {
        var entries = new List<Wire.DisclosureEntry>();
        for (var token = ""; ;)
        {
            var page = await by.AskAsync(to => to.Disclosures.ListDisclosuresAsync(new()
            {
                Context = basis is { } one ? by.Context(basis: one) : by.Context(), NationalId = nationalId, PageSize = 2, PageToken = token,
            }));
            entries.AddRange(page.Entries);
            if ((token = page.NextPageToken).Length == 0) return entries;
        }
    }

    public static async Task<IReadOnlyList<Wire.ConfidentialityClass>> NarrowsAsync(this Party by, Wire.DisclosureStep step, string stepId, Party whose,
        params Wire.ConfidentialityClass[] classes) => (await by.AskAsync(to => to.Disclosures.NarrowDisclosureAsync(new()
        {
            Context = by.Context(), RequestId = Some.RequestId(), Step = step, StepId = stepId, ToUnitId = whose.UnitId, Classes = { classes },
        }))).ClassesLeft;

    public static async Task<Wire.Correction> CorrectsAsync(this Party by, Wire.DisclosureStep step, string stepId, string nationalId, Wire.ConfidentialityClass one, string right = "應為四年級") =>
        (await by.AskAsync(to => to.Disclosures.CorrectSharedDataAsync(new()
        {
            Context = by.Context(), RequestId = Some.RequestId(), Step = step, StepId = stepId, NationalId = nationalId, ConfidentialityClass = one,
            Wrong = "原載為三年級", Right = right,
        }))).Correction;

    public static Task<Wire.GetCorrectionResponse> ReadsCorrectionAsync(this Party by, string correctionId) =>
        by.AskAsync(to => to.Disclosures.GetCorrectionAsync(new() { Context = by.Context(), CorrectionId = correctionId }));

    public static async Task<IReadOnlyList<Wire.Correction>> ListsCorrectionsAsync(this Party by, bool sent = false, bool unacknowledgedOnly = false) =>
        (await by.AskAsync(to => to.Disclosures.ListCorrectionsAsync(new()
        {
            Context = by.Context(), Sent = sent, UnacknowledgedOnly = unacknowledgedOnly, PageSize = 100,
        }))).Corrections;

    public static async Task<Wire.Correction> AcknowledgesAsync(this Party by, string correctionId) =>
        (await by.AskAsync(to => to.Disclosures.AcknowledgeCorrectionAsync(new() { Context = by.Context(), RequestId = Some.RequestId(), CorrectionId = correctionId }))).Correction;
}
