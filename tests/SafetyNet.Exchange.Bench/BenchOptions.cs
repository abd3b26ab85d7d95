using SafetyNet.Exchange.Bench.Roles;

namespace SafetyNet.Exchange.Bench;

/// <summary>What one run of the benchmark does.</summary>
internal sealed record BenchOptions
{
    /// <summary>Folder that is kept between runs: <c>artifacts/bench</c> of the repository that the command is run in, or of the working directory.</summary>
    public static string DefaultFolder
    {
        get
        {
            var folder = new DirectoryInfo(Directory.GetCurrentDirectory());
            while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "SafetyNet.Exchange.sln"))) folder = folder.Parent;
            return Path.Combine(folder?.FullName ?? Directory.GetCurrentDirectory(), "artifacts", "bench");
        }
    }

    /// <summary>Persons of the larger database, 1 000 to 1 000 000; the smaller has a tenth.</summary>
    public required int Persons { get; init; }

    public required int Rounds { get; init; }

    /// <summary>Length of one case in one round.</summary>
    public required double Seconds { get; init; }

    public required double WarmUpSeconds { get; init; }

    public required int Connections { get; init; }

    /// <summary>Calls in flight on each connection.</summary>
    public required int InFlight { get; init; }

    public required string Folder { get; init; }

    /// <summary>Cases that are run, by name; empty: all. Figures that need another are left out.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>Where the figures go as JSON; null: nowhere, <c>-</c>: standard output.</summary>
    public string? Json { get; init; }

    /// <summary>What is wrong with the options, for the person at the terminal; null: nothing.</summary>
    public string? Problem() =>
        Persons is < 1000 or > 1_000_000 ? "--persons is 1000 to 1000000."
        : Rounds is < 1 or > 1000 ? "--rounds is 1 to 1000."
        : Only.FirstOrDefault(name => !Order.Cases.Contains(name, StringComparer.Ordinal)) is { } unknown ? $"--only knows no `{unknown}`; it is one of: {string.Join("; ", Order.Cases)}."
        : Only.Count > 0 && (!Only.Contains(Order.LookUp) || (Only.Contains(Order.Raw) && !Only.Contains(Order.Create))) ? $"--only needs `{Order.LookUp}`, whose sizes the others stand for, and `{Order.Raw}` needs `{Order.Create}`."
        : Seconds is < 0.1 or > 600 || WarmUpSeconds > 600 ? "--seconds is 0.1 to 600, --warm-up 0 to 600."
        : Connections is < 1 or > 32 || InFlight is < 1 or > 200 ? "--connections is 1 to 32, --in-flight 1 to 200."
        : null;
}
