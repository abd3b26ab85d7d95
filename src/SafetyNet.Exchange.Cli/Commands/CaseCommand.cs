using System.CommandLine;
using Google.Protobuf;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Protocol.Client;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet case</c>: the cases of a unit (共案), for its workers and their supervisors.</summary>
internal static class CaseCommand
{
    private const int PageSize = 200;

    public static Command Create() => new("case", "The cases of a unit 共案: who has how many, which visits are due or overdue, the plan of one, another worker for all")
    {
        Show(), Plan(), Caseload(), Assign(), Reassign(), Visits(), Overdue(),
    };

    private static CommandWithExamples Show()
    {
        var (unit, id, json) = (UnitOptions.OfWork(), CaseArgument(), OfficerAnswers.JsonOption());
        var show = new CommandWithExamples("show", "A case as the unit may see it", "safetynet case show 0199...") { id, json };
        unit.AddTo(show);
        show.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = unit.Connect(parsed);
            var caseId = parsed.GetRequiredValue(id);
            var answer = await channel.Cases.GetCaseAsync(new() { Context = InCase(unit, parsed, caseId), CaseId = caseId }, cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () => CaseView.Show(answer.Case, answer.Disclosure));
        });
        return show;
    }

    private static CommandWithExamples Plan()
    {
        var (unit, id) = (UnitOptions.OfWork(), CaseArgument());
        var json = new Option<bool>("--json") { Description = "One goal one line, as JSON" };
        var plan = new CommandWithExamples("plan", "The goals of a case 服務計畫: the unit's own in full, of the others how they stand", "safetynet case plan 0199...") { id, json };
        unit.AddTo(plan);
        plan.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = unit.Connect(parsed);
            var caseId = parsed.GetRequiredValue(id);
            var request = new Wire.ListGoalsRequest { Context = InCase(unit, parsed, caseId), CaseId = caseId, PageSize = 100 };
            var found = new List<Wire.ServiceGoal>();
            do
            {
                var page = await channel.ServicePlans.ListGoalsAsync(request, cancellationToken: cancellation);
                found.AddRange(page.Goals);
                request.PageToken = page.NextPageToken;
            }
            while (request.PageToken.Length > 0);
            return WriteLines(parsed, json, found, () => CaseView.ShowPlan(found));
        });
        return plan;
    }

    private static CommandWithExamples Caseload()
    {
        var (unit, json) = (UnitOptions.OfWork(), OfficerAnswers.JsonOption());
        var caseload = new CommandWithExamples("caseload", "Open cases of each worker beside the target of the profession 案量 (R-CASE-6)", "safetynet case caseload --unit tpe-cmhc --as tpe-health") { json };
        unit.AddTo(caseload);
        caseload.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = unit.Connect(parsed);
            var answer = await channel.CaseLife.GetCaseloadAsync(new() { Context = unit.Context(parsed) }, cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () => CaseView.ShowCaseload(answer));
        });
        return caseload;
    }

    private static CommandWithExamples Assign()
    {
        var (unit, id, json) = (UnitOptions.OfWork(), CaseArgument(), OfficerAnswers.JsonOption());
        var worker = new Option<string>("--worker") { Description = "Staff number of who has the case in hand from now on", Required = true };
        var supervisor = new Option<string?>("--supervisor") { Description = "Staff number of the supervisor; unset: as before" };
        var role = new Option<string?>("--role") { Description = "Profession of the worker, by which the caseload is measured; unset: as before" };
        var assign = new CommandWithExamples(
            "assign", "Say who of the unit has a case in hand", "safetynet case assign 0199... --worker S0042 --supervisor S0007 --role MENTAL_HEALTH_SOCIAL_WORKER") { id, worker, supervisor, role, json };
        unit.AddTo(assign);
        assign.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = unit.Connect(parsed);
            var caseId = parsed.GetRequiredValue(id);
            var request = new Wire.AssignWorkersRequest
            {
                Context = InCase(unit, parsed, caseId), RequestId = OfficerAnswers.NewRequestId(), CaseId = caseId, WorkerPersonId = parsed.GetRequiredValue(worker),
                SupervisorPersonId = parsed.GetValue(supervisor) ?? "",
            };
            if (parsed.GetValue(role) is { } code) request.CaseloadRole = ContractCodes.Parse<Wire.CaseloadRole>(code);
            var answer = await channel.CaseLife.AssignWorkersAsync(request, cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () => CaseView.Show(answer.Case, answer.Disclosure));
        });
        return assign;
    }

    private static CommandWithExamples Reassign()
    {
        var unit = UnitOptions.OfSupervisor();
        var from = new Option<string>("--from") { Description = "Staff number of the worker who leaves", Required = true };
        var to = new Option<string>("--to") { Description = "Staff number of who takes the cases over", Required = true };
        var json = new Option<bool>("--json") { Description = "One answer one line, as JSON" };
        var reassign = new CommandWithExamples(
            "reassign", "Give all cases of one worker to another 人員異動交接, with their visits and reminders (R-CASE-4)", "safetynet case reassign --from S0042 --to S0043 --person S0007") { from, to, json };
        unit.AddTo(reassign);
        reassign.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = unit.Connect(parsed);
            var (moved, answers, left) = (0, new List<Wire.ReassignWorkerResponse>(), 1);
            while (left > 0)
            {
                var answer = await channel.CaseLife.ReassignWorkerAsync(
                    new()
                    {
                        Context = unit.Context(parsed), RequestId = OfficerAnswers.NewRequestId(), FromPersonId = parsed.GetRequiredValue(from), ToPersonId = parsed.GetRequiredValue(to),
                    },
                    cancellationToken: cancellation);
                answers.Add(answer);
                (moved, left) = (moved + answer.CaseIds.Count, answer.CasesLeft);
            }

            return WriteLines(parsed, json, answers, () =>
            {
                foreach (var id in answers.SelectMany(answer => answer.CaseIds)) Terminal.Output.WriteLine(id);
                Terminal.Output.MarkupLineInterpolated($"[green]{moved} cases[/] passed from {parsed.GetRequiredValue(from)} to {parsed.GetRequiredValue(to)}; their visits and reminders follow them.");
            });
        });
        return reassign;
    }

    private static CommandWithExamples Visits()
    {
        var listing = new Option<string?>("--state") { Description = "DUE, OVERDUE, DONE, CANCELLED, ENDED or ALL; unset: due and overdue" };
        return ListVisits(
            "visits", "Visits of the unit 訪視, those due first",
            """
            safetynet case visits --worker S0042
            safetynet case visits --case 0199... --state ALL
            """,
            UnitOptions.OfWork(), listing, parsed => parsed.GetValue(listing) is { } code ? ContractCodes.Parse<Wire.VisitListing>(code) : default);
    }

    private static CommandWithExamples Overdue() => ListVisits(
        "overdue", "Visits whose day has passed and that nobody has made 逾期未訪", "safetynet case overdue --supervisor S0007", UnitOptions.OfWork(), listing: null, _ => Wire.VisitListing.Overdue);

    private static CommandWithExamples ListVisits(string name, string description, string examples, UnitOptions unit, Option<string?>? listing, Func<ParseResult, Wire.VisitListing> listingOf)
    {
        var worker = new Option<string?>("--worker") { Description = "Only of this worker, by staff number" };
        var supervisor = new Option<string?>("--supervisor") { Description = "Only of the workers of this supervisor, by staff number" };
        var inCase = new Option<string?>("--case") { Description = "Only of this case" };
        var json = new Option<bool>("--json") { Description = "One visit one line, as JSON" };
        var list = new CommandWithExamples(name, description, examples) { worker, supervisor, inCase, json };
        if (listing is not null) list.Options.Add(listing);
        unit.AddTo(list);
        list.SetGuardedAction(async (parsed, cancellation) =>
        {
            var caseId = parsed.GetValue(inCase) ?? "";
            var request = new Wire.ListVisitsRequest
            {
                Context = caseId.Length > 0 ? InCase(unit, parsed, caseId) : unit.Context(parsed), CaseId = caseId, WorkerPersonId = parsed.GetValue(worker) ?? "",
                SupervisorPersonId = parsed.GetValue(supervisor) ?? "", Listing = listingOf(parsed), PageSize = PageSize,
            };
            using var channel = unit.Connect(parsed);
            var found = new List<Wire.Visit>();
            do
            {
                var page = await channel.Visits.ListVisitsAsync(request, cancellationToken: cancellation);
                found.AddRange(page.Visits);
                request.PageToken = page.NextPageToken;
            }
            while (request.PageToken.Length > 0);
            return WriteLines(parsed, json, found, () => CaseView.ShowVisits(found));
        });
        return list;
    }

    private static Wire.AccessContext InCase(UnitOptions unit, ParseResult parsed, string caseId)
    {
        var context = unit.Context(parsed);
        context.CaseId = caseId;
        return context;
    }

    private static int WriteLines(ParseResult parsed, Option<bool> json, IEnumerable<IMessage> found, Action layOut)
    {
        if (!parsed.GetValue(json)) layOut();
        else
            foreach (var one in found) Console.Out.WriteLine(JsonFormatter.Default.Format(one));
        return 0;
    }

    private static Argument<string> CaseArgument() => new("CASE") { Description = "Id of the case" };
}
