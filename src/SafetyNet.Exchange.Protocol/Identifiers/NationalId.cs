using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace SafetyNet.Exchange.Protocol.Identifiers;

/// <summary>
/// The number a person is registered under in Taiwan: 身分證統一編號 of nationals, 統一證號 of residents (R-HH-1).
/// </summary>
/// <remarks>
/// <para>
/// Shape: ten characters of upper-case ASCII. One letter (the county of first registration), a second character that tells kind and sex,
/// seven digits of serial, one check digit. Second character: <c>1</c>/<c>2</c> national, <c>A</c>-<c>D</c> resident certificate in the form
/// issued until 2020 (A, C male; B, D female), <c>8</c>/<c>9</c> resident certificate in the form issued since 2 January 2021.
/// </para>
/// <para>
/// Checksum, one rule for all forms: the letter stands for two digits of the official table (A=10 ... Z=33, not in alphabetical order),
/// weighted 1 and 9; the second character (A-D stand for 0-3, the units of their table value) is weighted 8, the serial 7 down to 1, the
/// check digit 1; the sum is a multiple of ten. What the scheme cannot see: a serial digit changed by five where the weight is even or by
/// an even amount where the weight is 5, the last two characters exchanged, and a letter taken for another of equal weight.
/// </para>
/// <para>
/// Held as one packed number, so two spellings of one id are one value and no id lies about as text. The default value is no id:
/// <see cref="IsEmpty"/> is true and <see cref="Canonical"/> throws.
/// </para>
/// </remarks>
[DebuggerDisplay("{ToString(),nq}")]
public readonly struct NationalId : IEquatable<NationalId>
{
    /// <summary>Characters of a canonical id.</summary>
    public const int Length = 10;

    /// <summary>Second characters in the order they are packed.</summary>
    private const string SecondCharacters = "1289ABCD";

    private const ulong SerialSpan = 100_000_000;

    /// <summary>The two digits each letter stands for, A first (內政部: 英文字母代號).</summary>
    private static ReadOnlySpan<byte> LetterValues =>
    [
        10, 11, 12, 13, 14, 15, 16, 17, 34, 18, 19, 20, 21, 22, 35, 23, 24, 25, 26, 27, 28, 29, 32, 30, 31, 33,
    ];

    /// <summary>((letter * 8) + second character) * 10^8 + serial and check digit, plus one so that zero is no id.</summary>
    private readonly ulong packed;

    private NationalId(ulong packed) => this.packed = packed;

    /// <summary>True for the default value only, which is no id.</summary>
    public bool IsEmpty => packed == 0;

    /// <summary>Who the number is issued to and in which form.</summary>
    public NationalIdKind Kind => SecondIndex switch
    {
        < 2 => NationalIdKind.National,
        < 4 => NationalIdKind.ResidentNew,
        _ => NationalIdKind.ResidentOld,
    };

    /// <summary>The registered sex that the second character carries.</summary>
    public Sex Sex => (SecondIndex & 1) == 0 ? Sex.Male : Sex.Female;

    /// <summary>
    /// The ten characters. Personal data: for blind index, encryption and the wire only, never for a log (R-HH-5).
    /// </summary>
    /// <exception cref="InvalidOperationException">The value is the default one.</exception>
    [JsonIgnore]
    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    public string Canonical => string.Create(Length, Value, static (text, value) => Write(value, text));

    private ulong Value => packed == 0 ? throw new InvalidOperationException("The national id is empty.") : packed - 1;

    private int SecondIndex => (int)(Value / SerialSpan % 8);

    public static bool operator ==(NationalId left, NationalId right) => left.Equals(right);

    public static bool operator !=(NationalId left, NationalId right) => !left.Equals(right);

    /// <summary>Reads an id typed by a person or sent by a system, and says what is wrong with it.</summary>
    /// <param name="text">
    /// Upper or lower case, ASCII or full-width (U+FF10-FF19, U+FF21-FF3A, U+FF41-FF5A), also mixed. Nothing else: no spaces, no marks, no
    /// look-alike letters of other scripts, so that an id has one canonical form and never two (abuse case B23).
    /// </param>
    /// <param name="id">The id, or the empty value when refused.</param>
    /// <param name="fault">Why it is refused; <see cref="NationalIdFault.None"/> when it is not. First match wins in the order of the enum.</param>
    public static bool TryParse([NotNullWhen(true)] string? text, out NationalId id, out NationalIdFault fault) =>
        TryParse(text.AsSpan(), out id, out fault);

    /// <inheritdoc cref="TryParse(string?, out NationalId, out NationalIdFault)"/>
    public static bool TryParse(ReadOnlySpan<char> text, out NationalId id, out NationalIdFault fault)
    {
        fault = Read(text, out var value);
        id = fault == NationalIdFault.None ? new NationalId(value + 1) : default;
        return fault == NationalIdFault.None;
    }

    /// <summary>Reads an id that must be right, such as one this system wrote itself.</summary>
    /// <exception cref="FormatException">Names the fault; never carries the text.</exception>
    public static NationalId Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out var id, out var fault) ? id : throw new FormatException($"Not a national id: {fault}.");

    /// <summary>The check digit that belongs to the first nine characters of an id.</summary>
    /// <param name="firstNine">Letter, second character, seven digits; upper-case ASCII.</param>
    /// <returns><c>0</c> to <c>9</c>.</returns>
    /// <exception cref="FormatException">The nine characters are of no known form.</exception>
    public static char ComputeCheckDigit(ReadOnlySpan<char> firstNine)
    {
        if (firstNine.Length != Length - 1 || !HasForm(firstNine))
            throw new FormatException($"Not the first {Length - 1} characters of a national id.");
        return (char)('0' + ((10 - WeightedSum(firstNine)) % 10));
    }

    public bool Equals(NationalId other) => packed == other.packed;

    public override bool Equals([NotNullWhen(true)] object? obj) => obj is NationalId other && Equals(other);

    public override int GetHashCode() => packed.GetHashCode();

    /// <summary>The first and last two characters with the rest starred, e.g. <c>A1******89</c>; empty text for the empty value.</summary>
    public override string ToString() => IsEmpty
        ? string.Empty
        : string.Create(Length, Value, static (text, value) =>
        {
            Write(value, text);
            text[2..8].Fill('*');
        });

    /// <summary>Writes the ten characters without making a string of them.</summary>
    /// <exception cref="InvalidOperationException">The value is the default one.</exception>
    /// <exception cref="ArgumentException">The span is shorter than <see cref="Length"/>.</exception>
    public void CopyTo(Span<char> destination)
    {
        if (destination.Length < Length)
            throw new ArgumentException($"A national id needs {Length} characters.", nameof(destination));
        Write(Value, destination);
    }

    private static NationalIdFault Read(ReadOnlySpan<char> text, out ulong value)
    {
        value = 0;
        if (text.IsEmpty)
            return NationalIdFault.Empty;
        Span<char> canonical = stackalloc char[Length];
        for (var i = 0; i < text.Length; i++)
        {
            var character = Canonicalise(text[i]);
            if (character == '\0')
                return NationalIdFault.UnknownCharacter;
            if (i < Length)
                canonical[i] = character;
        }

        if (text.Length != Length)
            return NationalIdFault.WrongLength;
        if (!HasForm(canonical))
            return NationalIdFault.WrongForm;
        if ((WeightedSum(canonical[..9]) + canonical[9] - '0') % 10 != 0)
            return NationalIdFault.WrongChecksum;
        value = (ulong)(((canonical[0] - 'A') * 8) + SecondCharacters.IndexOf(canonical[1], StringComparison.Ordinal));
        foreach (var digit in canonical[2..])
            value = (value * 10) + (ulong)(digit - '0');
        return NationalIdFault.None;
    }

    /// <summary>The ASCII upper-case form of a letter or digit, or NUL for anything that is neither.</summary>
    private static char Canonicalise(char character)
    {
        if (character is >= '\uFF01' and <= '\uFF5E')
            character = (char)(character - 0xFEE0);
        if (char.IsAsciiLetterLower(character))
            character = (char)(character - 0x20);
        return char.IsAsciiLetterOrDigit(character) ? character : '\0';
    }

    private static bool HasForm(ReadOnlySpan<char> canonical) =>
        char.IsAsciiLetterUpper(canonical[0])
        && SecondCharacters.Contains(canonical[1], StringComparison.Ordinal)
        && !canonical[2..].ContainsAnyExceptInRange('0', '9');

    private static int WeightedSum(ReadOnlySpan<char> firstNine)
    {
        var letter = LetterValues[firstNine[0] - 'A'];
        var second = firstNine[1] >= 'A' ? firstNine[1] - 'A' : firstNine[1] - '0';
        var sum = (letter / 10) + (letter % 10 * 9) + (second * 8);
        for (var i = 2; i < 9; i++)
            sum += (firstNine[i] - '0') * (9 - i);
        return sum % 10;
    }

    private static void Write(ulong value, Span<char> text)
    {
        for (var i = Length - 1; i >= 2; i--, value /= 10)
            text[i] = (char)('0' + (value % 10));
        text[1] = SecondCharacters[(int)(value % 8)];
        text[0] = (char)('A' + (value / 8));
    }
}

