using System.Globalization;
using System.Text;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Identifiers;

/// <summary>Spellings of addresses; the streets are everyday names, the numbers invented.</summary>
[Trait("Rule", "R-HH-3")]
public sealed class PostalAddressTests
{
    private const string HanDigits = "〇一二三四五六七八九";

    [Theory]
    [InlineData("臺北市信義區松仁路100號5樓之3", "台北市信義區松仁路100號5樓之3", "台北市信義區松仁路１００號５樓之３", "臺北市信義區松仁路一〇〇號五樓之三", "臺北市信義區松仁路一百號5F-3", "110 臺北市信義區松仁路100號 5F之3",
        "11049臺北市信義區松仁路100號5樓-3", "110204 台北市信義區松仁路100號5f－3", "臺北市, 信義區, 松仁路 100 號, 5 樓之 3", "（110）臺北市信義區松仁路100號5樓之3", "臺北市信義區松仁路0100號05樓之3", "臺北市信義区松仁路100号5楼之3",
        "臺北市信義區景新里12鄰松仁路100號5樓之3", "臺北市信義區景新里松仁路100號5樓之3", "臺北市信義區景新里第12鄰松仁路100號5樓之3", "臺灣省臺北市信義區松仁路100號5樓之3")]
    [InlineData("高雄市苓雅區四維三路2巷3弄5之3號", "高雄市苓雅區四維三路2巷3弄5-3號", "高雄市苓雅區四維三路二巷三弄五之三號", "高雄市苓雅區四維三路2巷3弄5號之3", "高雄市苓雅區四維三路2巷3弄5號-3", "高雄市苓雅區四維三路第2巷第3弄5—3號")]
    [InlineData("臺中市西區五權西三街12號B1樓", "台中市西區五權西三街12號B1", "臺中市西區五權西三街12號地下一樓", "臺中市西區五權西三街12號地下1層", "臺中市西區五權西三街12號b1f", "臺中市西區五權西三街十二號地下室")]
    [InlineData("新北市板橋區文化路1段25巷8號", "新北市板橋區文化路一段25巷8號", "新北市板橋區文化路ㄧ段廿五巷八號", "220新北市板橋區文化路一段二十五巷八號")]
    [InlineData("南投縣埔里鎮中山路3段120號", "南投縣埔里鎮中山路三段一二〇號", "南投縣埔里鎮中山路三段一百二十號")]
    [InlineData("屏東縣三地門鄉青葉村34號", "屏東縣三地門鄉青葉村5鄰34號", "屏東縣三地門鄉青葉村五鄰三十四號")]
    [InlineData("臺北市萬華區臺灣大道2段1號3樓", "台北市萬華區台湾大道二段1號3F")]
    public void Spellings_of_one_address_are_one(params string[] spellings)
    {
        var form = PostalAddress.ToForm(spellings[0]);
        Assert.All(spellings, spelling => Assert.Equal(form, PostalAddress.ToForm(spelling)));
        Assert.All(spellings, spelling => Assert.Equal(form, PostalAddress.ToForm(spelling.Normalize(NormalizationForm.FormD))));
        Assert.All(spellings, spelling => Assert.True(PostalAddress.AreOne(spellings[0], spelling)));
    }

    [Fact]
    public void Addresses_that_are_not_one_stay_apart()
    {
        string[] addresses =
        [
            "臺北市信義區松仁路100號", "臺北市信義區松仁路100號1樓", "臺北市信義區松仁路100號5樓", "臺北市信義區松仁路100號5樓之3", "臺北市信義區松仁路100之5號", "臺北市信義區松仁路100號5、6樓", "臺北市信義區松仁路100號56樓", "臺北市信義區松仁路1005號",
            "臺北市信義區松仁路100巷5號", "臺北市信義區松仁路100弄5號", "臺北市信義區松仁路10號", "臺北市信義區松仁路一段100號", "臺北市信義區松仁路二段100號", "臺北市大安區松仁路100號", "松仁路100號", "臺北市信義區松仁街100號",
            "臺中市西區五權路12號", "臺中市西區五權西路12號", "臺中市西區五權三街12號", "臺中市西區三民路12號", "臺中市西區五權路B12號", "臺中市西區五權路12號B1", "臺中市西區五權路12號B2", "臺中市西區五權路12號B1之1",
            "高雄市苓雅區四維一路2號", "高雄市苓雅區四維二路2號", "高雄市苓雅區四維三路2號", "高雄市苓雅區四維路2號", "桃園市中壢區五里路1號", "桃園市中壢區三里路1號", "新北市八里區中山路1號", "新北市萬里區中山路1號", "新北市中山路1號",
            "屏東縣三地門鄉青葉村34號", "屏東縣三地門鄉口社村34號", "南投縣埔里鎮中山路1號", "南投縣中山路1號", "臺東縣臺東市中山路1號", "臺東縣卑南鄉中山路1號", "110巷5號", "5號",
        ];
        var forms = addresses.ToLookup(PostalAddress.ToForm, StringComparer.Ordinal);
        Assert.All(forms, form => Assert.Single(form));
    }

