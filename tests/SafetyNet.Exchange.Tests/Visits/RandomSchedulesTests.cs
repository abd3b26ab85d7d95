using System.Globalization;
using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Server.Visits;

namespace SafetyNet.Exchange.Tests.Visits;

/// <summary>
/// 2 000 random schedules of visits and attempts, with SAFETYNET_CAMPAIGN=n that many, against a plain calculation of their own (R-CASE-5). Each is a protocol of its own, lived through day by day: visits
/// are planned, made, missed, moved, cancelled, and on some days the server is down.
/// </summary>
[Trait("Rule", "R-CASE-5")]
public sealed class RandomSchedulesTests(ITestOutputHelper output)
{
    private const int DefaultSchedules = 2000;

    [Fact]
    public void Each_schedule_comes_out_as_the_plain_calculation_says()
    {
        var (count, seed) = (Setting("SAFETYNET_CAMPAIGN", DefaultSchedules), Setting("SAFETYNET_SEED", 20261123));
        var sum = new Tally();
        for (var number = 0; number < count; number++)
        {
            try
            {
                new Schedule(new Random(HashCode.Combine(seed, number) & int.MaxValue), sum).Live();
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                throw new InvalidOperationException($"schedule {number} of seed {seed}", e);
            }
        }

        output.WriteLine($"{count} schedules, seed {seed}: {sum}");
        Assert.True(sum.Visits > count && sum.Attempts > count && sum.Moved > count / 2 && sum.Cancelled > count / 2 && sum.Notices > count && sum.ShortMonths > count / 4 && sum.Refused > count, sum.ToString());
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var set) && set > 0 ? set : otherwise;

    private sealed record Tally
    {
        public int Visits { get; set; }

        public int Attempts { get; set; }

        public int Moved { get; set; }

        public int Cancelled { get; set; }

        public int Notices { get; set; }

        public int Refused { get; set; }

        public int Months { get; set; }

        public int ShortMonths { get; set; }

        public int DaysDown { get; set; }
    }

    /// <summary>What the plain calculation knows of a visit: what was done with it, on which day.</summary>
    private sealed class Known
    {
        public required Visit Visit { get; init; }

        /// <summary>Each time it was planned: on which day, for which day, and on which day that came to an end.</summary>
        public List<(int On, int For, int Until)> Plans { get; } = [];

        public List<int> Attempts { get; } = [];

        public int? Done { get; set; }

        public string End { get; set; } = "";

        public List<(string Kind, int Day)> Told { get; } = [];
    }

    private sealed class Schedule(Random random, Tally sum)
    {
        private const int Never = int.MaxValue;

        private readonly List<Known> _known = [];
        private readonly List<(Known Of, Clock Clock)> _clocks = [];
        private readonly List<int> _daysUp = [];
        private ProtocolRun _run = new();
        private int _minimum, _before, _after, _supervisor;
        private (int From, int Visits)[] _needs = [];
        private int? _ended;

        public void Live()
        {
            // Many begin at the end of a month, where months differ.
            var first = new DateOnly(2026 + random.Next(3), 1 + random.Next(12), 1);
            first = random.Next(2) == 0 ? first.AddMonths(1).AddDays(-1 - random.Next(4)) : first.AddDays(random.Next(28));
            (_minimum, _before, _after) = (1 + random.Next(5), random.Next(5), 1 + random.Next(3));
            _supervisor = _after + random.Next(4);
            _needs = random.Next(3) == 0 ? [(1, 4), (2, 2)] : [(1, 1 + random.Next(6)), .. random.Next(2) == 0 ? [] : ((int, int)[])[(2 + random.Next(3), 1 + random.Next(8))]];
            if (random.Next(3) == 0) _minimum = 3;
            _run = new ProtocolRun
            {
                RunId = Guid.CreateVersion7(Noon(first.DayNumber)), CaseId = Guid.CreateVersion7(Noon(first.DayNumber)), UnitId = "u", StartsOn = first, MinimumMonths = _minimum, Needs = ProtocolRun.Write(_needs.Select(n => new VisitNeed(n.From, n.Visits))),
                Reminders = ProtocolRun.Write(new VisitReminders { At = "08:30", UpcomingDaysBefore = _before, OverdueDaysAfter = _after, SupervisorDaysAfter = _supervisor }),
                MonthsPlanned = _minimum, Version = 1, ConfidentialityClass = Wire.ConfidentialityClass.Suicide,
            };
            var today = first.DayNumber - random.Next(6) + random.Next(6);
            var last = first.DayNumber + (31 * (_minimum + random.Next(4)));
            var change = new Change();
            for (var month = 1; month <= _minimum; month++) PlannedAsSaid(VisitPlanning.PlanMonth(change, _run, month, Day(today), Noon(today), "W1"), month, today);
            Take(change, today);
            _daysUp.Add(today);
            for (today++; today <= last && _ended is null; today++)
            {
                if (random.Next(5) == 0)
                {
                    sum.DaysDown++;
                    continue;
                }

                _daysUp.Add(today);
                Tell(today);
                PlanMonths(today);
                for (var deeds = random.Next(3); deeds > 0; deeds--) Do(today);
                if (random.Next(20) == 0) CountedAsSaid(today);
                if (random.Next(150) == 0) End(today);
            }

            CountedAsSaid(today);
            foreach (var one in _known) ToldAsSaid(one);
        }

