using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace SafetyNet.Exchange.Protocol.Identifiers;

/// <summary>One spelling of a name that registers and people write in several, to search and compare by; never to show (R-HH-1).</summary>
/// <remarks>
/// <para>What makes no difference: width and letter case; spaces, hyphens, apostrophes, middle dots and marks that cannot be seen, with which names of indigenous people and romanised names are parted;
/// accents of Latin letters; and characters that are one another's variant (異體字) or simplified form. What does: the order of the parts, and characters that are names of their own though one
/// is written for the other in plain text (于 and 於, 范 and 範, 凃 and 涂, 鍾 and 鐘).</para>
/// <para>A placeholder (□, ○, ■, ＊, ？, ＿, U+FFFD) stands where a system had no such character; all are one, which is like no character.</para>
/// </remarks>
public static class PersonName
{
    private const char Placeholder = '□';

    /// <summary>Latin letters that have no decomposition, each before what it is searched by; a space: it is left out.</summary>
    private const string PlainLetters = "đdðdøołlıiħhʉuɨiŧtʔ ";

    /// <summary>Groups of characters that are one, each written as the first.</summary>
    private const string Variants = """
        臺台 峰峯 群羣 啟啓唘启 恆恒 敘敍叙 溫温 黃黄 吳吴呉 真眞 寶寳宝 呂吕 巖岩嵒 繡綉绣 青靑 清淸 教敎 戶户戸 說説说 稅税 悅悦 閱閲阅 銳鋭锐 脫脱 衛衞卫 為爲为 眾衆众 雞鷄鸡 輝煇辉
        耀燿 艷豔艳 裡裏 祕秘 冊册 姪侄 妝粧妆 強强 緒緖绪 錄録录 祿禄 綠緑绿 彥彦 產産产 顏顔颜 郎郞 朗朖 晉晋 靜静 淨净浄 爭争 橫横 瑤瑶 遙遥 搖摇 謠謡谣 鎮鎭镇 慎愼 顛顚颠 填塡
        值値 德徳悳 聽聴听 潛潜 贊賛赞 讚讃 歷歴历 龍龙竜 國国囯 學学斈 與与 陳陈 張张 劉刘 楊杨 趙赵 鄭郑 謝谢 許许 蕭萧 葉叶 蔣蒋 蘇苏 盧卢 鍾钟 馬马 馮冯 鄧邓 賴赖 羅罗 麗丽 華华
        鳳凤 蘭兰 傑杰 偉伟 軍军 紅红 賢贤 貴贵 義义 慶庆 寧宁 獻献 憲宪 靈灵 齊齐斉 齡龄 鵬鹏 鶴鹤 瑋玮 瑩莹 榮荣栄 瓊琼 愛爱 聖圣 聰聪聡 聲声 興兴 進进 達达 遠远 選选 連连 運运
        銘铭 錦锦 長长 開开 閔闵 陽阳 韻韵 順顺 頌颂 顯显顕 飛飞 鴻鸿 廣广広 賓宾賔 濱滨 濤涛 澤泽沢 滿满満 權权 櫻樱桜 曉晓 勝胜 勳勛勲勋 淵渊 湧涌 煥焕 燦灿 璽玺 瑪玛 禮礼 穎颖頴
        穗穂 純纯 紀纪 綸纶 維维 緯纬 縣县 績绩 總总 繼继継 續续 缽鉢 羨羡 翠翆 聯联 肅肃 膽胆 舉举擧 藝艺 藥药薬 蓮莲 薰薫 虛虚 號号 誠诚 諒谅 諾诺 謙谦 講讲 識识 議议 譽誉 豐豊
        貞贞 財财 貝贝 責责 賀贺 資资 質质 踐践 軒轩 輪轮 辭辞 農农 鄰隣邻 醫医 釗钊 鈞钧 鈴铃 鋒锋 鋼钢 鎧铠 鐵铁鉄 鑑鑒鉴 門门 關关 隨随 雙双 難难 霧雾 頂顶 領领 頤颐 題题 額额
        願愿 類类 風风 養养 駿骏 驊骅 魯鲁 鮮鲜 鷹鹰 麥麦 點点 龐庞 龔龚
        """;

    private static readonly FrozenDictionary<char, char> Folded = Fold();

    /// <summary>The form to search and compare a name by: upper case, no white space and no punctuation. Equal for two spellings of one name; the form of a form is itself.</summary>
    /// <param name="name">As written, at most some hundred characters.</param>
    public static string ToSearchForm(string name)
    {
        var text = name.Normalize(NormalizationForm.FormKC);
        var form = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (IsPlaceholder(rune.Value)) form.Append(Placeholder);
            else if (IsLatin(rune.Value)) AppendPlain(form, (char)rune.Value);
            else if (IsKept(Rune.GetUnicodeCategory(rune))) form.Append(rune.IsBmp ? FoldVariant((char)rune.Value).ToString() : rune.ToString());
        }

        return form.ToString();
    }

    /// <summary>The one of a group of variant characters that stands for all; the character itself where it has no variant.</summary>
    internal static char FoldVariant(char character) => Folded.GetValueOrDefault(character, character);

    private static bool IsPlaceholder(int character) => character is '□' or '○' or '■' or '◯' or '*' or '?' or '_' or '\uFFFD';

    /// <summary>Latin letters with their marks, and the letters of romanised indigenous names.</summary>
    private static bool IsLatin(int character) => character is (>= 'A' and <= 'Z') or (>= 'a' and <= 'z') or (>= '\u00C0' and <= '\u02AF' and not '\u00D7' and not '\u00F7') or (>= '\u1E00' and <= '\u1EFF');

    /// <summary>Letters, numerals and symbols; not what parts them, and no marks on their own.</summary>
    private static bool IsKept(UnicodeCategory category) => category is UnicodeCategory.OtherLetter or UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
        or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber or UnicodeCategory.OtherSymbol or UnicodeCategory.PrivateUse;

    private static void AppendPlain(StringBuilder form, char letter)
    {
        var small = char.ToLowerInvariant(letter);
        var at = PlainLetters.IndexOf(small, StringComparison.Ordinal);
        var plain = at >= 0 && at % 2 == 0 ? PlainLetters[at + 1] : small.ToString().Normalize(NormalizationForm.FormKD)[0];
        if (plain != ' ') form.Append(char.ToUpperInvariant(plain));
    }

    private static FrozenDictionary<char, char> Fold()
    {
        var folded = new Dictionary<char, char>();
        foreach (var group in Variants.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries))
        {
            foreach (var variant in group.Skip(1)) folded.Add(variant, group[0]);
        }

        return folded.ToFrozenDictionary();
    }
}
