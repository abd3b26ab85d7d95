using System.Globalization;
using System.Text.Json;
using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Tests.Identifiers;

[Trait("Rule", "R-HH-1")]
public sealed class NationalIdTests
{
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    /// <summary>The order in which the official table counts from 10, unlike the product's table of 26 values.</summary>
    private const string OfficialOrder = "ABCDEFGHJKLMNPQRSTUVXYWZIO";

    private static readonly int[] DigitWeights = [8, 7, 6, 5, 4, 3, 2, 1, 1];

    [Fact]
    public void Every_public_vector_is_read_or_refused_as_it_says()
    {
        using var vectors = JsonDocument.Parse(File.ReadAllText(VectorPath()));
        var read = 0;
        foreach (var vector in vectors.RootElement.GetProperty("valid").EnumerateArray())
        {
            var why = vector.GetProperty("why").GetString();
            Assert.True(NationalId.TryParse(vector.GetProperty("input").GetString(), out var id, out var fault), $"{why}: {fault}");
            Assert.Equal(NationalIdFault.None, fault);
            Assert.Equal(vector.GetProperty("canonical").GetString(), id.Canonical);
            Assert.Equal(vector.GetProperty("kind").GetString(), id.Kind.ToString());
            Assert.Equal(vector.GetProperty("sex").GetString(), id.Sex.ToString());
            Assert.Equal(vector.GetProperty("masked").GetString(), id.ToString());
            read++;
        }

        var refused = 0;
        foreach (var vector in vectors.RootElement.GetProperty("invalid").EnumerateArray())
        {
            Assert.False(NationalId.TryParse(vector.GetProperty("input").GetString(), out var id, out var fault), vector.GetProperty("why").GetString());
            Assert.True(id.IsEmpty);
            Assert.Equal(vector.GetProperty("fault").GetString(), fault.ToString());
            refused++;
        }

        Assert.True(read >= 80 && refused >= 40, $"{read} read, {refused} refused");
    }

    [Fact]
    public void No_text_is_refused_as_empty()
    {
        Assert.False(NationalId.TryParse(null, out _, out var fault));
        Assert.Equal(NationalIdFault.Empty, fault);
    }

    [Theory]
    [InlineData('1', NationalIdKind.National, Sex.Male)]
    [InlineData('2', NationalIdKind.National, Sex.Female)]
    [InlineData('8', NationalIdKind.ResidentNew, Sex.Male)]
    [InlineData('9', NationalIdKind.ResidentNew, Sex.Female)]
    [InlineData('A', NationalIdKind.ResidentOld, Sex.Male)]
    [InlineData('B', NationalIdKind.ResidentOld, Sex.Female)]
    [InlineData('C', NationalIdKind.ResidentOld, Sex.Male)]
    [InlineData('D', NationalIdKind.ResidentOld, Sex.Female)]
    public void All_26_letters_are_read_in_every_form_and_tell_kind_and_sex(char second, NationalIdKind kind, Sex sex)
    {
        foreach (var letter in Letters)
        {
            var text = WithCheckDigit($"{letter}{second}0314159");
            var id = NationalId.Parse(text);
            Assert.Equal((text, kind, sex), (id.Canonical, id.Kind, id.Sex));
        }
    }

    [Fact]
    public void The_checksum_agrees_with_the_official_description_on_100_000_random_ids()
    {
        var random = new Random(20260101);
        Span<char> text = stackalloc char[NationalId.Length];
        for (var i = 0; i < 100_000; i++)
        {
            text[0] = Letters[random.Next(26)];
            text[1] = "1289ABCD"[random.Next(8)];
            for (var digit = 2; digit < text.Length; digit++)
                text[digit] = (char)('0' + random.Next(10));
            var candidate = text.ToString();
            var right = OfficialSum(candidate) % 10 == 0;
            Assert.Equal(right, NationalId.TryParse(candidate, out var id, out var fault));
            Assert.Equal(right ? NationalIdFault.None : NationalIdFault.WrongChecksum, fault);
            Assert.Equal(OfficialCheckDigit(candidate), NationalId.ComputeCheckDigit(text[..9]));
            if (right)
                Assert.Equal(candidate, id.Canonical);
        }
    }

