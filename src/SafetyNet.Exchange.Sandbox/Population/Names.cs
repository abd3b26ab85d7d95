using System.Globalization;
using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Sandbox.Population;

/// <summary>Surnames about as often as Taiwan's register has them.</summary>
internal static class Surnames
{
    /// <summary>Each with its share in tenths of a per mille.</summary>
    private const string Table =
        "陳1114 林830 黃603 張526 李513 王411 吳403 劉316 蔡291 楊266 許233 鄭188 謝177 洪152 郭150 邱147 曾144 廖135 賴132 徐128 周122 葉119 " +
        "蘇115 莊95 呂92 江92 何91 蕭89 羅88 高86 潘85 簡83 朱82 鍾81 游80 彭79 詹76 胡74 施73 沈72 余66 趙64 盧63 梁62 顏61 柯60 孫58 魏56 翁54 " +
        "戴53 范52 宋50 方49 鄧46 杜44 傅43 侯42 曹41 薛40 丁39 卓38 馬36 阮35 董34 唐33 溫33 藍32 蔣31 石31 古30 紀29 姚28 連28 歐28 馮27 程26 " +
        "湯25 黎24 田24 康23 姜22 汪21 鄒21 白20 尤20 巫19 龔18 塗17 嚴17 韓16 袁15 金15 童14 倪13 夏12 陸12 柳11 樊5 歐陽7 張簡8 范姜7 司徒2 上官1";

    private static readonly Weighted<string> All = new(Table.Split(' ').Select(entry =>
    {
        var digits = entry.AsSpan().IndexOfAnyInRange('0', '9');
        return (entry[..digits], int.Parse(entry.AsSpan(digits), CultureInfo.InvariantCulture));
    }));

    public static string Draw(Draw draw) => All.Draw(draw);
}

/// <summary>Given names by sex and the fashion of the year of birth: half of them the favourites, half put together from favourite characters.</summary>
internal static class GivenNames
{
    private static readonly Fashion[] Male =
    [
        new(1950, "金水木火清文明正國天添進春義萬榮慶阿石茂", "生財旺土發山川龍雄德福成來貴樹吉坤池泉", "金龍 水木 清山 文雄 正雄 武雄 明雄 俊雄 義雄 添財 進財 清泉"),
        new(1960, "國正文明俊清榮武金錦茂順宏炳昭", "雄隆輝明義祥賢章男源興昌宗良華", "正雄 文雄 國雄 武雄 明輝 俊雄 榮華 正義 文章 金城"),
        new(1970, "志文俊明建國宗正榮家振添勝永", "明雄賢成輝宏德龍隆銘文華興昌仁", "志明 志成 文雄 建國 俊明 志雄 明德 文龍 國華 建成"),
        new(1980, "志建俊家文明宗信宏嘉冠偉政柏", "豪宏銘偉傑良賢文仁忠德龍誠鴻", "志偉 志豪 建宏 俊宏 志宏 文傑 家豪 建志 俊傑 信宏 志強"),
        new(1990, "家冠宗彥俊柏承彥志信建哲偉育", "豪宏翰廷瑋銘傑霖良佑均維緯儒", "家豪 志豪 冠宇 宗翰 彥廷 承翰 俊宏 信宏 柏翰 家銘"),
        new(2000, "冠承柏宗家彥子宇昱俊哲威建奕", "宇翰廷瑋勳佑霖均鈞豪安儒倫澤", "冠宇 承翰 宗翰 家豪 柏翰 冠廷 彥廷 承恩 柏宇 子軒"),
        new(2010, "承冠柏宇子昱品彥睿宥翊駿祐冠", "恩翰廷軒睿宇諺均勳辰佑霖安叡", "承恩 承翰 宇翔 柏翰 冠廷 子軒 品睿 宥廷 柏宇 彥廷"),
        new(int.MaxValue, "承宥品宇睿柏子禹昱恩沐奕楷丞", "恩睿辰翔安希樂澤軒廷諺勳叡霖", "承恩 宥廷 品睿 宥辰 宇恩 承翰 睿恩 柏睿 子睿 宸睿 沐恩"),
    ];

