using System.Text;
using System.Text.RegularExpressions;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Server.Disputes;

/// <summary>The principle of a ruling (裁定要旨): general words that every unit reads, so nothing of anybody stands in it.</summary>
internal static partial class Principle
{
    /// <summary>Parts of a person shorter than this are met in any text.</summary>
    private const int LeastName = 2, LeastNumber = 7;

    /// <summary>Refuses a principle that holds a national id of whomever, or the name, telephone or address of somebody of the report.</summary>
    /// <param name="principle">What is to be kept.</param>
    /// <param name="named">Names, telephones and addresses of the report; empty ones say nothing.</param>
    /// <exception cref="Refusal">PRINCIPLE_NOT_GENERAL.</exception>
    public static void Require(string principle, IEnumerable<string> named)
    {
        RealText.Require(principle, "principle");
        var text = Plain(principle);
        if (NationalIdForm().IsMatch(text) || named.Select(Plain).Any(one => one.Length >= (one.All(char.IsAsciiDigit) ? LeastNumber : LeastName) && text.Contains(one, StringComparison.Ordinal)))
            throw new Refusal(Wire.ErrorReason.PrincipleNotGeneral, ("field", "principle"));
    }

    /// <summary>Letters and digits alone, in one width and case: spaces and signs between them hide nobody.</summary>
    private static string Plain(string text) =>
        string.Concat(text.Normalize(NormalizationForm.FormKC).EnumerateRunes().Where(Rune.IsLetterOrDigit).Select(Rune.ToUpperInvariant));

    [GeneratedRegex("[A-Z][A-D0-9][0-9]{8}", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 100)]
    private static partial Regex NationalIdForm();
}
