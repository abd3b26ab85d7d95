namespace SafetyNet.Exchange.Server.Audit;

/// <summary>How long officers have for the reveal of a pseudonym.</summary>
internal sealed record RevealSettings
{
    /// <summary>How long an approved answer may be fetched, 1 to 168 hours. Default 24.</summary>
    public int AnswerHours { get; init; } = 24;

    /// <summary>How long a request waits for a second officer, 1 to 30 days. Default 7.</summary>
    public int DecisionDays { get; init; } = 7;

    public IEnumerable<string> Problems()
    {
        if (AnswerHours is < 1 or > 168) yield return "Reveal:AnswerHours is 1 to 168";
        if (DecisionDays is < 1 or > 30) yield return "Reveal:DecisionDays is 1 to 30";
    }
}
