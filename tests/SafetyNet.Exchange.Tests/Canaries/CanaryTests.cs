using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Pipeline;

namespace SafetyNet.Exchange.Tests.Canaries;

/// <summary>No sensitive value leaves but in a permitted answer, whatever is logged and whatever fails (R-AUD-6, B71).</summary>
[Trait("Rule", "R-AUD-6")]
[Trait("Abuse", "B71")]
public sealed class CanaryTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    public async Task No_canary_is_in_logs_refusals_trailers_traces_metrics_or_files_even_when_everything_fails()
    {
        var canaries = new CanarySet();
        using var heard = new Eavesdropper();
        var own = await TestExchange.StartAsync(isTraced: true);
        var before = ServerOutput.Lines.Count;
        var the = new The(own);

        await LiveThroughAsync(the, canaries);
        await AskEverythingAsync(the, canaries, heard);
        Assert.True(heard.Answered > 5 && heard.Refused > 60, $"{heard.Answered} answered, {heard.Refused} refused");

        // Rows cannot be read any more, then not be written, then the store takes nothing at all.
        own.Query("ALTER TABLE person RENAME TO person_lost", _ => 0);
        own.Query("ALTER TABLE referral RENAME TO referral_lost", _ => 0);
        await AskEverythingAsync(the, canaries, heard);
        own.Query("ALTER TABLE person_lost RENAME TO person", _ => 0);
        own.Query("ALTER TABLE referral_lost RENAME TO referral", _ => 0);
        own.Query("ALTER TABLE request_key RENAME TO request_key_lost", _ => 0);
        await AskEverythingAsync(the, canaries, heard);
        own.Composition.Commits.Refuse(new InvalidOperationException("closed by the test"));
        await AskEverythingAsync(the, canaries, heard);
        Assert.Contains(heard.Heard, h => h.Text.Contains("INTERNAL", StringComparison.Ordinal));
        Assert.Contains(heard.Heard, h => h.Text.Contains("AUDIT_UNAVAILABLE", StringComparison.Ordinal));

        var lines = ServerOutput.Lines.Skip(before).ToList();
        Assert.Contains(lines, line => line.StartsWith("Verbose ", StringComparison.Ordinal));
        Assert.NotEmpty(ServerOutput.TakeErrors());
        foreach (var line in lines) AssertNone(canaries.FoundIn(line), "operating log", line);
        Assert.Contains(heard.Heard, h => h.Where == "trace");
        foreach (var (where, text) in heard.Heard) AssertNone(canaries.FoundIn(text), where, text);
        AssertFiles(canaries, own.Folder);
        await own.StopAsync();
        AssertFiles(canaries, own.Folder);
        Assert.Empty(Directory.EnumerateFiles(Path.GetTempPath(), "etilqs_*"));
        ServerOutput.TakeErrors();

        void AssertNone(IEnumerable<string> found, string where, string text) => Assert.All(found, value => Assert.Fail($"{canaries.Values[value]} stands in the {where}: {text}"));
    }

    [Fact]
    public void Every_sensitive_text_of_every_request_gets_a_canary()
    {
        var canaries = new CanarySet();
        foreach (var method in Contract.Methods.All) Assert.NotEmpty(canaries.Requests(method.Input, Contract.Context(), isWellFormed: false).ToList());
        var filled = canaries.Values.Values.ToHashSet(StringComparer.Ordinal);
        Assert.Superset(
            new HashSet<string>(StringComparer.Ordinal)
            {
                "ReferralSubject.national_id", "ReferralSubject.name", "ReferralSubject.birth_date", "ReferralSubject.phone", "ReferralSubject.address", "ReferralFact.text",
                "CreateNoteRequest.text", "NameAndBirthDate.name", "NameAndBirthDate.district", "LookUpHouseholdRequest.national_id", "LookUpKey.national_id", "LookUpKey.name", "LookUpKey.birth_date", "ListAccessesRequest.national_id",
                "AcceptReferralRequest.remark", "OpenCaseRequest.person_ids", "GetReferralRequest.context.justification",
            }, filled);
    }

    [Fact]
    public void A_canary_is_found_in_every_writing()
    {
        var canaries = new CanarySet();
        var value = canaries.New("test");
        foreach (var bytes in (byte[][])[System.Text.Encoding.UTF8.GetBytes(value), System.Text.Encoding.Unicode.GetBytes(value), Convert.FromHexString(value)])
        {
            Assert.Equal([value], canaries.FoundIn((byte[])[1, 2, .. bytes, 3]));
            Assert.Equal([value], canaries.FoundIn($"x{System.Text.Encoding.Latin1.GetString(System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String([9, .. System.Text.Encoding.UTF8.GetBytes(value), 9])))}"));
        }

        Assert.Empty(canaries.FoundIn("nothing of it"));
    }

    /// <summary>The whole story with a canary in every text that somebody writes.</summary>
    private static async Task LiveThroughAsync(The the, CanarySet canaries)
    {
        var subject = Some.Stranger();
        (subject.Name, subject.Phone, subject.Address) = (canaries.New("story name"), canaries.New("story phone"), canaries.New("story address"));
        var request = Some.Referral(the.School, the.Centre.UnitId, subject);
        request.View = Some.View(Wire.ConfidentialityClass.Economic);
        request.Facts.Add(Some.Fact(Wire.ConfidentialityClass.Economic, canaries.New("story fact")));
        request.Context.Justification = canaries.New("story justification");
        var id = (await the.School.RefersAsync(request)).ReferralId;
        await the.Centre.EmptiesInboxAsync();
        await the.Centre.MovesAsync(Wire.ReferralAction.See, id, remark: canaries.New("story remark"));
        await the.Centre.MovesAsync(Wire.ReferralAction.Return, id, remark: canaries.New("story return"));
        await the.School.AskAsync(to => to.Referrals.ResubmitReferralAsync(new()
        {
            Context = the.School.Context(), RequestId = Some.RequestId(), ReferralId = id, Facts = { Some.Fact(Wire.ConfidentialityClass.Economic, canaries.New("story second fact")) },
        }));
        await the.Centre.MovesAsync(id, Wire.ReferralAction.See, Wire.ReferralAction.Accept);
        var opened = await the.Centre.OpensCaseAsync(id);
        await the.Centre.AsksInAsync(opened.CaseId, the.Labor, Wire.Article6Service.EmploymentGuidance);
        await the.Labor.JoinsAsync(opened.CaseId);
        await the.Centre.WritesAsync(the.Centre.Note(opened.CaseId, Wire.ConfidentialityClass.CaseNote, canaries.New("story note"),
            new Wire.NoteShare { UnitId = the.Labor.UnitId, LegalBasis = Wire.LegalBasis.Article6IntegratedService }));
        Assert.Single((await the.Labor.ReadsNotesAsync(opened.CaseId)).Notes);
        await the.Centre.LooksUpAsync(subject.NationalId, inCase: opened.CaseId);
        await the.Centre.AskAsync(to => to.Households.LookUpHouseholdAsync(new()
        {
            Context = the.Centre.Context(inCase: opened.CaseId), NameAndBirthDate = new() { Name = subject.Name, BirthDate = subject.BirthDate },
        }));
    }

    /// <summary>Every method: in good form; with a canary where an id or a date belongs; with one in place of staff number and unit; for a purpose it is not for.</summary>
    private static async Task AskEverythingAsync(The the, CanarySet canaries, Eavesdropper heard)
    {
        foreach (var method in Contract.Methods.All)
        {
            var by = method.Scope is "audit.read" or "audit.reveal" or "misuse.review" ? the.Officer : the.Centre;
            var (name, context) = ($"{method.Service}/{method.Name}", by.Context());
            var astray = context.Clone();
            astray.Purpose = Wire.Purpose.Statistics;
            // Somebody typed a name where a staff number belongs, or a unit's id.
            var (named, masked) = (context.Clone(), context.Clone());
            named.Actor.PersonId = $"{canaries.New($"{name} staff number")} 王";
            masked.Actor.UnitId = $"{canaries.New($"{name} unit")} 王";
            foreach (var (one, isWellFormed) in ((Wire.AccessContext, bool)[])[(context, true), (context, false), (astray, true), (named, true), (masked, true)])
                foreach (var request in canaries.Requests(method.Input, one, isWellFormed))
                    await heard.CallAsync(by, name, request);
        }
    }

    private static void AssertFiles(CanarySet canaries, string folder)
    {
        var files = Eavesdropper.Files(folder).ToList();
        Assert.Contains(files, f => f.File.EndsWith("exchange.db", StringComparison.Ordinal));
        foreach (var (file, bytes) in files)
            Assert.All(canaries.FoundIn(bytes), value => Assert.Fail($"{canaries.Values[value]} lies in {Path.GetFileName(file)}"));
    }
}
