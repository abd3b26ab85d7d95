using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using SafetyNet.Exchange.Server.Calendar;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Server.Clocks;

/// <summary>How long a unit has; one of the four is stated.</summary>
internal sealed record ClockLimit
{
    /// <summary>Real hours, day and night.</summary>
    public int Hours { get; init; }

    public int WorkingHours { get; init; }

    /// <summary>Working days, each as long as the office hours.</summary>
    public int WorkingDays { get; init; }

    /// <summary>Until the end of a day that is set for each thing, day and night: the rule says when the steps are, not how long the limit is.</summary>
    public bool DueDate { get; init; }

    [JsonIgnore]
    public bool IsWorkingTime => Hours == 0 && !DueDate;

    public TimeSpan LengthBy(OfficeHours hours) => TimeSpan.FromHours(Hours + WorkingHours) + (hours.Length * WorkingDays);
}

/// <summary>One step of a rule: when, what it says and to whom.</summary>
internal sealed record ClockStepRule
{
    public required Wire.ClockStepKind As { get; init; }

    /// <summary>Share of the limit; null: <see cref="MinutesAfterDue"/> is set.</summary>
    public int? SharePercent { get; init; }

    /// <summary>Minutes after the limit in its measure; null: <see cref="SharePercent"/> is set.</summary>
    public int? MinutesAfterDue { get; init; }

    public required IReadOnlyList<Wire.ClockAudience> Tell { get; init; }

    /// <summary>Time from the start of the clock, in the measure of the limit.</summary>
    public TimeSpan After(TimeSpan limit) => SharePercent is { } share ? limit * share / 100 : limit + TimeSpan.FromMinutes(MinutesAfterDue ?? 0);
}

/// <summary>The time limit of one kind under one profile.</summary>
internal sealed record ClockRule
{
    public required Wire.ClockKind Kind { get; init; }

    public required string Profile { get; init; }

    public required IReadOnlyList<string> Source { get; init; }

    public required ClockLimit Limit { get; init; }

    /// <summary>In the order in which they are due.</summary>
    public required IReadOnlyList<ClockStepRule> Steps { get; init; }
}

/// <summary>
/// Time limits and their steps, as versioned data (form: <c>clock-rules.schema.json</c>; R-INT-6, R-REF-7). Read strictly: every kind has a standard profile, nothing stands twice, nothing is
/// unknown. Immutable.
/// </summary>
internal sealed partial class ClockRules
{
    /// <summary>The profile that holds where no other of the kind does.</summary>
    public const string Standard = "standard";

    public const string Protective = "protective";

    private const string BuiltIn = "clock-rules.json";

    private readonly Dictionary<(Wire.ClockKind, string), ClockRule> _rules;

    private ClockRules(int revision, OfficeHours hours, IReadOnlyList<ClockRule> rules)
    {
        (Revision, Hours, All) = (revision, hours, rules);
        _rules = rules.ToDictionary(rule => (rule.Kind, rule.Profile));
    }

    public int Revision { get; }

    public OfficeHours Hours { get; }

    public IReadOnlyList<ClockRule> All { get; }

    /// <summary>The rule of a kind under a profile, or under the standard one where the file names no such profile.</summary>
    public ClockRule Get(Wire.ClockKind kind, string profile) => _rules.TryGetValue((kind, profile), out var rule) ? rule : _rules[(kind, Standard)];

    /// <summary>The rules of a deployment, or those that the server is built with.</summary>
    /// <param name="path">File of the rules; empty: the built-in ones.</param>
    /// <exception cref="FormatException">The file is not in the form; every problem is named.</exception>
    public static ClockRules Load(string path)
    {
        if (path.Length > 0) return Read(File.ReadAllBytes(path), Path.GetFileName(path));
        using var embedded = typeof(ClockRules).Assembly.GetManifestResourceStream(BuiltIn) ?? throw new InvalidOperationException($"{BuiltIn} is not embedded in the server.");
        using var bytes = new MemoryStream();
        embedded.CopyTo(bytes);
        return Read(bytes.ToArray(), BuiltIn);
    }

    /// <exception cref="FormatException">The file is not in the form; every problem is named.</exception>
    public static ClockRules Read(byte[] json, string file)
    {
        List<string> problems = [];
        try
        {
            var read = JsonSerializer.Deserialize<RuleFile>(json, Options);
            if (read is null) problems.Add("no object");
            else
            {
                var hours = ReadHours(read.OfficeHours, problems);
                Check(read, hours, problems);
                if (problems.Count == 0) return new ClockRules(read.Revision, hours, read.Rules);
            }
        }
        catch (JsonException bad)
        {
            problems.Add($"{bad.Path} line {bad.LineNumber + 1}: not in the form of clock-rules.schema.json");
        }

        throw new FormatException($"{file}: {problems.Count} problem(s).\n{string.Join('\n', problems.Select(p => $"  {p}"))}");
    }