    [Fact]
    public void A_changed_digit_is_found_except_by_five_under_an_even_weight_and_by_an_even_amount_under_weight_five()
    {
        var missed = new HashSet<(int Weight, int Difference)>();
        var found = new HashSet<(int Weight, int Difference)>();
        foreach (var text in Samples())
        {
            for (var at = 2; at < NationalId.Length; at++)
            {
                for (var digit = '0'; digit <= '9'; digit++)
                {
                    if (digit == text[at])
                        continue;
                    var reads = NationalId.TryParse(Replace(text, at, digit), out _, out var fault);
                    (reads ? missed : found).Add((DigitWeights[at - 1], Math.Abs(digit - text[at])));
                    Assert.Equal(reads ? NationalIdFault.None : NationalIdFault.WrongChecksum, fault);
                }
            }
        }

        Assert.Equal([(2, 5), (4, 5), (5, 2), (5, 4), (5, 6), (5, 8), (6, 5)], missed.Order());
        Assert.Empty(missed.Intersect(found));
        Assert.Equal(7 * 9, missed.Count + found.Count);
    }

    [Fact]
    public void A_changed_second_character_is_always_found_or_makes_another_form()
    {
        foreach (var text in Samples())
        {
            foreach (var second in "0123456789" + Letters)
            {
                if (second == text[1])
                    continue;
                var reads = NationalId.TryParse(Replace(text, 1, second), out _, out var fault);
                var known = "1289ABCD".Contains(second, StringComparison.Ordinal);
                if (!known)
                    Assert.Equal(NationalIdFault.WrongForm, fault);
                else if (char.IsAsciiDigit(second) == char.IsAsciiDigit(text[1]))
                    Assert.Equal(NationalIdFault.WrongChecksum, fault);
                else
                    Assert.Equal(SecondValue(second) % 5 == SecondValue(text[1]) % 5, reads);
            }
        }
    }

    [Fact]
    public void A_changed_letter_is_missed_only_within_the_ten_classes_of_equal_weight()
    {
        string[] classes = ["BNZ", "AMW", "KLY", "JVX", "HU", "GT", "FS", "ER", "DOQ", "CIP"];
        foreach (var text in Samples())
        {
            foreach (var letter in Letters)
            {
                var same = Array.Exists(classes, one => one.Contains(letter, StringComparison.Ordinal) && one.Contains(text[0], StringComparison.Ordinal));
                Assert.Equal(same, NationalId.TryParse(Replace(text, 0, letter), out _, out _));
            }
        }
    }

    [Fact]
    public void Exchanged_neighbours_are_found_except_the_last_two()
    {
        var lastTwo = 0;
        foreach (var text in Samples())
        {
            for (var at = 0; at < NationalId.Length - 1; at++)
            {
                if (text[at] == text[at + 1])
                    continue;
                var swapped = Replace(Replace(text, at, text[at + 1]), at + 1, text[at]);
                var reads = NationalId.TryParse(swapped, out _, out var fault);
                if (at == NationalId.Length - 2)
                {
                    Assert.True(reads);
                    lastTwo++;
                }
                else if (at == 0 && char.IsAsciiLetter(text[1]))
                {
                    // Two letters: the sum tells them apart unless it happens to agree, or the first is no letter of the old form.
                    Assert.Equal("ABCD".Contains(text[0], StringComparison.Ordinal) && OfficialSum(swapped) % 10 == 0, reads);
                }
                else
                {
                    Assert.True(fault is NationalIdFault.WrongChecksum or NationalIdFault.WrongForm, fault.ToString());
                }
            }
        }

        Assert.True(lastTwo > 100);
    }

    [Fact]
    [Trait("Abuse", "B23")]
    public void One_id_in_every_accepted_spelling_is_one_value()
    {
        string[] spellings = ["A123456789", "a123456789", FullWidth("A123456789"), FullWidth("a123456789"), "A" + FullWidth("123456789")];
        var ids = spellings.Select(spelling => NationalId.Parse(spelling)).ToHashSet();
        Assert.Equal("A123456789", Assert.Single(ids).Canonical);
    }

