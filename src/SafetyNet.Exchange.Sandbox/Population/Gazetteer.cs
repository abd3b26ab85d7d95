using System.Globalization;
using System.Text;

namespace SafetyNet.Exchange.Sandbox.Population;

/// <summary>One of the 22 local governments (domain.md 2.3) with what an address and an id there look like.</summary>
/// <param name="Code">ISO 3166-2:TW without the country.</param>
/// <param name="Name">As addresses begin.</param>
/// <param name="IdLetters">Letters ids were first registered under here; the first is the one in use, the others of places merged since.</param>
/// <param name="IndigenousPerMille">Families with indigenous names, of a thousand.</param>
internal sealed record Jurisdiction(string Code, string Name, string IdLetters, int IndigenousPerMille, IReadOnlyList<string> Districts)
{
    /// <summary>The letter of a birth registered here; a merged county's own until it was given up (L, R, S in 2010, Yangmingshan's Y in 1974).</summary>
    public char DrawIdLetter(Draw draw, DateOnly birth)
    {
        var merged = IdLetters.Length > 1 && birth.Year <= (IdLetters[1] == 'Y' ? 1974 : 2010);
        return merged && draw.Chance(IdLetters[1] == 'Y' ? 40 : 450) ? IdLetters[1] : IdLetters[0];
    }
}

/// <summary>The places of the sandbox: real jurisdictions and districts, everyday street names, invented houses.</summary>
internal static class Gazetteer
{
    /// <summary>Code, name, share of the population in hundredths of a percent (rounded), id letters, indigenous families per mille, districts.</summary>
    private const string Table = """
        TPE 臺北市 1060 AY 8 中正區 大同區 中山區 松山區 大安區 萬華區 信義區 士林區 北投區 內湖區 南港區 文山區
        NWT 新北市 1730 F 15 板橋區 三重區 中和區 永和區 新莊區 新店區 土城區 蘆洲區 樹林區 汐止區 淡水區 三峽區 烏來區
        TAO 桃園市 990 H 35 桃園區 中壢區 平鎮區 八德區 楊梅區 蘆竹區 龜山區 龍潭區 大溪區 觀音區 復興區
        TXG 臺中市 1220 BL 13 中區 西屯區 北屯區 南屯區 太平區 大里區 豐原區 沙鹿區 清水區 東勢區 和平區
        TNN 臺南市 790 DR 5 中西區 東區 南區 安南區 永康區 新營區 善化區 麻豆區 佳里區 玉井區
        KHH 高雄市 1160 ES 13 三民區 鳳山區 左營區 前鎮區 苓雅區 楠梓區 小港區 岡山區 旗山區 美濃區 那瑪夏區
        KEE 基隆市 154 C 25 仁愛區 信義區 中正區 安樂區 七堵區 暖暖區
        HSZ 新竹市 195 O 10 東區 北區 香山區
        HSQ 新竹縣 253 J 40 竹北市 竹東鎮 新埔鎮 湖口鄉 新豐鄉 尖石鄉
        MIA 苗栗縣 228 K 22 苗栗市 頭份市 竹南鎮 苑裡鎮 公館鄉 泰安鄉
        CHA 彰化縣 525 N 5 彰化市 員林市 鹿港鎮 和美鎮 溪湖鎮 田中鎮 秀水鄉 二林鎮
        NAN 南投縣 203 M 62 南投市 草屯鎮 埔里鎮 竹山鎮 仁愛鄉 信義鄉
        YUN 雲林縣 282 P 4 斗六市 虎尾鎮 西螺鎮 北港鎮 麥寮鄉 口湖鄉
        CYI 嘉義市 112 I 5 東區 西區
        CYQ 嘉義縣 206 Q 13 太保市 朴子市 民雄鄉 水上鄉 東石鄉 阿里山鄉
        PIF 屏東縣 337 T 77 屏東市 潮州鎮 東港鎮 恆春鎮 萬丹鄉 內埔鄉 三地門鄉
        ILA 宜蘭縣 191 G 40 宜蘭市 羅東鎮 頭城鎮 蘇澳鎮 冬山鄉 大同鄉
        HUA 花蓮縣 135 U 290 花蓮市 玉里鎮 吉安鄉 壽豐鄉 光復鄉 秀林鄉
        TTT 臺東縣 90 V 370 臺東市 成功鎮 關山鎮 卑南鄉 太麻里鄉 蘭嶼鄉
        PEN 澎湖縣 46 X 3 馬公市 湖西鄉 白沙鄉 西嶼鄉
        KIN 金門縣 62 W 4 金城鎮 金湖鎮 金沙鎮 金寧鄉
        LIE 連江縣 6 Z 5 南竿鄉 北竿鄉 莒光鄉 東引鄉
        """;

