using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Tests.Audit;
using SafetyNet.Exchange.Tests.Cases;
using SafetyNet.Exchange.Tests.Deliveries;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.PersonLinkDecision;

namespace SafetyNet.Exchange.Tests.PersonLinks;

/// <summary>Where two persons who become one meet what was done to each before, and what a mistake leaves behind (R-HH-7). Found by reading, before anybody had used it.</summary>
[Trait("Rule", "R-HH-7")]
public sealed class LinkEndsTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    public async Task Bug_a_protection_lifted_under_one_number_was_lifted_under_the_other_too()
    {
        var (mother, child) = await The.Register.RegistersAsync();
        var old = mother.ByOldNumber();
        var (ofOld, ofMother) = (await The.SharedCaseAsync(The.Centre, old), await The.SharedCaseAsync(The.Centre, mother.ByNumber()));
        var ofChild = await The.WanhuaCentre.TakesInAsync(The.School, child.ByNumber());
        await The.Centre.ProtectsAsync(mother.NationalId, inCase: ofMother);
        await The.Centre.ProtectsAsync(old.NationalId, inCase: ofOld);
        await The.Centre.ProtectsAsync(mother.NationalId, inCase: ofMother, lifted: true);
        Assert.NotEmpty((await The.WanhuaCentre.LooksUpAsync(child.NationalId, ofChild.ReferralId)).Person.Address);
        await The.Register.DecidesAsync(mother.NationalId, old.NationalId);
        Assert.Equal("", (await The.WanhuaCentre.LooksUpAsync(child.NationalId, ofChild.ReferralId)).Person.Address);
        await The.Register.DecidesAsync(mother.NationalId, old.NationalId, NotSame);
        Assert.NotEmpty((await The.WanhuaCentre.LooksUpAsync(child.NationalId, ofChild.ReferralId)).Person.Address);
    }

    [Fact]
    public async Task Bug_a_unit_lifted_what_the_register_protects_under_the_number_before()
    {
        var (mother, child) = await The.Register.RegistersAsync();
        await The.Register.DeliversAsync([mother.With(row => (row.Protected, row.ValidFrom) = (true, "2026-03-01"))]);
        var next = mother.With(row => (row.NationalId, row.FormerNationalId, row.ValidFrom) = (Register.NewId(Protocol.Identifiers.Sex.Female), mother.NationalId, "2026-10-01"));
        await The.Register.DeliversAsync([next]);
        var shared = await The.SharedCaseAsync(The.Centre, next.ByNumber());
        var ofChild = await The.WanhuaCentre.TakesInAsync(The.School, child.ByNumber());
        Assert.True(await The.Centre.ProtectsAsync(next.NationalId, inCase: shared));
        Assert.True(await The.Centre.ProtectsAsync(next.NationalId, inCase: shared, lifted: true));
        Assert.Equal("", (await The.WanhuaCentre.LooksUpAsync(child.NationalId, ofChild.ReferralId)).Person.Address);
    }

    [Fact]
    public async Task Bug_whoever_was_registered_while_a_clerk_linked_the_number_stayed_registered_as_somebody_else()
    {
        var ((mother, _), (other, _)) = (await The.Register.RegistersAsync(), await The.Register.RegistersAsync());
        var change = new Change();
        using (var read = Exchange.Composition.Store.Read())
        {
            var (kept, alias) = (read.FindPlace(Exchange.Composition.Vault, mother.NationalId)!.Value, read.FindPlace(Exchange.Composition.Vault, other.NationalId)!.Value);
            foreach (var row in SamePersons.Join(alias.PersonId, kept.PersonId, kept.PersonId)) change.Write(row);
        }

        var record = Exchange.RecordsFrom(Exchange.RecordCount() - 1)[0];
        record.DecisionId = Guid.CreateVersion7(Exchange.Clock.GetUtcNow()).ToString();
        await Assert.ThrowsAsync<KeyTakenException>(() => Exchange.Composition.Commits.CommitAsync(AuditEntry.Of(record), change));
    }

    [Fact]
    public async Task Bug_two_cases_merged_while_two_were_one_left_the_one_who_was_kept_without_a_case()
    {
        var (mother, _) = await The.Register.RegistersAsync();
        var old = mother.ByOldNumber();
        var (ofOld, ofMother) = (await The.SharedCaseAsync(The.Centre, old), await The.SharedCaseAsync(The.Centre, mother.ByNumber()));
        await The.Register.DecidesAsync(mother.NationalId, old.NationalId);
        await The.Centre.MergesAsync(ofOld, ofMother);
        await The.Register.DecidesAsync(mother.NationalId, old.NationalId, NotSame);
        Assert.Equal(2, (await The.Centre.SeesCaseAsync(ofOld)).Case.Subjects.Count);
        foreach (var number in (string[])[old.NationalId, mother.NationalId]) Assert.Equal(number, (await The.Centre.LooksUpAsync(number, inCase: ofOld)).Person.NationalId);
    }

    [Fact]
    public async Task Bug_a_case_could_not_be_merged_into_the_familys_while_the_person_had_another_open()
    {
        var (mother, child) = await The.Register.RegistersAsync();
        var old = mother.ByOldNumber();
        var (ofOld, ofMother, ofChild) = (await The.SharedCaseAsync(The.Centre, old), await The.SharedCaseAsync(The.Centre, mother.ByNumber()), await The.SharedCaseAsync(The.Centre, child.ByNumber()));
        await The.Register.DecidesAsync(mother.NationalId, old.NationalId);
        Assert.Equal(2, (await The.Centre.MergesAsync(ofChild, ofOld)).Subjects.Count);
        Assert.Equal(2, (await The.Centre.MergesAsync(ofChild, ofMother)).Subjects.Count);
    }

    [Fact]
    public async Task Bug_a_wrong_link_to_somebody_who_has_moved_since_could_not_be_undone()
    {
        var (mother, _) = await The.Register.RegistersAsync();
        var old = mother.ByOldNumber();
        var referral = await The.Centre.TakesInAsync(The.School, old);
        await The.Register.DecidesAsync(mother.NationalId, old.NationalId);
        await The.Register.DeliversAsync([mother.Leaves("2026-10-01")]);
        await The.Register.DecidesAsync(mother.NationalId, old.NationalId, NotSame);
        Assert.Equal(old.NationalId, (await The.Centre.LooksUpAsync(old.NationalId, referral.ReferralId)).Person.NationalId);
        await AssertRefusedAloneAsync(Wire.ErrorReason.PersonNotRegisteredHere, () => The.Register.DecidesAsync(mother.NationalId, old.NationalId));
    }

    [Fact]
    public async Task Bug_a_newer_word_on_the_number_of_now_did_not_win_over_an_older_one_on_the_number_before()
    {
        var (mother, _) = await The.Register.RegistersAsync();
        var third = Some.StrangersId();
        await The.Register.DecidesAsync(mother.NationalId, third, NotSame);
        var next = mother.With(row => (row.NationalId, row.FormerNationalId, row.ValidFrom) = (Register.NewId(Protocol.Identifiers.Sex.Female), mother.NationalId, "2026-10-01"));
        await The.Register.DeliversAsync([next]);
        var named = next.With(row => (row.FormerNationalId, row.ValidFrom) = (third, "2026-10-05"));
        Assert.Equal(1, (await The.Register.DeliversAsync([named])).Totals.Rejected);
        await The.Register.DecidesAsync(next.NationalId, third);
        Assert.Equal(1, (await The.Register.DeliversAsync([named])).Totals.Changed);
        // Whoever registers the person reads every decision on it.
        Assert.Equal([Same, NotSame], (await The.Register.ListsLinksAsync(third)).Select(one => one.Decision));
    }

    [Fact]
    public async Task Bug_a_mistyped_number_kept_the_name_of_whom_it_was_linked_to()
    {
        var (mother, _) = await The.Register.RegistersAsync();
        var typo = Some.StrangersId();
        await The.Register.DecidesAsync(mother.NationalId, typo);
        await The.Register.DecidesAsync(mother.NationalId, typo, NotSame);
        var real = Some.Stranger();
        real.NationalId = typo;
        var referral = await The.Centre.TakesInAsync(The.School, real);
        var seen = (await The.Centre.LooksUpAsync(typo, referral.ReferralId)).Person;
        Assert.Equal((real.Name, real.BirthDate, typo), (seen.Name, seen.BirthDate, seen.NationalId));
    }

    [Fact]
    public async Task Bug_a_referral_that_names_both_numbers_of_one_person_was_an_error_of_the_server()
    {
        var (mother, _) = await The.Register.RegistersAsync();
        var old = mother.ByOldNumber();
        var both = Some.Referral(The.School, The.Centre.UnitId, mother.ByNumber());
        both.Subjects.Add(old);
        var before = (await The.School.RefersAsync(both)).ReferralId;
        await The.Register.DecidesAsync(mother.NationalId, old.NationalId);

        (both.RequestId, both.Context) = (Some.RequestId(), The.School.Context(Wire.Purpose.CaseCoordination));
        var after = (await The.School.RefersAsync(both)).ReferralId;
        foreach (var id in (string[])[before, after])
        {
            await The.Centre.MovesAsync(id, Wire.ReferralAction.See, Wire.ReferralAction.Accept);
            Assert.Equal([mother.NationalId, old.NationalId], (await The.Centre.ReadsAsync(id)).Subjects.Select(s => s.NationalId));
            Assert.Equal(Wire.ReferralState.Submitted, (await The.Centre.ProposesAsync(The.Centre.Transfer(id, The.WanhuaCentre.UnitId))).Onward.State);
        }
    }

    [Theory]
    [InlineData(500)]
    [InlineData(1)]
    public async Task Bug_a_child_kept_its_mother_where_her_new_number_and_another_mother_came_in_one_message(int size)
    {
        var ((mother, child), other) = (await The.Register.RegistersAsync(), Register.Person($"L7{size:000000}"));
        var next = mother.With(row => (row.NationalId, row.FormerNationalId, row.ValidFrom) = (Register.NewId(Protocol.Identifiers.Sex.Female), mother.NationalId, "2026-10-01"));
        Wire.RegisterRow[] rows = [other, next, child.With(row => (row.MotherNationalId, row.ValidFrom) = (other.NationalId, "2026-10-01"))];
        var delivery = await The.Register.BeginsAsync();
        await The.Register.StreamsAsync(The.Register.Messages(delivery.DeliveryId, rows, size: size));
        Assert.Equal((2, 1, 0, 0, 0), (await The.Register.CompletesAsync(delivery.DeliveryId, rows)).Buckets());
        var referral = await The.Centre.TakesInAsync(The.School, child.ByNumber());
        Assert.Equal([other.NationalId], (await The.Centre.LooksUpAsync(child.NationalId, referral.ReferralId)).Relatives.Select(r => r.Person.NationalId));
    }

    [Fact]
    [Trait("Rule", "R-AUD-6")]
    public async Task Bug_a_reveal_of_one_number_showed_the_other_after_a_link()
    {
        var (mother, _) = await The.Register.RegistersAsync();
        var old = mother.ByOldNumber();
        await The.School.RefersAsync(The.Centre, old);
        var reveal = (await The.Officer.RequestsRevealAsync(Exchange.Composition.Vault.Pseudonyms.OfNationalId(old.NationalId))).RevealId;
        await The.Officer.Colleague("S0008").DecidesRevealAsync(reveal);
        await The.Register.DecidesAsync(mother.NationalId, old.NationalId);
        Assert.Equal(old.NationalId, (await The.Officer.GetsRevealAsync(reveal)).Person.NationalId);
    }

    [Fact]
    [Trait("Rule", "R-NTK-10")]
    public async Task Bug_of_two_marks_of_one_other_party_one_could_not_be_lifted()
    {
        var (father, _) = await The.Register.RegistersAsync();
        var old = father.ByOldNumber();
        var shared = await The.SharedCaseAsync(The.Centre);
        await The.Centre.MarksOtherPartyAsync(shared, old.NationalId);
        await The.Centre.MarksOtherPartyAsync(shared, father.NationalId);
        await The.Register.DecidesAsync(father.NationalId, old.NationalId);
        await The.Centre.MarksOtherPartyAsync(shared, father.NationalId, lifted: true);
        Assert.Equal(0, Exchange.Query("SELECT count(*) FROM case_other_party WHERE case_id = $0 AND lifted_at IS NULL", reader => reader.GetInt32(0), Guid.Parse(shared).ToByteArray(true))[0]);
    }

    [Fact]
    [Trait("Rule", "R-AUD-7")]
    public async Task Bug_whoever_looked_itself_up_by_another_of_its_numbers_was_not_found()
    {
        var (mother, _) = await The.Register.RegistersAsync();
        var old = mother.ByOldNumber();
        await The.School.RefersAsync(The.Centre, old);
        await The.Register.DecidesAsync(mother.NationalId, old.NationalId);
        var pseudonyms = new[] { mother.NationalId, old.NationalId }.Select(Exchange.Composition.Vault.Pseudonyms.OfNationalId).ToList();
        using var read = Exchange.Composition.Store.Read();
        foreach (var (own, other) in ((int, int)[])[(0, 1), (1, 0)])
        {
            var index = Exchange.Composition.Vault.Index.OfNationalId(own == 0 ? mother.NationalId : old.NationalId);
            Assert.Contains(pseudonyms[other], Server.Misuse.MisuseQueries.RelativesOf(read, Exchange.Composition.Vault, index));
        }
    }
}
