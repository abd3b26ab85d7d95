using Google.Protobuf;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Cases;

/// <summary>One request of each method of the life of a case and of its plan that will be permitted, made so that none stands in another's way.</summary>
internal static class CaseLifeRequests
{
    public static async Task<Dictionary<string, (Party, IMessage)>> CaseLifeRequestsAsync(this The the)
    {
        var (lead, other) = (the.WanhuaCentre, the.Labor);
        var supervisor = lead.As(Wire.ActorRole.Supervisor, "W0399");
        async Task<string> Proposed()
        {
            var id = await the.SharedCaseAsync(lead, null, other);
            await lead.HandsOverAsync(id, other);
            return id;
        }

        async Task<string> Closed()
        {
            var id = await the.SharedCaseAsync(lead);
            await lead.ClosesCaseAsync(id);
            return id;
        }

        var (standing, family) = (await the.SharedCaseAsync(lead, null, other), Some.Family());
        var (goesOn, goes) = (await the.SharedCaseAsync(lead, Some.SubjectOf(family.Child)), await the.SharedCaseAsync(lead, Some.SubjectOf(family.Mother)));
        var goal = await lead.SetsGoalAsync(lead.Goal(standing, other, "媒合就業"));
        var (accepted, declined, withdrawn) = (await Proposed(), await Proposed(), await Proposed());
        return new(StringComparer.Ordinal)
        {
            ["AssignWorkers"] = (lead, new Wire.AssignWorkersRequest { Context = lead.InCase(standing), RequestId = Some.RequestId(), CaseId = standing, WorkerPersonId = "W0301" }),
            ["ReassignWorker"] = (supervisor, supervisor.Reassignment("W0301", "W0302")),
            ["GetCaseload"] = (lead, new Wire.GetCaseloadRequest { Context = lead.Context() }),
            ["ProposePrimary"] = (lead, lead.Handover(await the.SharedCaseAsync(lead, null, other), other)),
            ["AcceptPrimary"] = (other, new Wire.AcceptPrimaryRequest { Context = other.InCase(accepted), RequestId = Some.RequestId(), CaseId = accepted }),
            ["DeclinePrimary"] = (other, new Wire.DeclinePrimaryRequest { Context = other.InCase(declined), RequestId = Some.RequestId(), CaseId = declined, Reason = CaseLifeMoves.Why }),
            ["WithdrawPrimaryProposal"] = (lead, new Wire.WithdrawPrimaryProposalRequest { Context = lead.InCase(withdrawn), RequestId = Some.RequestId(), CaseId = withdrawn }),
            ["LeaveCase"] = (other, other.Leaving(await the.SharedCaseAsync(lead, null, other))),
            ["CloseCase"] = (lead, lead.Closing(await the.SharedCaseAsync(lead))),
            ["ReopenCase"] = (lead, new Wire.ReopenCaseRequest { Context = lead.Context(), RequestId = Some.RequestId(), CaseId = await Closed(), Reason = CaseLifeMoves.Why }),
            ["MergeCases"] = (lead, lead.Merging(goesOn, goes)),
            ["ListCaseMoves"] = (lead, new Wire.ListCaseMovesRequest { Context = lead.InCase(standing), CaseId = standing }),
            ["CreateGoal"] = (lead, lead.Goal(standing, lead, "家庭關係修復")),
            ["UpdateGoal"] = (lead, lead.GoalChange(standing, goal, date: "2099-06-30")),
            ["AddProgress"] = (other, new Wire.AddProgressRequest { Context = other.InCase(standing), RequestId = Some.RequestId(), CaseId = standing, GoalId = goal.GoalId, Text = "已完成職業評量" }),
            ["ListGoals"] = (other, new Wire.ListGoalsRequest { Context = other.InCase(standing), CaseId = standing }),
        };
    }
}
