using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Server.Households;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Tests.Deliveries;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Misuse;

namespace SafetyNet.Exchange.Tests.Households;

/// <summary>A batch is its look-ups: each decided, redacted, counted and recorded as if it came alone (R-HH-1, R-HH-4).</summary>
[Trait("Rule", "R-HH-1")]
public sealed class BatchLookUpTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    [Trait("Rule", "R-NTK-2")]
    public async Task Each_key_is_answered_in_its_place_as_if_it_were_looked_up_alone()
    {
        var (family, other) = (Some.Family(), Some.Family());
        var opened = await The.HasCaseOnAsync(family.Child);
        var context = The.Centre.Context(inCase: opened);
        Wire.LookUpKey[] keys =
        [
            ById(family.Child.NationalId.Canonical), ById(Some.StrangersId()), ById(family.Mother.NationalId.Canonical.ToLowerInvariant()), ById(other.Child.NationalId.Canonical),
            new() { Name = family.Child.Name, BirthDate = $"{family.Child.BirthDate:yyyy-MM-dd}" }, ById("A123456780"), new(), new() { Name = "王小明", BirthDate = "75/1/1" },
            new() { NationalId = family.Child.NationalId.Canonical, Name = family.Child.Name }, new() { Name = "王小明" }, ById(family.Child.NationalId.Canonical),
        ];
        var before = Exchange.RecordCount();
        var results = await The.Centre.LooksUpAllAsync(context, keys);
        var records = Exchange.RecordsFrom(before);
        Assert.Equal(
            [
                default, Wire.ErrorReason.NotFound, default, Wire.ErrorReason.NotFound, default, Wire.ErrorReason.InvalidField, Wire.ErrorReason.InvalidField, Wire.ErrorReason.InvalidField,
                Wire.ErrorReason.InvalidField, Wire.ErrorReason.InvalidField, default,
            ], results.Select(r => r.Reason));
        Assert.Equal(["national_id", "key", "birth_date", "name", "birth_date"], results.SelectMany(r => r.Fields).Select(f => f.Field));
        Assert.All(results.Where(r => r.Reason != default), r => Assert.True(r.Found is null && r.MessageEn.Length > 0 && r.MessageZh.Any(c => c is >= '\u4e00' and <= '\u9fff')));

        // One record for each, as of a look-up alone, and one for the batch that names nobody.
        Assert.Equal(results.Select(r => r.DecisionId), records.SkipLast(1).Select(r => r.DecisionId));
        Assert.All(results.Zip(records), pair => Assert.Equal(
            ("/safetynet.exchange.v1.HouseholdService/LookUpHousehold", $"case/{opened}", pair.First.Reason == default), (pair.Second.Method, pair.Second.Reference, pair.Second.Reason.Length == 0)));
        Assert.Equal(("/safetynet.exchange.v1.HouseholdService/BatchLookUpHouseholds", 0), (records[^1].Method, records[^1].Subjects.Count));
        Assert.Equal([Own(1), Own(3)], new[] { 1, 3 }.Select(i => Assert.Single(records[i].Subjects)));
        foreach (var (place, key) in new[] { (0, keys[0].NationalId), (2, keys[2].NationalId) })
        {
            var alone = await The.Centre.AnswerAsync(to => to.Households.LookUpHouseholdAsync(The.Centre.LookUp(key, inCase: opened)));
            var record = Exchange.RecordOf(alone.Receipt);
            Assert.Equal(Without(alone.Value), Without(results[place].Found));
            Assert.Equal((record.Subjects, record.ShownClasses, record.WithheldClasses, record.Rules), (records[place].Subjects, records[place].ShownClasses, records[place].WithheldClasses, records[place].Rules));
        }

        string Own(int place) => Exchange.Composition.Vault.Pseudonyms.OfNationalId(keys[place].NationalId);
    }

    [Fact]
    [Trait("Rule", "R-HH-6")]
    public async Task The_primary_unit_hears_once_of_a_batch_over_the_household_of_its_case()
    {
        var family = Some.Family();
        var opened = (await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child))).ReferralId, family.Mother.Id)).CaseId;
        await The.Centre.AsksInAsync(opened, The.WanhuaCentre, Wire.Article6Service.CareVisit, family.Child.Id, family.Mother.Id);
        await The.WanhuaCentre.JoinsAsync(opened);
        var results = await The.WanhuaCentre.LooksUpAllAsync(
            The.WanhuaCentre.Context(inCase: opened), ById(family.Child.NationalId.Canonical), ById(family.Mother.NationalId.Canonical), ById(Some.StrangersId()));
        Assert.Equal([true, true, false], results.Select(r => r.Found is not null));
        Assert.All(results.Take(2), r => Assert.NotEmpty(r.Found.Involvements));
        Assert.Single(Exchange.NoticesAbout(The.Centre.UnitId, opened), n => n == (Wire.NoticeKind.HouseholdLookedUp, The.WanhuaCentre.UnitId));
    }

    [Fact]
    public async Task Five_hundred_are_answered_and_one_more_is_none()
    {
        var family = Some.Family();
        var context = The.Centre.Context(inCase: await The.HasCaseOnAsync(family.Child));
        var keys = Enumerable.Range(0, 500).Select(i => ById(i % 3 == 0 ? family.Child.NationalId.Canonical : Some.StrangersId())).ToArray();
        var results = await The.Centre.LooksUpAllAsync(context, keys);
        Assert.Equal(keys.Select((_, i) => i % 3 == 0), results.Select(r => r.Found is not null));
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.Centre.LooksUpAllAsync(context, [.. keys, ById(family.Child.NationalId.Canonical)]));
        Assert.Equal("keys", Assert.Single(refused.Refusal.Faults).Field);
        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.Centre.LooksUpAllAsync(context));
    }

    [Fact]
    public async Task An_answer_holds_as_many_households_as_fit_and_says_of_each_other_key_to_ask_again()
    {
        await using var own = await TestExchange.StartEmptyAsync();
        var the = new The(own);
        // A home of many (機構), each with the longest name and address.
        var rows = Enumerable.Range(0, 300).Select(place => Register.Person("B1", name: new string('林', 100), place: place).With(row => row.Address = new string('路', 200))).ToList();
        await the.Register.DeliversAsync(rows);
        var inCase = await IsTakenInAsync(the, rows[1]);
        var (context, before) = (the.Centre.Context(inCase: inCase), own.RecordCount());
        var results = await the.Centre.LooksUpAllAsync(context, [.. Enumerable.Repeat(ById(rows[1].NationalId), 20)]);
        var found = results.TakeWhile(r => r.Found is not null).ToList();
        var left = results.Skip(found.Count).ToList();
        Assert.All(found, r => Assert.Equal(rows.Count - 1, r.Found.Members.Count));
        Assert.InRange(found.Sum(r => r.Found.CalculateSize()), BatchLookUp.MostBytes - found[0].Found.CalculateSize(), BatchLookUp.MostBytes + (100 * found.Count));
        Assert.NotEmpty(left);
        Assert.All(left, r => Assert.Equal((Wire.ErrorReason.BatchAnswerFull, null), (r.Reason, r.Found)));
        Assert.All(left, r => Assert.True(r.MessageEn.Contains("further batch", StringComparison.Ordinal) && r.MessageZh.Contains("下一批次", StringComparison.Ordinal), $"{r}"));
        // Nobody was shown by those, and their records say so; asked again, each is answered.
        var records = own.RecordsFrom(before).Where(record => record.Method == BatchLookUp.SingleMethod).ToList();
        Assert.Equal([.. found.Select(_ => ""), .. left.Select(_ => "BATCH_ANSWER_FULL")], records.Select(record => record.Reason));
        Assert.All(records.Skip(found.Count), record => Assert.Equal((Wire.AuditOutcome.Refused, 0), (record.Outcome, record.ShownClasses.Count)));
        Assert.NotNull(Assert.Single(await the.Centre.LooksUpAllAsync(context, ById(rows[1].NationalId))).Found);
    }

    [Fact]
    [Trait("Rule", "R-HH-7")]
    public async Task R_HH_7_Each_key_is_told_of_the_day_that_it_asks_about_as_if_it_came_alone()
    {
        await using var own = await TestExchange.StartEmptyAsync();
        var the = new The(own);
        var (mother, child, uncle) = (Register.Person("A1"), Register.Person("A1", Sex.Male, "2012-01-01", place: 1), Register.Person("A1", Sex.Male, place: 2));
        await the.Register.DeliversAsync([mother, child, uncle]);
        var inCase = await IsTakenInAsync(the, child);
        await the.Register.DeliversAsync([uncle.Leaves("2026-05-01"), Moves(mother), Moves(child)]);
        string[] days = ["", "2026-08-01", "2026-07-31", "2026-04-30", "2026-01-31"];
        var results = await the.Centre.LooksUpAllAsync(the.Centre.Context(inCase: inCase), [.. days.Append("2099-01-01").Append("115/5/1").Select(On), On("")]);
        for (var at = 0; at < days.Length; at++)
        {
            var single = the.Centre.LookUp(child.NationalId, inCase: inCase);
            single.AsOf = days[at];
            Assert.Equal(Without(await the.Centre.AskAsync(to => to.Households.LookUpHouseholdAsync(single))), Without(results[at].Found));
        }

        Assert.Equal(["新址路 2 號", "新址路 2 號", child.Address, child.Address, ""], results.Take(days.Length).Select(r => r.Found.Person.Address));
        Assert.Equal([1, 1, 1, 2, 0], results.Take(days.Length).Select(r => r.Found.Members.Count));
        // A day to come and a day that is none stop nobody else.
        Assert.All(results.Skip(days.Length).Take(2), r => Assert.Equal((Wire.ErrorReason.InvalidField, "as_of"), (r.Reason, Assert.Single(r.Fields).Field)));
        Assert.NotNull(results[^1].Found);

        Wire.LookUpKey On(string day) => new() { NationalId = child.NationalId, AsOf = day };
        static Wire.RegisterRow Moves(Wire.RegisterRow person) => person.With(row => (row.HouseholdNumber, row.Address, row.ValidFrom) = ("A2", "新址路 2 號", "2026-08-01"));
    }

    [Fact]
    [Trait("Rule", "R-HH-4")]
    [Trait("Abuse", "B32")]
    public async Task Every_key_counts_towards_the_rate_and_the_misses_of_the_day()
    {
        var limits = new CallLimits { PerPersonPerMinute = 60, PerAgencyPerMinute = 1000, LookUps = new LookUpLimits { MissesPerPerson = 5 } };
        await using var own = await TestExchange.StartAsync(limits);
        own.AdvanceToHour(10);
        var those = new The(own);
        var family = Some.Family();
        var opened = await those.HasCaseOnAsync(family.Child);
        var (centre, found) = (those.Centre.Colleague("W0900"), ById(family.Child.NationalId.Canonical));
        var results = await centre.LooksUpAllAsync(centre.Context(inCase: opened), [found, .. Enumerable.Range(0, 7).Select(_ => ById(Some.StrangersId())), found]);
        Assert.Equal([default, .. Enumerable.Repeat(Wire.ErrorReason.NotFound, 5), .. Enumerable.Repeat(Wire.ErrorReason.LookUpsExhausted, 3)], results.Select(r => r.Reason));
        Assert.All(results.TakeLast(3), r => Assert.InRange(r.RetryAfter.ToTimeSpan(), TimeSpan.FromHours(12), TimeSpan.FromHours(14)));
        await AssertRefusedAloneAsync(Wire.ErrorReason.LookUpsExhausted, () => centre.LooksUpAsync(found.NationalId, inCase: opened), own);

        var quick = those.Centre.Colleague("W0901");
        var many = await quick.LooksUpAllAsync(quick.Context(inCase: opened), [.. Enumerable.Repeat(found, 80)]);
        Assert.Equal(80, many.Count(r => r.Reason == default) + many.Count(r => r.Reason == Wire.ErrorReason.RateLimited && r.RetryAfter is not null));
        Assert.InRange(many.Count(r => r.Reason == default), 59, 70);
    }

    [Fact]
    [Trait("Rule", "R-NTK-14")]
    [Trait("Abuse", "B31")]
    public async Task Among_others_a_forbidden_key_is_answered_like_an_absent_one()
    {
        var (family, other) = (Some.Family(), Some.Family());
        await The.HasCaseOnAsync(other.Child);
        var context = The.Centre.Context(inCase: await The.HasCaseOnAsync(family.Child));
        // The case of the other child is the same centre's; the access names another one.
        var results = await The.Centre.LooksUpAllAsync(context, ById(family.Child.NationalId.Canonical), ById(other.Child.NationalId.Canonical), ById(Some.StrangersId()), ById(family.Child.NationalId.Canonical));
        var (forbidden, absent) = (results[1], results[2]);
        Assert.Equal((forbidden.Record[forbidden.Record.IndexOf(':', StringComparison.Ordinal)..].Length, forbidden.DecisionId.Length), (absent.Record[absent.Record.IndexOf(':', StringComparison.Ordinal)..].Length, absent.DecisionId.Length));
        (forbidden.Record, forbidden.DecisionId, absent.Record, absent.DecisionId) = ("", "", "", "");
        Assert.Equal(absent, forbidden);
        Assert.Equal(Without(results[0].Found), Without(results[3].Found));
    }

    /// <summary>A case of the centre on a person whom the register brought.</summary>
    private static async Task<string> IsTakenInAsync(The the, Wire.RegisterRow person)
    {
        var subject = new Wire.ReferralSubject { NationalId = person.NationalId, Name = person.Name, BirthDate = person.BirthDate, Phone = person.Phone };
        return (await the.Centre.OpensCaseAsync((await the.Centre.TakesInAsync(the.School, subject)).ReferralId)).CaseId;
    }

    private static Wire.LookUpKey ById(string nationalId) => new() { NationalId = nationalId };

    private static Wire.LookUpHouseholdResponse Without(Wire.LookUpHouseholdResponse found)
    {
        var copy = found.Clone();
        copy.Disclosure.DecisionId = "";
        return copy;
    }
}