    private static readonly Fashion[] Female =
    [
        new(1950, "秀玉美金春月阿素寶麗桂清彩碧罔", "英蘭花梅珠枝葉雲霞香玉女好嬌蓮", "秀英 玉蘭 玉英 秀蘭 月娥 春花 素珠 金鳳 罔市 招弟"),
        new(1960, "秀美玉麗淑素月惠金碧寶春雪貴", "英華珠雲卿蘭鳳霞惠玲貞梅琴香", "秀英 美玉 麗華 淑貞 玉蘭 秀琴 素珠 美雲 麗珠 月霞"),
        new(1970, "淑美麗秀惠玉雅素慧瓊佩鳳碧雪", "惠玲芬華珠貞卿娟芳珍琴美雲真", "淑芬 淑惠 美玲 麗華 美惠 淑貞 秀琴 惠美 淑娟 麗珠"),
        new(1980, "淑美雅惠麗怡佩慧靜秀玉瓊玲珮", "芬玲惠娟君芳如萍華珍雯慧真儀", "淑芬 美玲 雅惠 淑娟 怡君 雅玲 惠雯 佩君 淑玲 美惠"),
        new(1990, "怡雅佳佩靜惠欣淑婉宜筱思珮郁", "君婷雯如玲萍怡伶慧蓉芬儀珊茹", "怡君 雅婷 雅雯 怡婷 佳玲 淑芬 靜怡 欣怡 雅玲 佩君"),
        new(2000, "雅怡佳欣詩郁宜婉思品筱佩于鈺", "婷君雯涵怡萱蓉庭潔如臻瑜珊筑", "雅婷 怡君 怡婷 欣怡 詩涵 佳穎 郁婷 宜庭 雅筑 思穎"),
        new(2010, "宜欣子詩佳羽品思芷雨沛語珮昀", "萱妤涵妍庭彤蓁瑄恩柔臻晴筠安", "宜蓁 欣妤 詩涵 子涵 羽彤 品妤 思妤 佳蓉 子晴 芷瑄"),
        new(int.MaxValue, "品子詠羽苡芯語芸沐宥昕禹采妍", "妍晴彤恩蕎葳霏岑安甯菲潔希悅", "品妍 子晴 詠晴 羽彤 品妤 苡晴 芯語 語彤 沐晴 禹彤"),
    ];

    public static string Draw(Draw draw, Sex sex, int birthYear)
    {
        var fashion = Array.Find(sex == Sex.Male ? Male : Female, one => birthYear < one.Before)!;
        if (draw.Chance(350))
            return draw.Pick(fashion.Favourites);
        if (draw.Chance(25))
            return fashion.Seconds[draw.Below(fashion.Seconds.Length)].ToString(); // 單名
        return string.Concat([draw.Pick(fashion.Firsts), draw.Pick(fashion.Seconds)]);
    }

    private sealed record Fashion(int Before, string Firsts, string Seconds, string Names)
    {
        public string[] Favourites { get; } = Names.Split(' ');
    }
}

/// <summary>An indigenous person's name (原住民族傳統姓名).</summary>
/// <param name="People">Index of the people the name is of; children stay in it.</param>
/// <param name="First">The person's own name: Latin letters, Chinese.</param>
/// <param name="Last">A parent's name, or the family's where the people has family names (Bunun).</param>
internal sealed record IndigenousName(int People, (string Latin, string Chinese) First, (string Latin, string Chinese) Last)
{
    public string Romanised => $"{First.Latin} {Last.Latin}";

    public string Chinese => $"{First.Chinese}·{Last.Chinese}";
}

/// <summary>Indigenous names by people, with one of their transliterations.</summary>
internal static class IndigenousNames
{
    private static readonly People[] Peoples =
    [
        new( // Amis
            "Mayaw 馬耀 Kacaw 卡照 Lekal 樂卡 Fotol 伏多 Sawmah 少瑪 Looh 洛賀 Tafong 達鳳 Kulas 古拉斯",
            "Panay 巴奈 Lisin 里信 Nakaw 娜告 Dongi 東宜 Saomah 紹瑪 Ipay 伊拜 Kolas 谷辣斯 Rara 拉菈",
            null),
        new( // Atayal
            "Watan 瓦旦 Yukan 尤幹 Walis 瓦歷斯 Hayung 哈勇 Tali 達利 Batu 巴度 Masa 馬薩 Pihaw 比浩",
            "Yuma 尤瑪 Sayun 莎韻 Ciwas 吉娃斯 Rimuy 里慕伊 Apay 阿拜 Amuy 阿慕依 Yagu 雅谷 Upah 烏巴赫",
            null),
        new( // Paiwan
            "Camak 札馬克 Kulele 古勒勒 Giyu 基尤 Pali 巴利 Kui 古邑 Ljivangerau 利凡額勞",
            "Eleng 娥冷 Muni 慕妮 Selep 瑟樂 Tjuku 主谷 Zepulj 瑞布 Ljaljeqelan 拉樂格安",
            null),
        new( // Bunun
            "Biung 比勇 Tiang 迪昂 Dahu 達虎 Lian 里安 Husung 胡頌 Talum 達魯木 Bali 巴力 Nieqo 尼耶戈",
            "Ibu 伊布 Umav 烏瑪芙 Langui 朗貴 Puni 布妮 Savi 莎薇 Abus 阿布絲 Malas 瑪拉絲",
            "Istanda 伊斯坦大 Tanapima 達納畢馬 Palalavi 巴拉拉非 Nahaisulan 那海蘇蘭 Takiludun 達給魯頓 Ismahasan 伊斯瑪哈單"),
    ];

