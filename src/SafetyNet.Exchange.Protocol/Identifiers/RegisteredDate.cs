using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace SafetyNet.Exchange.Protocol.Identifiers;

/// <summary>A calendar date as registers and people of Taiwan write it, western or of the Republic (民國), as one form (R-HH-1).</summary>
/// <remarks>
/// <para>
/// Read: <c>1986-01-01</c>, <c>1986/1/1</c>, <c>1986.1.1</c>, <c>1986年1月1日</c>, <c>西元1986年1月1日</c>, <c>19860101</c>; <c>75/1/1</c>, <c>075-01-01</c>, <c>民國75年1月1日</c>,
/// <c>民國七十五年一月一日</c>, <c>0750101</c>; before the Republic <c>民國前5年1月1日</c> (1907). Digits of either width, and spaces anywhere.
/// </para>
/// <para>
/// A year of four digits is western, one of one to three is of the Republic, whose first year (元年) is 1912 and which has no year zero. Seven digits are year, month and day of the Republic,
/// eight are western; six could be either and are not read. Nothing is guessed: what is left is no date.
/// </para>
/// </remarks>
public static partial class RegisteredDate
{
    private const int FirstYear = 1850;
    private const int LastYear = 2199;

    /// <summary>Longest text that is looked at.</summary>
    private const int MostCharacters = 40;

    /// <summary>Reads a date of the years 1850 to 2199.</summary>
    public static bool TryParse(string text, out DateOnly date)
    {
        date = default;
        if (text.Length > MostCharacters || text.Any(char.IsSurrogate)) return false;
        var plain = string.Concat(text.Normalize(NormalizationForm.FormKC).Where(character => !char.IsWhiteSpace(character)));
        return Digits().Match(plain) is { Success: true } digits ? TryRead(digits, out date) : Parts().Match(plain) is { Success: true } parts && TryRead(parts, out date);
    }

    /// <summary>The one form: <c>YYYY-MM-DD</c>, as the contract has dates.</summary>
    public static string ToText(DateOnly date) => date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static bool TryRead(Match match, out DateOnly date)
    {
        date = default;
        var (era, written) = (match.Groups["era"].Value, match.Groups["year"].Value);
        if (!TryNumber(written, isYear: true, out var number) || !TryNumber(match.Groups["month"].Value, isYear: false, out var month) || !TryNumber(match.Groups["day"].Value, isYear: false, out var day))
            return false;
        var isWestern = era is "西元" or "公元" || (era.Length == 0 && written.Length == 4);
        if (isWestern != (written.Length == 4) || number == 0) return false;
        var year = isWestern ? number : era.EndsWith('前') ? 1912 - number : 1911 + number;
        if (year is < FirstYear or > LastYear || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)) return false;
        date = new DateOnly(year, month, day);
        return true;
    }

    private static bool TryNumber(string text, bool isYear, out int number)
    {
        if (isYear && string.Equals(text, "元", StringComparison.Ordinal))
        {
            number = 1;
            return true;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) || ChineseNumerals.TryParse(text, out number);
    }

    [GeneratedRegex("^(?<era>)(?<year>[0-9]{3}|[0-9]{4})(?<month>[0-9]{2})(?<day>[0-9]{2})$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Digits();

    [GeneratedRegex(
        "^(?<era>西元|公元|中華民國前|民國前|民前|中華民國|民國|)((?<year>[0-9]{1,4})(?<part>[-/.])(?<month>[0-9]{1,2})\\k<part>(?<day>[0-9]{1,2})"
        + "|(?<year>[0-9]{1,4}|[〇零一二三四五六七八九十百廿卅壹貳參肆伍陸柒捌玖拾佰]{1,8}|元)年(?<month>[0-9]{1,2}|[一二三四五六七八九十]{1,2})月(?<day>[0-9]{1,2}|[一二三四五六七八九十廿卅]{1,3})日?)$",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Parts();
}
