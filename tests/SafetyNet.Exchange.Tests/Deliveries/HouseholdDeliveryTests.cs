using System.Text;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Server.Deliveries;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Deliveries;

/// <summary>Deliveries of a household register through the wire (R-HH-3, R-HH-7).</summary>
[Trait("Rule", "R-HH-3")]
public sealed class HouseholdDeliveryTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    public async Task R_HH_3_The_same_delivery_again_changes_nothing_and_a_change_is_a_change()
    {
        await using var own = await TestExchange.StartEmptyAsync();
        var register = new The(own).Register;
        var rows = Register.Of(5, 400);
        Assert.Equal((rows.Count, 0, 0, 0, 0), (await register.DeliversAsync(rows, Wire.DeliveryKind.Full)).Buckets());
        var before = PersonsOf(own);

        var again = await register.DeliversAsync(rows, Wire.DeliveryKind.Full);
        Assert.Equal((0, 0, rows.Count, 0, 0), again.Buckets());
        Assert.Equal(0, again.Totals.Absent);
        Assert.Equal(before, PersonsOf(own));

        rows[7] = rows[7].With(row => (row.Phone, row.ValidFrom) = ("0900-000-999", "2026-05-01"));
        rows[9] = rows[9].Leaves("2026-06-01", Wire.RegisterEvent.Died);
        Assert.Equal((0, 1, rows.Count - 2, 1, 0), (await register.DeliversAsync(rows)).Buckets());
        // Also the end of a registration is told twice without harm.
        Assert.Equal((0, 0, rows.Count, 0, 0), (await register.DeliversAsync(rows)).Buckets());
    }

    [Fact]
    public async Task R_HH_3_Parents_are_found_in_any_order_and_whoever_is_younger_is_no_parent()
    {
        await using var own = await TestExchange.StartEmptyAsync();
        var the = new The(own);
        var mother = Register.Person("F1", birth: "1980-01-01");
        var father = Register.Person("F1", Sex.Male, "1979-01-01", place: 1);
        var child = Register.Person("F1", Sex.Male, "2010-01-01", place: 2).With(row => (row.MotherNationalId, row.FatherNationalId) = (mother.NationalId, father.NationalId));
        // Child before mother in one message, father in a delivery of another day.
        await the.Register.DeliversAsync([child, mother]);
        await the.Register.DeliversAsync([father]);
        var seen = await LookUpAsync(the, child);
        Assert.Equal([(mother.NationalId, Wire.Kinship.Parent, true), (father.NationalId, Wire.Kinship.Parent, true)],
            seen.Relatives.Select(one => (one.Person.NationalId, one.Kinship, one.SameHousehold)).OrderByDescending(one => one.NationalId == mother.NationalId));

        // A parent that comes later and is younger than the child that named it is refused when it comes.
        var young = Register.Person("F2", birth: "2012-01-01");
        var orphan = Register.Person("F2", Sex.Male, "2010-01-01", place: 1).With(row => row.MotherNationalId = young.NationalId);
        var delivered = await the.Register.DeliversAsync([orphan, young]);
        Assert.Equal((1, 0, 0, 0, 1), delivered.Buckets());
        var told = Assert.Single(await the.Register.RejectionsAsync(delivered.DeliveryId));
        Assert.Equal((2, "birth_date", Wire.RegisterFault.ParentNotOlder), (told.Line, told.Field, told.Fault));

        // The register corrects who the father is.
        var other = Register.Person("F3", Sex.Male, "1978-01-01");
        await the.Register.DeliversAsync([other, child.With(row => row.FatherNationalId = other.NationalId)]);
        Assert.Equal(new[] { mother.NationalId, other.NationalId }.Order(StringComparer.Ordinal),
            (await LookUpAsync(the, child)).Relatives.Where(one => one.Kinship == Wire.Kinship.Parent).Select(one => one.Person.NationalId).Order(StringComparer.Ordinal));
    }

    [Fact]
    [Trait("Rule", "R-NTK-10")]
    public async Task R_HH_3_A_person_known_from_a_referral_keeps_its_id_and_what_a_unit_protects_stays_protected()
    {
        await using var own = await TestExchange.StartEmptyAsync();
        var the = new The(own);
        var (person, partner) = (Register.Person("P1"), Register.Person("P1", Sex.Male, place: 1));
        var referral = (await the.Centre.TakesInAsync(the.School, SubjectOf(person))).ReferralId;
        var inCase = (await the.Centre.OpensCaseAsync(referral)).CaseId;
        var known = (await the.Centre.LooksUpAsync(person.NationalId, inCase: inCase)).Person.PersonId;
        await the.Centre.ProtectsAsync(person.NationalId, inCase);

        Assert.Equal((2, 0, 0, 0, 0), (await the.Register.DeliversAsync([person, partner])).Buckets());
        var seen = await the.Centre.LooksUpAsync(person.NationalId, inCase: inCase);
        Assert.Equal((known, person.Address), (seen.Person.PersonId, seen.Person.Address));
        Assert.Equal(partner.NationalId, Assert.Single(seen.Members).Person.NationalId);
        await the.Register.DeliversAsync([person.With(row => (row.Protected, row.Phone, row.ValidFrom) = (false, "", "2026-03-01"))]);
        Assert.Equal(1, own.Query("SELECT is_shielded FROM person WHERE person_id = $0", r => r.GetInt32(0), Guid.Parse(known).ToByteArray(true))[0]);
        // A register that has no phone takes none away; and who looks sees what was brought just now.
        Assert.Equal(person.Phone, (await the.Centre.LooksUpAsync(person.NationalId, inCase: inCase)).Person.Phone);
    }

    [Fact]
    public async Task R_HH_3_A_full_delivery_ends_whom_it_does_not_name_and_nobody_of_another_register()
    {
        await using var own = await TestExchange.StartEmptyAsync();
        var the = new The(own);
        var rows = Enumerable.Range(0, 20).Select(number => Register.Person($"E{number}")).ToList();
        var elsewhere = Register.Person("T1").With(row => row.District = "中壢區");
        await the.Register.DeliversAsync(rows, Wire.DeliveryKind.Full);
        await the.RegisterOfTaoyuan.DeliversAsync([elsewhere], Wire.DeliveryKind.Full);

        // One is absent; one's row is wrong, another's names nobody: those two stay.
        var (absent, wrong, nameless) = (rows[3], rows[5], rows[6]);
        var next = Except(absent).Select(row => ReferenceEquals(row, wrong) ? row.With(one => one.Name = "") : ReferenceEquals(row, nameless) ? row.With(one => one.NationalId = "Y2") : row).ToList();
        var delivered = await the.Register.DeliversAsync(next, Wire.DeliveryKind.Full);
        Assert.Equal((0, 0, 17, 0, 2), delivered.Buckets());
        Assert.Equal(1, delivered.Totals.Absent);
        Assert.Equal(Except(absent).Append(elsewhere).Select(row => row.NationalId).Order(StringComparer.Ordinal), Registered(own, rows.Append(elsewhere)));

        // Whom another register has is not this one's to bring or to end, and comes when that one has let go.
        var taken = elsewhere.With(row => (row.District, row.ValidFrom) = ("萬華區", "2026-04-01"));
        var beside = (await the.RegisterOfTaoyuan.BeginsAsync(Wire.DeliveryKind.Full)).DeliveryId;
        await the.RegisterOfTaoyuan.StreamsAsync(the.RegisterOfTaoyuan.Messages(beside, [elsewhere]));
        var refused = await the.Register.DeliversAsync([taken, elsewhere.Leaves("2026-04-01")]);
        var undisturbed = await the.RegisterOfTaoyuan.CompletesAsync(beside, [elsewhere]);
        Assert.Equal((Wire.DeliveryState.Completed, 0), (undisturbed.State, undisturbed.Totals.Absent));
        Assert.Equal([(1, Wire.RegisterFault.RegisteredElsewhere), (2, Wire.RegisterFault.NotRegisteredHere)],
            (await the.Register.RejectionsAsync(refused.DeliveryId, size: 1)).Select(one => (one.Line, one.Fault)));
        await the.RegisterOfTaoyuan.DeliversAsync([elsewhere.Leaves("2026-04-01")]);
        Assert.Equal((1, 0, 0, 0, 0), (await the.Register.DeliversAsync([taken])).Buckets());

        IEnumerable<Wire.RegisterRow> Except(Wire.RegisterRow one) => rows.Where(row => !ReferenceEquals(row, one));
    }

    [Fact]
    [Trait("Rule", "R-HH-7")]
    [Trait("Rule", "R-NTK-10")]
    public async Task R_HH_7_A_household_is_told_as_of_a_day_and_who_is_protected_today_is_protected_then()
    {
        await using var own = await TestExchange.StartEmptyAsync();
        var the = new The(own);
        var (mother, child, uncle) = (Register.Person("A1"), Register.Person("A1", Sex.Male, "2012-01-01", place: 1), Register.Person("A1", Sex.Male, place: 2));
        child.MotherNationalId = mother.NationalId;
        await the.Register.DeliversAsync([mother, child, uncle]);
        var inCase = (await the.Centre.OpensCaseAsync((await the.Centre.TakesInAsync(the.School, SubjectOf(child))).ReferralId)).CaseId;
        // The uncle leaves in May; mother and child move in August to another home.
        await the.Register.DeliversAsync([uncle.Leaves("2026-05-01"), Moves(mother), Moves(child)]);

        Assert.Equal(("新址路 2 號", mother.NationalId), await OnAsync(""));
        Assert.Equal(("新址路 2 號", mother.NationalId), await OnAsync("2026-08-01"));
        Assert.Equal((child.Address, mother.NationalId), await OnAsync("2026-07-31"));
        Assert.Equal((child.Address, $"{mother.NationalId} {uncle.NationalId}"), await OnAsync("2026-04-30"));
        // Before the register knows of anybody, there is no home to tell of.
        Assert.Equal(("", ""), await OnAsync("2026-01-31"));
        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => OnAsync("2099-01-01"), own);

        // Protected today, whatever it was then: a unit that serves, and is not primary, sees no address of any day.
        await the.Centre.AsksInAsync(inCase, the.Labor, Wire.Article6Service.EmploymentGuidance);
        await the.Labor.JoinsAsync(inCase);
        Assert.Equal(child.Address, (await AskAsync(the.Labor, "2026-04-30")).Person.Address);
        await the.Register.DeliversAsync([Moves(child).With(row => (row.Protected, row.ValidFrom) = (true, "2026-09-01"))]);
        Assert.Equal("", (await AskAsync(the.Labor, "2026-04-30")).Person.Address);
        Assert.Equal(child.Address, (await AskAsync(the.Centre, "2026-04-30")).Person.Address);

        static Wire.RegisterRow Moves(Wire.RegisterRow person) => person.With(row => (row.HouseholdNumber, row.Address, row.ValidFrom) = ("A2", "新址路 2 號", "2026-08-01"));

        Task<Wire.LookUpHouseholdResponse> AskAsync(Party by, string day)
        {
            var request = by.LookUp(child.NationalId, inCase: inCase);
            request.AsOf = day;
            return by.AskAsync(to => to.Households.LookUpHouseholdAsync(request));
        }

        async Task<(string Address, string Members)> OnAsync(string day)
        {
            var seen = await AskAsync(the.Centre, day);
            Assert.Equal(child.NationalId, seen.Person.NationalId);
            Assert.All(seen.Relatives, one => Assert.Equal(seen.Members.Any(member => member.Person.PersonId == one.Person.PersonId), one.SameHousehold));
            return (seen.Person.Address, string.Join(' ', seen.Members.Select(member => member.Person.NationalId)));
        }
    }

    [Fact]
    public async Task R_HH_3_A_full_delivery_that_is_short_ends_nobody_and_is_told_until_somebody_confirms_it()
    {
        await using var own = await TestExchange.StartEmptyAsync();
        var the = new The(own);
        var rows = Enumerable.Range(0, 10).Select(number => Register.Person($"S{number}")).ToList();
        await the.Register.DeliversAsync(rows, Wire.DeliveryKind.Full);
        // Eight of ten are 20 % fewer.
        Assert.Equal((Wire.DeliveryState.Completed, 2), Of(await the.Register.DeliversAsync(rows[..8], Wire.DeliveryKind.Full)));
        await the.Register.DeliversAsync(rows, Wire.DeliveryKind.Full);
        foreach (var party in (Party[])[the.Register, the.Officer]) await party.EmptiesInboxAsync();

        var held = await the.Register.DeliversAsync(rows[..7], Wire.DeliveryKind.Full);
        Assert.Equal((Wire.DeliveryState.Short, 0, ""), (held.State, held.Totals.Absent, held.Receipt));
        Assert.Equal(10, Registered(own, rows).Count);
        await the.Register.CompletesAsync(held.DeliveryId, rows[..7]);
        foreach (var party in (Party[])[the.Register, the.Officer])
        {
            var notice = Assert.Single(await party.EmptiesInboxAsync());
            Assert.Equal((Wire.NoticeKind.HouseholdDeliveryShort, held.DeliveryId), (notice.Kind, notice.DeliveryId));
        }

        // While it waits the register begins no other; given up, it leaves everybody where they are.
        await AssertRefusedAloneAsync(Wire.ErrorReason.DeliveryOpen, () => the.Register.BeginsAsync(), own);
        Assert.Equal(Wire.DeliveryState.Abandoned, (await the.Register.AbandonsAsync(held.DeliveryId)).State);
        Assert.Equal((Wire.DeliveryState.Completed, 3), Of(await the.Register.DeliversAsync(rows[..7], Wire.DeliveryKind.Full, confirmShort: true)));
        Assert.Equal(7, Registered(own, rows).Count);

        // As long as the last, and of other people: the wrong file.
        var others = Enumerable.Range(0, 7).Select(number => Register.Person($"O{number}")).ToList();
        Assert.Equal((Wire.DeliveryState.Short, 0), Of(await the.Register.DeliversAsync(others, Wire.DeliveryKind.Full)));

        static (Wire.DeliveryState, long) Of(Wire.HouseholdDelivery delivery) => (delivery.State, delivery.Totals.Absent);
    }

    [Fact]
    public async Task R_HH_3_A_first_full_delivery_is_held_against_who_is_registered()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var delivered = await the.Register.DeliversAsync([Register.Person("Q1")], Wire.DeliveryKind.Full);
        Assert.Equal((Wire.DeliveryState.Short, 0), (delivered.State, delivered.Totals.Absent));
    }

    [Fact]
    public async Task R_HH_3_A_delivery_that_does_not_come_in_time_is_told_once()
    {
        var settings = new DeliverySettings { Expected = [new ExpectedDelivery { Jurisdiction = "TPE", EveryDays = 7, ByHour = 8, From = "2026-11-02" }] };
        Assert.Empty(settings.Problems());
        await using var own = await TestExchange.StartEmptyAsync(settings);
        var (the, watch) = (new The(own), own.Composition.DeliveryWatch);
        Assert.Equal(0, await watch.RunAsync(CancellationToken.None));
        await the.Register.DeliversAsync([Register.Person("L1")], Wire.DeliveryKind.Full);

        own.Clock.Advance(TimeSpan.FromDays(7));
        Assert.Equal(0, await watch.RunAsync(CancellationToken.None));
        // Two weeks without any, the server down meanwhile: each is told, once, to the office and to the security officers.
        own.Clock.Advance(TimeSpan.FromDays(14));
        Assert.Equal(2, await watch.RunAsync(CancellationToken.None));
        Assert.Equal(0, await watch.RunAsync(CancellationToken.None));
        foreach (var party in (Party[])[the.Register, the.Officer])
            Assert.Equal([Wire.NoticeKind.HouseholdDeliveryLate, Wire.NoticeKind.HouseholdDeliveryLate], (await party.EmptiesInboxAsync()).Select(notice => notice.Kind));
        await the.Register.DeliversAsync([Register.Person("L2")]);
        own.Clock.Advance(TimeSpan.FromDays(7));
        Assert.Equal(0, await watch.RunAsync(CancellationToken.None));
    }

    [Fact]
    public void R_HH_3_A_schedule_that_makes_no_sense_stops_the_start() => Assert.Equal(6, new DeliverySettings
    {
        DistrictsPath = "/nowhere",
        Expected =
        [
            new ExpectedDelivery { Jurisdiction = "TPE", EveryDays = 0, ByHour = 24, From = "2026-02-30" }, new ExpectedDelivery { Jurisdiction = "TPE", EveryDays = 1 },
            new ExpectedDelivery { Jurisdiction = "Taipei", EveryDays = 1 },
        ],
    }.Problems().Count());

    [Fact]
    public async Task R_HH_3_A_receipt_states_what_became_of_the_rows_and_is_checked_without_the_exchange()
    {
        await using var own = await TestExchange.StartEmptyAsync();
        var register = new The(own).Register;
        List<Wire.RegisterRow> rows = [Register.Person("R1"), Register.Person("R2"), Register.Person("R3").With(row => row.Name = "")];
        var delivered = await register.DeliversAsync(rows, Wire.DeliveryKind.Full);
        using var key = KeyOf(own.Composition.Log.VerifierKey);
        Assert.True(DeliveryReceipt.TryOpen(Encoding.UTF8.GetBytes(delivered.Receipt), key, out var receipt, out _));
        Assert.Equal((delivered.DeliveryId, 3, 2, 1), (receipt.DeliveryId.ToString(), receipt.Rows, receipt.Totals.Added, receipt.Totals.Rejected));
        Assert.Equal((Convert.ToHexStringLower(DeliveryMoves.HashOf(rows)), "FULL", Wire.Jurisdiction.Tpe), (receipt.ContentHash, receipt.Kind, receipt.Jurisdiction));
        Assert.Equal(delivered.Receipt, (await register.SeesDeliveryAsync()).Receipt);

        Assert.False(DeliveryReceipt.TryOpen(Encoding.UTF8.GetBytes(delivered.Receipt.Replace("rejected 1", "rejected 0", StringComparison.Ordinal)), key, out _, out _));
        await using var other = await TestExchange.StartEmptyAsync();
        using var foreign = KeyOf(other.Composition.Log.VerifierKey);
        Assert.False(DeliveryReceipt.TryOpen(Encoding.UTF8.GetBytes(delivered.Receipt), foreign, out _, out _));
        // No head of the log is a receipt, and no receipt a head.
        Assert.False(DeliveryReceipt.TryOpen(own.Composition.Log.Published!.Note, key, out _, out _));
        Assert.False(SignedCheckpoint.TryOpen(Encoding.UTF8.GetBytes(delivered.Receipt), key, [], out _, out _));
        Assert.Throws<ArgumentException>(() => own.Composition.Log.SignStatement($"{key.Name}\n1\nAAAA\n"));
    }

    [Fact]
    public async Task R_HH_3_What_does_not_fit_together_is_refused_and_what_was_taken_stays()
    {
        await using var own = await TestExchange.StartEmptyAsync();
        var (the, register) = (new The(own), new The(own).Register);
        List<Wire.RegisterRow> rows = [.. Enumerable.Range(0, 6).Select(number => Register.Person($"G{number}"))];
        var id = (await register.BeginsAsync(Wire.DeliveryKind.Full)).DeliveryId;
        await register.StreamsAsync(register.Messages(id, rows[..2]));
        Assert.Equal((Wire.ErrorReason.DeliveryLineGap, 0), Of(await register.StreamsAsync(register.Messages(id, rows, fromLine: 4))));
        // Another file under the same delivery is found at its first message, new lines or old ones.
        var changed = rows.ToList();
        changed[1] = changed[1].With(row => row.Name = "別人");
        Assert.Equal((Wire.ErrorReason.DeliveryContentDiffers, 0), Of(await register.StreamsAsync(register.Messages(id, changed, fromLine: 3))));
        Assert.Equal((Wire.ErrorReason.DeliveryContentDiffers, 0), Of(await register.StreamsAsync(register.Messages(id, changed))));
        Assert.Equal((Wire.ErrorReason.DeliveryContentDiffers, 0), Of(await register.StreamsAsync(register.Messages(id, changed[..2]))));
        await AssertRefusedAloneAsync(Wire.ErrorReason.DeliveryIncomplete, () => register.CompletesAsync(id, rows), own);
        await AssertRefusedAloneAsync(Wire.ErrorReason.DeliveryContentDiffers, () => register.CompletesAsync(id, changed[..2]), own);
        await AssertRefusedAloneAsync(Wire.ErrorReason.DeliveryOpen, () => register.BeginsAsync(), own);
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => the.RegisterOfTaoyuan.SeesDeliveryAsync(id), own);
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => the.RegisterOfTaoyuan.RejectionsAsync(id), own);
        Assert.Equal((Wire.ErrorReason.NotFound, 0), Of(await the.RegisterOfTaoyuan.StreamsAsync(the.RegisterOfTaoyuan.Messages(id, rows))));
        // The whole file again, from its first line: what was taken is passed over.
        Assert.Equal((Wire.ErrorReason.Unspecified, 7), Of(await register.StreamsAsync(register.Messages(id, rows, size: 1))));
        Assert.Equal((6, 0, 0, 0, 0), (await register.CompletesAsync(id, rows)).Buckets());
        Assert.Equal(Wire.ErrorReason.DeliveryNotOpen, (await register.StreamsAsync(register.Messages(id, rows))).Reason);
        await AssertRefusedAloneAsync(Wire.ErrorReason.DeliveryNotOpen, () => register.AbandonsAsync(id), own);
        await AssertRefusedAloneAsync(Wire.ErrorReason.DeliveryOlder, () => register.BeginsAsync(asOf: "2026-10-31"), own);
        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => register.BeginsAsync(asOf: "2099-01-01"), own);

        static (Wire.ErrorReason, long) Of(Wire.DeliverRowsResponse answer) => (answer.Reason, answer.Delivery?.NextLine ?? 0);
    }

    [Fact]
    public async Task R_HH_3_Nobody_but_a_household_office_delivers()
    {
        await AssertRefusedAloneAsync(Wire.ErrorReason.ScopeMissing, () => The.Centre.BeginsAsync());
        await AssertRefusedAloneAsync(Wire.ErrorReason.UnitKindNotAllowed, () => The.Borough.BeginsAsync());
        var streamed = await The.Centre.StreamsAsync(The.Centre.Messages(The.NobodysUuid, [Register.Person("N1")]));
        Assert.Equal((Wire.ErrorReason.ScopeMissing, null), (streamed.Reason, streamed.Delivery));
    }

    [Fact]
    [Trait("Rule", "R-AUD-1")]
    [Trait("Rule", "R-HH-5")]
    public async Task R_HH_5_Each_message_leaves_its_record_with_lines_and_hash_and_no_value_stands_anywhere_in_plain()
    {
        await using var own = await TestExchange.StartEmptyAsync();
        var register = new The(own).Register;
        List<Wire.RegisterRow> rows = [Register.Person("V-48151623", name: "甄秘密"), Register.Person("V-48151624", name: "甄秘密").With(row => row.District = "甄秘密鄉")];
        var id = (await register.BeginsAsync()).DeliveryId;
        var before = own.RecordCount();
        await register.StreamsAsync(register.Messages(id, rows, size: 1));
        var records = own.RecordsFrom(before);
        Assert.Equal(3, records.Count);
        Assert.Equal([$"household-delivery/{id}", $"household-delivery/{id}/2-2/{Convert.ToHexStringLower(DeliveryMoves.HashOf(rows))}"], records[1].Resources);
        Assert.All(records, record => Assert.Empty(record.Subjects));
        Assert.Single(await register.RejectionsAsync(id));
        await own.StopAsync();
        foreach (var file in Directory.EnumerateFiles(own.Folder, "*", SearchOption.AllDirectories))
        {
            var bytes = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
            foreach (var value in (string[])["甄秘密", rows[0].NationalId, "48151623", rows[0].Address])
                Assert.True(bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(value)) < 0, $"{Path.GetFileName(file)} holds a value");
        }
    }

    /// <summary>What the centre sees of a person whom the school has referred to it.</summary>
    private static async Task<Wire.LookUpHouseholdResponse> LookUpAsync(The the, Wire.RegisterRow person)
    {
        var referral = await the.Centre.TakesInAsync(the.School, SubjectOf(person));
        return await the.Centre.LooksUpAsync(person.NationalId, referral.ReferralId);
    }

    private static Wire.ReferralSubject SubjectOf(Wire.RegisterRow person) => new() { NationalId = person.NationalId, Name = person.Name, BirthDate = person.BirthDate, Phone = person.Phone };

    private static List<string> PersonsOf(TestExchange exchange) => exchange.Query(
        "SELECT hex(person_id) || hex(household_id) || place || district || hex(sealed) FROM person ORDER BY person_id", r => r.GetString(0));

    /// <summary>Who of these is registered in a household.</summary>
    private static List<string> Registered(TestExchange exchange, IEnumerable<Wire.RegisterRow> rows)
    {
        var index = exchange.Composition.Vault.Index;
        return [.. rows.Select(row => row.NationalId).Where(id => exchange.Query("SELECT 1 FROM person WHERE household_id IS NOT NULL AND national_id_index = $0", _ => 1, index.OfNationalId(id)).Count == 1)
            .Order(StringComparer.Ordinal)];
    }

    private static NoteVerifier KeyOf(string text) => NoteVerifier.TryParse(text, out var key, out var problem) ? key : throw new FormatException(problem);
}