/// <summary>Who a national id is issued to and in which form.</summary>
public enum NationalIdKind
{
    /// <summary>身分證統一編號: letter, 1 or 2, eight digits.</summary>
    National = 1,

    /// <summary>統一證號 on certificates issued until 2020: two letters, eight digits. Still met in older records.</summary>
    ResidentOld = 2,

    /// <summary>統一證號 on certificates issued since 2 January 2021: letter, 8 or 9, eight digits.</summary>
    ResidentNew = 3,
}

/// <summary>Why a text is no national id, in order of precedence: the first that fits is told. Carries nothing of the text.</summary>
public enum NationalIdFault
{
    /// <summary>It is one.</summary>
    None = 0,

    /// <summary>There is no text.</summary>
    Empty = 1,

    /// <summary>A character that is neither letter nor digit of ASCII or its full-width form: a space, a mark one cannot see, a Cyrillic А.</summary>
    UnknownCharacter = 2,

    /// <summary>Not ten characters.</summary>
    WrongLength = 3,

    /// <summary>Letters and digits stand where the three forms do not have them, e.g. a second character of 3.</summary>
    WrongForm = 4,

    /// <summary>The form is right and the check digit is not: most likely mistyped.</summary>
    WrongChecksum = 5,
}

/// <summary>The registered sex (性別), with the digits the identity number uses.</summary>
public enum Sex
{
    /// <summary>男.</summary>
    Male = 1,

    /// <summary>女.</summary>
    Female = 2,
}
