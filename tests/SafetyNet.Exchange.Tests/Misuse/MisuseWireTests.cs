using SafetyNet.Exchange.Sandbox.Population;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.MisuseRuleId;
using MisuseScan = SafetyNet.Exchange.Server.Misuse.MisuseScan;

namespace SafetyNet.Exchange.Tests.Misuse;

/// <summary>Each rule finds the misuse that it is about, made by real calls, and leaves alone what is only near it (R-AUD-7).</summary>
[Trait("Rule", "R-AUD-7")]
public sealed class MisuseWireTests(TestExchange exchange) : WireTests(exchange), IAsyncLifetime
{
    private TestExchange Own { get; set; } = null!;

    private The Those { get; set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Own = await MisuseMoves.StartAtWorkAsync();
        Those = new The(Own);
    }

    public async ValueTask DisposeAsync()
    {
        await Own.DisposeAsync();
        Dispose();
    }

    [Fact]
    [Trait("Abuse", "B36")]
    public async Task Looking_up_oneself_relatives_and_colleagues_is_found_and_strangers_are_not()
    {
        var (mine, theirs, other) = (Some.Family(), Some.Family(), Some.Family());
        await Those.Officer.RegistersAsync("dosw", "W0108", mine.Mother.NationalId.Canonical);
        await Those.Officer.RegistersAsync("dosw", "W0300", theirs.Mother.NationalId.Canonical);
        var (myCase, theirCase, otherCase) = (await Those.HasCaseOnAsync(mine.Child), await Those.HasCaseOnAsync(theirs.Mother), await Those.HasCaseOnAsync(other.Child));
        // Somebody else of the agency, and the actor on strangers: nothing.
        await Those.Centre.Colleague("W0999").LooksUpAsync(mine.Child.NationalId.Canonical, inCase: myCase);
        await Those.Centre.LooksUpAsync(other.Child.NationalId.Canonical, inCase: otherCase);
        var before = await Those.Officer.FindsAsync(Own);
        Assert.DoesNotContain(before, f => f.ActorPersonId == "W0108");

        await Those.Centre.LooksUpAsync(mine.Child.NationalId.Canonical, inCase: myCase);
        await Those.Centre.LooksUpAsync(theirs.Mother.NationalId.Canonical, inCase: theirCase);
        var found = (await Those.Officer.FindsAsync(Own)).Where(f => f.ActorPersonId == "W0108").ToList();
        Assert.Equal([Own.PseudonymOf(mine.Mother)], found.Where(f => f.Rule == Self).Select(f => f.Subject));
        Assert.Contains(found, f => f.Rule == Relative && f.Subject == Own.PseudonymOf(mine.Child));
        Assert.Equal([Own.PseudonymOf(theirs.Mother)], found.Where(f => f.Rule == Colleague).Select(f => f.Subject));
        Assert.DoesNotContain(found, f => f.Rule == Relative && f.Subject == Own.PseudonymOf(theirs.Mother));
        Assert.All(found, f => Assert.Equal(("dosw", Those.Centre.UnitId, Wire.Jurisdiction.Tpe, Wire.FindingState.Open), (f.AgencyCode, f.ActorUnitId, f.Jurisdiction, f.State)));
        // The positions are those of the very records.
        Assert.All(found, f => Assert.All(f.Positions, p => Assert.Contains(f.Subject, Own.RecordsFrom((long)p)[0].Subjects)));
    }

