using System.Globalization;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Server.Misuse;

/// <summary>What makes a finding one: rule, who acted, whom it is about, day in Taiwan.</summary>
internal readonly record struct FindingKey(Wire.MisuseRuleId Rule, Wire.Jurisdiction Jurisdiction, string AgencyCode, string ActorId, string Subject, DateOnly Day)
{
    public string ToText() => $"{(int)Rule}|{(int)Jurisdiction}/{AgencyCode}|{ActorId}|{Subject}|{CivilDate.ToText(Day)}";
}

/// <summary>A finding of the stretch of the log that is looked at now. Records join it one by one; what is text of it is written once, when it is committed.</summary>
/// <param name="finding">As the store has it, or new.</param>
/// <param name="isNew">The store has it not.</param>
internal sealed class GrowingFinding(Finding finding, bool isNew)
{
    private readonly List<long> _positions = [];
    private TriggerNumbers _numbers = TriggerNumbers.None;

    public Finding Finding => finding;

    public bool IsNew => isNew;

    /// <summary>Some record joined it, so the store has to take it.</summary>
    public bool HasGrown { get; private set; }

    /// <summary>A further record of the same kind; one that was counted already does nothing.</summary>
    public void Join(long position, DateTimeOffset at, in TriggerNumbers numbers)
    {
        if (position <= finding.LastPosition) return;
        if (finding.Records < Finding.MostPositions) _positions.Add(position);
        if (finding.Records++ == 0) finding.FirstAt = at;
        (finding.LastPosition, finding.LastAt, _numbers, HasGrown) = (position, at, numbers, true);
    }

    /// <summary>Writes what joined into the finding's texts; once, before it is committed.</summary>
    public void Write()
    {
        if (_positions.Count > 0)
        {
            var joined = string.Join(',', _positions.Select(position => position.ToString(CultureInfo.InvariantCulture)));
            finding.Positions = finding.Positions.Length == 0 ? joined : $"{finding.Positions},{joined}";
        }

        finding.Numbers = _numbers.ToText();
    }
}