    [Fact]
    public void The_form_of_a_form_is_itself_whatever_was_written()
    {
        var random = new Random(20261123);
        string[] parts =
        [
            "臺北市", "台", "信義區", "鄉", "景新里", "村", "5鄰", "第", "松仁路", "四維三", "路", "街", "一段", "二", "十", "百", "巷", "弄", "之", "-", "－", "號", "樓", "F", "B1", "地下", "室", "100", "0", "5", "３", "、", "，", " ", "　", "(", ")",
            "\u200B", "ㄧ", "110", "臺灣省", "大道", "𠮷", "é", "里", "/", "之三", "层",
        ];
        for (var number = 0; number < 30_000; number++)
        {
            var address = string.Concat(Enumerable.Range(0, random.Next(1, 14)).Select(_ => parts[random.Next(parts.Length)]));
            var form = PostalAddress.ToForm(address);
            Assert.Equal(form, PostalAddress.ToForm(form));
            Assert.DoesNotContain(form, char.IsWhiteSpace);
        }
    }

    [Fact]
    public void Twenty_thousand_addresses_in_random_spellings_are_told_apart_and_found_again()
    {
        var (random, places) = (new Random(7), new Dictionary<string, Place>(StringComparer.Ordinal));
        for (var number = 0; number < 20_000; number++)
        {
            var place = Place.Draw(random);
            var form = PostalAddress.ToForm(place.Spell(random));
            Assert.Equal(form, PostalAddress.ToForm(place.Spell(random)));
            if (!places.TryAdd(form, place)) Assert.Equal(places[form], place);
        }

        Assert.InRange(places.Count, 15_000, 20_000);
    }

    [Fact]
    public void No_two_homes_of_the_register_are_one_that_are_not()
    {
        // The sandbox writes 里 or 村 and 鄰 into every address; without them, where a road is named, two may be one.
        foreach (var same in Some.Homes.GroupBy(home => PostalAddress.ToForm(home.Address), StringComparer.Ordinal))
            Assert.Single(same.Select(home => System.Text.RegularExpressions.Regex.Replace(home.Address, "(?<=[區鄉鎮市])[^區鄉鎮市]{2,3}[里村][0-9]+鄰", "")).Distinct(StringComparer.Ordinal));
    }

    /// <summary>An address by its parts; 0: it has no such part.</summary>
    private sealed record Place(string District, string Road, int Section, int Lane, int Alley, int Number, int Sub, int Floor, int Room)
    {
        private static readonly string[] Districts = ["臺北市信義區", "臺北市大安區", "臺南市東區", "新北市八里區", "南投縣埔里鎮", "臺東縣臺東市"];
        private static readonly string[] Roads = ["松仁路", "五權西路", "四維三路", "中山北路", "三民街", "一心一路", "臺灣大道"];

        public static Place Draw(Random random)
        {
            var floor = random.Next(2) * random.Next(30);
            return new Place(Districts[random.Next(Districts.Length)], Roads[random.Next(Roads.Length)], random.Next(3) * random.Next(2), random.Next(2) * random.Next(300),
                random.Next(2) * random.Next(40), random.Next(1, 250), random.Next(2) * random.Next(9), floor, floor == 0 ? 0 : random.Next(2) * random.Next(5));
        }

        public string Spell(Random random)
        {
            var text = new StringBuilder();
            if (random.Next(3) == 0) text.Append(random.Next(100, 1000)).Append(random.Next(2) == 0 ? " " : "");
            text.Append(random.Next(2) == 0 ? District : District.Replace('臺', '台'));
            if (random.Next(2) == 0) text.Append("安康里").Append(random.Next(2) == 0 ? InWords(random, 7) + "鄰" : "");
            text.Append(random.Next(2) == 0 ? Road : Road.Replace('臺', '台'));
            if (Section > 0) text.Append(InWords(random, Section)).Append('段');
            if (Lane > 0) text.Append(InWords(random, Lane)).Append('巷');
            if (Alley > 0) text.Append(InWords(random, Alley)).Append('弄');
            if (random.Next(4) == 0) text.Append(' ');
            text.Append(InWords(random, Number));
            text.Append(Sub == 0 ? "號" : random.Next(3) switch { 0 => $"之{InWords(random, Sub)}號", 1 => $"-{InWords(random, Sub)}號", _ => $"號之{InWords(random, Sub)}" });
            // 12號之3, 5樓: a comma keeps the numbers apart.
            if (Floor > 0) text.Append(text[^1] == '號' ? "" : "，").Append(InWords(random, Floor)).Append(random.Next(2) == 0 ? "樓" : "F");
            if (Room > 0) text.Append(random.Next(2) == 0 ? "之" : "-").Append(InWords(random, Room));
            return text.ToString();
        }

        private static string InWords(Random random, int number) => random.Next(4) switch
        {
            0 => string.Concat(number.ToString(CultureInfo.InvariantCulture).Select(digit => (char)(digit - '0' + '０'))),
            1 => string.Concat(number.ToString(CultureInfo.InvariantCulture).Select(digit => HanDigits[digit - '0'])),
            2 => ByPlaces(number),
            _ => number.ToString(CultureInfo.InvariantCulture),
        };

        private static string ByPlaces(int number)
        {
            var text = new StringBuilder();
            if (number >= 100) text.Append(HanDigits[number / 100]).Append('百');
            var (tens, ones) = (number / 10 % 10, number % 10);
            if (tens > 0) text.Append(tens == 1 && number < 20 ? "" : HanDigits[tens].ToString()).Append('十');
            else if (number >= 100 && ones > 0) text.Append('零');
            if (ones > 0) text.Append(HanDigits[ones]);
            return text.ToString();
        }
    }
}
