using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Server.Visits;

/// <summary>From which month on a protocol needs how many visits a month.</summary>
/// <param name="FromMonth">1 or more.</param>
/// <param name="PerMonth">1 to 28.</param>
internal sealed record VisitNeed(int FromMonth, int PerMonth);

/// <summary>When who hears of a visit: days before or after its day, by one time of the day in Taiwan.</summary>
internal sealed record VisitReminders
{
    public required string At { get; init; }

    public required int UpcomingDaysBefore { get; init; }

    public required int OverdueDaysAfter { get; init; }

    public required int SupervisorDaysAfter { get; init; }

    [JsonIgnore]
    public int Minute => TryMinute(At, out var minute) ? minute : throw new InvalidOperationException("checked when it was read");

    public static bool TryMinute(string? text, out int minute)
    {
        var isTime = TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time);
        minute = (time.Hour * 60) + time.Minute;
        return isTime;
    }
}

/// <summary>One protocol of visits (訪視方案).</summary>
internal sealed record VisitProtocol
{
    public required string Code { get; init; }

    public required string Title { get; init; }

    public required IReadOnlyList<string> Source { get; init; }

    /// <summary>Class of what it tells of a person that the protocol is followed.</summary>
    public required Wire.ConfidentialityClass ConfidentialityClass { get; init; }

    public required int MinimumMonths { get; init; }

    /// <summary>In the order of their months, the first from month 1.</summary>
    public required IReadOnlyList<VisitNeed> Visits { get; init; }

    public required VisitReminders Reminders { get; init; }
}

/// <summary>
/// Protocols of visits, as versioned data (form: <c>visit-protocols.schema.json</c>; R-CASE-5). Read strictly: no code stands twice, the first month needs a visit, nothing is unknown. Immutable.
/// </summary>
internal sealed partial class VisitProtocols
{
    /// <summary>Most days between the planned day of a visit and its overdue notices, and most visits of a month: the shortest month has that many days.</summary>
    private const int MostDays = 14, MostSupervisorDays = 30, MostPerMonth = 28;

    private const string BuiltIn = "visit-protocols.json";

    /// <summary>Classes that no protocol has: they say who and where a person is, or nothing.</summary>
    private static readonly ClassSet NoneOf = ClassSet.Of(Wire.ConfidentialityClass.NotPersonal, Wire.ConfidentialityClass.Identity, Wire.ConfidentialityClass.Contact,
        Wire.ConfidentialityClass.Household, Wire.ConfidentialityClass.Involvement, Wire.ConfidentialityClass.ReporterIdentity);

    private readonly Dictionary<string, VisitProtocol> _protocols;

    private VisitProtocols(int revision, VisitReminders reminders, IReadOnlyList<VisitProtocol> all)
    {
        (Revision, Reminders, All) = (revision, reminders, all);
        _protocols = all.ToDictionary(one => one.Code, StringComparer.Ordinal);
    }

    public int Revision { get; }

    /// <summary>Of visits that belong to no protocol.</summary>
    public VisitReminders Reminders { get; }

    public IReadOnlyList<VisitProtocol> All { get; }

    public VisitProtocol? Find(string code) => _protocols.GetValueOrDefault(code);

    /// <summary>Class that a visit, or a protocol, may tell something of.</summary>
    public static bool IsContent(Wire.ConfidentialityClass one) => ClassSet.All.Contains(one) && !NoneOf.Contains(one);

    /// <summary>The protocols of a deployment, or those that the server is built with.</summary>
    /// <param name="path">File of the protocols; empty: the built-in ones.</param>
    /// <exception cref="FormatException">The file is not in the form; every problem is named.</exception>
    public static VisitProtocols Load(string path)
    {
        if (path.Length > 0) return Read(File.ReadAllBytes(path), Path.GetFileName(path));
        using var embedded = typeof(VisitProtocols).Assembly.GetManifestResourceStream(BuiltIn) ?? throw new InvalidOperationException($"{BuiltIn} is not embedded in the server.");
        using var bytes = new MemoryStream();
        embedded.CopyTo(bytes);
        return Read(bytes.ToArray(), BuiltIn);
    }

