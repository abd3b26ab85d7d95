using System.Diagnostics.CodeAnalysis;

namespace SafetyNet.Exchange.Protocol.Evidence;

/// <summary>The rule for names of signing keys: not empty, no Unicode space, no plus sign, no control character.</summary>
/// <remarks>Source: C2SP signed-note. A schema-less URL such as <c>log.safetynet.gov.tw/taipei</c> is the custom.</remarks>
internal static class NoteKeyName
{
    public static bool IsValid([NotNullWhen(true)] string? name) =>
        !string.IsNullOrEmpty(name) && name.Length <= 255 && !name.Contains('+', StringComparison.Ordinal)
        && !name.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)) && NoteText.IsEncodable(name);

    public static string Checked(string name) =>
        IsValid(name)
            ? name : throw new ArgumentException("A key name is not empty and has no space, plus sign or control character.", nameof(name));
}
