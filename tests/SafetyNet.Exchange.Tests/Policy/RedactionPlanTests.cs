using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Policy;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Policy;

[Trait("Rule", "R-NTK-2")]
public sealed class RedactionPlanTests
{
    [Fact]
    public void What_may_all_be_seen_stays_as_it_is()
    {
        var (household, referral) = (Household(), Referral());

        Assert.Equal(Household(), Redacted(household, ClassSet.All));
        Assert.Equal(Referral(), Redacted(referral, ClassSet.All));
    }

    [Fact]
    public void A_look_up_without_any_personal_class_keeps_its_disclosure_only()
    {
        var household = Redacted(Household(), ClassSet.Of(PublicStatus));

        Assert.Equal(
            new Wire.LookUpHouseholdResponse { Person = new Wire.Person(), Disclosure = new Wire.Disclosure { DecisionId = "d", ShownClasses = { Wire.ConfidentialityClass.Identity } } },
            household);
    }

    [Fact]
    public void Identity_without_contact_and_household_shows_the_person_and_no_more()
    {
        var household = Redacted(Household(), ClassSet.Of(Wire.ConfidentialityClass.Identity));

        var expected = new Wire.LookUpHouseholdResponse { Person = Person(0), Disclosure = Household().Disclosure };
        (expected.Person.Address, expected.Person.Phone) = ("", "");
        Assert.Equal(expected, household);
    }

    [Fact]
    public void A_list_label_and_the_labels_inside_must_both_be_permitted()
    {
        var withoutIdentity = Redacted(Household(), ClassSet.Of(ConfidentialityClass_Household, Contact));
        Assert.Equal(2, withoutIdentity.Members.Count);
        Assert.All(withoutIdentity.Members, m => Assert.Equal(("", "長女", "臺北市萬華區測試路1號"), (m.Person.Name, m.Role, m.Person.Address)));
        Assert.All(withoutIdentity.Relatives, r => Assert.True(r.Kinship == Wire.Kinship.Parent && r.SameHousehold && r.Person.NationalId.Length == 0));
        Assert.Empty(withoutIdentity.Involvements);

        var withoutHousehold = Redacted(Household(), ClassSet.All.Without(ConfidentialityClass_Household));
        Assert.Empty(withoutHousehold.Members);
        Assert.Empty(withoutHousehold.Relatives);
        Assert.Equal("0912345678", withoutHousehold.Person.Phone);
        Assert.Equal(Household().Involvements, withoutHousehold.Involvements);
    }

    /// <summary>Field by field: each one is there just where its label is permitted, whatever the mask.</summary>
    [Fact]
    public void Every_field_of_a_look_up_is_shown_by_its_own_label_for_every_mask()
    {
        ClassSet[] labels = [ClassSet.Of(Wire.ConfidentialityClass.Identity), ClassSet.Of(Contact), ClassSet.Of(ConfidentialityClass_Household), ClassSet.Of(Involvement)];
        for (var mask = 0; mask < 16; mask++)
        {
            var visible = ClassSet.None;
            for (var at = 0; at < labels.Length; at++)
                visible |= (mask & (1 << at)) != 0 ? labels[at] : ClassSet.None;
            var household = Redacted(Household(), visible);

            Assert.Equal(visible.Contains(ConfidentialityClass_Household) ? 2 : 0, household.Members.Count);
            Assert.Equal(visible.Contains(ConfidentialityClass_Household) ? 2 : 0, household.Relatives.Count);
            Assert.Equal(visible.Contains(Involvement) ? 1 : 0, household.Involvements.Count);
            foreach (var person in household.Members.Select(m => m.Person).Concat(household.Relatives.Select(r => r.Person)).Append(household.Person))
            {
                string[] identity = [person.PersonId, person.NationalId, person.Name, person.RomanizedName, person.BirthDate];
                Assert.All(identity, text => Assert.Equal(visible.Contains(Wire.ConfidentialityClass.Identity), text.Length != 0));
                Assert.Equal(visible.Contains(Wire.ConfidentialityClass.Identity), person.Sex != Wire.Sex.Unspecified);
                Assert.All((string[])[person.Address, person.Phone], text => Assert.Equal(visible.Contains(Contact), text.Length != 0));
            }
        }
    }

    [Fact]
    public void A_fact_whose_class_may_not_be_seen_leaves_the_referral_as_a_whole()
    {
        var referral = Redacted(Referral(), ClassSet.Of(Wire.ConfidentialityClass.Identity, PublicStatus, EducationRecord));

        Assert.Equal([EducationRecord], referral.Facts.Select(f => f.ConfidentialityClass));
        Assert.Equal("缺課", referral.Facts[0].Text);
        Assert.Equal(2, referral.Moves.Count);
        Assert.All(referral.Moves, move => Assert.True(move is { Remark: "", UnitId: "tpe-wanhua-swc", MovedAt: not null }));
        Assert.Equal("臺北", Referral().Subjects[0].Address);
        Assert.Equal("", referral.Subjects[0].Address);
    }

