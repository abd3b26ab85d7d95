using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Reports;
using static SafetyNet.Exchange.V1.ReportAction;
using static SafetyNet.Exchange.V1.ReportState;

namespace SafetyNet.Exchange.Tests.Reports;

public sealed class ReportTests
{
    private static readonly Wire.ReportState[] States = [.. Enum.GetValues<Wire.ReportState>().Where(state => state != Wire.ReportState.Unspecified)];
    private static readonly Wire.ReportAction[] Actions = [.. Enum.GetValues<Wire.ReportAction>().Where(action => action is not (Wire.ReportAction.Unspecified or Submit))];
    private static readonly TriageRules Triage = TriageRules.Load("");

    public static TheoryData<Wire.ReportState> EveryState() => [.. States];

    [Theory]
    [MemberData(nameof(EveryState))]
    public void Every_action_in_every_state_moves_as_the_table_says_or_is_refused_with_what_is_allowed(Wire.ReportState state)
    {
        foreach (var action in Actions)
        {
            foreach (var one in Enum.GetValues<Wire.ReportClass>())
            {
                var report = new Report { State = state };
                var moves = Report.Transitions.Where(t => t.From == state && t.Action == action && t.Class == one).ToList();
                Assert.True(moves.Count <= 1);
                if (moves.Count == 1)
                {
                    report.Move(action, one);
                    Assert.Equal(moves[0].To, report.State);
                    continue;
                }

                var refused = Assert.Throws<Refusal>(() => report.Move(action, one));
                Assert.Equal((Wire.ErrorReason.MoveNotAllowed, state), (refused.Reason, report.State));
                Assert.Equal(Report.Transitions.Where(t => t.From == state).Select(t => CodeText.Of(t.Action)).Distinct(), refused.Metadata["allowed"].Split(", ", StringSplitOptions.RemoveEmptyEntries));
            }
        }
    }

    [Fact]
    public void Each_state_is_reached_and_three_of_them_are_ends()
    {
        var reached = new HashSet<Wire.ReportState> { Received };
        foreach (var _ in States) reached.UnionWith([.. Report.Transitions.Where(t => reached.Contains(t.From)).Select(t => t.To)]);
        Assert.Equal(States.ToHashSet(), reached);
        Assert.Equal([NotOpened], States.Where(state => Report.Transitions.All(t => t.From != state)));
        // What has been taken up goes back to the desk only where desk and lead agree on it.
        Assert.All(Report.Transitions.Where(t => t.From is Accepted or Contacted && t.To is not (Accepted or Contacted)), t => Assert.Equal((LeadWithdrawn, Screened), (t.Action, t.To)));
    }

    [Fact]
    [Trait("Rule", "R-INT-3")]
    public void A_report_is_classed_anew_until_it_is_dispatched_and_by_each_class_ends_where_it_belongs()
    {
        var belongs = new Dictionary<Wire.ReportClass, Wire.ReportState>
        {
            [Wire.ReportClass.New] = Screened, [Wire.ReportClass.ReReport] = Screened, [Wire.ReportClass.Duplicate] = Linked, [Wire.ReportClass.Invalid] = SetAside, [Wire.ReportClass.Erroneous] = SetAside,
        };
        foreach (var (first, second) in from a in belongs.Keys from b in belongs.Keys select (a, b))
        {
            var report = new Report { State = Received };
            report.Move(Screen, first);
            Assert.Equal((belongs[first], first), (report.State, report.Class));
            report.Move(Screen, second);
            Assert.Equal((belongs[second], second), (report.State, report.Class));
        }
    }

    [Fact]
    [Trait("Rule", "R-REF-4")]
    public void An_unwilling_client_is_no_reason_to_end_a_report()
    {
        var report = new Report { State = Screened };
        Assert.Equal(Wire.ErrorReason.UnwillingIsNoReason, Assert.Throws<Refusal>(() => report.Close(Wire.NotOpenedReason.ClientUnwilling, "")).Reason);
        Assert.Equal(Wire.ErrorReason.InvalidField, Assert.Throws<Refusal>(() => report.Close(Wire.NotOpenedReason.NotLocated, "")).Reason);
        Assert.Equal(Screened, report.State);
        report.Close(Wire.NotOpenedReason.NeedAlreadyMet, "");
        Assert.Equal((NotOpened, Wire.NotOpenedReason.NeedAlreadyMet), (report.State, report.NotOpenedReason));
    }