    /// <exception cref="FormatException">The file is not in the form; every problem is named, and what to do.</exception>
    public static VisitProtocols Read(byte[] json, string file)
    {
        List<string> problems = [];
        try
        {
            var read = JsonSerializer.Deserialize<ProtocolFile>(json, Options);
            if (read is null) problems.Add("no object");
            else
            {
                Check(read, problems);
                if (problems.Count == 0) return new VisitProtocols(read.Revision, read.Reminders, read.Protocols);
            }
        }
        catch (JsonException bad)
        {
            problems.Add($"{bad.Path} line {bad.LineNumber + 1}: not in the form of visit-protocols.schema.json");
        }

        throw new FormatException(
            $"{file}: {problems.Count} problem(s) in the protocols of visits. Mend the file by visit-protocols.schema.json, or remove Exchange:Visits:ProtocolsPath to go by the built-in one.\n"
            + string.Join('\n', problems.Select(p => $"  {p}")));
    }

    private static void Check(ProtocolFile file, List<string> problems)
    {
        if (file.Revision < 1) problems.Add("$.revision: not 1 or more");
        if (string.IsNullOrWhiteSpace(file.Description)) problems.Add("$.description: no text");
        Check(file.Reminders, "$.reminders", problems);
        if (file.Protocols is not { Count: >= 1 and <= 100 } || file.Protocols.Any(one => one is null))
        {
            problems.Add("$.protocols: not 1 to 100 protocols");
            return;
        }

        for (var at = 0; at < file.Protocols.Count; at++)
        {
            var (one, place) = (file.Protocols[at], $"$.protocols[{at}]");
            if (!CodeShape().IsMatch(one.Code ?? "")) problems.Add($"{place}.code: not 3 to 64 of A-Z, 0-9 and _, beginning with a letter");
            if (file.Protocols.Take(at).Any(other => string.Equals(other.Code, one.Code, StringComparison.Ordinal))) problems.Add($"{place}: {one.Code} stands in the file twice");
            if (string.IsNullOrWhiteSpace(one.Title)) problems.Add($"{place}.title: no text");
            if (one.Source is null or [] || one.Source.Any(string.IsNullOrWhiteSpace)) problems.Add($"{place}.source: no list of texts");
            if (!IsContent(one.ConfidentialityClass)) problems.Add($"{place}.confidentialityClass: not a class of content");
            if (one.MinimumMonths is < 1 or > 24) problems.Add($"{place}.minimumMonths: not 1 to 24");
            Check(one.Visits, $"{place}.visits", problems);
            Check(one.Reminders, $"{place}.reminders", problems);
        }
    }

    private static void Check(IReadOnlyList<VisitNeed>? visits, string place, List<string> problems)
    {
        if (visits is not { Count: >= 1 and <= 24 } || visits.Any(one => one is null))
        {
            problems.Add($"{place}: not 1 to 24 lines");
            return;
        }

        if (visits[0].FromMonth != 1) problems.Add($"{place}[0].fromMonth: not 1");
        for (var at = 0; at < visits.Count; at++)
        {
            if (visits[at].FromMonth is < 1 or > 240 || (at > 0 && visits[at].FromMonth <= visits[at - 1].FromMonth)) problems.Add($"{place}[{at}].fromMonth: not 1 to 240 and later than that of the line before");
            if (visits[at].PerMonth is < 1 or > MostPerMonth) problems.Add($"{place}[{at}].perMonth: not 1 to {MostPerMonth}");
        }
    }

    private static void Check(VisitReminders? reminders, string place, List<string> problems)
    {
        if (reminders is null || !VisitReminders.TryMinute(reminders.At, out _)) problems.Add($"{place}.at: not HH:MM");
        if (reminders is null) return;
        if (reminders.UpcomingDaysBefore is < 0 or > MostDays) problems.Add($"{place}.upcomingDaysBefore: not 0 to {MostDays}");
        if (reminders.OverdueDaysAfter is < 1 or > MostDays) problems.Add($"{place}.overdueDaysAfter: not 1 to {MostDays}");
        if (reminders.SupervisorDaysAfter > MostSupervisorDays || reminders.SupervisorDaysAfter < reminders.OverdueDaysAfter)
            problems.Add($"{place}.supervisorDaysAfter: not overdueDaysAfter to {MostSupervisorDays}");
    }

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowDuplicateProperties = false, NumberHandling = JsonNumberHandling.Strict, PropertyNameCaseInsensitive = false,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseUpper, allowIntegerValues: false) },
    };

    [GeneratedRegex(@"\A[A-Z][A-Z0-9_]{2,63}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex CodeShape();

    private sealed record ProtocolFile
    {
        [JsonPropertyName("$schema")]
        public string Schema { get; init; } = "";

        public required int Revision { get; init; }

        public required string Description { get; init; }

        public required VisitReminders Reminders { get; init; }

        public required IReadOnlyList<VisitProtocol> Protocols { get; init; }
    }
}
