using System.Text;
using Google.Protobuf;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ReferralAction;

namespace SafetyNet.Exchange.Tests.Audit;

public sealed class SecrecyTests(TestExchange exchange) : WireTests(exchange)
{
    private const string Fact = "canary-fact 失業九個月積欠午餐費";
    private const string Remark = "canary-remark 母親情緒低落已轉知";
    private const string Note = "canary-note 入睡困難常自責";
    private const string Justification = "canary-reason 導師當面請託協助查明";

    [Fact]
    [Trait("Rule", "R-AUD-6")]
    [Trait("Rule", "R-HH-5")]
    public async Task No_personal_value_is_in_the_log_the_records_or_any_file()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var family = Some.Family();
        var stranger = Some.Stranger();
        (stranger.Name, stranger.Address, stranger.Phone) = ("柯南瑞", "秘密路九十九號之七", "0900-987-321");
        await LiveThroughAsync(the, family, stranger);

        var people = family.Home.Members.Append(family.Grandparent).ToList();
        string[] secrets =
        [
            Fact, Remark, Note, Justification, stranger.NationalId, stranger.Name, stranger.Address, stranger.Phone, family.Home.Address,
            .. people.SelectMany(p => (string[])[p.NationalId.Canonical, p.Name, p.Phone]),
        ];

        Assert.All(own.RecordsFrom(0), record => AssertWithout(secrets, JsonFormatter.Default.Format(record), "record"));
        Assert.All(ServerOutput.Lines, line => AssertWithout(secrets, line, "operating log"));
        AssertFilesWithout(secrets, own.Folder);
        await own.StopAsync();
        AssertFilesWithout(secrets, own.Folder);
    }

    private static async Task LiveThroughAsync(The the, Family family, Wire.ReferralSubject stranger)
    {
        var request = Some.Referral(the.School, the.Centre.UnitId, Some.SubjectOf(family.Child, family.Home));
        request.Subjects.Add(stranger);
        request.View = Some.View(Wire.ConfidentialityClass.Economic);
        request.Facts.Add(Some.Fact(Wire.ConfidentialityClass.Economic, Fact));
        request.Context.Justification = Justification;
        var id = (await the.School.RefersAsync(request)).ReferralId;
        await the.Centre.EmptiesInboxAsync();
        await the.Centre.MovesAsync(See, id, remark: Remark);
        Assert.Equal(Fact, (await the.Centre.MovesAsync(Accept, id)).Facts.Single().Text);
        var lookUp = the.Centre.LookUp(family.Child.NationalId.Canonical, referral: id);
        lookUp.Context.Justification = Justification;
        await the.Centre.AskAsync(to => to.Households.LookUpHouseholdAsync(lookUp));
        var opened = await the.Centre.OpensCaseAsync(id, family.Mother.Id);
        await the.Centre.WritesAsync(the.Centre.Note(opened.CaseId, Wire.ConfidentialityClass.CaseNote, Note));
        await the.Police.AskInVainAsync(to => to.Households.LookUpHouseholdAsync(the.Police.LookUp(family.Child.NationalId.Canonical, inCase: opened.CaseId)));
        // Refused for what is in personal fields, which must not come back by way of the refusal either.
        var broken = request.Clone();
        (broken.RequestId, broken.Subjects[0].BirthDate) = (Some.RequestId(), "2014-02-30");
        await the.School.AskInVainAsync(to => to.Referrals.CreateReferralAsync(broken));
    }

    private static void AssertFilesWithout(IReadOnlyCollection<string> secrets, string folder)
    {
        // The lock of the running server is empty, and nobody may open it.
        var files = Directory.GetFiles(folder).Where(f => !f.EndsWith("exchange.db.lock", StringComparison.Ordinal) || new FileInfo(f).Length > 0).ToArray();
        Assert.Contains(files, f => f.EndsWith("exchange.db", StringComparison.Ordinal));
        foreach (var file in files)
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            foreach (var secret in secrets)
                foreach (var encoding in (Encoding[])[Encoding.UTF8, Encoding.Unicode, Encoding.BigEndianUnicode])
                    Assert.True(bytes.AsSpan().IndexOf(encoding.GetBytes(secret)) < 0, $"{Path.GetFileName(file)} holds '{secret}' in {encoding.WebName}");
        }
    }

    private static void AssertWithout(IEnumerable<string> secrets, string text, string where) =>
        Assert.All(secrets, secret => Assert.False(text.Contains(secret, StringComparison.Ordinal), $"the {where} holds '{secret}': {text}"));
}
