using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Server.Conferences;

/// <summary>What the conferences of a case opened ends with the case, for good: opened again, it is brought to a conference anew (R-NTK-17, R-CON-2).</summary>
internal sealed class ConferenceEndings : IReactTo<CaseClosed>
{
    public void React(Call call, CaseClosed happened)
    {
        foreach (var conference in call.Read.OpenConferencesOn(happened.CaseId, call.Now))
        {
            foreach (var invitation in call.Read.InvitationsTo(conference.ConferenceId).Where(invitation => invitation.WithdrawnAt is null))
            {
                invitation.WithdrawnAt = call.Now;
                call.Change.Update(invitation);
                ConferenceTable.Notify(call, invitation.UnitId, Wire.NoticeKind.ConferenceChanged, conference);
            }

            call.EndDisclosures(ConferenceTable.StepOf(conference));
            call.Touches("conference", conference.ConferenceId);
            call.Change.Update(conference);
        }
    }
}
