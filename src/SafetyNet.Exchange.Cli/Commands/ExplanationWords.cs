using SafetyNet.Exchange.Protocol.Client;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary>The words around an explanation, in one language; codes and rules have theirs in the contract and the policy.</summary>
internal sealed record ExplanationWords(bool IsChinese)
{
    public static ExplanationWords English { get; } = new(IsChinese: false);

    public static ExplanationWords Chinese { get; } = new(IsChinese: true);

    public string Outcome => IsChinese ? "結果" : "outcome";

    public string Reason => IsChinese ? "拒絕原因" : "reason";

    public string Policy => IsChinese ? "規則版本" : "policy revision";

    public string Shown => IsChinese ? "已揭露" : "shown";

    public string Withheld => IsChinese ? "未揭露" : "withheld";

    public string Rules => IsChinese ? "適用規則" : "rules that decided";

    public string NoRules => IsChinese ? "無任何規則准許；未經規則准許者一律不揭露。" : "No rule permits it; what no rule permits is withheld.";

    public string WouldOpen => IsChinese ? "得揭露之情形" : "what would open what was withheld";

    public string NothingOpens => IsChinese ? "無任何規則對此類機關及單位揭露。" : "No rule opens it to an agency and unit of this kind.";

    public string NotHoldable => IsChinese ? "貴機關依登錄不得持有此類別。" : "By its registration the agency may not hold this class.";

    public string Relationship => IsChinese ? "關係" : "relationship";

    public string Purpose => IsChinese ? "目的" : "purpose";

    public string Basis => IsChinese ? "法律依據" : "legal basis";

    public string Condition => IsChinese ? "條件" : "condition";

    public string Inputs => IsChinese ? "決定依據(資安人員)" : "inputs of the decision (security officer)";

    public string Call => IsChinese ? "呼叫" : "call";

    public string Caller => IsChinese ? "呼叫者" : "caller";

    public string Reference => IsChinese ? "所為事項" : "for";

    public string Subjects => IsChinese ? "當事人代碼" : "subjects";

    public string Kinds => IsChinese ? "機關及單位類別" : "agency and unit kind";

    public string Question => IsChinese ? "判斷" : "question";

    public string None => IsChinese ? "無" : "none";

    public string Facts => IsChinese ? "事實" : "facts";

    public string Jurisdiction => IsChinese ? "資料轄區" : "jurisdiction of the data";

    public string Visible => IsChinese ? "得見" : "visible";

    public string Ended => IsChinese ? "該步驟已結束，僅餘處理狀態。" : "The step is over; its status is left.";

    public string Further(uint count) => IsChinese ? $"另有 {count} 項判斷未列。" : $"and {count} further questions";

    public string Of<TCode>(TCode code)
        where TCode : struct, Enum =>
        IsChinese && ContractCodes.ChineseOf(code) is { Length: > 0 } chinese ? chinese : ContractCodes.EnglishOf(code);

    public string Of<TCode>(IReadOnlyCollection<TCode> codes)
        where TCode : struct, Enum => codes.Count == 0 ? None : string.Join(IsChinese ? "、" : ", ", codes.Select(Of));

    public string TextOf(Wire.DecidingRule rule) => IsChinese ? rule.TextZh : rule.TextEn;
}
