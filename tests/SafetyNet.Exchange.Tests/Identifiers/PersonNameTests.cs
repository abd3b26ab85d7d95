using System.Text;
using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Tests.Identifiers;

[Trait("Rule", "R-HH-1")]
public sealed class PersonNameTests
{
    [Theory]
    [InlineData("王小明", "王 小明", "王　小明", "王\u200B小明")]
    [InlineData("林峰", "林峯")]
    [InlineData("溫臺生", "温台生")]
    [InlineData("張偉強", "张伟强", "張偉强")]
    [InlineData("黃彥寶", "黄彦宝", "黃彥寳")]
    // One code point of the standard for another: a compatibility ideograph, and one with a variation selector.
    [InlineData("福", "\uFA1B")]
    [InlineData("葛城", "葛\U000E0100城")]
    // Indigenous names in Han characters and in letters.
    [InlineData("瓦歷斯·諾幹", "瓦歷斯‧諾幹", "瓦歷斯・諾幹", "瓦歷斯．諾幹", "瓦歷斯•諾幹", "瓦歷斯 諾幹", "瓦歷斯諾幹")]
    [InlineData("Walis Nokan", "WALIS NOKAN", "Ｗａｌｉｓ　Ｎｏｋａｎ", "walis-nokan", "Walis·Nokan")]
    [InlineData("Sra Kacaw", "Sra Kacaw'", "Sra Kaca’w", "Sra Kacaʼw", "Sra Kacaʔw")]
    [InlineData("Kʉsʉ", "KɄSɄ", "Kusu")]
    // Romanised names with accents.
    [InlineData("Nguyễn Thị Đào", "Nguyen Thi Dao", "Nguye\u0302\u0303n Thi\u0323 Dao", "NGUYỄN THỊ ĐÀO")]
    [InlineData("O'Brien", "O’BRIEN", "Obrien")]
    [InlineData("王□明", "王○明", "王＊明", "王？明", "王_明", "王\uFFFD明")]
    public void Spellings_of_one_name_are_one(params string[] spellings)
    {
        var form = PersonName.ToSearchForm(spellings[0]);
        Assert.NotEmpty(form);
        Assert.All(spellings, spelling => Assert.Equal(form, PersonName.ToSearchForm(spelling)));
        Assert.All(spellings, spelling => Assert.Equal(form, PersonName.ToSearchForm(spelling.Normalize(NormalizationForm.FormD))));
    }

    [Fact]
    public void Names_that_are_not_one_stay_apart()
    {
        string[] names =
        [
            "王小明", "王大明", "王明小", "小明王", "于小明", "於小明", "范小明", "範小明", "凃小明", "涂小明", "鍾小明", "鐘小明", "邱小明", "丘小明", "周小明", "週小明", "王□明", "王明", "蘇芸", "蘇藝", "甯靜", "寧靜",
            "Walis Nokan", "Nokan Walis", "か", "が",
        ];
        Assert.Equal(names.Length, names.Select(PersonName.ToSearchForm).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void The_form_of_a_form_is_itself_whatever_was_written()
    {
        var random = new Random(20261123);
        string[] parts = ["王", "峯", "台", "□", "？", " ", "　", "·", "‧", "'", "ʉ", "Đ", "ễ", "e", "\u0302", "\u200D", "Ａ", "b", "𠮷", "葛\U000E0100", "\uFA1B", "1", "〇", "ß", "İ", "ı", "ŉ", "ǰ", "K", "㈱"];
        for (var number = 0; number < 20_000; number++)
        {
            var name = string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => parts[random.Next(parts.Length)]));
            var form = PersonName.ToSearchForm(name);
            Assert.Equal(form, PersonName.ToSearchForm(form));
            Assert.DoesNotContain(form, char.IsWhiteSpace);
            Assert.Equal(form, PersonName.ToSearchForm($" {name.ToUpperInvariant()} "));
        }
    }
}
