using System.Globalization;
using System.Text;
using SafetyNet.Exchange.Protocol.Client;

namespace SafetyNet.Exchange.Cli.Evidence;

/// <summary>The page that a person is handed who asks who looked (R-AUD-5): plain text, in Chinese as written in Taiwan or in English. Pure.</summary>
internal static class AccessLetter
{
    public const string Chinese = "zh-TW", English = "en";

    /// <param name="accesses">Newest first.</param>
    /// <param name="told">An answer of the exchange, for its notice.</param>
    /// <param name="language">One of the two.</param>
    /// <param name="now">When the page is made.</param>
    public static string Write(IReadOnlyList<Wire.ReportedAccess> accesses, Wire.ReportAccessesResponse told, string language, DateTimeOffset now) =>
        language is English ? WriteEnglish(accesses, told, now) : WriteChinese(accesses, told, now);

    private static string WriteChinese(IReadOnlyList<Wire.ReportedAccess> accesses, Wire.ReportAccessesResponse told, DateTimeOffset now)
    {
        var page = new StringBuilder();
        page.AppendLine("個人資料查閱紀錄").AppendLine();
        page.AppendLine(CultureInfo.InvariantCulture, $"製作日期：{RocDate(now)}").AppendLine();
        page.AppendLine("您申請查詢社會安全網資料交換平台中，何單位曾查閱您的資料。查詢結果如下：").AppendLine();
        if (accesses.Count == 0) page.AppendLine("  無可告知之查閱紀錄。").AppendLine();
        for (var at = 0; at < accesses.Count; at++)
        {
            var one = accesses[at];
            page.AppendLine(CultureInfo.InvariantCulture, $"{at + 1}. {RocDate(one.DecidedAt.ToDateTimeOffset())} {Local(one.DecidedAt.ToDateTimeOffset()):HH:mm}");
            var unit = one.UnitKind == default ? "" : $"　{ContractCodes.ChineseOf(one.UnitKind)}";
            page.AppendLine(CultureInfo.InvariantCulture, $"   查閱單位：{Or(ContractCodes.ChineseOf(one.Jurisdiction), "-")}　{Or(ContractCodes.ChineseOf(one.AgencyKind), "其他機關")}{unit}");
            page.AppendLine(CultureInfo.InvariantCulture, $"   使用目的：{Or(ContractCodes.ChineseOf(one.Purpose), "未載明")}");
            page.AppendLine(CultureInfo.InvariantCulture, $"   法律依據：{Or(ContractCodes.ChineseOf(one.LegalBasis), "未載明")}");
            page.AppendLine(CultureInfo.InvariantCulture, $"   查閱內容：{(one.ShownClasses.Count == 0 ? "未提供任何資料" : string.Join('、', one.ShownClasses.Select(c => ContractCodes.ChineseOf(c))))}");
            page.AppendLine(CultureInfo.InvariantCulture, $"   結　　果：{Or(ContractCodes.ChineseOf(one.Outcome), "-")}").AppendLine();
        }

        page.AppendLine(told.NoticeZh);
        page.AppendLine(CultureInfo.InvariantCulture, $"查閱紀錄保存 {told.KeepDays} 日。本紀錄不載承辦人姓名；對任一筆紀錄有疑義者，得檢附本紀錄向原受理機關請求說明或更正。");
        return page.ToString();
    }

    private static string WriteEnglish(IReadOnlyList<Wire.ReportedAccess> accesses, Wire.ReportAccessesResponse told, DateTimeOffset now)
    {
        var page = new StringBuilder();
        page.AppendLine("Who looked at your data").AppendLine();
        page.AppendLine(CultureInfo.InvariantCulture, $"Made on {Local(now):d MMMM yyyy}").AppendLine();
        page.AppendLine("You asked which units looked at your data through the exchange of the social safety net. This is what was found:").AppendLine();
        if (accesses.Count == 0) page.AppendLine("  No access that can be told.").AppendLine();
        for (var at = 0; at < accesses.Count; at++)
        {
            var one = accesses[at];
            page.AppendLine(CultureInfo.InvariantCulture, $"{at + 1}. {Local(one.DecidedAt.ToDateTimeOffset()):d MMMM yyyy, HH:mm}");
            page.AppendLine(CultureInfo.InvariantCulture, $"   who:      {ContractCodes.NameOf(one.Jurisdiction)}, {(one.AgencyKind == default ? "another agency" : ContractCodes.EnglishOf(one.AgencyKind))}{(one.UnitKind == default ? "" : ", " + ContractCodes.EnglishOf(one.UnitKind))}");
            page.AppendLine(CultureInfo.InvariantCulture, $"   for:      {(one.Purpose == default ? "not stated" : ContractCodes.EnglishOf(one.Purpose))}");
            page.AppendLine(CultureInfo.InvariantCulture, $"   basis:    {(one.LegalBasis == default ? "not stated" : ContractCodes.EnglishOf(one.LegalBasis))}");
            page.AppendLine(CultureInfo.InvariantCulture, $"   saw:      {(one.ShownClasses.Count == 0 ? "nothing" : string.Join(", ", one.ShownClasses.Select(c => ContractCodes.EnglishOf(c))))}");
            page.AppendLine(CultureInfo.InvariantCulture, $"   outcome:  {ContractCodes.EnglishOf(one.Outcome)}").AppendLine();
        }

        page.AppendLine(told.NoticeEn);
        page.AppendLine(CultureInfo.InvariantCulture, $"Records are kept for {told.KeepDays} days. No staff member is named here; whoever doubts an entry may bring this page to the agency that handed it over and ask.");
        return page.ToString();
    }

    /// <summary>In the calendar of Taiwan: 中華民國115年11月22日.</summary>
    private static string RocDate(DateTimeOffset at)
    {
        var day = Local(at);
        return string.Create(CultureInfo.InvariantCulture, $"中華民國{day.Year - 1911}年{day.Month}月{day.Day}日");
    }

    private static DateTimeOffset Local(DateTimeOffset at) => at.ToOffset(TimeSpan.FromHours(8));

    private static string Or(string text, string otherwise) => text.Length > 0 ? text : otherwise;
}