        /// <summary>Days of a month by counting in years, months and days.</summary>
        private int BeginOf(int month)
        {
            var (year, of) = (_run.StartsOn.Year, _run.StartsOn.Month + month - 1);
            while (of > 12) (year, of) = (year + 1, of - 12);
            return new DateOnly(year, of, Math.Min(_run.StartsOn.Day, DateTime.DaysInMonth(year, of))).DayNumber;
        }

        private int NeededIn(int month)
        {
            var needed = 0;
            foreach (var (from, visits) in _needs)
                if (from <= month) needed = visits;
            return needed;
        }

        private void PlanMonths(int today)
        {
            var (due, change) = (_run.MonthsPlanned, new Change());
            if (BeginOf(due + 1) > today) return;
            var planned = VisitPlanning.PlanBegun(change, _run, Day(today), Noon(today)).ToList();
            while (BeginOf(due + 1) <= today)
            {
                due++;
                var of = planned.Where(visit => visit.PlannedOn.DayNumber >= BeginOf(due) && visit.PlannedOn.DayNumber < BeginOf(due + 1)).ToList();
                PlannedAsSaid(of, due, today);
                planned.RemoveAll(of.Contains);
            }

            Assert.Empty(planned);
            Assert.Equal((due, Noon(BeginOf(due + 1)).AddHours(-12)), (_run.MonthsPlanned, _run.NextMonthAt));
            Take(change, today);
        }

        /// <summary>One visit in the middle of each part of the month, none before today, none when it is over.</summary>
        private void PlannedAsSaid(IReadOnlyList<Visit> visits, int month, int today)
        {
            var (begin, end, needed) = (BeginOf(month), BeginOf(month + 1), NeededIn(month));
            var expected = new List<int>();
            for (var i = 0; i < needed && end > today; i++)
            {
                var middle = begin + (int)Math.Floor((end - begin) * (i + 0.5m) / needed);
                expected.Add(middle < today ? today : middle);
            }

            Assert.Equal(expected, visits.Select(visit => visit.PlannedOn.DayNumber));
        }

        private void Do(int today)
        {
            var (change, deed, open) = (new Change(), random.Next(12), _known.Where(one => one.End.Length == 0).ToList());
            if (deed == 0 || _known.Count == 0)
            {
                VisitPlanning.Plan(change, _run, Day(today + random.Next(45)), Noon(today), "W1");
            }
            else if (deed == 1 && _known.Find(one => one.End.Length > 0) is { } over)
            {
                var action = (Wire.VisitAction)(2 + random.Next(5));
                Assert.Throws<Refusal>(() => VisitPlanning.Move(change, over.Visit, action, Noon(today), "W1"));
                sum.Refused++;
                change.Clear();
            }
            else if (open.Count > 0)
            {
                var one = random.Next(3) == 0 ? open[random.Next(open.Count)] : open.MinBy(known => known.Visit.PlannedOn)!;
                if (one.Visit.PlannedOn.DayNumber > today + 6 && random.Next(4) > 0) return;
                if (deed <= 5) Visit(change, one, today);
                else if (deed <= 8) Attempt(change, one, today);
                else if (deed == 9) Move(change, one, today);
                else if (deed == 10) Cancel(change, one, today);
            }

            Take(change, today);
        }

        private void Visit(Change change, Known one, int today)
        {
            var made = Math.Max(_run.StartsOn.DayNumber, today - random.Next(12));
            if (made > today) return;
            var move = VisitPlanning.Move(change, one.Visit, Wire.VisitAction.RecordVisit, Noon(today), "W1");
            one.Visit.DoneAt = move.HappenedAt = Noon(made);
            (one.Done, one.End) = (made, "done");
            Stop(one, today);
            sum.Visits++;
        }

        private void Attempt(Change change, Known one, int today)
        {
            var made = Math.Max(_run.StartsOn.DayNumber, today - random.Next(4));
            if (made > today) return;
            VisitPlanning.Move(change, one.Visit, Wire.VisitAction.RecordAttempt, Noon(today), "W1").HappenedAt = Noon(made);
            one.Attempts.Add(made);
            sum.Attempts++;
        }

