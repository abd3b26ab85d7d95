using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Cases;

/// <summary>What parties do with the life of a case and its plan, as one line each.</summary>
internal static class CaseLifeMoves
{
    public const string Why = "案家已遷居本轄，後續服務由實際居住地之中心主責較為適切";

    public static Wire.AccessContext InCase(this Party by, string caseId, Wire.LegalBasis basis = Wire.LegalBasis.Article6IntegratedService) =>
        by.Context(Wire.Purpose.CaseCoordination, basis, inCase: caseId);

    /// <summary>A case of the lead about a child, or somebody whom no register knows, in which the others serve.</summary>
    public static async Task<string> SharedCaseAsync(this The the, Party lead, Wire.ReferralSubject? subject = null, params Party[] others)
    {
        var referral = await lead.TakesInAsync(the.School, subject ?? Some.Stranger());
        var id = (await lead.OpensCaseAsync(referral.ReferralId)).CaseId;
        foreach (var other in others) await lead.BringsInAsync(id, other);
        return id;
    }

    public static async Task BringsInAsync(this Party lead, string caseId, Party other)
    {
        await lead.AsksInAsync(caseId, other, lead.ServiceOf(other));
        await other.JoinsAsync(caseId);
    }

    public static Wire.ProposePrimaryRequest Handover(this Party by, string caseId, Party to, bool leaves = false, string etag = "") => new()
    {
        Context = by.InCase(caseId), RequestId = Some.RequestId(), CaseId = caseId, ToUnitId = to.UnitId, Leaves = leaves, Reason = Why, Etag = etag,
    };

    public static async Task<Wire.Case> HandsOverAsync(this Party by, string caseId, Party to, bool leaves = false, string etag = "") =>
        (await by.AskAsync(at => at.CaseLife.ProposePrimaryAsync(by.Handover(caseId, to, leaves, etag)))).Case;

    public static async Task<Wire.Case> TakesOverAsync(this Party by, string caseId, string etag = "") => (await by.AskAsync(to => to.CaseLife.AcceptPrimaryAsync(new()
    {
        Context = by.InCase(caseId), RequestId = Some.RequestId(), CaseId = caseId, Etag = etag,
    }))).Case;

    public static async Task<Wire.Case> DeclinesPrimaryAsync(this Party by, string caseId) => (await by.AskAsync(to => to.CaseLife.DeclinePrimaryAsync(new()
    {
        Context = by.InCase(caseId), RequestId = Some.RequestId(), CaseId = caseId, Reason = Why,
    }))).Case;

    public static async Task<Wire.Case> TakesProposalBackAsync(this Party by, string caseId) => (await by.AskAsync(to => to.CaseLife.WithdrawPrimaryProposalAsync(new()
    {
        Context = by.InCase(caseId), RequestId = Some.RequestId(), CaseId = caseId,
    }))).Case;

    public static Wire.LeaveCaseRequest Leaving(this Party by, string caseId, Wire.ReferralOutcome outcome = Wire.ReferralOutcome.GoalsMet, string remark = "", params Wire.SearchStepKind[] searched) => new()
    {
        Context = by.InCase(caseId), RequestId = Some.RequestId(), CaseId = caseId, Outcome = outcome, Remark = remark, SearchSteps = { searched },
    };

    public static async Task<Wire.Case> LeavesAsync(this Party by, string caseId) => (await by.AskAsync(to => to.CaseLife.LeaveCaseAsync(by.Leaving(caseId)))).Case;

    public static Wire.CloseCaseRequest Closing(this Party by, string caseId, Wire.ReferralOutcome outcome = Wire.ReferralOutcome.GoalsMet) => new()
    {
        Context = by.InCase(caseId), RequestId = Some.RequestId(), CaseId = caseId, Outcome = outcome,
    };

    public static async Task<Wire.Case> ClosesCaseAsync(this Party by, string caseId) => (await by.AskAsync(to => to.CaseLife.CloseCaseAsync(by.Closing(caseId)))).Case;

    public static async Task<Wire.Case> ReopensAsync(this Party by, string caseId) => (await by.AskAsync(to => to.CaseLife.ReopenCaseAsync(new()
    {
        Context = by.InCase(caseId), RequestId = Some.RequestId(), CaseId = caseId, Reason = Why,
    }))).Case;

    public static Wire.MergeCasesRequest Merging(this Party by, string caseId, string merged) => new()
    {
        Context = by.InCase(caseId), RequestId = Some.RequestId(), CaseId = caseId, MergedCaseId = merged, Reason = Why,
    };

