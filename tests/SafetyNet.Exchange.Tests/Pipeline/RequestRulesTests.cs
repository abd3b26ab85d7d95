using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Tests.Pipeline;

public sealed class RequestRulesTests
{
    /// <summary>One character beyond the basic plane, two UTF-16 units: 𠮷, as in a given name.</summary>
    private const string Astral = "𠮷";

    [Fact]
    public void A_valid_request_has_no_fault() => Assert.Empty(FaultsOf(Contract.Referral()));

    [Fact]
    public void Every_request_type_of_the_contract_compiles_and_asks_for_its_context()
    {
        foreach (var rule in Contract.Methods.All)
            Assert.Contains(new FieldFault("context", FieldFaultKind.Required), FaultsOf(rule.Input.Parser.ParseFrom([])));
    }

    [Fact]
    public void Faults_come_in_field_order_with_their_paths()
    {
        var request = new Wire.CreateReferralRequest
        {
            Context = new Wire.AccessContext { Purpose = Wire.Purpose.ServiceDelivery, Actor = new Wire.ActingPerson { PersonId = "x" } },
            Subjects = { Contract.Subject(), new Wire.ReferralSubject { NationalId = "A123456788", Name = "王", BirthDate = "2015-02-29" } },
            Services = { Wire.Article6Service.CareVisit, Wire.Article6Service.Unspecified, (Wire.Article6Service)99 },
            View = new Wire.SenderView(),
        };

        Assert.Equal(
            [
                new FieldFault("context.legal_basis", FieldFaultKind.Required),
                new FieldFault("context.actor.person_id", FieldFaultKind.NotAnActorId),
                new FieldFault("context.actor.role", FieldFaultKind.Required),
                new FieldFault("context.actor.unit_id", FieldFaultKind.Required),
                new FieldFault("request_id", FieldFaultKind.Required),
                new FieldFault("to_unit_id", FieldFaultKind.Required),
                new FieldFault("subjects[1].national_id", FieldFaultKind.NotANationalId, "WrongChecksum"),
                new FieldFault("subjects[1].birth_date", FieldFaultKind.NotADate),
                new FieldFault("services[1]", FieldFaultKind.Required),
                new FieldFault("services[2]", FieldFaultKind.UnknownCode),
                new FieldFault("view.classes", FieldFaultKind.Required),
            ],
            FaultsOf(request));
    }

    [Fact]
    public void At_most_twenty_faults_are_named()
    {
        var request = Contract.Referral();
        request.Subjects.Clear();
        request.Subjects.AddRange(Enumerable.Range(0, 20).Select(_ => new Wire.ReferralSubject()));

        var faults = FaultsOf(request);

        Assert.Equal(Refusal.MaximumFaults, faults.Count);
        Assert.Equal("subjects[6].name", faults[^1].Path);
    }

    [Theory]
    [InlineData("2026-02-28", null)]
    [InlineData("2024-02-29", null)]
    [InlineData("1850-01-01", null)]
    [InlineData("2199-12-31", null)]
    [InlineData("1849-12-31", FieldFaultKind.NotADate)]
    [InlineData("2200-01-01", FieldFaultKind.NotADate)]
    [InlineData("2026-02-29", FieldFaultKind.NotADate)]
    [InlineData("2026-2-28", FieldFaultKind.NotADate)]
    [InlineData("2026/02/28", FieldFaultKind.NotADate)]
    [InlineData("0115-02-28", FieldFaultKind.NotADate)]
    [InlineData("２０２６-02-28", FieldFaultKind.NotADate)]
    [InlineData(" 2026-02-28", FieldFaultKind.NotADate)]
    [InlineData("2026-02-28T00:00:00Z", FieldFaultKind.NotADate)]
    [InlineData("", FieldFaultKind.Required)]
    internal void A_date_is_a_western_calendar_date(string text, FieldFaultKind? fault) =>
        AssertSubject(subject => subject.BirthDate = text, "birth_date", fault);