    /// <summary>R-INT-5, line by line: what is reported, and the rule that decides.</summary>
    public static TheoryData<string, Wire.ReportKind, Wire.ReportProblem[], Wire.RiskFact[], int, int> Lines() => new()
    {
        { "TRIAGE-PROTECTIVE", Wire.ReportKind.ChildProtection, [Wire.ReportProblem.ChildAbuse], [], 0, 0 },
        { "TRIAGE-PROTECTIVE", Wire.ReportKind.VulnerableFamily, [Wire.ReportProblem.EconomicHardship], [Wire.RiskFact.Violence], 0, 1 },
        { "TRIAGE-PROTECTIVE", Wire.ReportKind.PsychiatricCare, [Wire.ReportProblem.PsychiatricCare], [Wire.RiskFact.SexualAssault, Wire.RiskFact.SuicideReported], 1, 0 },
        { "TRIAGE-PSYCHIATRIC-MULTIPLE", Wire.ReportKind.PsychiatricCare, [Wire.ReportProblem.PsychiatricCare], [Wire.RiskFact.SuicideReported], 4, 0 },
        { "TRIAGE-PSYCHIATRIC-MULTIPLE", Wire.ReportKind.Suicide, [Wire.ReportProblem.SuicideAttempt, Wire.ReportProblem.PsychiatricCare], [], 0, 0 },
        { "TRIAGE-PSYCHIATRIC-MULTIPLE", Wire.ReportKind.PsychiatricCare, [Wire.ReportProblem.PsychiatricCare], [Wire.RiskFact.ProtectiveCase], 0, 0 },
        { "TRIAGE-PSYCHIATRIC-1-2", Wire.ReportKind.PsychiatricCare, [Wire.ReportProblem.PsychiatricCare], [], 1, 0 },
        { "TRIAGE-PSYCHIATRIC-1-2", Wire.ReportKind.PsychiatricCare, [Wire.ReportProblem.PsychiatricCare], [], 2, 1 },
        { "TRIAGE-PSYCHIATRIC-3-5", Wire.ReportKind.PsychiatricCare, [Wire.ReportProblem.PsychiatricCare], [], 3, 0 },
        { "TRIAGE-PSYCHIATRIC-3-5", Wire.ReportKind.PsychiatricCare, [Wire.ReportProblem.PsychiatricCare], [], 5, 0 },
        { "TRIAGE-SINGLE-NEED", Wire.ReportKind.EmploymentNeed, [Wire.ReportProblem.Unemployment], [], 0, 1 },
        { "TRIAGE-SEVERAL-OR-UNCLEAR", Wire.ReportKind.WelfareNeed, [Wire.ReportProblem.EconomicHardship], [], 0, 2 },
        { "TRIAGE-SEVERAL-OR-UNCLEAR", Wire.ReportKind.CommunityConcern, [Wire.ReportProblem.CommunityNuisance], [], 0, 0 },
    };

    [Theory]
    [MemberData(nameof(Lines))]
    [Trait("Rule", "R-INT-5")]
    public void The_triage_rules_decide_in_the_order_of_the_rule(string rule, Wire.ReportKind kind, Wire.ReportProblem[] problems, Wire.RiskFact[] risks, int careLevel, int needs)
    {
        var content = new Wire.ReportContent { Kind = kind, Problems = { problems }, RiskFacts = { risks }, PsychiatricCareLevel = careLevel };
        content.Needs.Add(new[] { Wire.Article6Service.EmploymentGuidance, Wire.Article6Service.CareVisit }.Take(needs));
        Assert.Equal(rule, Triage.Fitting(content).First().Id);
        // Whatever is reported, there is somewhere to go.
        Assert.Equal("TRIAGE-SEVERAL-OR-UNCLEAR", Triage.Fitting(content).Last().Id);
    }

    [Fact]
    [Trait("Rule", "R-INT-5")]
    public void Triage_rules_that_could_leave_a_report_without_a_unit_stop_the_start()
    {
        var rule = """{"id": "A", "source": "x", "textEn": "x", "textZh": "x", "unitKinds": ["SCHOOL"]}""";
        var only = """{"id": "B", "source": "x", "textEn": "x", "textZh": "x", "unitKinds": ["SCHOOL"], "when": [{"careLevels": [1]}]}""";
        AssertRefused("the last rule, B, must always fit", $$"""{"revision": "1", "rules": [{{only}}]}""");
        AssertRefused("A always fits, so that no rule after it", $$"""{"revision": "1", "rules": [{{rule}}, {{only}}]}""");
        AssertRefused("an id stands twice", $$"""{"revision": "1", "rules": [{{only}}, {{only.Replace("when", "when", StringComparison.Ordinal)}}]}""");
        AssertRefused("there is no rule", """{"revision": "1", "rules": []}""");
        AssertRefused("has a condition that never holds", $$"""{"revision": "1", "rules": [{{only.Replace("""{"careLevels": [1]}""", "{}", StringComparison.Ordinal)}}, {{rule}}]}""");
        AssertRefused("an unknown code of UnitKind", $$"""{"revision": "1", "rules": [{{rule.Replace("SCHOOL", "CASTLE", StringComparison.Ordinal)}}]}""");
        AssertRefused("could not be mapped", $$"""{"revision": "1", "rules": [{{rule}}], "more": 1}""");

        static void AssertRefused(string says, string json)
        {
            var path = Path.GetTempFileName();
            try
            {
                File.WriteAllText(path, json);
                Assert.Contains(says, Assert.Throws<FormatException>(() => TriageRules.Load(path)).Message, StringComparison.Ordinal);
            }
            finally
            {
                File.Delete(path);
            }
        }
    }

    [Fact]
    [Trait("Rule", "R-INT-1")]
    public void Every_originating_system_has_a_profile_and_asks_only_for_fields_that_a_report_has()
    {
        var sources = SourceSystems.Load("");
        Assert.Equal(Enum.GetValues<Wire.SourceSystem>().Skip(1), sources.Systems.Select(profile => profile.System).Order());
        Assert.All(sources.Systems, profile => Assert.NotEmpty(profile.Kinds));
        // Each kind of report can come from somewhere.
        Assert.Equal(Enum.GetValues<Wire.ReportKind>().Skip(1), sources.Systems.SelectMany(profile => profile.Kinds).Distinct().Order());
    }

    [Fact]
    public void Receipt_numbers_tell_jurisdiction_and_day_in_Taiwan_and_differ_for_reports_of_one_instant()
    {
        var at = new DateTimeOffset(2026, 11, 22, 16, 30, 0, TimeSpan.Zero);
        var numbers = Enumerable.Range(0, 10_000).Select(_ => Report.NumberOf(Wire.Jurisdiction.Tpe, at, Guid.CreateVersion7(at))).ToHashSet(StringComparer.Ordinal);
        Assert.Equal(10_000, numbers.Count);
        Assert.All(numbers, number => Assert.Matches("^TPE-20261123-[0-9A-HJKMNP-TV-Z]{8}$", number));
    }
}