    [Fact]
    [Trait("Rule", "R-NTK-4")]
    public void A_referrer_who_sees_the_status_only_gets_no_content_of_the_referral()
    {
        var referral = Redacted(Referral(), ClassSet.Of(PublicStatus));

        Assert.Empty(referral.Facts);
        Assert.Empty(referral.Services);
        Assert.Equal(new Wire.ReferralSubject(), Assert.Single(referral.Subjects));
        Assert.Equal(Wire.SourceSystem.Unspecified, referral.SourceSystem);
        Assert.Equal(Wire.ReferralState.Closed, referral.State);
        Assert.Equal(Wire.ReferralOutcome.GoalsMet, referral.Outcome);
        Assert.Equal("etag", referral.Etag);
    }

    [Theory]
    [InlineData(Unspecified)]
    [InlineData((Wire.ConfidentialityClass)99)]
    public void A_text_whose_class_is_unset_or_unknown_is_hidden_from_everyone(Wire.ConfidentialityClass one)
    {
        var referral = Referral();
        referral.Facts[0].ConfidentialityClass = one;

        Assert.Equal([MentalHealth], Redacted(referral, ClassSet.All).Facts.Select(f => f.ConfidentialityClass));
    }

    [Fact]
    [Trait("Rule", "R-NTK-8")]
    public void A_note_needs_its_label_and_its_own_class()
    {
        Assert.Equal("晤談", Redacted(Answer(), ClassSet.Of(CaseNote, MentalHealth)).Note.Text);
        Assert.Equal("", Redacted(Answer(), ClassSet.Of(CaseNote)).Note.Text);
        // The class is cleared with the label CASE_NOTE, but had its say on the text before.
        Assert.Equal(new Wire.CaseNote { NoteId = "n", Shares = { new Wire.NoteShare { UnitId = "u" } } }, Redacted(Answer(), ClassSet.Of(MentalHealth)).Note);

        static Wire.CreateNoteResponse Answer() => new()
        {
            Note = new Wire.CaseNote
            {
                NoteId = "n", Text = "晤談", ConfidentialityClass = MentalHealth, AuthorUnitId = "a", Shares = { new Wire.NoteShare { UnitId = "u" } },
            },
        };
    }

    [Fact]
    [Trait("Rule", "R-NTK-8")]
    public void Notes_that_may_not_be_read_are_left_out_and_the_others_keep_their_order()
    {
        var answer = new Wire.ListNotesResponse { NextPageToken = "t" };
        foreach (var (id, one) in (ReadOnlySpan<(string, Wire.ConfidentialityClass)>)[("1", Economic), ("2", MentalHealth), ("3", Economic), ("4", Suicide)])
            answer.Notes.Add(new Wire.CaseNote { NoteId = id, Text = "文", ConfidentialityClass = one });

        Assert.Equal(["1", "3"], Redacted(answer, ClassSet.Of(CaseNote, Economic)).Notes.Select(n => n.NoteId));
        Assert.Equal("t", answer.NextPageToken);
        Assert.Empty(Redacted(answer, ClassSet.Of(Economic)).Notes);
    }

    [Fact]
    [Trait("Abuse", "B48")]
    public void A_field_without_a_label_is_hidden_even_where_everything_may_be_seen()
    {
        var plan = RedactionPlan.Compile(
            Wire.LookUpHouseholdResponse.Descriptor,
            field => field.Name is "phone" or "grade" ? new FieldLabel(Class: null, ClassField: "") : FieldLabel.Of(field));
        var household = Household();
        plan.Redact(household, ClassSet.All);

        Assert.Equal("", household.Person.Phone);
        Assert.Equal("", household.Members[1].Person.Phone);
        Assert.Equal(Wire.InvolvementGrade.Unspecified, household.Involvements[0].Grade);
        Assert.Equal(Person(0).Address, household.Person.Address);
    }

    [Fact]
    [Trait("Abuse", "B48")]
    public void A_text_whose_class_field_is_not_there_is_hidden()
    {
        var plan = RedactionPlan.Compile(
            Wire.ReferralFact.Descriptor, field => field.Name == "text" ? new FieldLabel(Class: null, ClassField: "gone") : FieldLabel.Of(field));
        var fact = new Wire.ReferralFact { ConfidentialityClass = Economic, Text = "文" };
        plan.Redact(fact, ClassSet.All);

        Assert.Equal("", fact.Text);
    }