    [Theory]
    [InlineData("A123456789", null, null)]
    [InlineData("ａ１２３４５６７８９", null, null)]
    [InlineData("A123456788", FieldFaultKind.NotANationalId, "WrongChecksum")]
    [InlineData("A323456789", FieldFaultKind.NotANationalId, "WrongForm")]
    [InlineData("A12345678", FieldFaultKind.NotANationalId, "WrongLength")]
    [InlineData("A12345 789", FieldFaultKind.NotANationalId, "UnknownCharacter")]
    [InlineData("", FieldFaultKind.Required, null)]
    [Trait("Rule", "R-HH-1")]
    internal void A_national_id_has_a_valid_checksum(string text, FieldFaultKind? fault, string? argument) =>
        AssertSubject(subject => subject.NationalId = text, "national_id", fault, argument);

    [Theory]
    [InlineData("0193d3a0-7b6e-7c3a-9f53-2f1c5d0e8a11", null)]
    [InlineData("0193D3A0-7B6E-7C3A-9F53-2F1C5D0E8A11", FieldFaultKind.NotAUuid)]
    [InlineData("{0193d3a0-7b6e-7c3a-9f53-2f1c5d0e8a1}", FieldFaultKind.NotAUuid)]
    [InlineData("0193d3a07b6e7c3a9f532f1c5d0e8a11", FieldFaultKind.NotAUuid)]
    [InlineData("0193d3a0-7b6e-7c3a-9f53-2f1c5d0e8a1g", FieldFaultKind.NotAUuid)]
    [InlineData("0193d3a0-7b6e-7c3a-9f53-2f1c5d0e8a111", FieldFaultKind.NotAUuid)]
    internal void A_uuid_is_in_canonical_lower_case_form(string text, FieldFaultKind? fault)
    {
        var request = Contract.Referral();
        request.RequestId = text;
        AssertFault(request, "request_id", fault);
    }

    [Theory]
    [InlineData("abc", null)]
    [InlineData("ab", FieldFaultKind.NotAUnitId)]
    [InlineData("TPE-wanhua", FieldFaultKind.NotAUnitId)]
    [InlineData("tpe_wanhua", FieldFaultKind.NotAUnitId)]
    [InlineData("萬華社福中心", FieldFaultKind.NotAUnitId)]
    internal void A_unit_id_is_lower_case_letters_digits_and_hyphens(string text, FieldFaultKind? fault)
    {
        var request = Contract.Referral();
        request.ToUnitId = text;
        AssertFault(request, "to_unit_id", fault);
    }

    [Theory]
    [InlineData(64, null)]
    [InlineData(65, FieldFaultKind.NotAUnitId)]
    internal void A_unit_id_has_at_most_64_characters(int length, FieldFaultKind? fault)
    {
        var request = Contract.Referral();
        request.ToUnitId = new string('a', length);
        AssertFault(request, "to_unit_id", fault);
    }

    [Theory]
    [InlineData("s1", null)]
    [InlineData("SW_01.a-b", null)]
    [InlineData("s", FieldFaultKind.NotAnActorId)]
    [InlineData("王小明", FieldFaultKind.NotAnActorId)]
    [InlineData("sw 01", FieldFaultKind.NotAnActorId)]
    internal void An_actor_id_is_a_staff_number_and_no_name(string text, FieldFaultKind? fault)
    {
        var request = Contract.Referral();
        request.Context.Actor.PersonId = text;
        AssertFault(request, "context.actor.person_id", fault);
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("AZaz09-_", null)]
    [InlineData("abc=", FieldFaultKind.NotOpaque)]
    [InlineData("a/b", FieldFaultKind.NotOpaque)]
    internal void An_opaque_text_is_base64url(string text, FieldFaultKind? fault) =>
        AssertFault(new Wire.ListUnitsRequest { Context = Contract.Context(), PageToken = text }, "page_token", fault);

    [Theory]
    [InlineData(100, null)]
    [InlineData(101, FieldFaultKind.TooLong)]
    internal void Length_is_counted_in_characters_and_not_in_utf16_units(int characters, FieldFaultKind? fault) =>
        AssertSubject(subject => subject.Name = string.Concat(Enumerable.Repeat(Astral, characters)), "name", fault, fault is null ? null : "100");

