using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Households;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Households;

/// <summary>What a look-up tells of who serves the household, and whom it tells of itself.</summary>
[Trait("Rule", "R-HH-6")]
public sealed class InvolvementTests(TestExchange exchange) : WireTests(exchange)
{
    private static readonly InvolvementRules Rules = InvolvementRules.Default;

    [Fact]
    public void Each_kind_of_unit_is_told_as_plainly_as_its_service_is_sensitive()
    {
        foreach (var unit in EveryKind())
        {
            var isProtective = unit.Kind is Wire.UnitKind.ProtectionCenter or Wire.UnitKind.WomenChildrenPolice;
            var plain = unit.Kind == Wire.UnitKind.ProsecutorsOffice ? ShownGrade.None
                : isProtective ? ShownGrade.Protected
                : unit.Agency.Kind is Wire.AgencyKind.Health or Wire.AgencyKind.Justice ? ShownGrade.System : ShownGrade.Unit;
            Assert.Equal((plain, isProtective ? ShownGrade.None : plain), (Rules.GradeOf(unit, () => false), Rules.GradeOf(unit, () => true)));
        }
    }

    [Fact]
    public void Each_kind_of_unit_is_told_of_unless_a_rule_keeps_its_look_up()
    {
        foreach (var unit in EveryKind())
        foreach (var basis in Enum.GetValues<Wire.LegalBasis>())
        {
            var isProtective = unit.Kind is Wire.UnitKind.ProtectionCenter or Wire.UnitKind.WomenChildrenPolice;
            var always = basis == Wire.LegalBasis.CriminalCase || unit.Agency.Kind == Wire.AgencyKind.Justice;
            Assert.Equal((always || isProtective, always), (Rules.IsSilent(basis, unit, isInCase: false), Rules.IsSilent(basis, unit, isInCase: true)));
        }
    }

    [Theory]
    [InlineData("\"grade\": \"UNIT\"", "\"grade\": \"UNITS\"")]
    [InlineData("\"grade\": \"UNIT\"", "\"grade\": 3")]
    [InlineData("\"grade\": \"UNIT\"", "\"unitKinds\": [\"SCHOOL\"], \"grade\": \"UNIT\"")]
    [InlineData("\"unitKinds\": [\"PROSECUTORS_OFFICE\"],", "")]
    [InlineData("\"bases\": [\"CRIMINAL_CASE\"]", "\"bases\": []")]
    [InlineData("\"bases\": [\"CRIMINAL_CASE\"]", "\"basis\": [\"CRIMINAL_CASE\"]")]
    [InlineData("\"id\": \"INV-4\"", "\"id\": \"INV-3\"")]
    public void A_file_of_rules_with_a_mistake_is_not_taken(string right, string wrong)
    {
        using var stream = typeof(InvolvementRules).Assembly.GetManifestResourceStream(InvolvementRules.File)!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var json = reader.ReadToEnd();
        Assert.Contains(right, json, StringComparison.Ordinal);
        var refused = Assert.ThrowsAny<Exception>(() => InvolvementRules.Parse(Encoding.UTF8.GetBytes(json.Replace(right, wrong, StringComparison.Ordinal))));
        Assert.True(refused is JsonException or InvalidDataException, refused.ToString());
    }

    [Fact]
    [Trait("Rule", "R-NTK-10")]
    public async Task Bug_who_serves_the_other_party_was_told_that_a_protective_service_is_at_work_in_the_household()
    {
        var family = Some.Family();
        var opened = await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child))).ReferralId, family.Mother.Id, family.Grandparent.Id);
        await The.Centre.AsksInAsync(opened.CaseId, The.ProtectionCentre, Wire.Article6Service.CareVisit);
        await The.ProtectionCentre.JoinsAsync(opened.CaseId);
        await The.Centre.AsksInAsync(opened.CaseId, The.WanhuaCentre, Wire.Article6Service.CareVisit);
        await The.WanhuaCentre.JoinsAsync(opened.CaseId);
        var id = family.Child.NationalId.Canonical;
        Assert.Equal([Wire.InvolvementGrade.Unit, Wire.InvolvementGrade.Protected], await GradesAsync());

        await The.Centre.MarksOtherPartyAsync(opened.CaseId, family.Grandparent.NationalId.Canonical);
        Assert.Equal([Wire.InvolvementGrade.Unit], await GradesAsync());
        await The.Centre.MarksOtherPartyAsync(opened.CaseId, family.Grandparent.NationalId.Canonical, lifted: true);
        Assert.Equal([Wire.InvolvementGrade.Unit, Wire.InvolvementGrade.Protected], await GradesAsync());

        async Task<IEnumerable<Wire.InvolvementGrade>> GradesAsync() =>
            (await The.WanhuaCentre.LooksUpAsync(id, inCase: opened.CaseId)).Involvements.Select(pointer => pointer.Grade).Order();
    }

    [Fact]
    public async Task A_protective_service_looks_up_unheard_until_it_takes_part_in_the_case()
    {
        var family = Some.Family();
        var opened = await The.Centre.OpensCaseAsync((await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child))).ReferralId);
        var sent = await The.ProtectionCentre.TakesInAsync(The.School, Some.SubjectOf(family.Child));
        var id = family.Child.NationalId.Canonical;
        var health = await The.MentalHealthCentre.TakesInAsync(The.School, Some.SubjectOf(family.Child), Wire.Article6Service.MentalHealth);

        Assert.NotEmpty((await The.ProtectionCentre.LooksUpAsync(id, referral: sent.ReferralId)).Involvements);
        Assert.Empty(Heard());
        Assert.NotEmpty((await The.MentalHealthCentre.LooksUpAsync(id, referral: health.ReferralId)).Involvements);
        Assert.Equal([The.MentalHealthCentre.UnitId], Heard());

        await The.Centre.AsksInAsync(opened.CaseId, The.ProtectionCentre, Wire.Article6Service.CareVisit);
        await The.ProtectionCentre.JoinsAsync(opened.CaseId);
        await The.ProtectionCentre.LooksUpAsync(id, inCase: opened.CaseId);
        Assert.Equal([The.MentalHealthCentre.UnitId, The.ProtectionCentre.UnitId], Heard().Order(StringComparer.Ordinal));

        IEnumerable<string> Heard() => Exchange.NoticesAbout(The.Centre.UnitId, opened.CaseId).Where(notice => notice.Item1 == Wire.NoticeKind.HouseholdLookedUp).Select(notice => notice.Item2);
    }

    private static IEnumerable<Unit> EveryKind() =>
        from agency in Enum.GetValues<Wire.AgencyKind>()
        from unit in Enum.GetValues<Wire.UnitKind>()
        select new Unit("u", new Agency("a", Wire.Jurisdiction.Tpe, agency, "", FrozenSet<Wire.ConfidentialityClass>.Empty, IsActive: true), unit, IsActive: true, FrozenSet<string>.Empty, new Wire.Unit());
}
