using SafetyNet.Exchange.Sandbox.Population;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Households;

public sealed class ProtectedHouseholdTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    [Trait("Rule", "R-NTK-10")]
    public async Task Bug_the_protected_address_of_one_was_shown_as_that_of_those_who_live_there_too()
    {
        var family = Some.Family();
        Protect(family.Mother);
        var referral = await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child));

        var seen = await The.Centre.LooksUpAsync(family.Child.NationalId.Canonical, referral: referral.ReferralId);
        Assert.Equal("", seen.Person.Address);
        Assert.NotEmpty(seen.Members);
        Assert.All(seen.Members, member => Assert.Equal("", member.Person.Address));
        Assert.Equal("", Assert.Single((await The.Centre.ReadsAsync(referral.ReferralId)).Subjects).Address);
    }

    [Fact]
    [Trait("Rule", "R-NTK-10")]
    public async Task Bug_the_district_of_a_protected_person_could_be_found_by_trying_districts()
    {
        var family = Some.Family();
        Protect(family.Child);
        var referral = await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child));
        var (right, wrong) = (ByName(family.Child, family.Home.District, referral.ReferralId), ByName(family.Child, "無此區", referral.ReferralId));

        Assert.Equal(
            (await The.Centre.AskAsync(to => to.Households.LookUpHouseholdAsync(right))).Person.NationalId,
            (await The.Centre.AskAsync(to => to.Households.LookUpHouseholdAsync(wrong))).Person.NationalId);
    }

    private Wire.LookUpHouseholdRequest ByName(SyntheticPerson person, string district, string referral) => new()
    {
        Context = The.Centre.Context(referral: referral),
        NameAndBirthDate = new Wire.NameAndBirthDate { Name = person.Name, BirthDate = $"{person.BirthDate:yyyy-MM-dd}", District = district },
    };

    private void Protect(SyntheticPerson person)
    {
        using var database = Exchange.OpenDatabase();
        using var command = database.CreateCommand();
        command.CommandText = "UPDATE person SET is_protected = 1 WHERE person_id = $id";
        command.Parameters.AddWithValue("$id", person.Id.ToByteArray(bigEndian: true));
        Assert.Equal(1, command.ExecuteNonQuery());
    }
}
