using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Cases;

/// <summary>The RPCs of service plans: load, decide, change, answer. Who sees what of a goal is <see cref="GoalPolicy"/>'s.</summary>
internal sealed class ServicePlanService : Wire.ServicePlanService.ServicePlanServiceBase
{
    private const string DateForm = "yyyy-MM-dd";

    public override Task<Wire.CreateGoalResponse> CreateGoal(Wire.CreateGoalRequest request, ServerCallContext context)
    {
        var (call, shared, view) = Load(context, request.CaseId);
        var goal = call.Replayed is { } made ? call.Read.FindGoal(Guid.Parse(made))! : Create(call, shared, view, request);
        return Task.FromResult(new Wire.CreateGoalResponse { Goal = Show(call, shared, view, goal) });
    }

    public override Task<Wire.UpdateGoalResponse> UpdateGoal(Wire.UpdateGoalRequest request, ServerCallContext context)
    {
        var (call, shared, view) = Load(context, request.CaseId);
        var goal = Find(call, shared, request.GoalId);
        if (call.Replayed is null) Update(call, shared, view, goal, request);
        return Task.FromResult(new Wire.UpdateGoalResponse { Goal = Show(call, shared, view, goal) });
    }

    public override Task<Wire.AddProgressResponse> AddProgress(Wire.AddProgressRequest request, ServerCallContext context)
    {
        var (call, shared, view) = Load(context, request.CaseId);
        var goal = Find(call, shared, request.GoalId);
        if (call.Replayed is null)
        {
            if (!Owns(call, goal)) throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "owner"));
            if (goal.State != Wire.GoalState.Active)
                throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", CodeText.Of(goal.State)), ("action", "ADD_PROGRESS"), ("allowed", "UPDATE_GOAL"));
            var entry = new GoalProgressRow
            {
                ProgressId = call.NewId(), GoalId = goal.GoalId, AuthorUnitId = call.Unit.UnitId, AuthorPersonId = call.Context!.Actor.PersonId, LegalBasis = call.Context.LegalBasis, WrittenAt = call.Now,
            };
            entry.Sealed = call.Vault.SealText(shared.File.Jurisdiction, GoalQueries.ProgressColumn, entry.ProgressId, request.Text);
            call.Change.Add(entry);
            call.Change.Tell(goal.Tells());
            call.Change.Hold(shared.Held);
            call.Change.Key!.Outcome = goal.GoalId.ToString();
        }

        return Task.FromResult(new Wire.AddProgressResponse { Goal = Show(call, shared, view, goal) });
    }

    public override Task<Wire.ListGoalsResponse> ListGoals(Wire.ListGoalsRequest request, ServerCallContext context)
    {
        var (call, shared, view) = Load(context, request.CaseId);
        var size = request.PageSize == 0 ? 50 : request.PageSize;
        var found = call.Read.ListGoals(call.Read.WithMerged(shared.File.CaseId), PageToken.Read(request.PageToken, Guid.Empty), size + 1);
        var response = new Wire.ListGoalsResponse { NextPageToken = found.Count > size ? PageToken.Of(found[size - 1].GoalId) : "" };
        foreach (var goal in found.Take(size)) response.Goals.Add(Show(call, shared, view, goal));
        return Task.FromResult(response);
    }

    private static ServiceGoal Create(Call call, SharedCase shared, CaseView view, Wire.CreateGoalRequest request)
    {
        if (request.ConfidentialityClass is Wire.ConfidentialityClass.NotPersonal or Wire.ConfidentialityClass.PublicStatus)
            throw Refusal.InvalidField(new FieldFault("confidentiality_class", FieldFaultKind.NotAllowedHere));
        var own = string.Equals(request.OwnerUnitId, call.Unit.UnitId, StringComparison.Ordinal);
        if (!own && view.OwnPart.Role != Wire.ParticipantRole.Primary) throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "primary"));
        GoalPolicy.RequireOwner(call, shared, request.OwnerUnitId, request.ConfidentialityClass, call.Context!.LegalBasis);
        var goal = new ServiceGoal
        {
            GoalId = call.NewId(), CaseId = shared.File.CaseId, OwnerUnitId = request.OwnerUnitId, State = Wire.GoalState.Active, TargetDate = TargetDate(call, request.TargetDate),
            ConfidentialityClass = request.ConfidentialityClass, AuthorUnitId = call.Unit.UnitId, LegalBasis = call.Context.LegalBasis, SetAt = call.Now, Version = 1,
        };
        goal.Sealed = call.Vault.SealText(shared.File.Jurisdiction, GoalQueries.GoalColumn, goal.GoalId, request.Text);
        // What nobody of the case may read back is not written (R-CASE-3): the author's agency may hold the class, or it is refused.
        if (!call.MayReadWords(shared, view, goal.AuthorUnitId, goal.ConfidentialityClass, goal.LegalBasis))
            throw new Refusal(Wire.ErrorReason.ViewNotPermitted, ("class", CodeText.Of(goal.ConfidentialityClass)), ("unit_id", goal.AuthorUnitId), ("rule", "R-NTK-17"));
        call.Change.Add(goal);
        // The owner is in the case when the goal is made, or it is made anew.
        call.Change.Hold(shared.Held);
        call.ShowTo(shared, goal, goal.OwnerUnitId);
        call.ShowTo(shared, goal, shared.Primary.UnitId);
        call.TellOfGoal(shared, goal);
        call.Change.Key!.Outcome = goal.GoalId.ToString();
        return goal;
    }

    private static void Update(Call call, SharedCase shared, CaseView view, ServiceGoal goal, Wire.UpdateGoalRequest request)
    {
        var isPrimary = view.OwnPart.Role == Wire.ParticipantRole.Primary;
        if (!isPrimary && !Owns(call, goal)) throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "owner"));
        var passes = request.OwnerUnitId.Length > 0 && !string.Equals(request.OwnerUnitId, goal.OwnerUnitId, StringComparison.Ordinal);
        if (passes && !isPrimary) throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "primary"));
        CaseSteps.RequireCurrent(request.Etag, Etag.Of(goal), CodeText.Of(goal.State));
        if (request.State == Wire.GoalState.Unspecified && request.TargetDate.Length == 0 && !passes)
            throw Refusal.InvalidField(new FieldFault("state", FieldFaultKind.SomeRequired, "state, target_date, owner_unit_id"));
        if (request.TargetDate.Length > 0) goal.TargetDate = TargetDate(call, request.TargetDate);
        if (request.State != Wire.GoalState.Unspecified) goal.State = request.State;
        if (passes)
        {
            GoalPolicy.RequireOwner(call, shared, request.OwnerUnitId, goal.ConfidentialityClass, goal.LegalBasis);
            if (!string.Equals(goal.OwnerUnitId, shared.Primary.UnitId, StringComparison.Ordinal)) call.EndDisclosures(goal.Step(shared), goal.OwnerUnitId);
            goal.OwnerUnitId = request.OwnerUnitId;
            call.ShowTo(shared, goal, goal.OwnerUnitId);
            call.TellOfGoal(shared, goal);
        }

        call.Change.Update(goal);
        call.Change.Hold(shared.Held);
        call.Change.Key!.Outcome = goal.GoalId.ToString();
    }

    private static (Call Call, SharedCase Shared, CaseView View) Load(ServerCallContext context, string caseId)
    {
        var call = Call.Of(context);
        var shared = call.RequireCase(caseId);
        var view = call.DecideOn(shared);
        // The plan is for those who carry it out: whoever sees the case by a conference, a grant or broken glass is not among them.
        if (view.OwnPart.Role == Wire.ParticipantRole.Invited) throw new Refusal(Wire.ErrorReason.NotFound);
        call.Touches("case", shared.File.CaseId);
        call.Concerns(view);
        return (call, shared, view);
    }

    private static ServiceGoal Find(Call call, SharedCase shared, string goalId) =>
        call.Read.FindGoal(Guid.Parse(goalId)) is { } goal && call.Read.WithMerged(shared.File.CaseId).Contains(goal.CaseId) ? goal : throw new Refusal(Wire.ErrorReason.NotFound);

    private static bool Owns(Call call, ServiceGoal goal) => string.Equals(goal.OwnerUnitId, call.Unit.UnitId, StringComparison.Ordinal);

    private static DateOnly TargetDate(Call call, string text)
    {
        var date = DateOnly.ParseExact(text, DateForm, CultureInfo.InvariantCulture);
        return date >= call.On ? date : throw Refusal.InvalidField(new FieldFault("target_date", FieldFaultKind.NotInTheFuture));
    }

    private static Wire.ServiceGoal Show(Call call, SharedCase shared, CaseView view, ServiceGoal goal)
    {
        call.Touches("goal", goal.GoalId);
        var wire = new Wire.ServiceGoal
        {
            GoalId = goal.GoalId.ToString(), State = goal.State, TargetDate = goal.TargetDate.ToString(DateForm, CultureInfo.InvariantCulture), OwnerUnitId = goal.OwnerUnitId,
            Own = Owns(call, goal), SetAt = Timestamp.FromDateTimeOffset(goal.SetAt), Etag = Etag.Of(goal),
        };
        RedactionPlan.For(Wire.ServiceGoal.Descriptor).Redact(wire, view.Decision.Visible);
        if (!call.IsForFull(view, goal) || !call.MayReadWords(shared, view, goal.AuthorUnitId, goal.ConfidentialityClass, goal.LegalBasis)) return wire;
        wire.Content = new Wire.GoalContent
        {
            ConfidentialityClass = goal.ConfidentialityClass, AuthorUnitId = goal.AuthorUnitId, Text = call.Vault.OpenText(GoalQueries.GoalColumn, goal.GoalId, goal.Sealed),
        };
        foreach (var entry in call.Read.ProgressOf(goal.GoalId).Reverse().Concat(call.Change.Added.OfType<GoalProgressRow>().Where(e => e.GoalId == goal.GoalId)))
        {
            if (!call.MayReadWords(shared, view, entry.AuthorUnitId, goal.ConfidentialityClass, entry.LegalBasis)) continue;
            wire.Content.Progress.Add(new Wire.GoalProgress
            {
                ProgressId = entry.ProgressId.ToString(), ConfidentialityClass = goal.ConfidentialityClass, AuthorUnitId = entry.AuthorUnitId, AuthorPersonId = entry.AuthorPersonId,
                WrittenAt = Timestamp.FromDateTimeOffset(entry.WrittenAt), Text = call.Vault.OpenText(GoalQueries.ProgressColumn, entry.ProgressId, entry.Sealed),
            });
        }

        return wire;
    }
}
