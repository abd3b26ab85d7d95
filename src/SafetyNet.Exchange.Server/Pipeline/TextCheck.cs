using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>A text: set where required, neither too long nor too short, well-formed, in its written form.</summary>
internal sealed class TextCheck : FieldCheck
{
    private const int DefaultMaximumLength = 200;

    /// <summary>Texts of at least this many characters may hold line feeds and tabs; shorter ones are names and numbers on one line.</summary>
    private const int LongText = 500;

    private readonly Func<IMessage, int, string> valueOf;
    private readonly int maximumLength;

    public TextCheck(FieldDescriptor field) : base(field)
    {
        if (Rules.Minimum > 0 || Rules.Maximum > 0)
            throw Contradiction("a rule for numbers on a text");
        if (!Enum.IsDefined(Rules.Format))
            throw Contradiction("an unknown format");
        maximumLength = Rules.MaxLength > 0 ? checked((int)Rules.MaxLength) : DefaultMaximumLength;
        if (Rules.MinLength > maximumLength)
            throw Contradiction("a minimum above the maximum");
        valueOf = CompileValue<string>();
    }

    protected override void CheckValue(IMessage message, int index, List<FieldFault> faults, int depth)
    {
        var text = valueOf(message, index);
        if (text.Length == 0)
        {
            if (RefusesEmpty)
                faults.Add(new FieldFault(PathOf(index), FieldFaultKind.Required));
            return;
        }

        if (Find(text) is { } fault)
            faults.Add(new FieldFault(PathOf(index), fault.Kind, fault.Argument));
    }

    private (FieldFaultKind Kind, string? Argument)? Find(string text)
    {
        // A code point is one or two UTF-16 units: most texts need no count.
        if (text.Length > maximumLength && (text.Length > 2 * (long)maximumLength || CountCodePoints(text) > maximumLength))
            return (FieldFaultKind.TooLong, Text(maximumLength));
        if (text.Length < 2 * (long)Rules.MinLength && CountCodePoints(text) < Rules.MinLength)
            return (FieldFaultKind.TooShort, Text(Rules.MinLength));
        if (!IsWellFormed(text))
            return (FieldFaultKind.BrokenText, null);
        return Rules.Format switch
        {
            Wire.TextFormat.NationalId => NationalId.TryParse(text, out _, out var fault) ? null : (FieldFaultKind.NotANationalId, fault.ToString()),
            Wire.TextFormat.Date => IsDate(text) ? null : (FieldFaultKind.NotADate, null),
            Wire.TextFormat.Uuid => IsUuid(text) ? null : (FieldFaultKind.NotAUuid, null),
            Wire.TextFormat.UnitId => TextCharacters.IsUnitId(text) ? null : (FieldFaultKind.NotAUnitId, null),
            Wire.TextFormat.ActorId => TextCharacters.IsActorId(text) ? null : (FieldFaultKind.NotAnActorId, null),
            Wire.TextFormat.Opaque => !text.AsSpan().ContainsAnyExcept(TextCharacters.OfBase64Url) ? null : (FieldFaultKind.NotOpaque, null),
            _ => HasControlCharacter(text) ? (FieldFaultKind.ControlCharacter, null) : null,
        };
    }

    private static int CountCodePoints(string text)
    {
        var count = text.Length;
        for (var i = 1; i < text.Length; i++)
        {
            if (char.IsLowSurrogate(text[i]) && char.IsHighSurrogate(text[i - 1]))
                count--;
        }

        return count;
    }

    /// <summary>No lone surrogate, and no U+FFFD, which protobuf's parser puts where bytes were not UTF-8.</summary>
    private static bool IsWellFormed(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\uFFFD')
                return false;
            if (!char.IsSurrogate(text[i]))
                continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
                return false;
            i++;
        }

        return true;
    }

    private bool HasControlCharacter(string text)
    {
        foreach (var character in text)
        {
            if (char.IsControl(character) && !(character is '\n' or '\t' && maximumLength >= LongText))
                return true;
        }

        return false;
    }

    private static bool IsDate(string text) =>
        DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date) && date.Year is >= 1850 and <= 2199;

    private static bool IsUuid(string text)
    {
        if (text.Length != 36)
            return false;
        for (var i = 0; i < text.Length; i++)
        {
            if (i is 8 or 13 or 18 or 23 ? text[i] != '-' : !char.IsAsciiHexDigitLower(text[i]))
                return false;
        }

        return true;
    }
}
