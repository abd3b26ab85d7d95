using System.Text;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Visits;
using SafetyNet.Exchange.Tests.Pipeline;

namespace SafetyNet.Exchange.Tests.Visits;

/// <summary>Moves, months and protocols of visits, without a server (R-CASE-5).</summary>
[Trait("Rule", "R-CASE-5")]
public sealed class VisitTests
{
    private static readonly string Text = File.ReadAllText(Path.Combine(Repository.Root, "src", "SafetyNet.Exchange.Server", "Visits", "visit-protocols.json"));

    [Fact]
    public void Every_action_in_every_state_moves_as_the_table_says_or_is_refused_with_what_is_allowed()
    {
        var (moved, refused) = (0, 0);
        foreach (var state in Enum.GetValues<Wire.VisitState>().Where(s => s != default))
        {
            foreach (var action in Enum.GetValues<Wire.VisitAction>().Where(a => a != default))
            {
                var (visit, lines) = (new Visit { State = state }, Visit.Transitions.Where(t => t.From == state && t.Action == action).ToList());
                if (lines.Count == 1)
                {
                    visit.Move(action);
                    Assert.Equal(lines[0].To, visit.State);
                    moved++;
                    continue;
                }

                Assert.Empty(lines);
                var refusal = Assert.Throws<Refusal>(() => visit.Move(action));
                var allowed = state == Wire.VisitState.Planned ? "RECORD_VISIT, RECORD_ATTEMPT, RESCHEDULE, CANCEL" : "";
                Assert.Equal((Wire.ErrorReason.MoveNotAllowed, state, CodeText.Of(state), allowed), (refusal.Reason, visit.State, refusal.Metadata["state"], refusal.Metadata["allowed"]));
                refused++;
            }
        }

        Assert.Equal((5, (4 * 6) - 5), (moved, refused));
        // An attempt is no visit: only one way leads to a visit that is made, and nothing leads away from it.
        Assert.Equal([Wire.VisitAction.RecordVisit], Visit.Transitions.Where(t => t.To == Wire.VisitState.Done).Select(t => t.Action));
        Assert.All(Visit.Transitions, t => Assert.Equal(Wire.VisitState.Planned, t.From));
    }

    [Fact]
    public void The_protocol_that_is_shipped_asks_for_four_visits_in_the_first_month_two_in_each_after_and_three_months_at_least()
    {
        var protocols = VisitProtocols.Load("");
        var suicide = protocols.Find("SUICIDE_FOLLOW_UP")!;
        Assert.Equal((Wire.ConfidentialityClass.Suicide, 3), (suicide.ConfidentialityClass, suicide.MinimumMonths));
        var months = new VisitMonths(new DateOnly(2026, 1, 31), suicide.MinimumMonths, suicide.Visits);
        Assert.Equal([4, 2, 2, 2, 2], Enumerable.Range(1, 5).Select(months.NeededIn));
        Assert.Null(protocols.Find("suicide_follow_up"));
        // Both reminders of a late visit, and the one before it.
        Assert.InRange(suicide.Reminders.SupervisorDaysAfter, suicide.Reminders.OverdueDaysAfter, 30);
    }

    [Fact]
    public void Months_are_counted_by_date_from_the_first_day_and_end_early_where_a_month_has_no_such_day()
    {
        var months = new VisitMonths(new DateOnly(2027, 10, 31), 3, [new VisitNeed(1, 4), new VisitNeed(2, 2)]);
        Assert.Equal(["2027-10-31", "2027-11-30", "2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31"], Enumerable.Range(1, 6).Select(month => $"{months.BeginOf(month):yyyy-MM-dd}"));
        Assert.Equal((0, 1, 1, 2), (months.BegunBy(new DateOnly(2027, 10, 30)), months.BegunBy(new DateOnly(2027, 10, 31)), months.BegunBy(new DateOnly(2027, 11, 29)), months.BegunBy(new DateOnly(2027, 11, 30))));
        Assert.Equal(new DateOnly(2028, 1, 31), months.MinimumEndsBefore);
        // 30 days in four parts: the middle days of 0 to 7.5, 7.5 to 15, 15 to 22.5 and 22.5 to 30.
        Assert.Equal(["2027-11-03", "2027-11-11", "2027-11-18", "2027-11-26"], months.PlannedDays(1, new DateOnly(2027, 10, 31)).Select(day => $"{day:yyyy-MM-dd}"));
        // What has passed is planned for today, and a month that is over is not planned any more.
        Assert.Equal(["2027-11-20", "2027-11-20", "2027-11-20", "2027-11-26"], months.PlannedDays(1, new DateOnly(2027, 11, 20)).Select(day => $"{day:yyyy-MM-dd}"));
        Assert.Empty(months.PlannedDays(1, new DateOnly(2027, 11, 30)));
    }

