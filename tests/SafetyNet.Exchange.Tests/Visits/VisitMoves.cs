using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Visits;

/// <summary>A case with a person who is visited: the welfare centre leads, the mental-health centre serves.</summary>
internal sealed record VisitedCase(string CaseId, string PersonId);

/// <summary>What parties do with visits, as one line each.</summary>
internal static class VisitMoves
{
    public const string Suicide = "SUICIDE_FOLLOW_UP";

    public const string Why = "案主已轉由他轄衛生局接續關懷訪視，雙方於個案研討會確認交接完成";

    /// <summary>A case of the centre in which the mental-health centre serves, and further units.</summary>
    public static async Task<VisitedCase> VisitedAsync(this The the, params Party[] further)
    {
        var opened = await the.Centre.OpensCaseAsync((await the.Centre.TakesInAsync(the.School, Some.Stranger())).ReferralId);
        var inCase = opened.CaseId;
        await the.Centre.AsksInAsync(inCase, the.MentalHealthCentre, Wire.Article6Service.MentalHealth);
        await the.MentalHealthCentre.JoinsAsync(inCase);
        foreach (var unit in further)
        {
            await the.Centre.AsksInAsync(inCase, unit, Wire.Article6Service.EmploymentGuidance);
            await unit.JoinsAsync(inCase);
        }

        return new VisitedCase(inCase, opened.Subjects[0].PersonId);
    }

    public static Wire.AccessContext Visiting(this Party by, string caseId, Wire.LegalBasis basis = Wire.LegalBasis.Article6IntegratedService) =>
        by.Context(Wire.Purpose.CaseCoordination, basis, inCase: caseId);

    public static Wire.StartProtocolRequest Protocol(this Party by, VisitedCase of, string startsOn = "", string protocol = Suicide) => new()
    {
        Context = by.Visiting(of.CaseId), RequestId = Some.RequestId(), CaseId = of.CaseId, PersonId = of.PersonId, Protocol = protocol, StartsOn = startsOn,
    };

    public static async Task<Wire.ProtocolRun> StartsAsync(this Party by, Wire.StartProtocolRequest request) => (await by.AskAsync(to => to.Visits.StartProtocolAsync(request))).Run;

    public static Task<Wire.ProtocolRun> StartsAsync(this Party by, VisitedCase of, string startsOn = "") => by.StartsAsync(by.Protocol(of, startsOn));

    public static Wire.PlanVisitRequest Plan(this Party by, VisitedCase of, string day, string runId = "", Wire.ConfidentialityClass one = Unspecified) => new()
    {
        Context = by.Visiting(of.CaseId), RequestId = Some.RequestId(), CaseId = of.CaseId, PersonId = of.PersonId, PlannedOn = day, RunId = runId, ConfidentialityClass = one,
    };

    public static async Task<Wire.Visit> PlansAsync(this Party by, Wire.PlanVisitRequest request) => (await by.AskAsync(to => to.Visits.PlanVisitAsync(request))).Visit;

    public static Wire.RecordVisitRequest Visit(this Party by, string visitId, DateTimeOffset at, string text = "", Wire.ConfidentialityClass one = Unspecified) => new()
    {
        Context = by.Context(Wire.Purpose.CaseCoordination), RequestId = Some.RequestId(), VisitId = visitId, HappenedAt = Timestamp.FromDateTimeOffset(at), Channel = Wire.VisitChannel.Home, Text = text,
        ConfidentialityClass = one,
    };

    public static async Task<Wire.Visit> VisitsAsync(this Party by, Wire.RecordVisitRequest request) => (await by.AskAsync(to => to.Visits.RecordVisitAsync(request))).Visit;

    public static Task<Wire.Visit> VisitsAsync(this Party by, string visitId, DateTimeOffset at) => by.VisitsAsync(by.Visit(visitId, at));