    [Fact]
    [Trait("Abuse", "B36")]
    [Trait("Rule", "R-HH-4")]
    public async Task A_former_spouse_and_the_own_home_are_found_and_so_is_an_attempt_that_saw_nothing()
    {
        // Parents of one child who no longer live together: no kin of each other, and of two households.
        var people = Some.Population.ToDictionary(p => p.Number);
        var (actor, former) = (from child in people.Values
            where child is { DeathDate: null, IsAdopted: false, MotherNumber: not null, FatherNumber: not null }
            let mother = people[child.MotherNumber!.Value]
            let father = people[child.FatherNumber!.Value]
            where mother.HouseholdNumber != father.HouseholdNumber && mother is { DeathDate: null, IsProtected: false, SpouseNumber: null } && father is { DeathDate: null, IsProtected: false, SpouseNumber: null }
            select (mother, father)).First();
        var inLaw = Some.Population.First(p => p.HouseholdNumber == actor.HouseholdNumber && p.Number != actor.Number);
        await Those.Officer.RegistersAsync("dosw", "W0108", actor.NationalId.Canonical);
        var stranger = Some.Family().Mother;
        foreach (var person in (SyntheticPerson[])[former, inLaw, actor, stranger])
            await Refused.ByAsync(() => Those.Centre.LooksUpAsync(person.NationalId.Canonical, inCase: The.NobodysUuid));
        // Others of the agency, who have nothing to do with them.
        await Refused.ByAsync(() => Those.Centre.Colleague("W0999").LooksUpAsync(former.NationalId.Canonical, inCase: The.NobodysUuid));
        var found = await Those.Officer.FindsAsync(Own);
        Assert.Equal(
            new[] { (Self, Own.PseudonymOf(actor)), (Relative, Own.PseudonymOf(former)), (Relative, Own.PseudonymOf(inLaw)) }.Order(),
            found.Where(f => f.ActorPersonId == "W0108").Select(f => (f.Rule, f.Subject)).Order());
        Assert.All(found, f => Assert.Equal([("refused", 1.0)], f.Numbers.Select(n => (n.Name, n.Value))));
        Assert.DoesNotContain(found, f => f.ActorPersonId == "W0999");

        // With a live case it is answered, and found too.
        await Those.Centre.LooksUpAsync(former.NationalId.Canonical, inCase: await Those.HasCaseOnAsync(former));
        Assert.Contains(await Those.Officer.FindsAsync(Own), f => f.Rule == Relative && f.Subject == Own.PseudonymOf(former) && f is { ActorPersonId: "W0108", Records: 2 });
    }

