using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Households;

/// <summary>However an id is written, it is one person; what only looks like one is refused (R-HH-1, B23).</summary>
[Trait("Rule", "R-HH-1")]
[Trait("Abuse", "B23")]
public sealed class OneIdOnePersonTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    public async Task Referrals_and_look_ups_in_every_accepted_spelling_meet_one_person()
    {
        var child = Some.Stranger();
        var id = child.NationalId;
        string[] spellings = [id, id.ToLowerInvariant(), FullWidth(id), FullWidth(id.ToLowerInvariant()), id[..1].ToLowerInvariant() + FullWidth(id[1..])];
        var before = Persons();
        var found = new List<string>();
        foreach (var written in spellings)
        {
            var subject = child.Clone();
            subject.NationalId = written;
            var referral = await The.Centre.TakesInAsync(The.School, subject);
            foreach (var asked in spellings)
            {
                var answer = await The.Centre.LooksUpAsync(asked, referral: referral.ReferralId);
                Assert.Equal(id, answer.Person.NationalId);
                found.Add(answer.Person.PersonId);
            }

            found.AddRange((await The.Centre.LooksUpAllAsync(The.Centre.Context(referral: referral.ReferralId), [.. spellings.Select(asked => new Wire.LookUpKey { NationalId = asked })])).Select(one => one.Found.Person.PersonId));
        }

        Assert.Single(found.Distinct(StringComparer.Ordinal));
        Assert.Equal(before + 1, Persons());
    }

    [Fact]
    public async Task What_looks_like_an_id_and_is_none_makes_nobody()
    {
        var (id, before) = (Some.StrangersId(), Persons());
        var opened = await The.Centre.TakesInAsync(The.School, Some.Stranger());
        before++;
        // Unseen marks, blanks, letters of other scripts, digits of other scripts, superscripts, a letter with a mark.
        string[] lookAlikes =
        [
            id + "\u200B", "\u200E" + id, id[..5] + "\u200D" + id[5..], id[..5] + " " + id[5..], id + "\u00A0", "\uFEFF" + id, "А" + id[1..], "Ζ" + id[1..], id[..^1] + "٣", id[..^1] + "三", id[..^1] + "³", "Á" + id[1..], "Ⓩ" + id[1..],
        ];
        foreach (var written in lookAlikes)
        {
            var subject = Some.Stranger();
            subject.NationalId = written;
            await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.School.RefersAsync(The.Centre, subject));
            await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.Centre.LooksUpAsync(written, referral: opened.ReferralId));
        }

        Assert.All(await The.Centre.LooksUpAllAsync(The.Centre.Context(referral: opened.ReferralId), [.. lookAlikes.Select(written => new Wire.LookUpKey { NationalId = written })]),
            result => Assert.Equal((Wire.ErrorReason.InvalidField, "national_id"), (result.Reason, Assert.Single(result.Fields).Field)));
        Assert.Equal(before, Persons());
    }

    /// <summary>A resident who got a new certificate number is two persons to the exchange until somebody links them: no number tells that it follows another.</summary>
    [Fact]
    [Trait("Rule", "R-HH-7")]
    public async Task The_old_and_the_new_certificate_number_of_one_resident_are_two_persons_until_they_are_linked()
    {
        var (old, now) = (Some.Stranger(), Some.Stranger());
        (old.NationalId, now.NationalId) = (WithCheckDigit("AC0314159"), WithCheckDigit("A80314159"));
        Assert.Equal((NationalIdKind.ResidentOld, NationalIdKind.ResidentNew), (NationalId.Parse(old.NationalId).Kind, NationalId.Parse(now.NationalId).Kind));
        var (first, second) = (await The.Centre.TakesInAsync(The.School, old), await The.Centre.TakesInAsync(The.School, now));
        var (one, other) = (await The.Centre.LooksUpAsync(old.NationalId, referral: first.ReferralId), await The.Centre.LooksUpAsync(now.NationalId, referral: second.ReferralId));
        Assert.NotEqual(one.Person.PersonId, other.Person.PersonId);
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.Centre.LooksUpAsync(now.NationalId, referral: first.ReferralId));
    }

    private static string WithCheckDigit(string nine) => nine + NationalId.ComputeCheckDigit(nine);

    private static string FullWidth(string text) => string.Concat(text.Select(character => (char)(character + 0xFEE0)));

    private long Persons() => Exchange.Query("SELECT count(*) FROM person", reader => reader.GetInt64(0))[0];
}