    [Fact]
    public void A_text_without_a_stated_limit_has_at_most_200_characters()
    {
        // page_token states no max_length.
        AssertFault(new Wire.ListUnitsRequest { Context = Contract.Context(), PageToken = new string('a', 200) }, "page_token", null);
        AssertFault(new Wire.ListUnitsRequest { Context = Contract.Context(), PageToken = new string('a', 201) }, "page_token", FieldFaultKind.TooLong, "200");
    }

    [Theory]
    [InlineData(20, null)]
    [InlineData(21, FieldFaultKind.TooMany)]
    internal void A_list_has_at_most_the_items_of_its_rule(int items, FieldFaultKind? fault)
    {
        var request = Contract.Referral();
        request.Subjects.Clear();
        request.Subjects.AddRange(Enumerable.Range(0, items).Select(_ => Contract.Subject()));
        AssertFault(request, "subjects", fault, fault is null ? null : "20");
    }

    [Fact]
    public void Items_of_a_list_of_texts_are_checked_one_by_one()
    {
        var request = new Wire.OpenCaseRequest
        {
            Context = Contract.Context(), RequestId = Contract.AnyUuid, ReferralId = Contract.AnyUuid, PersonIds = { Contract.AnyUuid, "", "x" },
        };

        Assert.Equal([new FieldFault("person_ids[1]", FieldFaultKind.Required), new FieldFault("person_ids[2]", FieldFaultKind.NotAUuid)], FaultsOf(request));
    }

    [Theory]
    [InlineData(0, null)]
    [InlineData(500, null)]
    [InlineData(501, FieldFaultKind.OutOfRange)]
    [InlineData(-1, FieldFaultKind.OutOfRange)]
    [InlineData(int.MinValue, FieldFaultKind.OutOfRange)]
    internal void A_number_is_within_its_range(int size, FieldFaultKind? fault) =>
        AssertFault(new Wire.ListUnitsRequest { Context = Contract.Context(), PageSize = size }, "page_size", fault, fault is null ? null : "0–500");

    [Fact]
    public void A_required_number_is_not_zero()
    {
        AssertFault(new Wire.GetConsistencyProofRequest { Context = Contract.Context(), FromSize = 0, ToSize = ulong.MaxValue }, "from_size", FieldFaultKind.Required);
        Assert.Empty(FaultsOf(new Wire.GetConsistencyProofRequest { Context = Contract.Context(), FromSize = 1, ToSize = ulong.MaxValue }));
    }

    [Fact]
    public void An_unknown_code_is_refused_even_where_the_field_has_no_rule() =>
        AssertFault(new Wire.ListUnitsRequest { Context = Contract.Context(), Kind = (Wire.UnitKind)25 }, "kind", FieldFaultKind.UnknownCode);

    [Fact]
    public void Of_a_oneof_whose_members_are_required_one_must_be_set()
    {
        AssertFault(new Wire.LookUpHouseholdRequest { Context = Contract.Context() }, "key", FieldFaultKind.OneOfRequired, "national_id, name_and_birth_date");
        AssertFault(new Wire.LookUpHouseholdRequest { Context = Contract.Context(), NationalId = "" }, "national_id", FieldFaultKind.Required);
        AssertFault(
            new Wire.LookUpHouseholdRequest { Context = Contract.Context(), NameAndBirthDate = new Wire.NameAndBirthDate { Name = "王小明" } },
            "name_and_birth_date.birth_date",
            FieldFaultKind.Required);
        Assert.Empty(FaultsOf(new Wire.LookUpHouseholdRequest { Context = Contract.Context(), NationalId = Contract.AnyNationalId }));
    }

    [Fact]
    public void Of_a_oneof_that_is_optional_only_the_member_that_is_set_is_checked()
    {
        var request = Contract.Referral();
        request.Context.CaseId = "not-a-uuid";
        AssertFault(request, "context.case_id", FieldFaultKind.NotAUuid);

        request.Context.ReferralId = Contract.AnyUuid;
        Assert.Empty(FaultsOf(request));
    }