    public static async Task<Wire.Case> MergesAsync(this Party by, string caseId, string merged) => (await by.AskAsync(to => to.CaseLife.MergeCasesAsync(by.Merging(caseId, merged)))).Case;

    public static async Task<Wire.Case> AssignsAsync(this Party by, string caseId, string worker, string supervisor = "", Wire.CaseloadRole role = Wire.CaseloadRole.Unspecified) =>
        (await by.AskAsync(to => to.CaseLife.AssignWorkersAsync(new()
        {
            Context = by.InCase(caseId), RequestId = Some.RequestId(), CaseId = caseId, WorkerPersonId = worker, SupervisorPersonId = supervisor, CaseloadRole = role,
        }))).Case;

    public static Wire.ReassignWorkerRequest Reassignment(this Party by, string from, string to) => new()
    {
        Context = by.Context(Wire.Purpose.CaseCoordination), RequestId = Some.RequestId(), FromPersonId = from, ToPersonId = to,
    };

    public static Task<Wire.GetCaseloadResponse> CountsCasesAsync(this Party by) =>
        by.AskAsync(to => to.CaseLife.GetCaseloadAsync(new() { Context = by.Context(Wire.Purpose.CaseCoordination) }));

    public static async Task<IReadOnlyList<Wire.CaseMove>> ListsCaseMovesAsync(this Party by, string caseId, int size = 0)
    {
        var moves = new List<Wire.CaseMove>();
        for (var token = ""; ;)
        {
            var page = await by.AskAsync(to => to.CaseLife.ListCaseMovesAsync(new() { Context = by.InCase(caseId), CaseId = caseId, PageSize = size, PageToken = token }));
            moves.AddRange(page.Moves);
            if ((token = page.NextPageToken).Length == 0) return moves;
        }
    }

    public static Wire.CreateGoalRequest Goal(this Party by, string caseId, Party owner, string text, Wire.ConfidentialityClass one = Wire.ConfidentialityClass.CaseNote,
        Wire.LegalBasis basis = Wire.LegalBasis.Article6IntegratedService) => new()
        {
            Context = by.InCase(caseId, basis), RequestId = Some.RequestId(), CaseId = caseId, OwnerUnitId = owner.UnitId, ConfidentialityClass = one, Text = text, TargetDate = "2099-01-31",
        };

    public static async Task<Wire.ServiceGoal> SetsGoalAsync(this Party by, Wire.CreateGoalRequest goal) => (await by.AskAsync(to => to.ServicePlans.CreateGoalAsync(goal))).Goal;

    public static Wire.UpdateGoalRequest GoalChange(this Party by, string caseId, Wire.ServiceGoal goal, Wire.GoalState state = Wire.GoalState.Unspecified, string owner = "", string etag = "",
        string date = "") => new()
        {
            Context = by.InCase(caseId), RequestId = Some.RequestId(), CaseId = caseId, GoalId = goal.GoalId, State = state, OwnerUnitId = owner, Etag = etag, TargetDate = date,
        };

    public static async Task<Wire.ServiceGoal> ChangesGoalAsync(this Party by, Wire.UpdateGoalRequest change) => (await by.AskAsync(to => to.ServicePlans.UpdateGoalAsync(change))).Goal;

    public static async Task<Wire.ServiceGoal> ReportsProgressAsync(this Party by, string caseId, Wire.ServiceGoal goal, string text) =>
        (await by.AskAsync(to => to.ServicePlans.AddProgressAsync(new() { Context = by.InCase(caseId), RequestId = Some.RequestId(), CaseId = caseId, GoalId = goal.GoalId, Text = text }))).Goal;

    public static async Task<IReadOnlyList<Wire.ServiceGoal>> ListsGoalsAsync(this Party by, string caseId, int size = 0, Wire.LegalBasis basis = Wire.LegalBasis.Article6IntegratedService)
    {
        var goals = new List<Wire.ServiceGoal>();
        for (var token = ""; ;)
        {
            var page = await by.AskAsync(to => to.ServicePlans.ListGoalsAsync(new() { Context = by.InCase(caseId, basis), CaseId = caseId, PageSize = size, PageToken = token }));
            goals.AddRange(page.Goals);
            if ((token = page.NextPageToken).Length == 0) return goals;
        }
    }

    /// <summary>What a goal says; empty: it is shown as a summary.</summary>
    public static string Words(this Wire.ServiceGoal goal) => goal.Content?.Text ?? "";

    /// <summary>A service that a unit offers.</summary>
    private static Wire.Article6Service ServiceOf(this Party by, Party unit) => by.Members.FindUnit(unit.UnitId)!.Registered.Services[0];
}
