using SafetyNet.Exchange.Server.Pipeline;
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

    private static Wire.LookUpKey ById(string nationalId) => new() { NationalId = nationalId };

    private static Wire.LookUpHouseholdResponse Without(Wire.LookUpHouseholdResponse found)
    {
        var copy = found.Clone();
        copy.Disclosure.DecisionId = "";
        return copy;
    }
}
