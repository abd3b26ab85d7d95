using System.Text.Json.Nodes;
using SafetyNet.Exchange.Sandbox.Population;
using SafetyNet.Exchange.Server.Misuse;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Misuse;

/// <summary>What officers and workers do about misuse, as one line each.</summary>
internal static class MisuseMoves
{
    public const string Why = "經調閱排班紀錄並訪談當事人員，認定如處理結果所載。";

    /// <summary>An exchange of one's own with small thresholds, in the morning of a working day.</summary>
    public static async Task<TestExchange> StartAtWorkAsync(string? folder = null, Server.Pipeline.CallLimits? limits = null)
    {
        using var stream = typeof(MisuseRules).Assembly.GetManifestResourceStream("misuse-rules.json")!;
        var rules = (await JsonNode.ParseAsync(stream))!.AsObject();
        rules["rules"]![3]!["parameters"]!["days"] = 2;
        var volume = rules["rules"]![4]!["parameters"]!;
        (volume["leastPersons"], volume["deviations"], volume["leastPeers"]) = (5, 2, 3);
        var path = Path.Combine(Directory.CreateTempSubdirectory("safetynet-misuse-").FullName, "misuse-rules.json");
        await File.WriteAllTextAsync(path, rules.ToJsonString());
        var exchange = await TestExchange.StartAsync(limits, folder, misuse: new MisuseSettings { RulesPath = path });
        if (folder is null) exchange.AdvanceToHour(10);
        return exchange;
    }

    /// <summary>Goes on to the next Tuesday, Wednesday or Thursday at an hour in Taiwan; a public holiday among them would have to be told of here.</summary>
    public static void AdvanceToHour(this TestExchange exchange, int hour)
    {
        var local = exchange.Clock.GetUtcNow().ToOffset(TimeSpan.FromHours(8));
        var next = new DateTimeOffset(local.Date, TimeSpan.FromHours(8)).AddHours(hour);
        var calendar = Server.Calendar.WorkingDays.Load("");
        while (next <= local || !calendar.IsWorkingDay(CivilDate.InTaiwan(next))) next = next.AddDays(1);
        exchange.Clock.Advance(next - local);
    }

    /// <summary>A case of the centre on a person, just taken in.</summary>
    public static async Task<string> HasCaseOnAsync(this The the, SyntheticPerson person) =>
        (await the.Centre.OpensCaseAsync((await the.Centre.TakesInAsync(the.School, Some.SubjectOf(person))).ReferralId)).CaseId;

    public static async Task RegistersAsync(this Party officer, string agency, string staff, string nationalId, bool ended = false) =>
        await officer.AskAsync(to => to.Misuse.RegisterStaffAsync(new()
        {
            Context = officer.Context(), RequestId = Some.RequestId(), AgencyCode = agency, StaffNumber = staff, NationalId = nationalId, Ended = ended,
        }));

    public static async Task<string> PlantsAsync(this Party officer, string nationalId) =>
        (await officer.AskAsync(to => to.Misuse.PlantCanaryAsync(new() { Context = officer.Context(), RequestId = Some.RequestId(), NationalId = nationalId }))).CanaryId;

    public static async Task WithdrawsAsync(this Party officer, string canaryId) =>
        await officer.AskAsync(to => to.Misuse.WithdrawCanaryAsync(new() { Context = officer.Context(), RequestId = Some.RequestId(), CanaryId = canaryId }));

    /// <summary>Scans the log, and lists what was found so far.</summary>
    public static async Task<IReadOnlyList<Wire.Finding>> FindsAsync(this Party officer, TestExchange exchange, Wire.MisuseRuleId rule = default)
    {
        await exchange.Composition.Misuse.ScanAsync(CancellationToken.None);
        return await officer.ListsFindingsAsync(new() { Context = officer.Context(), Rule = rule, PageSize = 200 });
    }

    public static async Task<IReadOnlyList<Wire.Finding>> ListsFindingsAsync(this Party officer, Wire.ListFindingsRequest request)
    {
        var all = new List<Wire.Finding>();
        do
        {
            var page = await officer.AskAsync(to => to.Misuse.ListFindingsAsync(request));
            all.AddRange(page.Findings);
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        return all;
    }

    public static Task<Wire.GetFindingResponse> GetsFindingAsync(this Party officer, string findingId) =>
        officer.AskAsync(to => to.Misuse.GetFindingAsync(new() { Context = officer.Context(), FindingId = findingId }));

    public static Wire.DisposeFindingRequest Disposing(Party officer, string findingId, Wire.FindingState state, bool correction = false, string note = Why) => new()
    {
        Context = officer.Context(), RequestId = Some.RequestId(), FindingId = findingId, State = state, Correction = correction, Note = note,
    };

    public static Task<Wire.DisposeFindingResponse> DisposesAsync(this Party officer, string findingId, Wire.FindingState state, bool correction = false) =>
        officer.AskAsync(to => to.Misuse.DisposeFindingAsync(Disposing(officer, findingId, state, correction)));

    public static Task<Wire.ListMisuseRulesResponse> ListsRulesAsync(this Party officer) =>
        officer.AskAsync(to => to.Misuse.ListMisuseRulesAsync(new() { Context = officer.Context() }));

    public static string PseudonymOf(this TestExchange exchange, SyntheticPerson person) => exchange.Composition.Vault.Pseudonyms.OfNationalId(person.NationalId.Canonical);
}