    [Fact]
    public void A_month_counts_what_was_made_in_it_and_what_is_planned_only_while_it_lasts()
    {
        var months = new VisitMonths(new DateOnly(2026, 3, 1), 3, [new VisitNeed(1, 4), new VisitNeed(2, 2)]);
        CountedVisit[] visits =
        [
            new(Wire.VisitState.Done, new DateOnly(2026, 3, 4), new DateOnly(2026, 3, 4), []),
            new(Wire.VisitState.Done, new DateOnly(2026, 3, 12), new DateOnly(2026, 4, 2), [new DateOnly(2026, 3, 12), new DateOnly(2026, 3, 31)]),
            new(Wire.VisitState.Planned, new DateOnly(2026, 3, 20), null, [new DateOnly(2026, 3, 20)]),
            new(Wire.VisitState.Cancelled, new DateOnly(2026, 3, 27), null, []),
        ];
        var during = months.Count(visits, new DateOnly(2026, 3, 31), null);
        Assert.Equal((4, 1, 3, 1, 2), (during[0].Needed, during[0].Done, during[0].Attempts, during[0].Planned, during[0].Missing));
        var after = months.Count(visits, new DateOnly(2026, 4, 1), null);
        Assert.Equal((3, 1, 1), (after[0].Missing, after[1].Done, after[1].Missing));
        Assert.Equal(3, after.Count);
        // The month that an end cuts short needs nothing, and none is listed after it.
        var ended = months.Count(visits, new DateOnly(2026, 9, 1), new DateOnly(2026, 4, 10));
        Assert.Equal([(4, 3), (0, 0)], ended.Select(month => (month.Needed, month.Missing)));
    }

    [Theory]
    [InlineData("\"revision\": 1", "\"revision\": 0", "$.revision")]
    [InlineData("\"at\": \"08:30\"", "\"at\": \"24:30\"", "$.reminders.at")]
    [InlineData("\"upcomingDaysBefore\": 2", "\"upcomingDaysBefore\": 15", "$.reminders.upcomingDaysBefore")]
    [InlineData("\"overdueDaysAfter\": 1", "\"overdueDaysAfter\": 0", "$.reminders.overdueDaysAfter")]
    [InlineData("\"overdueDaysAfter\": 1, \"supervisorDaysAfter\": 3", "\"overdueDaysAfter\": 4, \"supervisorDaysAfter\": 3", "$.reminders.supervisorDaysAfter")]
    [InlineData("\"code\": \"SUICIDE_FOLLOW_UP\"", "\"code\": \"suicide\"", "$.protocols[0].code")]
    [InlineData("\"confidentialityClass\": \"SUICIDE\"", "\"confidentialityClass\": \"IDENTITY\"", "$.protocols[0].confidentialityClass")]
    [InlineData("\"confidentialityClass\": \"SUICIDE\"", "\"confidentialityClass\": 12", "visit-protocols.schema.json")]
    [InlineData("\"minimumMonths\": 3", "\"minimumMonths\": 0", "$.protocols[0].minimumMonths")]
    [InlineData("\"fromMonth\": 1", "\"fromMonth\": 2", "$.protocols[0].visits[0].fromMonth")]
    [InlineData("\"fromMonth\": 2", "\"fromMonth\": 1", "$.protocols[0].visits[1].fromMonth")]
    [InlineData("\"perMonth\": 4", "\"perMonth\": 29", "$.protocols[0].visits[0].perMonth")]
    [InlineData("\"perMonth\": 4", "\"perWeek\": 1", "visit-protocols.schema.json")]
    [InlineData("\"title\": \"自殺個案關懷訪視\"", "\"title\": \" \"", "$.protocols[0].title")]
    public void Protocols_that_are_not_in_the_form_are_refused_with_their_place_and_what_to_do(string part, string wrong, string said)
    {
        var at = Text.IndexOf(part, StringComparison.Ordinal);
        var file = string.Concat(Text.AsSpan(0, at), wrong, Text.AsSpan(at + part.Length));
        var message = Assert.Throws<FormatException>(() => VisitProtocols.Read(Encoding.UTF8.GetBytes(file), "visits.json")).Message;
        Assert.Contains(said, message, StringComparison.Ordinal);
        Assert.Contains("remove Exchange:Visits:ProtocolsPath", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_code_that_stands_twice_and_a_file_that_is_not_there_stop_the_start()
    {
        var (begins, ends) = (Text.IndexOf("    {\n      \"code\"", StringComparison.Ordinal), Text.LastIndexOf("    }\n  ]", StringComparison.Ordinal) + 5);
        var twice = string.Concat(Text.AsSpan(0, ends), ",\n", Text.AsSpan(begins));
        Assert.Contains("SUICIDE_FOLLOW_UP stands in the file twice", Assert.Throws<FormatException>(() => VisitProtocols.Read(Encoding.UTF8.GetBytes(twice), "visits.json")).Message, StringComparison.Ordinal);
        Assert.Contains("Exchange:Visits:ProtocolsPath", Assert.Single(new VisitSettings { ProtocolsPath = "/no/such/file.json" }.Problems()), StringComparison.Ordinal);
        Assert.Empty(new VisitSettings().Problems());
    }

    [Fact]
    public void A_run_keeps_its_rule_as_it_was_written()
    {
        var protocol = VisitProtocols.Load("").Find("SUICIDE_FOLLOW_UP")!;
        var run = new ProtocolRun
        {
            StartsOn = new DateOnly(2026, 5, 31), MinimumMonths = protocol.MinimumMonths, Needs = ProtocolRun.Write(protocol.Visits), Reminders = ProtocolRun.Write(protocol.Reminders),
        };
        Assert.Equal(("1:4;2:2", "08:30;2;1;2"), (run.Needs, run.Reminders));
        Assert.Equal((protocol.Reminders, 4, 2), (run.ReminderRule(), run.Months().NeededIn(1), run.Months().NeededIn(7)));
        Assert.Equal(new DateOnly(2026, 8, 31), run.Months().MinimumEndsBefore);
    }
}