    [Fact]
    public void An_alternative_that_is_hidden_leaves_the_other_alternatives_alone()
    {
        var byPseudonym = new Wire.ListAccessesRequest { Pseudonym = "p" };
        Assert.Equal("p", Redacted(byPseudonym, ClassSet.None).Pseudonym);
        Assert.Equal(
            Wire.ListAccessesRequest.SubjectOneofCase.None, Redacted(new Wire.ListAccessesRequest { NationalId = "A123456789" }, ClassSet.None).SubjectCase);
    }

    [Fact]
    public void A_type_tells_which_classes_its_answers_can_carry()
    {
        var household = RedactionPlan.For(Wire.LookUpHouseholdResponse.Descriptor);
        Assert.Equal(ClassSet.Of(NotPersonal, Wire.ConfidentialityClass.Identity, Contact, ConfidentialityClass_Household, Involvement), household.Carries);
        Assert.False(household.CarriesText);

        var referral = RedactionPlan.For(Wire.GetReferralResponse.Descriptor);
        Assert.Equal(ClassSet.Of(NotPersonal, PublicStatus, Wire.ConfidentialityClass.Identity, Contact, CaseNote), referral.Carries);
        Assert.True(referral.CarriesText);
        Assert.Same(referral, RedactionPlan.For(Wire.GetReferralResponse.Descriptor));
    }

    [Fact]
    public void Redacting_again_changes_nothing_and_leaves_the_plain_ids()
    {
        var referral = Redacted(Referral(), ClassSet.None);
        var again = referral.Clone();
        Assert.Equal(referral, Redacted(again, ClassSet.None));
        Assert.Equal("r", referral.ReferralId);
        Assert.Equal("", referral.FromUnitId);
    }

    // `Household` is the message here, and the class where it is compared.
    private const Wire.ConfidentialityClass ConfidentialityClass_Household = Wire.ConfidentialityClass.Household;

    private static T Redacted<T>(T message, ClassSet visible)
        where T : Google.Protobuf.IMessage<T>
    {
        RedactionPlan.For(message.Descriptor).Redact(message, visible);
        return message;
    }

    private static Wire.Person Person(int number) => new()
    {
        PersonId = $"p{number}",
        NationalId = "A123456789",
        Name = "測試甲",
        RomanizedName = "Ceshi",
        Sex = Wire.Sex.Female,
        BirthDate = "2015-01-02",
        Address = "臺北市萬華區測試路1號",
        Phone = "0912345678",
    };

    private static Wire.LookUpHouseholdResponse Household() => new()
    {
        Person = Person(0),
        Members = { new Wire.HouseholdMember { Person = Person(1), Role = "長女" }, new Wire.HouseholdMember { Person = Person(2), Role = "長女" } },
        Relatives =
        {
            new Wire.Relative { Person = Person(3), Kinship = Wire.Kinship.Parent, SameHousehold = true },
            new Wire.Relative { Person = Person(4), Kinship = Wire.Kinship.Parent, SameHousehold = true },
        },
        Involvements =
        {
            new Wire.Involvement
            {
                Grade = Wire.InvolvementGrade.Unit, AgencyKind = Wire.AgencyKind.Labor, UnitId = "tpe-employment", ContactWindow = "02-0000-0000", Primary = true,
            },
        },
        Disclosure = new Wire.Disclosure { DecisionId = "d", ShownClasses = { Wire.ConfidentialityClass.Identity } },
    };

    private static Wire.Referral Referral() => new()
    {
        ReferralId = "r",
        State = Wire.ReferralState.Closed,
        FromUnitId = "tpe-wanhua-school",
        ToUnitId = "tpe-wanhua-swc",
        Subjects = { new Wire.ReferralSubject { PersonId = "p", NationalId = "A123456789", Name = "測試甲", BirthDate = "2015-01-02", Phone = "09", Address = "臺北" } },
        Services = { Wire.Article6Service.CareVisit },
        Facts =
        {
            new Wire.ReferralFact { ConfidentialityClass = EducationRecord, Text = "缺課" },
            new Wire.ReferralFact { ConfidentialityClass = MentalHealth, Text = "情緒低落" },
        },
        SourceSystem = Wire.SourceSystem.CampusSafety,
        CaseId = "c",
        Protective = true,
        CreatedAt = new Timestamp { Seconds = 1 },
        Moves = { Move(), Move() },
        DeclineReason = Wire.DeclineReason.NoCapacity,
        ProposedUnitId = "x",
        Outcome = Wire.ReferralOutcome.GoalsMet,
        Etag = "etag",
    };

    private static Wire.ReferralMove Move() => new()
    {
        Action = Wire.ReferralAction.Close,
        State = Wire.ReferralState.Closed,
        MovedAt = new Timestamp { Seconds = 2 },
        UnitId = "tpe-wanhua-swc",
        PersonId = "w1",
        Remark = "已訪視",
    };
}