    private const string Numerals = "一二三四五六七八九";

    private static readonly string[] Streets =
    [
        "中正", "中山", "民生", "民權", "民族", "和平", "忠孝", "仁愛", "信義", "復興", "建國", "光復", "中華", "文化", "成功", "自由", "大同", "公園",
        "三民", "五福", "博愛", "四維", "新生", "興隆", "長春", "永安", "永和", "福德", "安和", "光明", "自強", "勝利", "中興", "南京", "青年", "學府",
    ];

    private static readonly string[] Villages =
    [
        "幸福", "和平", "光明", "永安", "福德", "長春", "仁愛", "中興", "新生", "文化", "復興", "大同", "忠孝", "信義", "民生", "德安", "平安", "松柏",
        "竹林", "山腳", "溪口", "東興", "西安", "南光", "北安", "公館", "後厝", "田寮", "埔心", "水源",
    ];

    private static readonly List<(Jurisdiction Place, int Share)> Rows = [.. Table.Split('\n').Select(Read)];

    private static readonly Weighted<Jurisdiction> ByShare = new(Rows);

    public static IReadOnlyList<Jurisdiction> All => ByShare.Items;

    public static Jurisdiction Get(string code) => All.First(place => string.Equals(place.Code, code, StringComparison.Ordinal));

    public static Jurisdiction Draw(Draw draw) => ByShare.Draw(draw);

    /// <summary>A district and a whole address in it: 里/村, 鄰, 路街, 段, 巷, 弄, 號, 樓, the finer parts where they occur.</summary>
    public static (string District, string Address) DrawAddress(Draw draw, Jurisdiction place)
    {
        var district = draw.Pick(place.Districts);
        var rural = district[^1] == '鄉';
        var text = new StringBuilder(40)
            .Append(place.Name).Append(district)
            .Append(draw.Pick(Villages)).Append(rural ? '村' : '里')
            .Append(CultureInfo.InvariantCulture, $"{draw.Between(1, 28)}鄰")
            .Append(draw.Pick(Streets)).Append(draw.Chance(rural ? 300 : 650) ? '路' : '街');
        if (text[^1] == '路' && draw.Chance(400))
            text.Append(Numerals[draw.Below(rural ? 3 : 6)]).Append('段');
        if (draw.Chance(520))
        {
            text.Append(CultureInfo.InvariantCulture, $"{draw.Between(2, 420)}巷");
            if (draw.Chance(300))
                text.Append(CultureInfo.InvariantCulture, $"{draw.Between(1, 60)}弄");
        }

        text.Append(CultureInfo.InvariantCulture, $"{draw.Between(1, rural ? 180 : 560)}號");
        if (!draw.Chance(rural ? 120 : 700))
            return (district, text.ToString());
        text.Append(CultureInfo.InvariantCulture, $"{draw.Between(2, rural ? 4 : 18)}樓");
        if (draw.Chance(220))
            text.Append(CultureInfo.InvariantCulture, $"之{draw.Between(1, 9)}");
        return (district, text.ToString());
    }

    private static (Jurisdiction Place, int Share) Read(string line)
    {
        var parts = line.Trim().Split(' ');
        var place = new Jurisdiction(parts[0], parts[1], parts[3], int.Parse(parts[4], CultureInfo.InvariantCulture), parts[5..]);
        return (place, int.Parse(parts[2], CultureInfo.InvariantCulture));
    }
}
