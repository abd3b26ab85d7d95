using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace SafetyNet.Exchange.Protocol.Identifiers;

/// <summary>One spelling of an address of Taiwan (門牌地址) that systems write in several, to compare by; never to show (R-HH-1, R-HH-3).</summary>
/// <remarks>
/// <para>
/// What makes no difference: width, letter case, spaces and punctuation; 臺 and 台 and the other variant characters of <see cref="PersonName"/>; Han numerals before 段 巷 弄 號 樓 鄰 室 and behind 之;
/// zeros in front; <c>5-3號</c>, <c>5之3號</c> and <c>5號之3</c>; <c>3F</c> and <c>3樓</c>, <c>B1</c> and <c>地下一樓</c>; a postal code, 臺灣省 and 第 in front; the 鄰, which a house number does not
/// depend on, and the 里 or 村 where a road is named.
/// </para>
/// <para>
/// What does: everything else. The names of roads keep their numerals (五權路, 四維三路); a floor that is not told is not the first one; a district that is left out is not guessed. Two forms that
/// differ may still be one place.
/// </para>
/// </remarks>
public static partial class PostalAddress
{
    private const string Dashes = "-‐‑‒–—―−ー─﹣";

    /// <summary>Characters of addresses that are one another's variant, besides those of names; 'ㄧ' is typed for 一.</summary>
    private const string Variants = "楼樓庄莊区區乡鄉县縣临臨塩鹽厦廈弯彎湾灣ㄧ一丨一";

    /// <summary>Pattern of a numeral in Han characters.</summary>
    private const string Han = "[〇零一二三四五六七八九兩十百千廿卅壹貳參肆伍陸柒捌玖拾佰]";

    /// <summary>What stands between a road's name and what is around it.</summary>
    private const string InName = "[\\u4E00-\\u9FFF-[區鄉鎮市路街段巷弄號里村]]";

    /// <summary>The form to compare an address by. Equal for two spellings of one address; the form of a form is itself.</summary>
    /// <param name="address">As written, at most some hundred characters.</param>
    public static string ToForm(string address)
    {
        var form = Plain(address);
        // What one step takes away may bring together what another looks for; mostly the second round changes nothing.
        for (var round = 0; round < 8; round++)
        {
            var next = Plain(Simplified(form));
            if (string.Equals(next, form, StringComparison.Ordinal)) break;
            form = next;
        }

        return form;
    }

    /// <summary>Two spellings of one address, or of a part of one such as a district.</summary>
    public static bool AreOne(string address, string other) =>
        string.Equals(address, other, StringComparison.Ordinal) || string.Equals(ToForm(address), ToForm(other), StringComparison.Ordinal);

    /// <summary>Characters alone: one width, one case, one variant; punctuation only where it parts two numbers.</summary>
    private static string Plain(string address)
    {
        var text = new StringBuilder(address.Length);
        foreach (var rune in address.Normalize(NormalizationForm.FormKC).EnumerateRunes())
        {
            if (!rune.IsBmp) text.Append(rune.ToString());
            else if (Folded((char)rune.Value) is var character and not '\0') text.Append(character);
        }

        return Parting().Replace(text.ToString(), match => match.Value.Contains('-', StringComparison.Ordinal) ? "-" : "、").Replace(",", "", StringComparison.Ordinal).Trim('-');
    }

    /// <summary>The character as the form has it; a comma for punctuation, NUL for what is left out.</summary>
    private static char Folded(char character)
    {
        if (Dashes.Contains(character, StringComparison.Ordinal)) return '-';
        var at = Variants.IndexOf(character, StringComparison.Ordinal);
        if (at >= 0 && at % 2 == 0) character = Variants[at + 1];
        return char.GetUnicodeCategory(character) switch
        {
            UnicodeCategory.LowercaseLetter => char.ToUpperInvariant(character),
            UnicodeCategory.OtherLetter => PersonName.FoldVariant(character),
            UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber
                or UnicodeCategory.OtherSymbol or UnicodeCategory.PrivateUse => character,
            UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Control or UnicodeCategory.Format
                or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Surrogate => '\0',
            _ => ',',
        };
    }

    private static string Simplified(string text)
    {
        text = InFront().Replace(text, "");
        text = NumeralBeforeUnit().Replace(text, Arabic);
        text = NumeralBehind().Replace(text, Arabic);
        text = Zeros().Replace(text, "");
        text = Ordinal().Replace(text, "");
        text = Floor().Replace(text, "樓");
        text = Basement().Replace(text, "B1樓");
        text = BelowGround().Replace(text, "B${floor}樓");
        text = Dash().Replace(text, "之");
        text = NumberBehind().Replace(text, "${number}之${sub}號").Replace("號、", "號", StringComparison.Ordinal);
        text = Neighbourhood().Replace(text, "");
        return Village().Replace(text, "");
    }

    private static string Arabic(Match match) =>
        ChineseNumerals.TryParse(match.ValueSpan, out var number) ? number.ToString(CultureInfo.InvariantCulture) : match.Value;

    /// <summary>Punctuation between two numbers keeps them apart.</summary>
    [GeneratedRegex("(?<=[0-9]|" + Han + ")[,-]+(?=[0-9]|" + Han + ")", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Parting();

    [GeneratedRegex("^(([0-9]{3}|[0-9]{5,6})-?(?=[\\u4E00-\\u9FFF-[段巷弄號樓鄰室之]])|臺灣省|福建省)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex InFront();

    [GeneratedRegex(Han + "+(?=[段巷弄號樓鄰室]|F(?![A-Z])|(之|-)([0-9]|" + Han + "))", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NumeralBeforeUnit();

    [GeneratedRegex("(?<=[0-9號樓F](之|-))" + Han + "+(?![\\u4E00-\\u9FFF-[段巷弄號樓鄰室之]])", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NumeralBehind();

    [GeneratedRegex("(?<![0-9])0+(?=[0-9])", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Zeros();

    [GeneratedRegex("第(?=[0-9]+[段巷弄鄰])", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Ordinal();

    [GeneratedRegex("(?<=[0-9])F(?![A-Z])", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Floor();

    [GeneratedRegex("地下[室樓層]", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Basement();

    [GeneratedRegex("(地下(?<floor>[0-9]+)[樓層]|(?<![A-Z0-9])B(?<floor>[0-9]+)(樓|(?![0-9樓])))", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex BelowGround();

    [GeneratedRegex("(?<=[0-9號樓])-(?=[0-9])", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Dash();

    [GeneratedRegex("(?<![0-9之])(?<number>[0-9]+)號之(?<sub>[0-9]+)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NumberBehind();

    [GeneratedRegex("(?<=[里村])[0-9]+鄰", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Neighbourhood();

    [GeneratedRegex("(?<=[區鄉鎮市])" + InName + "{2,3}[里村](?=" + InName + "{1,6}(路|街|大道))", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Village();
}