    [Fact]
    [Trait("Abuse", "B23")]
    public void No_character_of_the_plane_but_letters_and_digits_in_two_widths_is_accepted_anywhere()
    {
        for (var at = 0; at < NationalId.Length; at++)
        {
            for (var character = 0; character <= char.MaxValue; character++)
            {
                var text = Replace("A123456789", at, (char)character);
                Assert.Equal(NationalId.TryParse(text, out _, out var fault), fault == NationalIdFault.None);
                Assert.Equal(!IsLetterOrDigitInTwoWidths((char)character), fault == NationalIdFault.UnknownCharacter);
            }
        }
    }

    [Fact]
    [Trait("Rule", "R-HH-5")]
    public void Nothing_that_prints_shows_the_id()
    {
        var id = NationalId.Parse("A123456789");
        Assert.Equal("A1******89", id.ToString());
        Assert.Equal("A1******89", $"{id}");
        Assert.DoesNotContain("23456", JsonSerializer.Serialize(id), StringComparison.Ordinal);
        var failure = Assert.Throws<FormatException>(() => NationalId.Parse("A123456788"));
        Assert.Contains(nameof(NationalIdFault.WrongChecksum), failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("23456", failure.ToString(), StringComparison.Ordinal);
        var misuse = Assert.Throws<FormatException>(() => NationalId.ComputeCheckDigit("A32345678"));
        Assert.DoesNotContain("23456", misuse.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_default_value_is_no_id()
    {
        NationalId none = default;
        Assert.True(none.IsEmpty);
        Assert.Equal("", none.ToString());
        Assert.Throws<InvalidOperationException>(() => none.Canonical);
        Assert.NotEqual(none, NationalId.Parse("A123456789"));
        Assert.NotEqual(none, NationalId.Parse(WithCheckDigit("A10000000")));
    }

    [Fact]
    public void Copying_into_a_span_gives_the_canonical_text_and_needs_its_room()
    {
        var id = NationalId.Parse("A123456789");
        var room = new char[12];
        id.CopyTo(room);
        Assert.Equal("A123456789\0\0", new string(room));
        Assert.Throws<ArgumentException>(() => id.CopyTo(new char[9]));
    }

    private static IEnumerable<string> Samples()
    {
        var random = new Random(5);
        foreach (var letter in Letters)
        {
            foreach (var second in "1289ABCD")
                yield return WithCheckDigit(string.Create(CultureInfo.InvariantCulture, $"{letter}{second}{random.Next(10_000_000):D7}"));
        }
    }

    private static string WithCheckDigit(string firstNine) => firstNine + OfficialCheckDigit(firstNine);

    private static char OfficialCheckDigit(string text) => (char)('0' + ((1000 - OfficialSum(text[..9] + "0")) % 10));

    /// <summary>Letters turned into their two digits, eleven digits under eleven weights.</summary>
    private static int OfficialSum(string text)
    {
        var digits = (10 + OfficialOrder.IndexOf(text[0], StringComparison.Ordinal)).ToString(CultureInfo.InvariantCulture) + SecondValue(text[1]) + text[2..];
        int[] weights = [1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1];
        return digits.Select((digit, at) => (digit - '0') * weights[at]).Sum();
    }

    private static int SecondValue(char second) =>
        char.IsAsciiDigit(second) ? second - '0' : (10 + OfficialOrder.IndexOf(second, StringComparison.Ordinal)) % 10;

    private static bool IsLetterOrDigitInTwoWidths(char character) =>
        char.IsAsciiLetterOrDigit(character)
        || character is (>= '０' and <= '９') or (>= 'Ａ' and <= 'Ｚ') or (>= 'ａ' and <= 'ｚ');

    private static string FullWidth(string text) => string.Concat(text.Select(character => (char)(character + 0xFEE0)));

    private static string Replace(string text, int at, char character) => string.Concat(text[..at], character.ToString(), text[(at + 1)..]);

    private static string VectorPath()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "SafetyNet.Exchange.sln")))
            folder = folder.Parent;
        return Path.Combine(folder.FullName, "tests", "SafetyNet.Exchange.Tests", "Vectors", "national-id.json");
    }
}
