using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.V1.ConfidentialityClass;

namespace SafetyNet.Exchange.Tests.Reports;

/// <summary>What parties do with reports, as one line each.</summary>
internal static class ReportMoves
{
    public const string Why = "依現場訪視結果，由該單位就近服務較為妥適，已與雙方聯繫確認";

    public static Wire.ReportSubject Subject(Wire.ReferralSubject person, Wire.SubjectRelation relation = Wire.SubjectRelation.Unspecified) => new()
    {
        NationalId = person.NationalId, Name = person.Name, BirthDate = person.BirthDate, Phone = person.Phone, Address = person.Address, Relation = relation,
    };

    /// <summary>A welfare report of a stranger, or as told; without protective facts and with one need.</summary>
    public static Wire.ReportContent Content(Wire.ReferralSubject? subject = null, DateTimeOffset? reportedAt = null) => new()
    {
        SourceSystem = Wire.SourceSystem.ECareReport, Kind = Wire.ReportKind.VulnerableFamily,
        Reporter = new Wire.Reporter { Kind = Wire.ReporterKind.Neighbor, Name = "通報某", Phone = "0900-222-333" },
        Subjects = { Subject(subject ?? Some.Stranger()) }, Problems = { Wire.ReportProblem.EconomicHardship }, Needs = { Wire.Article6Service.FinancialAid },
        Facts = { Some.Fact(Economic, "積欠房租三個月") }, ReportedAt = Timestamp.FromDateTimeOffset(reportedAt ?? TimeProvider.System.GetUtcNow().AddHours(-1)), District = "萬華區",
    };

    /// <summary>A campus-safety report in which a child is said to be hit at home.</summary>
    public static Wire.ReportContent CampusSafety(Wire.ReferralSubject? subject = null)
    {
        var content = Content(subject);
        (content.SourceSystem, content.Kind) = (Wire.SourceSystem.CampusSafety, Wire.ReportKind.CampusSafety);
        content.RiskFacts.Add(Wire.RiskFact.Abuse);
        return content;
    }

    public static Wire.AccessContext Screening(this Party by) => by.Context(Wire.Purpose.IntakeScreening, Wire.LegalBasis.StatutoryReport);

    public static Wire.SubmitReportRequest Report(this Party by, Wire.ReportContent? content = null) =>
        new() { Context = by.Context(), RequestId = Some.RequestId(), Content = content ?? Content() };

    public static async Task<Wire.ReportReceipt> ReportsAsync(this Party by, Wire.ReportContent? content = null) =>
        (await by.AskAsync(to => to.Reports.SubmitReportAsync(by.Report(content)))).Receipt;

    public static async Task<Wire.Report> SeesReportAsync(this Party by, string reportId, Wire.AccessContext? context = null) =>
        (await by.AskAsync(to => to.Reports.GetReportAsync(new() { Context = context ?? by.Context(), ReportId = reportId }))).Report;

    public static async Task<Wire.Screening> LooksIntoAsync(this Party desk, string reportId) =>
        (await desk.AskAsync(to => to.Reports.GetScreeningAsync(new() { Context = desk.Screening(), ReportId = reportId }))).Screening;

    public static Wire.ScreenReportRequest Class(this Party desk, string reportId, Wire.ReportClass one, string first = "") =>
        new() { Context = desk.Screening(), RequestId = Some.RequestId(), ReportId = reportId, ReportClass = one, FirstReportId = first };

    public static async Task<Wire.Report> ScreensAsync(this Party desk, string reportId, Wire.ReportClass one = Wire.ReportClass.New, string first = "") =>
        (await desk.AskAsync(to => to.Reports.ScreenReportAsync(desk.Class(reportId, one, first)))).Report;

    public static Wire.DispatchReportRequest Dispatch(this Party desk, string reportId, params Party[] to) => new()
    {
        Context = desk.Screening(), RequestId = Some.RequestId(), ReportId = reportId, UnitIds = { to.Select(unit => unit.UnitId) }, Services = { Wire.Article6Service.CareVisit },
        View = Some.View(), OverrideReason = "",
    };

    public static async Task<Wire.Report> DispatchesAsync(this Party desk, Wire.DispatchReportRequest request) =>
        (await desk.AskAsync(to => to.Reports.DispatchReportAsync(request))).Report;

    /// <summary>Takes note of its inbox and accepts what it was offered.</summary>
    public static async Task<Wire.Referral> AcceptsOfferAsync(this Party by, Wire.Report report)
    {
        await by.EmptiesInboxAsync();
        return await by.MovesAsync(Wire.ReferralAction.Accept, report.OfferOf(by));
    }

    public static string OfferOf(this Wire.Report report, Party unit) => report.Offers.Last(offer => offer.UnitId == unit.UnitId).ReferralId;
}