    public static Wire.RecordAttemptRequest Attempt(this Party by, string visitId, DateTimeOffset at, string text = "", Wire.ConfidentialityClass one = Unspecified) => new()
    {
        Context = by.Context(Wire.Purpose.CaseCoordination), RequestId = Some.RequestId(), VisitId = visitId, HappenedAt = Timestamp.FromDateTimeOffset(at), Channel = Wire.VisitChannel.Phone, Text = text,
        ConfidentialityClass = one,
    };

    public static async Task<Wire.Visit> AttemptsAsync(this Party by, Wire.RecordAttemptRequest request) => (await by.AskAsync(to => to.Visits.RecordAttemptAsync(request))).Visit;

    public static Wire.RescheduleVisitRequest Reschedule(this Party by, string visitId, string day) => new()
    {
        Context = by.Context(Wire.Purpose.CaseCoordination), RequestId = Some.RequestId(), VisitId = visitId, PlannedOn = day, Reason = "案主住院，改期訪視",
    };

    public static async Task<Wire.Visit> ReschedulesAsync(this Party by, string visitId, string day) =>
        (await by.AskAsync(to => to.Visits.RescheduleVisitAsync(by.Reschedule(visitId, day)))).Visit;

    public static Wire.CancelVisitRequest Cancel(this Party by, string visitId) => new()
    {
        Context = by.Context(Wire.Purpose.CaseCoordination), RequestId = Some.RequestId(), VisitId = visitId, Reason = "重複排定，予以取消",
    };

    public static async Task<Wire.Visit> CancelsAsync(this Party by, string visitId) => (await by.AskAsync(to => to.Visits.CancelVisitAsync(by.Cancel(visitId)))).Visit;

    public static Wire.EndProtocolRequest Ending(this Party by, string runId, string reason = "") => new()
    {
        Context = by.Context(Wire.Purpose.CaseCoordination), RequestId = Some.RequestId(), RunId = runId, Reason = reason,
    };

    public static async Task<Wire.ProtocolRun> EndsAsync(this Party by, string runId, string reason = "") => (await by.AskAsync(to => to.Visits.EndProtocolAsync(by.Ending(runId, reason)))).Run;

    public static async Task<Wire.ProtocolRun> SeesProtocolAsync(this Party by, string runId, Wire.LegalBasis basis = Wire.LegalBasis.Article6IntegratedService) =>
        (await by.AskAsync(to => to.Visits.GetProtocolAsync(new() { Context = by.Context(Wire.Purpose.CaseCoordination, basis), RunId = runId }))).Run;

    /// <summary>All pages of a list.</summary>
    public static async Task<List<Wire.Visit>> ListsVisitsAsync(this Party by, Wire.ListVisitsRequest? request = null, Wire.LegalBasis basis = Wire.LegalBasis.Article6IntegratedService)
    {
        var (asked, all) = (request?.Clone() ?? new Wire.ListVisitsRequest(), new List<Wire.Visit>());
        asked.Context = by.Context(Wire.Purpose.CaseCoordination, basis);
        while (true)
        {
            var page = await by.AskAsync(to => to.Visits.ListVisitsAsync(asked));
            all.AddRange(page.Visits);
            if (page.NextPageToken.Length == 0) return all;
            asked.PageToken = page.NextPageToken;
        }
    }

    /// <summary>Visits of one run, whatever became of them.</summary>
    public static Task<List<Wire.Visit>> ListsRunAsync(this Party by, string runId) => by.ListsVisitsAsync(new Wire.ListVisitsRequest { RunId = runId, Listing = Wire.VisitListing.All });

    /// <summary>Day in Taiwan, so many days from an instant.</summary>
    public static string DayIn(this DateTimeOffset at, int days = 0) => $"{at.ToOffset(TimeSpan.FromHours(8)).AddDays(days):yyyy-MM-dd}";

    /// <summary>Noon of a day in Taiwan.</summary>
    public static DateTimeOffset NoonOf(string day) => new DateTimeOffset(DateOnly.ParseExact(day, "yyyy-MM-dd", null).ToDateTime(new TimeOnly(12, 0)), TimeSpan.FromHours(8)).ToUniversalTime();
}
