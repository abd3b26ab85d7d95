using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Conferences;

/// <summary>A conference with its open case and its invitations, withdrawn ones too: who sits at the table.</summary>
internal sealed record ConferenceTable(Conference Conference, ConferenceCase Case, List<ConferenceInvitation> Invitations)
{
    /// <summary>The step by which its agenda shows data.</summary>
    public SharingStep Step => StepOf(Conference);

    /// <summary>Units that are invited, whether or not the agenda still opens anything to them.</summary>
    public IEnumerable<string> Invited => Invitations.Where(i => i.WithdrawnAt is null).Select(i => i.UnitId);

    public static SharingStep StepOf(Conference conference) => new(Wire.DisclosureStep.Conference, conference.ConferenceId, conference.CaseId);

    /// <summary>Invitations that open something now.</summary>
    public IEnumerable<ConferenceInvitation> Standing(DateTimeOffset now) => now < Conference.OpenUntil ? Invitations.Where(i => i.WithdrawnAt is null) : [];

    public bool IsInvited(string unitId) => Invited.Contains(unitId, StringComparer.Ordinal);

    /// <summary>The conference of an id, on a case that is open; null: there is none.</summary>
    public static ConferenceTable? Find(Call call, Guid conferenceId) => call.Read.FindConference(conferenceId) is { } conference ? Of(call, conference) : null;

    public static ConferenceTable? Of(Call call, Conference conference) =>
        call.Read.FindOpenCase(conference.CaseId) is { } about ? new ConferenceTable(conference, about, call.Read.InvitationsTo(conference.ConferenceId)) : null;

    /// <summary>The record of the call names the conference and the subjects of its case.</summary>
    public void Concerns(Call call)
    {
        call.Touches("conference", Conference.ConferenceId);
        Case.Concerns(call);
    }

    public static void Notify(Call call, string unitId, Wire.NoticeKind kind, Conference conference) =>
        call.Change.Notify(new NoticeDraft(unitId, kind, null, conference.CaseId, $"conference/{conference.ConferenceId}"));

    /// <summary>The conference has another version, and the call happened once by its key.</summary>
    public static void Changed(Call call, Conference conference)
    {
        call.Change.Update(conference);
        call.Change.Key!.Outcome = conference.ConferenceId.ToString();
    }

    public static void RequireEtag(Conference conference, string etag)
    {
        if (etag.Length > 0 && !string.Equals(etag, Etag.Of(conference), StringComparison.Ordinal))
            throw new Refusal(Wire.ErrorReason.ConcurrentChange, ("etag", Etag.Of(conference)));
    }
}
