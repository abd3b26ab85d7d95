using System.Text;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>
/// Tells words from filling where a person must say why (R-NTK-11, B40). What it lets pass a reviewer still reads; what it stops would be a waste of the
/// reviewer's time. The rule is stated with BreakGlassService.BreakGlass. Pure.
/// </summary>
internal static class RealText
{
    public const int LeastCharacters = 20;
    public const int LeastDifferentLetters = 8;
    public const int LeastWords = 4;

    /// <summary>Refuses a text that says nothing.</summary>
    public static void Require(string text, string field)
    {
        if (text.Length == 0) throw Refusal.InvalidField(new FieldFault(field, FieldFaultKind.Required));
        if (!IsReal(text)) throw Refusal.InvalidField(new FieldFault(field, FieldFaultKind.NoRealText));
    }

    public static bool IsReal(string text)
    {
        var words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (string.Join(' ', words).EnumerateRunes().Count() < LeastCharacters) return false;
        var letters = text.Normalize(NormalizationForm.FormKC).EnumerateRunes().Where(Rune.IsLetter).Select(Rune.ToLowerInvariant).ToList();
        if (letters.Distinct().Count() < LeastDifferentLetters || IsRepetition(letters)) return false;
        // Chinese is written without spaces: there the letters themselves are the words.
        return letters.Count(IsHan) >= LeastDifferentLetters || DifferentWords(words) >= LeastWords;
    }

    private static int DifferentWords(string[] words) =>
        words.Select(word => string.Concat(word.Where(char.IsLetter)).ToUpperInvariant()).Where(word => word.Length >= 2).Distinct(StringComparer.Ordinal).Count();

    /// <summary>One text over and over, the last time perhaps cut short.</summary>
    private static bool IsRepetition(List<Rune> letters)
    {
        for (var period = 1; period <= letters.Count / 2; period++)
        {
            var repeats = true;
            for (var at = period; repeats && at < letters.Count; at++) repeats = letters[at] == letters[at - period];
            if (repeats) return true;
        }

        return false;
    }

    private static bool IsHan(Rune rune) => rune.Value is (>= 0x3400 and <= 0x9FFF) or (>= 0x20000 and <= 0x3FFFF);
}