    /// <param name="parent">Whose people and last name the child goes on with; null draws anew.</param>
    public static IndigenousName Draw(Draw draw, Sex sex, IndigenousName? parent)
    {
        var index = parent?.People ?? draw.Below(Peoples.Length);
        var people = Peoples[index];
        var first = draw.Pick(sex == Sex.Male ? people.Male : people.Female);
        var last = people.Families is { } families
            ? parent?.Last ?? draw.Pick(families)
            : parent?.First ?? draw.Pick(draw.Chance(600) ? people.Male : people.Female);
        return new IndigenousName(index, first, last);
    }

    private sealed class People(string male, string female, string? families)
    {
        public (string Latin, string Chinese)[] Male { get; } = NamePairs.Read(male);

        public (string Latin, string Chinese)[] Female { get; } = NamePairs.Read(female);

        public (string Latin, string Chinese)[]? Families { get; } = families is null ? null : NamePairs.Read(families);
    }
}

/// <summary>A new immigrant's name.</summary>
/// <param name="Surname">What a child takes if it takes this parent's.</param>
/// <param name="Romanised">As in a passport, in capitals; null for people from mainland China.</param>
internal sealed record ImmigrantName(string Surname, string Chinese, string? Romanised);

/// <summary>Names of people who came by marriage, by where from.</summary>
internal static class ImmigrantNames
{
    private static readonly (string Latin, string Chinese)[] VietnameseFamilies = NamePairs.Read(
        "NGUYEN 阮 NGUYEN 阮 NGUYEN 阮 TRAN 陳 TRAN 陳 LE 黎 LE 黎 PHAM 范 HUYNH 黃 PHAN 潘 VO 武 DANG 鄧 BUI 裴 DO 杜 HO 胡 NGO 吳 DUONG 楊 LY 李");

    private static readonly (string Latin, string Chinese)[] VietnameseWomen = NamePairs.Read(
        "HOA 花 LAN 蘭 MAI 梅 HUONG 香 HONG 紅 THUY 翠 HANH 幸 PHUONG 芳 LOAN 鸞 TUYET 雪 NGA 娥 THU 秋 XUAN 春 NGOC 玉 LINH 玲 TRANG 妝 MY 美 KIM 金 YEN 燕 " +
        "DUNG 蓉 HIEN 賢 NHUNG 絨 THAM 深 CUC 菊 LIEN 蓮");

    private static readonly (string Latin, string Chinese)[] VietnameseMen = NamePairs.Read(
        "HUNG 雄 DUNG 勇 TUAN 俊 MINH 明 THANH 成 DUC 德 HAI 海 NAM 南 LONG 龍 SON 山 QUANG 光 TAM 心");

    private static readonly (string Latin, string Chinese)[] IndonesianWomen = NamePairs.Read(
        "SITI 西蒂 DEWI 黛薇 SRI 絲莉 RINA 麗娜 YANTI 燕蒂 INDAH 茵達 KARTINI 卡蒂妮 SUSANTI 蘇珊蒂 NINGSIH 寧西 WATI 娃蒂 LESTARI 蕾絲妲莉 RAHAYU 拉哈宇 HANDAYANI 韓妲雅妮");

    private static readonly (string Latin, string Chinese)[] IndonesianMen = NamePairs.Read(
        "AGUS 阿古斯 BUDI 布迪 HERU 赫魯 JOKO 佐科 WAHYU 瓦尤 SETIAWAN 賽迪亞旺 SUSANTO 蘇山多 PRASETYO 普拉斯提 SANTOSO 山多梭");

