using System.Buffers;

namespace SafetyNet.Exchange.Protocol.Identifiers;

/// <summary>Numbers written in Han characters: 七十五, 一百零八, 二〇二六, 元 (the first year), 廿 and 卅.</summary>
internal static class ChineseNumerals
{
    /// <summary>Characters that numbers are written with; 元 only where a year may stand.</summary>
    public const string Digits = "〇零一二三四五六七八九兩壹貳參肆伍陸柒捌玖";

    /// <summary>Tens and hundreds.</summary>
    public const string Powers = "十拾百佰千廿卅";

    private static readonly SearchValues<char> ByPlaces = SearchValues.Create(Powers);

    private static ReadOnlySpan<byte> Values => [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9];

    /// <summary>Reads a number of 0 to 9999: by places (一百零八) or digit by digit (一〇八).</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out int number)
    {
        number = 0;
        if (text.IsEmpty || text.Length > 8) return false;
        return text.IndexOfAny(ByPlaces) >= 0 ? TryParsePlaces(text, out number) : TryParseDigits(text, out number);
    }

    /// <summary>Every character is one of a number.</summary>
    public static bool IsNumeral(char character) => Digits.Contains(character, StringComparison.Ordinal) || Powers.Contains(character, StringComparison.Ordinal);

    private static bool TryParseDigits(ReadOnlySpan<char> text, out int number)
    {
        number = 0;
        foreach (var character in text)
        {
            if (!TryDigit(character, out var digit) || text.Length > 4) return false;
            number = (number * 10) + digit;
        }

        return true;
    }

    private static bool TryParsePlaces(ReadOnlySpan<char> text, out int number)
    {
        (number, var digit, var least, var isSet) = (0, 0, 10_000, false);
        foreach (var character in text)
        {
            if (TryDigit(character, out var next))
            {
                // 零 only marks a place that is empty.
                if (isSet && digit != 0) return false;
                (digit, isSet) = (next, true);
                continue;
            }

            var (power, count) = character switch
            {
                '十' or '拾' => (10, isSet && digit > 0 ? digit : 1), '廿' => (10, 2), '卅' => (10, 3), '百' or '佰' => (100, digit), '千' => (1000, digit), _ => (0, 0),
            };
            if (power == 0 || count == 0 || power >= least || (isSet && digit > 0 && character is '廿' or '卅')) return false;
            (number, digit, isSet, least) = (number + (count * power), 0, false, power);
        }

        number += digit;
        return true;
    }

    private static bool TryDigit(char character, out int digit)
    {
        var at = Digits.IndexOf(character, StringComparison.Ordinal);
        digit = at < 0 ? 0 : Values[at];
        return at >= 0;
    }
}
