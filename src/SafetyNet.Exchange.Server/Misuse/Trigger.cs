using System.Globalization;

namespace SafetyNet.Exchange.Server.Misuse;

/// <summary>What a rule says of one record.</summary>
/// <param name="Subject">Pseudonym of the person; empty: no one person.</param>
/// <param name="Numbers">Why.</param>
internal readonly record struct Trigger(Wire.MisuseRuleId Rule, string Subject, TriggerNumbers Numbers);

/// <summary>Up to five numbers that a record was found for. Only those of the newest record of a finding are ever written, so they stay numbers until then.</summary>
/// <param name="Names">Their names, as many as there are numbers; a list that all triggers of the kind share.</param>
internal readonly record struct TriggerNumbers(IReadOnlyList<string> Names, double First = 0, double Second = 0, double Third = 0, double Fourth = 0, double Fifth = 0)
{
    public static readonly TriggerNumbers None = new([]);

    /// <summary><c>name=value</c>, with semicolons.</summary>
    public string ToText()
    {
        double[] values = [First, Second, Third, Fourth, Fifth];
        return string.Join(';', Names.Select((name, at) => $"{name}={values[at].ToString("R", CultureInfo.InvariantCulture)}"));
    }
}
