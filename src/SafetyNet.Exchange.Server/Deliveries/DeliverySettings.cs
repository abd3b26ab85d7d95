using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Calendar;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Server.Deliveries;

/// <summary>What deliveries of household registers go by.</summary>
internal sealed record DeliverySettings
{
    /// <summary>File of districts that takes the place of the built-in one; empty (default): none.</summary>
    public string DistrictsPath { get; init; } = "";

    /// <summary>Registers of which a delivery is expected at set times; one that is late is told to its offices and their security officers. Default none.</summary>
    public ExpectedDelivery[] Expected { get; init; } = [];

    public IEnumerable<string> Problems()
    {
        if (DistrictsPath.Length > 0 && !File.Exists(DistrictsPath)) yield return "Deliveries:DistrictsPath names a file that is not there: districts of each jurisdiction";
        for (var at = 0; at < Expected.Length; at++)
        {
            var name = $"Deliveries:Expected:{at}";
            var one = Expected[at];
            if (!CodeNames.TryParse(one.Jurisdiction, out Wire.Jurisdiction _)) yield return $"{name}:Jurisdiction is not a code of a jurisdiction, e.g. TPE";
            else if (Expected.Take(at).Any(other => string.Equals(other.Jurisdiction, one.Jurisdiction, StringComparison.Ordinal))) yield return $"{name}:Jurisdiction is expected twice";
            if (one.EveryDays is < 1 or > 366) yield return $"{name}:EveryDays is 1 to 366: days from one delivery to the next";
            if (one.ByHour is < 0 or > 23) yield return $"{name}:ByHour is 0 to 23: hour of the day in Taiwan by which it is completed";
            if (!CivilDate.TryParse(one.From, out _)) yield return $"{name}:From is a day as YYYY-MM-DD on which one is due; the others are counted from it";
        }
    }
}

/// <summary>When deliveries of one register are due: on a day, and every so many days after and before it, by an hour.</summary>
internal sealed record ExpectedDelivery
{
    /// <summary>Code of the jurisdiction, e.g. <c>TPE</c>. Required.</summary>
    public string Jurisdiction { get; init; } = "";

    /// <summary>Days from one to the next, 1 to 366. Required.</summary>
    public int EveryDays { get; init; }

    /// <summary>Hour of the day, Taiwan time, by which it is completed, 0 to 23. Default 8.</summary>
    public int ByHour { get; init; } = 8;

    /// <summary>A day on which one is due, <c>YYYY-MM-DD</c>. Default 2024-01-01, a Monday: with 7 days, Mondays.</summary>
    public string From { get; init; } = "2024-01-01";

    public Wire.Jurisdiction Register => CodeNames.TryParse(Jurisdiction, out Wire.Jurisdiction register) ? register : throw new InvalidOperationException("the settings were not checked");

    /// <summary>The first instant after this one at which a delivery is due.</summary>
    public DateTimeOffset NextAfter(DateTimeOffset at)
    {
        var first = At(DateOnly.ParseExact(From, "yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture));
        var step = TimeSpan.FromDays(EveryDays);
        // Taiwan has no daylight saving: days are of one length.
        var steps = (long)Math.Floor((at - first) / step) + 1;
        return first + (step * steps);
    }

    private DateTimeOffset At(DateOnly day) => new DateTimeOffset(day.ToDateTime(new TimeOnly(ByHour, 0)), OfficeHours.Taiwan).ToUniversalTime();
}