    private static readonly (string Latin, string Chinese)[] FilipinoWomen = NamePairs.Read(
        "MARIA 瑪麗亞 ANA 安娜 ROSA 羅莎 CRISTINA 克莉絲汀娜 JOSEFINA 何塞菲娜 LORNA 蘿娜 MARITES 瑪莉黛絲 GRACE 葛蕾絲");

    private static readonly (string Latin, string Chinese)[] FilipinoMen = NamePairs.Read("JOSE 荷西 RAMON 雷蒙 ANTONIO 安東尼奧 EDUARDO 愛德華多 MARIO 馬利歐");

    private static readonly (string Latin, string Chinese)[] FilipinoFamilies = NamePairs.Read(
        "SANTOS 桑托斯 REYES 雷耶斯 CRUZ 克魯茲 GARCIA 賈西亞 MENDOZA 門多薩 RAMOS 拉莫斯 FLORES 佛洛雷斯 BAUTISTA 包蒂斯塔");

    private static readonly (string Latin, string Chinese)[] ThaiWomen = NamePairs.Read("SOMYING 頌英 MALEE 瑪麗 SUDA 蘇妲 KANYA 甘雅 NARI 娜莉 WANIDA 瓦妮妲 ORAWAN 歐拉婉");

    private static readonly (string Latin, string Chinese)[] ThaiMen = NamePairs.Read("SOMCHAI 頌猜 PRASIT 巴西 WICHAI 威猜 ANAN 阿南 NARONG 納隆");

    private static readonly (string Latin, string Chinese)[] ThaiFamilies = NamePairs.Read(
        "CHAIYASIT 猜亞西 SRISUK 西素 THONGDEE 通迪 WONGSA 翁薩 BOONMEE 汶米 KAEWSAI 告賽");

    public static ImmigrantName Draw(Draw draw, Sex sex, int mainlandPerMille)
    {
        if (draw.Chance(mainlandPerMille))
        {
            var surname = Surnames.Draw(draw);
            return new ImmigrantName(surname, surname + GivenNames.Draw(draw, sex, draw.Between(1960, 1995)), null);
        }

        var women = sex == Sex.Female;
        return draw.Below(100) switch
        {
            < 62 => Vietnamese(draw, women),
            < 82 => Indonesian(draw, women),
            < 92 => Western(draw.Pick(women ? FilipinoWomen : FilipinoMen), draw.Pick(FilipinoFamilies)),
            _ => Western(draw.Pick(women ? ThaiWomen : ThaiMen), draw.Pick(ThaiFamilies)),
        };
    }

    /// <summary>Family, middle (氏 for women, 文 for men), then one or two syllables of one's own; each has its character.</summary>
    private static ImmigrantName Vietnamese(Draw draw, bool women)
    {
        var family = draw.Pick(VietnameseFamilies);
        var middle = women ? (Latin: "THI", Chinese: "氏") : (Latin: "VAN", Chinese: "文");
        var pool = women ? VietnameseWomen : VietnameseMen;
        var own = draw.Pick(pool);
        if (!draw.Chance(400))
            return new(family.Chinese, family.Chinese + middle.Chinese + own.Chinese, $"{family.Latin} {middle.Latin} {own.Latin}");
        var second = draw.Pick(pool);
        return new(
            family.Chinese,
            family.Chinese + middle.Chinese + own.Chinese + second.Chinese,
            $"{family.Latin} {middle.Latin} {own.Latin} {second.Latin}");
    }

    /// <summary>Often without a family name: two names of one's own, written on in Chinese.</summary>
    private static ImmigrantName Indonesian(Draw draw, bool women)
    {
        var pool = women ? IndonesianWomen : IndonesianMen;
        var first = draw.Pick(pool);
        var second = draw.Pick(pool);
        return first == second
            ? new(first.Chinese, first.Chinese, first.Latin)
            : new(first.Chinese, first.Chinese + second.Chinese, $"{first.Latin} {second.Latin}");
    }

    private static ImmigrantName Western((string Latin, string Chinese) own, (string Latin, string Chinese) family) =>
        new(family.Chinese, $"{own.Chinese}·{family.Chinese}", $"{own.Latin} {family.Latin}");
}

/// <summary>Name tables as they are read best: Latin, Chinese, Latin, Chinese.</summary>
internal static class NamePairs
{
    public static (string Latin, string Chinese)[] Read(string table) =>
        [.. table.Split(' ').Chunk(2).Select(pair => (pair[0], pair[1]))];
}
