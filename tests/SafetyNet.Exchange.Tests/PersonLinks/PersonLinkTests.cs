using SafetyNet.Exchange.Tests.Cases;
using SafetyNet.Exchange.Tests.Deliveries;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Visits;
using static SafetyNet.Exchange.V1.PersonLinkDecision;

namespace SafetyNet.Exchange.Tests.PersonLinks;

/// <summary>Two numbers of one person become one and two again, by clerks and by deliveries (R-HH-7).</summary>
[Trait("Rule", "R-HH-7")]
public sealed class PersonLinkTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    public async Task R_HH_7_What_was_entered_under_the_old_number_is_found_under_both_and_every_holder_is_told()
    {
        var (mother, child) = await The.Register.RegistersAsync();
        var old = mother.ByOldNumber();
        var referral = await The.Centre.TakesInAsync(The.School, old);
        var before = referral.Subjects[0].PersonId;
        Assert.Empty((await The.Centre.LooksUpAsync(old.NationalId, referral.ReferralId)).Members);
        foreach (var one in (Party[])[The.Centre, The.School, The.Labor]) await one.EmptiesInboxAsync();

        var link = await The.Register.DecidesAsync(mother.NationalId, old.NationalId);
        Assert.Equal((Same, mother.NationalId, old.NationalId, LinkMoves.Why, The.Register.UnitId, The.Register.PersonId, ""),
            (link.Decision, link.KeptNationalId, link.OtherNationalId, link.Reason, link.UnitId, link.DecidedByPersonId, link.DeliveryId));

        foreach (var number in (string[])[old.NationalId, mother.NationalId])
        {
            var seen = await The.Centre.LooksUpAsync(number, referral.ReferralId);
            Assert.Equal((mother.NationalId, true), (seen.Person.NationalId, seen.Person.PersonId != before));
            Assert.Equal([child.NationalId], seen.Members.Select(m => m.Person.NationalId));
            Assert.Contains(seen.Relatives, r => r.Person.NationalId == child.NationalId && r.Kinship == Wire.Kinship.Child);
        }

        var kept = (await The.Centre.LooksUpAsync(mother.NationalId, referral.ReferralId)).Person.PersonId;
        Assert.Equal(kept, Assert.Single((await The.Centre.ReadsAsync(referral.ReferralId)).Subjects).PersonId);
        var told = Assert.Single(await The.Centre.IsToldAsync(Wire.NoticeKind.PersonMerged));
        Assert.Equal((kept, before, The.Register.UnitId, "", ""), (told.PersonId, told.OtherPersonId, told.UnitId, told.CaseId, told.ReferralId));
        // Who referred is not shown when the exchange came to know whom (R-NTK-14).
        var referrer = Assert.Single(await The.School.IsToldAsync(Wire.NoticeKind.PersonMerged));
        Assert.Equal(("", "", referral.ReferralId), (referrer.PersonId, referrer.OtherPersonId, referrer.ReferralId));
        Assert.Empty(await The.Labor.IsToldAsync(Wire.NoticeKind.PersonMerged));

        // Two again: the register's own view of the mother is as if nothing had been.
        await The.Register.DecidesAsync(mother.NationalId, old.NationalId, NotSame);
        var alone = await The.Centre.LooksUpAsync(old.NationalId, referral.ReferralId);
        Assert.Equal((before, old.NationalId, 0), (alone.Person.PersonId, alone.Person.NationalId, alone.Members.Count));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.Centre.LooksUpAsync(mother.NationalId, referral.ReferralId));
        var split = Assert.Single(await The.Centre.IsToldAsync(Wire.NoticeKind.PersonSplit));
        Assert.Equal((kept, before), (split.PersonId, split.OtherPersonId));
        Assert.Equal(referral.ReferralId, Assert.Single(await The.School.IsToldAsync(Wire.NoticeKind.PersonSplit)).ReferralId);
        Assert.Equal([NotSame, Same], (await The.Register.ListsLinksAsync(old.NationalId)).Select(one => one.Decision));
    }

    [Fact]
    public async Task R_HH_7_A_number_that_nobody_knows_is_linked_alike_and_found_from_then_on()
    {
        var (mother, _) = await The.Register.RegistersAsync();
        var (known, unknown) = (mother.ByOldNumber(), mother.ByOldNumber());
        await The.School.RefersAsync(The.Centre, known);

        var (one, other) = (The.Register.Link(mother.NationalId, known.NationalId), The.Register.Link(mother.NationalId, unknown.NationalId));
        var (first, second) = (await The.Register.AnswerAsync(to => to.PersonLinks.DecidePersonLinkAsync(one)), await The.Register.AnswerAsync(to => to.PersonLinks.DecidePersonLinkAsync(other)));
        Assert.Equal(first.Value.CalculateSize(), second.Value.CalculateSize());
        // Once per request_id, and the replay answers the same.
        Assert.Equal(second.Value.Link, (await The.Register.AskAsync(to => to.PersonLinks.DecidePersonLinkAsync(other))).Link);

        var referral = await The.Centre.TakesInAsync(The.School, unknown);
        Assert.Equal(mother.NationalId, (await The.Centre.LooksUpAsync(unknown.NationalId, referral.ReferralId)).Person.NationalId);
        var subjects = Exchange.RecordOf(second.Receipt).Subjects;
        Assert.Equal([.. new[] { mother.NationalId, unknown.NationalId }.Select(Exchange.Composition.Vault.Pseudonyms.OfNationalId).Order(StringComparer.Ordinal)], subjects.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task R_HH_7_A_delivery_names_the_number_before_and_what_was_under_it_follows()
    {
        var (mother, child) = await The.Register.RegistersAsync();
        var referral = await The.Centre.TakesInAsync(The.School, mother.ByNumber());
        await The.Centre.EmptiesInboxAsync();
        var next = mother.With(row => (row.NationalId, row.FormerNationalId, row.ValidFrom) = (Register.NewId(Protocol.Identifiers.Sex.Female), mother.NationalId, "2026-10-01"));
        var later = child.With(row => (row.MotherNationalId, row.ValidFrom) = (next.NationalId, "2026-10-01"));

        Assert.Equal((1, 1, 0, 0, 0), (await The.Register.DeliversAsync([next, later])).Buckets());

        foreach (var number in (string[])[next.NationalId, mother.NationalId])
        {
            var seen = await The.Centre.LooksUpAsync(number, referral.ReferralId);
            Assert.Equal((next.NationalId, 1), (seen.Person.NationalId, seen.Members.Count));
            Assert.Single(seen.Relatives, r => r.Kinship == Wire.Kinship.Child);
        }

        Assert.Single(await The.Centre.IsToldAsync(Wire.NoticeKind.PersonMerged));
        var link = Assert.Single(await The.Register.ListsLinksAsync(mother.NationalId));
        Assert.Equal((Same, next.NationalId, mother.NationalId, "", "", 36), (link.Decision, link.KeptNationalId, link.OtherNationalId, link.Reason, link.DecidedByPersonId, link.DeliveryId.Length));

        // The days before are the same person's too (R-HH-7).
        var then = The.Centre.LookUp(next.NationalId, referral.ReferralId);
        then.AsOf = "2026-08-01";
        Assert.Equal([child.Name], (await The.Centre.AskAsync(to => to.Households.LookUpHouseholdAsync(then))).Members.Select(m => m.Person.Name));

        // The register goes on to deliver: the number before has no row of its own any more, and a third number takes both along.
        var third = next.With(row => (row.NationalId, row.FormerNationalId, row.ValidFrom) = (Register.NewId(Protocol.Identifiers.Sex.Female), next.NationalId, "2026-10-15"));
        var wrong = await The.Register.DeliversAsync([mother, third]);
        Assert.Equal((1, 0, 0, 0, 1), wrong.Buckets());
        Assert.Equal([("national_id", Wire.RegisterFault.NumberLinked)], (await The.Register.RejectionsAsync(wrong.DeliveryId)).Select(f => (f.Field, f.Fault)));
        foreach (var number in (string[])[third.NationalId, next.NationalId, mother.NationalId])
            Assert.Equal(third.NationalId, (await The.Centre.LooksUpAsync(number, referral.ReferralId)).Person.NationalId);

        // The middle one is parted again: the first goes with it, as it was found to be that one.
        await The.Register.DecidesAsync(third.NationalId, next.NationalId, NotSame);
        foreach (var number in (string[])[next.NationalId, mother.NationalId])
            Assert.Equal(next.NationalId, (await The.Centre.LooksUpAsync(number, referral.ReferralId)).Person.NationalId);
    }

    [Fact]
    public async Task R_HH_7_What_a_clerk_decided_wins_over_what_a_delivery_says_later()
    {
        var (mother, _) = await The.Register.RegistersAsync();
        var (other, same) = (Register.NewId(Protocol.Identifiers.Sex.Female), Register.NewId(Protocol.Identifiers.Sex.Female));
        await The.Register.DecidesAsync(mother.NationalId, other, NotSame);
        await The.Register.DecidesAsync(mother.NationalId, same);

        var named = mother.With(row => (row.FormerNationalId, row.ValidFrom) = (other, "2026-09-01"));
        var own = mother.With(row => row.NationalId = same);
        var third = Register.Person("L9000001").With(row => row.FormerNationalId = same);
        var self = Register.Person("L9000002").With(row => row.FormerNationalId = row.NationalId);
        var made = await The.Register.DeliversAsync([named, own, third, self]);
        Assert.Equal(
            [(1, "former_national_id", Wire.RegisterFault.DecidedNotSame), (2, "national_id", Wire.RegisterFault.NumberLinked), (3, "former_national_id", Wire.RegisterFault.NumberLinked),
                (4, "former_national_id", Wire.RegisterFault.OwnFormerNumber)],
            (await The.Register.RejectionsAsync(made.DeliveryId)).Select(f => ((int)f.Line, f.Field, f.Fault)));

        // It is the clerk's to change: then the delivery is taken as it says.
        await The.Register.DecidesAsync(mother.NationalId, other);
        Assert.Equal((0, 1, 0, 0, 0), (await The.Register.DeliversAsync([named])).Buckets());
        await The.Register.DecidesAsync(mother.NationalId, same, NotSame);
        Assert.Equal((1, 0, 0, 0, 0), (await The.Register.DeliversAsync([own.With(row => row.HouseholdNumber = "L9000003")])).Buckets());
        // And a decision that was taken back by another is no longer asked: the last one counts.
        await AssertRefusedAloneAsync(Wire.ErrorReason.PersonStillRegistered, () => The.Register.DecidesAsync(mother.NationalId, same));
    }

    [Fact]
    public async Task R_HH_7_A_row_does_not_name_as_its_former_number_whoever_is_registered_elsewhere_or_has_a_row_of_the_same_delivery()
    {
        var (mother, _) = await The.Register.RegistersAsync();
        var elsewhere = Register.Person("L9000010").With(row => (row.District, row.Address) = ("桃園區", "桃園市桃園區測試路 1 號"));
        if (await Refused.IfAsync(() => The.RegisterOfTaoyuan.SeesDeliveryAsync()) is null) await Refused.IfAsync(async () => await The.RegisterOfTaoyuan.AbandonsAsync((await The.RegisterOfTaoyuan.SeesDeliveryAsync()).DeliveryId));
        Assert.Equal(1, (await The.RegisterOfTaoyuan.DeliversAsync([elsewhere])).Totals.Added);
        var (one, two) = (Register.Person("L9000011").With(row => row.FormerNationalId = elsewhere.NationalId), Register.Person("L9000012").With(row => row.FormerNationalId = mother.NationalId));
        var made = await The.Register.DeliversAsync([one, mother.With(row => row.Name = "林大明"), two]);
        Assert.Equal([(1, Wire.RegisterFault.RegisteredElsewhere), (3, Wire.RegisterFault.TwiceInDelivery)], (await The.Register.RejectionsAsync(made.DeliveryId)).Select(f => ((int)f.Line, f.Fault)));
    }

    [Fact]
    public async Task R_HH_7_A_clerk_decides_on_persons_of_its_own_register_only_and_no_batch_does()
    {
        var (mother, child) = await The.Register.RegistersAsync();
        var (old, nobody) = (Some.StrangersId(), Some.StrangersId());
        var here = Assert.Single((await AssertRefusedAloneAsync(Wire.ErrorReason.PersonNotRegisteredHere, () => The.Register.DecidesAsync(nobody, old))).Refusal.Metadata, m => m.Key == "field");
        Assert.Equal("kept_national_id", here.Value);
        await AssertRefusedAloneAsync(Wire.ErrorReason.PersonNotRegisteredHere, () => The.RegisterOfTaoyuan.DecidesAsync(mother.NationalId, old));
        await AssertRefusedAloneAsync(Wire.ErrorReason.PersonStillRegistered, () => The.Register.DecidesAsync(mother.NationalId, child.NationalId));
        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.Register.DecidesAsync(mother.NationalId, mother.NationalId));
        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.Register.AskAsync(to => to.PersonLinks.DecidePersonLinkAsync(new(The.Register.Link(mother.NationalId, old)) { Reason = "" })));
        await AssertRefusedAloneAsync(Wire.ErrorReason.RoleNotAllowed, () => The.Register.As(Wire.ActorRole.DutyOfficer, "C0101").DecidesAsync(mother.NationalId, old));
        await AssertRefusedAloneAsync(Wire.ErrorReason.ScopeMissing, () => The.Centre.DecidesAsync(mother.NationalId, old));

        await The.Register.DecidesAsync(mother.NationalId, old);
        var (another, _) = await The.Register.RegistersAsync();
        await AssertRefusedAloneAsync(Wire.ErrorReason.PersonLinkedOtherwise, () => The.Register.DecidesAsync(another.NationalId, old));
        Assert.Empty(await The.RegisterOfTaoyuan.ListsLinksAsync(old));
    }

    [Fact]
    public async Task R_HH_7_Two_open_cases_of_one_person_stay_open_until_their_primaries_merge_them()
    {
        var (mother, _) = await The.Register.RegistersAsync();
        var old = mother.ByOldNumber();
        var one = await The.SharedCaseAsync(The.Centre, mother.ByNumber());
        var two = await The.SharedCaseAsync(The.Centre, old);
        await The.Register.DecidesAsync(mother.NationalId, old.NationalId);

        var persons = new List<string>();
        foreach (var id in (string[])[one, two]) persons.Add(Assert.Single((await The.Centre.SeesCaseAsync(id)).Case.Subjects).PersonId);
        Assert.Equal(persons[0], persons[1]);
        // A third is not opened, by whichever number.
        foreach (var subject in (Wire.ReferralSubject[])[mother.ByNumber(), old])
        {
            var referral = (await The.Centre.TakesInAsync(The.School, subject)).ReferralId;
            await AssertRefusedAloneAsync(Wire.ErrorReason.CaseAlreadyOpen, () => The.Centre.OpensCaseAsync(referral));
        }

        var merged = await The.Centre.MergesAsync(one, two);
        Assert.Equal((one, persons[0]), (merged.CaseId, Assert.Single(merged.Subjects).PersonId));
        await The.Centre.ClosesCaseAsync(one);
        await The.Centre.ReopensAsync(one);
    }

    [Fact]
    public async Task R_HH_7_Ids_and_numbers_that_units_keep_go_on_to_work()
    {
        var (mother, _) = await The.Register.RegistersAsync();
        var old = mother.ByOldNumber();
        var referral = await The.Centre.TakesInAsync(The.School, old);
        var inCase = await The.Centre.OpensCaseAsync(referral.ReferralId);
        var before = inCase.Subjects[0].PersonId;
        await The.Centre.AsksInAsync(inCase.CaseId, The.Labor, Wire.Article6Service.EmploymentGuidance, Guid.Parse(before));
        await The.Register.DecidesAsync(mother.NationalId, old.NationalId);

        var kept = (await The.Centre.SeesCaseAsync(inCase.CaseId)).Case;
        Assert.NotEqual(before, kept.Subjects[0].PersonId);
        Assert.Equal([kept.Subjects[0].PersonId], kept.Participants.Single(p => p.UnitId == The.Labor.UnitId).PersonIds);
        await The.Labor.JoinsAsync(inCase.CaseId);
        Assert.Equal(mother.NationalId, (await The.Labor.LooksUpAsync(old.NationalId, inCase: inCase.CaseId)).Person.NationalId);
        await The.Centre.AsksInAsync(inCase.CaseId, The.WanhuaCentre, Wire.Article6Service.CareVisit, Guid.Parse(before));
        Assert.Equal(kept.Subjects[0].PersonId, (await The.Centre.StartsAsync(new VisitedCase(inCase.CaseId, before))).PersonId);
        Assert.Equal(kept.Subjects[0].PersonId, (await The.Centre.MovesAsync(Wire.ReferralAction.RecordPersuasion, referral.ReferralId)).Subjects[0].PersonId);
        var persuasion = The.Centre.Persuasion(referral, Wire.PersuasionResult.Unwilling);
        Assert.Equal(before, persuasion.ClientPersonId);
        await The.Centre.AskAsync(to => to.ReferralWork.RecordPersuasionAsync(persuasion));
        Assert.NotEmpty(await The.School.ListsDisclosuresAsync(mother.NationalId));
        Assert.Equal(await The.School.ListsDisclosuresAsync(mother.NationalId), await The.School.ListsDisclosuresAsync(old.NationalId));
    }

    [Fact]
    public async Task R_NTK_10_Whereabouts_that_are_protected_under_one_number_are_protected_under_both()
    {
        var (mother, child) = await The.Register.RegistersAsync();
        var old = mother.ByOldNumber();
        var shared = await The.SharedCaseAsync(The.Centre, old);
        var ofChild = await The.WanhuaCentre.TakesInAsync(The.School, child.ByNumber());
        Assert.NotEmpty((await The.WanhuaCentre.LooksUpAsync(child.NationalId, ofChild.ReferralId)).Person.Address);
        Assert.True(await The.Centre.ProtectsAsync(old.NationalId, inCase: shared));

        await The.Register.DecidesAsync(mother.NationalId, old.NationalId);
        Assert.Equal("", (await The.WanhuaCentre.LooksUpAsync(child.NationalId, ofChild.ReferralId)).Person.Address);
        await The.Register.DecidesAsync(mother.NationalId, old.NationalId, NotSame);
        Assert.NotEmpty((await The.WanhuaCentre.LooksUpAsync(child.NationalId, ofChild.ReferralId)).Person.Address);
        Assert.Equal("", (await The.Centre.LooksUpAsync(old.NationalId, inCase: shared)).Person.Address);
    }

    [Fact]
    public async Task R_NTK_10_The_other_party_of_a_case_is_that_by_each_of_its_numbers()
    {
        var (father, _) = await The.Register.RegistersAsync();
        var old = father.ByOldNumber();
        var shared = await The.SharedCaseAsync(The.Centre, null);
        await The.Centre.MarksOtherPartyAsync(shared, old.NationalId);
        var victim = (await The.Centre.SeesCaseAsync(shared)).Case.Subjects[0];
        // Whoever serves the other party serves no victim of that case.
        var ofFather = (await The.WanhuaCentre.TakesInAsync(The.School, father.ByNumber())).ReferralId;
        await The.WanhuaCentre.OpensCaseAsync(ofFather);
        Assert.False(Serves());
        await The.Register.DecidesAsync(father.NationalId, old.NationalId);
        Assert.True(Serves());
        // The mark is known again by the number of now, and lifted by it.
        await The.Centre.MarksOtherPartyAsync(shared, father.NationalId, lifted: true);
        Assert.False(Serves());

        bool Serves()
        {
            using var read = Exchange.Composition.Store.Read();
            return Server.Storage.OtherParties.ServesOtherParty(read, The.WanhuaCentre.UnitId, Guid.Parse(victim.PersonId));
        }
    }

    [Fact]
    public async Task R_AUD_4_An_officer_who_asks_by_number_is_told_under_which_other_pseudonyms_the_log_has_the_person()
    {
        var (mother, _) = await The.Register.RegistersAsync();
        var old = mother.ByOldNumber();
        await The.Centre.TakesInAsync(The.School, old);
        var (own, other) = (PseudonymOf(mother.NationalId), PseudonymOf(old.NationalId));
        Assert.Empty((await AskAsync(old.NationalId)).OtherPseudonyms);
        await The.Register.DecidesAsync(mother.NationalId, old.NationalId);
        Assert.Equal((own, other), (Assert.Single((await AskAsync(old.NationalId)).OtherPseudonyms), Assert.Single((await AskAsync(mother.NationalId)).OtherPseudonyms)));
        var report = await The.Officer.AskAsync(to => to.Audit.ReportAccessesAsync(new() { Context = The.Officer.Context(), NationalId = mother.NationalId }));
        var viewers = await The.Officer.AskAsync(to => to.Audit.ListPossibleViewersAsync(new() { Context = The.Officer.Context(), NationalId = mother.NationalId }));
        Assert.Equal((other, other), (Assert.Single(report.OtherPseudonyms), Assert.Single(viewers.OtherPseudonyms)));
        Assert.Contains(viewers.Viewers, viewer => viewer.UnitId == The.Centre.UnitId);

        string PseudonymOf(string id) => Exchange.Composition.Vault.Pseudonyms.OfNationalId(id);
        Task<Wire.ListAccessesResponse> AskAsync(string id) => The.Officer.AskAsync(to => to.Audit.ListAccessesAsync(new() { Context = The.Officer.Context(), NationalId = id }));
    }
}