        private void Move(Change change, Known one, int today)
        {
            VisitPlanning.Move(change, one.Visit, Wire.VisitAction.Reschedule, Noon(today), "W1");
            one.Visit.PlannedOn = Day(today + random.Next(40));
            VisitPlanning.Remind(change, one.Visit, _run.ReminderRule(), 1, Noon(today));
            Stop(one, today);
            one.Plans.Add((today, one.Visit.PlannedOn.DayNumber, Never));
            sum.Moved++;
        }

        private void Cancel(Change change, Known one, int today)
        {
            VisitPlanning.Move(change, one.Visit, Wire.VisitAction.Cancel, Noon(today), "W1");
            one.End = "cancelled";
            Stop(one, today);
            sum.Cancelled++;
        }

        private void End(int today)
        {
            var change = new Change();
            foreach (var one in _known.Where(known => known.End.Length == 0))
            {
                VisitPlanning.Move(change, one.Visit, Wire.VisitAction.End, Noon(today), "W1");
                one.End = "ended";
                Stop(one, today);
            }

            (_run.EndedOn, _ended) = (Day(today), today);
            Take(change, today);
        }

        private static void Stop(Known one, int today) => one.Plans[^1] = one.Plans[^1] with { Until = today };

        /// <summary>Makes a change as the store would: clocks stop first, then rows are there.</summary>
        private void Take(Change change, int today)
        {
            foreach (var stop in change.ClockStops) _clocks.RemoveAll(one => one.Clock.ResourceId == stop.ResourceId);
            foreach (var visit in change.Added.OfType<Visit>())
            {
                var one = new Known { Visit = visit };
                one.Plans.Add((today, visit.PlannedOn.DayNumber, Never));
                _known.Add(one);
            }

            foreach (var clock in change.Added.OfType<Clock>()) _clocks.Add((_known.Single(one => one.Visit.VisitId == clock.ResourceId), clock));
        }

        private void Tell(int today)
        {
            foreach (var (one, clock) in _clocks)
            {
                if (clock.NextAt is not { } next || next > Noon(today)) continue;
                foreach (var step in clock.TakeDue(Noon(today)))
                {
                    one.Told.Add((CodeText.Of(step.Kind), today));
                    sum.Notices++;
                }
            }
        }

        /// <summary>A step is told on the first day after it is due on which the server is up, unless the plan came to an end before that day; and none that was due before the visit was planned so.</summary>
        private void ToldAsSaid(Known one)
        {
            var expected = new List<(string, int)>();
            foreach (var (on, planned, until) in one.Plans)
            {
                foreach (var (kind, due) in ((string, int)[])[("REMINDER", planned - _before), ("OVERDUE", planned + _after), ("ESCALATED", planned + _supervisor)])
                {
                    if (due <= on) continue;
                    foreach (var day in _daysUp)
                    {
                        if (day < due) continue;
                        if (day <= until) expected.Add((kind, day));
                        break;
                    }
                }
            }

            Assert.Equal(expected, one.Told);
        }

        private void CountedAsSaid(int today)
        {
            var counted = _run.Months().Count(
                [.. _known.Select(one => new CountedVisit(one.Visit.State, one.Visit.PlannedOn, one.Visit.DoneAt is { } at ? Day(at) : null, [.. one.Attempts.Select(Day)]))], Day(today), _run.EndedOn);
            var month = 0;
            while (month < counted.Count || IsListed(month + 1, today))
            {
                month++;
                var (begin, end) = (BeginOf(month), BeginOf(month + 1));
                int needed = _ended is { } over && over < end ? 0 : NeededIn(month), done = 0, planned = 0, attempts = 0;
                foreach (var one in _known)
                {
                    if (one.Done is { } made && made >= begin && made < end) done++;
                    if (one.End.Length == 0 && one.Plans[^1].For >= begin && one.Plans[^1].For < end) planned++;
                    foreach (var day in one.Attempts)
                        if (day >= begin && day < end) attempts++;
                }

                var missing = needed - done;
                if (end > today) missing -= planned;
                if (missing < 0) missing = 0;
                Assert.Equal(new CountedMonth(month, Day(begin), Day(end), needed, done, attempts, planned, missing), counted[month - 1]);
                Assert.True(IsListed(month, today));
                sum.Months++;
                if (missing > 0) sum.ShortMonths++;
            }
        }

        private bool IsListed(int month, int today) => _ended is { } over ? BeginOf(month) <= over : month <= _minimum || BeginOf(month) <= today;

        private static DateOnly Day(int number) => DateOnly.FromDayNumber(number);

        private static DateOnly Day(DateTimeOffset at) => DateOnly.FromDateTime(at.ToOffset(TimeSpan.FromHours(8)).DateTime);

        private static DateTimeOffset Noon(int day) => new DateTimeOffset(Day(day).ToDateTime(new TimeOnly(12, 0)), TimeSpan.FromHours(8)).ToUniversalTime();
    }
}