    [Theory]
    [InlineData("\uD800", FieldFaultKind.BrokenText)]
    [InlineData("王\uDFB7", FieldFaultKind.BrokenText)]
    [InlineData("\uDFB7\uD842", FieldFaultKind.BrokenText)]
    [InlineData("王\uFFFD", FieldFaultKind.BrokenText)]
    [InlineData("王𠮷", null)]
    [InlineData("臺\uE000", null)]
    [InlineData("a\0b", FieldFaultKind.ControlCharacter)]
    [InlineData("a\nb", FieldFaultKind.ControlCharacter)]
    [InlineData("a\tb", FieldFaultKind.ControlCharacter)]
    [InlineData("a\u007Fb", FieldFaultKind.ControlCharacter)]
    [InlineData("a\u0085b", FieldFaultKind.ControlCharacter)]
    internal void A_short_text_is_whole_and_on_one_line(string text, FieldFaultKind? fault) => AssertSubject(subject => subject.Name = text, "name", fault);

    [Theory]
    [InlineData("a\n\tb", null)]
    [InlineData("a\r\nb", FieldFaultKind.ControlCharacter)]
    [InlineData("a\u001Bb", FieldFaultKind.ControlCharacter)]
    internal void A_long_text_may_have_line_feeds_and_tabs(string text, FieldFaultKind? fault)
    {
        var request = Contract.Referral();
        request.Context.Justification = text;
        AssertFault(request, "context.justification", fault);
    }

    [Fact]
    public void Bytes_that_are_not_utf8_do_not_pass_as_text()
    {
        var request = Contract.Referral();
        var wire = request.ToByteArray().AsSpan().ToArray();
        var name = wire.AsSpan().IndexOf(Encoding.UTF8.GetBytes("王小明"));
        wire[name] = 0xFF;

        try
        {
            AssertFault(Wire.CreateReferralRequest.Parser.ParseFrom(wire), "subjects[0].name", FieldFaultKind.BrokenText);
        }
        catch (InvalidProtocolBufferException)
        {
            // A later Google.Protobuf may refuse such bytes itself: as good.
        }
    }

    [Theory]
    [InlineData(-62135596800, 0, null)]
    [InlineData(253402300799, 999999999, null)]
    [InlineData(-62135596801, 0, FieldFaultKind.NotATimestamp)]
    [InlineData(253402300800, 0, FieldFaultKind.NotATimestamp)]
    [InlineData(0, -1, FieldFaultKind.NotATimestamp)]
    [InlineData(0, 1000000000, FieldFaultKind.NotATimestamp)]
    internal void An_instant_is_within_the_years_1_to_9999(long seconds, int nanos, FieldFaultKind? fault)
    {
        var request = Contract.Referral();
        request.View.Until = new Timestamp { Seconds = seconds, Nanos = nanos };
        AssertFault(request, "view.until", fault);
    }