    private static void Check(RuleFile file, OfficeHours hours, List<string> problems)
    {
        if (file.Revision < 1) problems.Add("$.revision: not 1 or more");
        if (string.IsNullOrWhiteSpace(file.Description)) problems.Add("$.description: no text");
        var rules = file.Rules.Where(rule => rule is not null).ToList();
        if (rules.Count < file.Rules.Count) problems.Add("$.rules: an entry is empty");
        for (var at = 0; at < rules.Count; at++)
        {
            var (rule, place) = (rules[at], $"$.rules[{at}]");
            if (rule.Kind is Wire.ClockKind.Unspecified or Wire.ClockKind.VisitDue) problems.Add($"{place}.kind: no kind of clock that has its limit here");
            if (!ProfileShape().IsMatch(rule.Profile ?? "")) problems.Add($"{place}.profile: not 1 to 64 letters, digits, _ or -, beginning with a letter");
            if (rules.Take(at).Any(other => other.Kind == rule.Kind && string.Equals(other.Profile, rule.Profile, StringComparison.Ordinal)))
                problems.Add($"{place}: {CodeText.Of(rule.Kind)} under {rule.Profile} stands in the file twice");
            if (rule.Source is null or [] || rule.Source.Any(string.IsNullOrWhiteSpace)) problems.Add($"{place}.source: no list of texts");
            Check(rule, hours, place, problems);
        }

        problems.AddRange(Enum.GetValues<Wire.ClockKind>().Where(kind => kind is not (Wire.ClockKind.Unspecified or Wire.ClockKind.VisitDue) && !rules.Exists(rule => rule.Kind == kind && rule.Profile is Standard))
            .Select(kind => $"$.rules: {CodeText.Of(kind)} under {Standard} is missing"));
    }

    private static void Check(ClockRule rule, OfficeHours hours, string place, List<string> problems)
    {
        int[] limits = rule.Limit is { } given ? [given.Hours, given.WorkingHours, given.WorkingDays] : [];
        var isByDate = rule.Kind is Wire.ClockKind.ConferenceItemDue;
        if (limits.Count(limit => limit > 0) != (isByDate ? 0 : 1) || limits.Any(limit => limit < 0) || limits is not [<= 2400, <= 600, <= 60] || rule.Limit!.DueDate != isByDate)
        {
            problems.Add(isByDate ? $"{place}.limit: not dueDate, which is what this kind goes by" : $"{place}.limit: not one of hours (1 to 2400), workingHours (1 to 600) and workingDays (1 to 60)");
            return;
        }

        if (rule.Steps is not { Count: >= 1 and <= 10 } || rule.Steps.Any(step => step is null))
        {
            problems.Add($"{place}.steps: not 1 to 10 steps");
            return;
        }

        // The order of steps is the same for a limit of any length.
        var (limit, before) = (isByDate ? TimeSpan.FromDays(1) : rule.Limit.LengthBy(hours), TimeSpan.Zero);
        for (var at = 0; at < rule.Steps.Count; at++)
        {
            var (step, where) = (rule.Steps[at], $"{place}.steps[{at}]");
            if (step.SharePercent is null == step.MinutesAfterDue is null || step.SharePercent is < 1 or > 1000 || step.MinutesAfterDue is < 0 or > 100_000)
            {
                problems.Add($"{where}: not one of sharePercent (1 to 1000) and minutesAfterDue (0 to 100000)");
                continue;
            }

            if (step.Tell is null or [] || step.Tell.Contains(default) || step.Tell.Distinct().Count() < step.Tell.Count) problems.Add($"{where}.tell: not a list of whom to tell, each once");
            var after = step.After(limit);
            if (after < before) problems.Add($"{where}: due before the step that stands before it");
            before = after;
            var fits = step.As switch
            {
                Wire.ClockStepKind.Reminder => after < limit, Wire.ClockStepKind.Overdue => after == limit, Wire.ClockStepKind.Escalated => after >= limit, _ => false,
            };
            if (!fits) problems.Add($"{where}.as: a REMINDER lies before the limit, OVERDUE at it, ESCALATED at it or after");
        }

        if (rule.Steps.Count(step => step.As == Wire.ClockStepKind.Overdue) != 1) problems.Add($"{place}.steps: not one step OVERDUE");
    }

    private static OfficeHours ReadHours(HoursOfDay? hours, List<string> problems)
    {
        if (TryMinute(hours?.From, out var from) && TryMinute(hours?.Until, out var until) && from < until) return new OfficeHours(from, until);
        problems.Add("$.officeHours: not `from` and a later `until` as HH:MM");
        return new OfficeHours(0, 24 * 60);
    }

    private static bool TryMinute(string? text, out int minute)
    {
        var isTime = TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time);
        minute = (time.Hour * 60) + time.Minute;
        return isTime;
    }

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowDuplicateProperties = false, NumberHandling = JsonNumberHandling.Strict, PropertyNameCaseInsensitive = false,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseUpper, allowIntegerValues: false) },
    };

    [GeneratedRegex(@"\A[A-Za-z][A-Za-z0-9_-]{0,63}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ProfileShape();

    private sealed record RuleFile
    {
        [JsonPropertyName("$schema")]
        public string Schema { get; init; } = "";

        public required int Revision { get; init; }

        public required string Description { get; init; }

        public required HoursOfDay OfficeHours { get; init; }

        public required IReadOnlyList<ClockRule> Rules { get; init; }
    }

    private sealed record HoursOfDay
    {
        public required string From { get; init; }

        public required string Until { get; init; }
    }
}