    [Fact]
    [Trait("Abuse", "B36")]
    public async Task Staff_of_another_agency_is_no_colleague_and_whoever_has_left_is_forgotten()
    {
        var (family, gone) = (Some.Family(), Some.Family());
        await Those.Officer.RegistersAsync("labor", "L0033", family.Mother.NationalId.Canonical);
        await Those.Officer.RegistersAsync("dosw", "W0300", gone.Mother.NationalId.Canonical);
        await Those.Officer.RegistersAsync("dosw", "W0300", "", ended: true);
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => Those.Officer.RegistersAsync("dosw", "W0300", "", ended: true), Own);
        await Those.Centre.LooksUpAsync(family.Mother.NationalId.Canonical, inCase: await Those.HasCaseOnAsync(family.Mother));
        await Those.Centre.LooksUpAsync(gone.Mother.NationalId.Canonical, inCase: await Those.HasCaseOnAsync(gone.Mother));
        Assert.DoesNotContain(await Those.Officer.FindsAsync(Own), f => f.Rule is Self or Colleague or Relative);
        // Nothing of the national ids lies in the rows.
        Assert.Equal([0L], Own.Query("SELECT length(subject) + length(national_id_index) FROM staff_member WHERE actor_id = 'W0300'", r => r.GetInt64(0)));
    }

    [Fact]
    public async Task A_person_on_whom_nobody_did_anything_before_or_after_is_found_when_the_days_have_passed()
    {
        var (idle, worked) = (Some.Family(), Some.Family());
        var (idleCase, workedCase) = (await Those.HasCaseOnAsync(idle.Child), await Those.HasCaseOnAsync(worked.Child));
        // Within days of the intake: not idle.
        await Those.Centre.LooksUpAsync(idle.Child.NationalId.Canonical, inCase: idleCase);
        Own.Clock.Advance(TimeSpan.FromDays(3));
        Assert.Empty(await Those.Officer.FindsAsync(Own, NoActivity));

        await Those.Centre.LooksUpAsync(idle.Child.NationalId.Canonical, inCase: idleCase);
        await Those.Centre.LooksUpAsync(worked.Child.NationalId.Canonical, inCase: workedCase);
        Own.Clock.Advance(TimeSpan.FromDays(1));
        await Those.Centre.WritesAsync(Those.Centre.Note(workedCase, Wire.ConfidentialityClass.CaseNote, "家訪一次"));
        Assert.Empty(await Those.Officer.FindsAsync(Own, NoActivity));
        Own.Clock.Advance(TimeSpan.FromDays(2));
        var found = await Those.Officer.FindsAsync(Own, NoActivity);
        Assert.Contains(found, f => f.Subject == Own.PseudonymOf(idle.Child) && f.ActorPersonId == "W0108");
        Assert.DoesNotContain(found, f => f.Subject == Own.PseudonymOf(worked.Child));
        Assert.All(found, f => Assert.Equal([("days", 2.0)], f.Numbers.Select(n => (n.Name, n.Value))));
    }

    [Fact]
    [Trait("Abuse", "B32")]
    public async Task Far_more_persons_in_a_day_than_the_peers_is_found_and_joins_one_finding()
    {
        var families = Enumerable.Range(0, 8).Select(_ => Some.Family()).ToList();
        var cases = new List<(Family Family, string Case)>();
        foreach (var family in families) cases.Add((family, await Those.HasCaseOnAsync(family.Child)));
        // One family for all peers: a look-up shows as many persons as the household has, and some have many.
        foreach (var peer in (string[])["W0201", "W0202", "W0203", "W0204"])
            await Those.Centre.Colleague(peer).LooksUpAsync(families[3].Child.NationalId.Canonical, inCase: cases[3].Case);
        // The same family over and over is not more persons.
        for (var i = 0; i < 8; i++) await Those.Centre.Colleague("W0204").LooksUpAsync(families[3].Child.NationalId.Canonical, inCase: cases[3].Case);
        Assert.Empty(await Those.Officer.FindsAsync(Own, Volume));

        foreach (var (family, inCase) in cases) await Those.Centre.LooksUpAsync(family.Child.NationalId.Canonical, inCase: inCase);
        var found = Assert.Single(await Those.Officer.FindsAsync(Own, Volume));
        Assert.Equal(("W0108", ""), (found.ActorPersonId, found.Subject));
        var numbers = found.Numbers.ToDictionary(n => n.Name, n => n.Value, StringComparer.Ordinal);
        Assert.True(numbers["distinct_persons"] > numbers["limit"], $"{found}");
        Assert.Equal((4.0, Math.Max(5, numbers["peer_median"] + (2 * numbers["peer_deviation"]))), (numbers["peer_counts"], numbers["limit"]));
        Assert.Equal(found.Records, found.Positions.Count);
    }

    [Fact]
    public async Task Looking_up_outside_working_time_is_found_but_not_of_those_on_duty()
    {
        var (day, night) = (Some.Family(), Some.Family());
        var (dayCase, nightCase) = (await Those.HasCaseOnAsync(day.Child), await Those.HasCaseOnAsync(night.Child));
        var referral = (await Those.ProtectionCentre.TakesInAsync(Those.School, Some.SubjectOf(night.Child))).ReferralId;
        await Those.Centre.LooksUpAsync(day.Child.NationalId.Canonical, inCase: dayCase);
        Assert.Empty(await Those.Officer.FindsAsync(Own, OffHours));
        Own.AdvanceToHour(22);
        await Those.Centre.As(Wire.ActorRole.DutyOfficer, "W0108").LooksUpAsync(night.Child.NationalId.Canonical, inCase: nightCase);
        await Those.ProtectionCentre.LooksUpAsync(night.Child.NationalId.Canonical, referral: referral);
        Assert.Empty(await Those.Officer.FindsAsync(Own, OffHours));
        await Those.Centre.LooksUpAsync(night.Child.NationalId.Canonical, inCase: nightCase);
        await Those.Centre.LooksUpAsync(day.Child.NationalId.Canonical, inCase: dayCase);
        var found = Assert.Single(await Those.Officer.FindsAsync(Own, OffHours));
        Assert.Equal((Those.Centre.UnitId, 2L, 22.0), (found.ActorUnitId, found.Records, found.Numbers.Single(n => n.Name == "hour").Value));
    }

    [Fact]
    [Trait("Abuse", "B32")]
    public async Task Any_access_to_a_decoy_is_a_finding_at_once_until_it_is_withdrawn()
    {
        var (decoy, other) = (Some.StrangersId(), Some.StrangersId());
        await Refused.ByAsync(() => Those.Centre.LooksUpAsync(decoy, inCase: The.NobodysUuid));
        var canary = await Those.Officer.PlantsAsync(decoy);
        await Refused.ByAsync(() => Those.Centre.LooksUpAsync(other, inCase: The.NobodysUuid));
        // Officers' own look-ups are no misuse.
        await Those.Officer.AskAsync(to => to.Audit.ListAccessesAsync(new() { Context = Those.Officer.Context(), NationalId = decoy }));
        Assert.Empty(await Those.Officer.FindsAsync(Own));

        await Refused.ByAsync(() => Those.Centre.LooksUpAsync(decoy, inCase: The.NobodysUuid));
        await Refused.ByAsync(() => Those.Centre.LooksUpAsync(decoy, inCase: The.NobodysUuid));
        var found = Assert.Single(await Those.Officer.FindsAsync(Own));
        Assert.Equal((Wire.MisuseRuleId.Canary, "W0108", 2L, 1.0), (found.Rule, found.ActorPersonId, found.Records, found.Numbers.Single().Value));
        await Those.Officer.WithdrawsAsync(canary);
        await AssertRefusedAloneAsync(Wire.ErrorReason.MoveNotAllowed, () => Those.Officer.WithdrawsAsync(canary), Own);
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => Those.OfficerOfTaoyuan.WithdrawsAsync(canary), Own);
        await Refused.ByAsync(() => Those.Centre.LooksUpAsync(decoy, inCase: The.NobodysUuid));
        Assert.Equal(2, Assert.Single(await Those.Officer.FindsAsync(Own)).Records);
        // Each day is a finding of its own; another county's officers see none of them.
        Assert.Empty(await Those.OfficerOfTaoyuan.FindsAsync(Own));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => Those.OfficerOfTaoyuan.GetsFindingAsync(found.FindingId), Own);
    }

    [Fact]
    public async Task A_finding_is_raised_once_with_one_record_whatever_is_read_again()
    {
        var decoy = Some.StrangersId();
        await Those.Officer.PlantsAsync(decoy);
        for (var day = 0; day < 2; day++)
        {
            await Refused.ByAsync(() => Those.Centre.LooksUpAsync(decoy, inCase: The.NobodysUuid));
            Own.Clock.Advance(TimeSpan.FromDays(1));
        }

        var found = await Those.Officer.FindsAsync(Own);
        Assert.Equal(2, found.Count);
        foreach (var finding in found)
        {
            var record = Assert.Single(Own.RecordsFrom(0), r => r.Method == MisuseScan.Method && r.Resources.Contains($"finding/{finding.FindingId}"));
            Assert.Equal((Wire.Purpose.Audit, Wire.Jurisdiction.Tpe, finding.Subject), (record.Purpose, record.Jurisdiction, Assert.Single(record.Subjects)));
        }

        var folder = Own.Folder;
        foreach (var isCursorLost in (bool[])[false, true])
        {
            await Own.StopAsync();
            if (isCursorLost)
            {
                using var database = TestExchange.OpenDatabase(Path.Combine(folder, "exchange.db"));
                using var delete = database.CreateCommand();
                delete.CommandText = "DELETE FROM misuse_cursor";
                Assert.Equal(1, delete.ExecuteNonQuery());
            }

            Own = await MisuseMoves.StartAtWorkAsync(folder);
            Own.Clock.Advance(TimeSpan.FromDays(20));
            Those = new The(Own);
            var records = Own.RecordsFrom(0).Count(r => r.Method == MisuseScan.Method);
            Assert.Equal(found, await Those.Officer.FindsAsync(Own));
            Assert.Equal(records, Own.RecordsFrom(0).Count(r => r.Method == MisuseScan.Method));
        }
    }

    [Fact]
    public async Task The_scan_runs_beside_the_calls_by_itself()
    {
        var decoy = Some.StrangersId();
        await Those.Officer.PlantsAsync(decoy);
        Own.Composition.Misuse.Begin(TimeSpan.FromMilliseconds(20));
        await Refused.ByAsync(() => Those.Centre.LooksUpAsync(decoy, inCase: The.NobodysUuid));
        await Eventually.TrueAsync(() => Own.Query("SELECT count(*) FROM misuse_finding", r => r.GetInt64(0))[0] == 1, "the finding");
        var (size, rows) = (Own.RecordCount(), Own.CountRows());
        await Task.Delay(300, TestContext.Current.CancellationToken);
        // It does not find its own records.
        Assert.Equal(size, Own.RecordCount());
        Assert.Equal(rows, Own.CountRows());
    }
}