    [Theory]
    [InlineData("page_size", "ListUnitsRequest.page_size: a rule for texts on a number.", 0)]
    [InlineData("page_size", "ListUnitsRequest.page_size: a minimum without a maximum.", 1)]
    [InlineData("page_size", "ListUnitsRequest.page_size: max_items of a field that is no list.", 2)]
    [InlineData("district", "ListUnitsRequest.district: a rule for numbers on a text.", 3)]
    [InlineData("district", "ListUnitsRequest.district: a minimum above the maximum.", 4)]
    [InlineData("district", "ListUnitsRequest.district: an unknown format.", 5)]
    [InlineData("kind", "ListUnitsRequest.kind: a rule for texts or numbers on a code.", 0)]
    public void A_rule_that_its_field_cannot_have_is_found_when_it_is_compiled(string name, string finding, int mistake)
    {
        Wire.FieldRules[] mistakes =
        [
            new() { Format = Wire.TextFormat.Date }, new() { Minimum = 1 }, new() { MaxItems = 1 }, new() { Maximum = 1 }, new() { MinLength = 201 },
            new() { Format = (Wire.TextFormat)77 },
        ];
        var field = Contract.Edited(Wire.MembersReflection.Descriptor, file =>
        {
            var options = file.MessageType.Single(message => message.Name == "ListUnitsRequest").Field.Single(one => one.Name == name).Options;
            options.SetExtension(Wire.OptionsExtensions.Rules, mistakes[mistake]);
        }).FindTypeByName<MessageDescriptor>("ListUnitsRequest").FindFieldByName(name);

        var error = Assert.Throws<InvalidOperationException>(() => (FieldCheck)(field.FieldType switch
        {
            FieldType.String => new TextCheck(field),
            FieldType.Enum => new CodeCheck(field),
            _ => new NumberCheck(field),
        }));

        Assert.EndsWith(finding, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Messages_nested_beyond_the_limit_are_refused_and_not_followed()
    {
        static DescriptorProto Nest(int depth)
        {
            var innermost = new DescriptorProto();
            for (var level = 1; level < depth; level++)
                innermost = new DescriptorProto { NestedType = { innermost } };
            return innermost;
        }

        Assert.Empty(FaultsOf(Nest(RequestRules.MaximumDepth)));
        var fault = Assert.Single(FaultsOf(Nest(RequestRules.MaximumDepth + 1)));
        Assert.Equal(FieldFaultKind.TooDeep, fault.Kind);
        Assert.Equal(RequestRules.MaximumDepth, fault.Path.Split('.').Length);
    }

    [Fact]
    public void Unknown_fields_are_dropped_wherever_they_are()
    {
        var clean = Contract.Referral();
        clean.View.Until = new Timestamp { Seconds = 1 };
        var request = clean.Clone();
        // Field 1000, text "x", in messages at three levels and in a list.
        byte[] unknown = [0xC2, 0x3E, 0x01, (byte)'x'];
        foreach (IMessage message in new IMessage[] { request, request.Context.Actor, request.Subjects[0], request.View.Until })
            message.MergeFrom(unknown);
        Assert.NotEqual(clean.CalculateSize(), request.CalculateSize());

        RequestRules.DropUnknownFields(request);

        Assert.Equal(clean, request);
        Assert.Equal(clean.ToByteArray(), request.ToByteArray());
    }

    [Fact]
    public void A_valid_request_is_checked_without_boxing_its_values()
    {
        var request = Contract.Referral();
        var rules = RequestRules.For(Wire.CreateReferralRequest.Descriptor);
        var faults = new List<FieldFault>();
        rules.Check(request, faults);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            rules.Check(request, faults);
        var perCheck = (GC.GetAllocatedBytesForCurrentThread() - before) / 1000;

        // 24 bytes for each of 30 values would be 720. Some are left for the framework's span searches, which box their bounds until they are optimised.
        Assert.InRange(perCheck, 0, 400);
    }

    [Fact]
    public void A_fault_never_repeats_what_was_sent()
    {
        const string marker = "Zx9Qq";
        var request = Contract.Referral();
        request.RequestId = request.ToUnitId = request.Subjects[0].BirthDate = request.Subjects[0].NationalId = marker;
        request.Subjects[0].Name = marker + "\0";
        request.Context.Justification = string.Concat(Enumerable.Repeat(marker, 101));

        var faults = FaultsOf(request);

        Assert.Equal(6, faults.Count);
        Assert.All(faults, fault =>
        {
            var text = RefusalTexts.Default.Of(fault);
            Assert.DoesNotContain(marker, $"{fault} {text.En} {text.Zh}", StringComparison.OrdinalIgnoreCase);
        });
    }

    private static List<FieldFault> FaultsOf(IMessage request)
    {
        var faults = new List<FieldFault>();
        RequestRules.For(request.Descriptor).Check(request, faults);
        return faults;
    }

    private static void AssertSubject(Action<Wire.ReferralSubject> change, string field, FieldFaultKind? fault, string? argument = null)
    {
        var request = Contract.Referral();
        change(request.Subjects[0]);
        AssertFault(request, $"subjects[0].{field}", fault, argument);
    }

    private static void AssertFault(IMessage request, string path, FieldFaultKind? fault, string? argument = null)
    {
        if (fault is { } kind)
            Assert.Equal([new FieldFault(path, kind, argument)], FaultsOf(request));
        else
            Assert.Empty(FaultsOf(request));
    }
}
