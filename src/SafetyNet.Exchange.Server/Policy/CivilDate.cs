using System.Globalization;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>Calendar days as laws count them: in Taiwan, UTC+8, without daylight saving.</summary>
internal static class CivilDate
{
    private static readonly TimeSpan Offset = TimeSpan.FromHours(8);

    public static DateOnly InTaiwan(DateTimeOffset at) => DateOnly.FromDateTime(at.ToOffset(Offset).DateTime);

    public static bool TryParse(string text, out DateOnly date) =>
        DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out date);

    public static string ToText(DateOnly date) => date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
