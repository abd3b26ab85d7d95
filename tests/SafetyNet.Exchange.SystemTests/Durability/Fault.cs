using System.Globalization;

namespace SafetyNet.Exchange.SystemTests.Durability;

/// <summary>When a fault meets the server.</summary>
public enum FaultMoment
{
    /// <summary>While agencies work.</summary>
    AtWork = 0,

    /// <summary>While it starts.</summary>
    AtStart = 1,

    /// <summary>While it starts over an empty folder: schema, keys and register are being made.</summary>
    AtFirstStart = 2,

    /// <summary>While it stops as it was asked to.</summary>
    AtStop = 3,
}

/// <summary>What the server has to do about a fault.</summary>
public enum FaultOutcome
{
    /// <summary>Refuses what it cannot record, goes on by itself.</summary>
    GoesOn = 0,

    /// <summary>Nobody knows what the disk holds: stops, exit code 3, or does not start.</summary>
    Stops = 1,

    /// <summary>Is gone.</summary>
    Dies = 2,

    /// <summary>May go on or end; whatever it does, the next start puts right.</summary>
    Any = 3,
}

/// <summary>One injection, or one in a regular row, by strace.</summary>
/// <param name="Moment">When.</param>
/// <param name="Call">The system call that is hit.</param>
/// <param name="Deed"><c>error=EIO</c>, <c>error=ENOSPC</c> or <c>signal=SIGKILL</c>.</param>
/// <param name="When">Which of a thread's calls, from 1, as strace counts: <c>7</c>, or <c>7+30</c> for that and every 30th after it.</param>
/// <param name="Files">Names under the data folder to which it is limited; none: every call of that name.</param>
/// <param name="Outcome">What has to come of it.</param>
internal sealed record Fault(FaultMoment Moment, string Call, string Deed, string When, IReadOnlyList<string> Files, FaultOutcome Outcome)
{
    private const string Kill = "signal=SIGKILL", NoSpace = "error=ENOSPC", Broken = "error=EIO";

    private static readonly string[] Wal = ["exchange.db-wal"];

    private static readonly string[] Store = ["exchange.db", "exchange.db-wal", "exchange.db-shm", "exchange.db-journal"];

    private static readonly string[] Everything =
        [.. Store, "", "exchange.db.lock", "exchange.db.search", "members.json", "log.key", "storage.key", "sandbox.json"];

    /// <summary>
    /// Each kind of fault in turn; the moments of each are drawn. Most injections of a turn are of full disks, which the server outlives; every other costs a
    /// restart.
    /// </summary>
    private static readonly Func<Random, Fault>[] Kinds =
    [
        random => Full(random),
        random => new(FaultMoment.AtWork, "pwrite64", Kill, One(random, 120), Store, FaultOutcome.Dies),
        random => new(FaultMoment.AtWork, "fsync", Broken, One(random, 30), Wal, FaultOutcome.Stops),
        random => new(FaultMoment.AtFirstStart, "pwrite64", Kill, One(random, 60), Everything, FaultOutcome.Any),
        random => Full(random),
        random => new(FaultMoment.AtWork, "pwrite64", Broken, One(random, 120), Wal, FaultOutcome.Stops),
        random => new(FaultMoment.AtWork, "sendmsg", Kill, One(random, 6), [], FaultOutcome.Any),
        random => new(FaultMoment.AtStart, "openat", Broken, One(random, 12), Store, FaultOutcome.Any),
        random => Full(random),
        random => new(FaultMoment.AtWork, "fsync", Kill, One(random, 30), Store, FaultOutcome.Dies),
        random => new(FaultMoment.AtStart, "pwrite64", Kill, One(random, 30), Everything, FaultOutcome.Any),
        random => new(FaultMoment.AtWork, "fsync", NoSpace, One(random, 30), Wal, FaultOutcome.Stops),
        random => new(FaultMoment.AtStart, "fsync", Broken, One(random, 2), Store, FaultOutcome.Stops),
        random => new(FaultMoment.AtWork, "write", Kill, One(random, 8), [], FaultOutcome.Any),
        random => new(FaultMoment.AtFirstStart, "openat", Kill, One(random, 12), Everything, FaultOutcome.Any),
        random => new(FaultMoment.AtStop, "pwrite64", Broken, One(random, 12), Store, FaultOutcome.Any),
        random => new(FaultMoment.AtStart, "rename", Kill, One(random, 2), [], FaultOutcome.Any),
        random => Full(random),
        random => new(FaultMoment.AtStop, "fsync", Kill, One(random, 2), Store, FaultOutcome.Any),
        random => new(FaultMoment.AtWork, "openat", Kill, One(random, 3), [], FaultOutcome.Any),
        random => new(FaultMoment.AtStart, "pwrite64", NoSpace, One(random, 30), Everything, FaultOutcome.Any),
        random => new(FaultMoment.AtFirstStart, "fsync", Kill, One(random, 6), Store, FaultOutcome.Any),
        random => new(FaultMoment.AtFirstStart, "rename", Broken, "1", [], FaultOutcome.Any),
        random => new(FaultMoment.AtFirstStart, "pwrite64", Kill, One(random, 2), ["storage.key", "log.key"], FaultOutcome.Any),
    ];

    /// <summary>Faults of one turn.</summary>
    public static int KindsOfTurn => Kinds.Length;

    /// <summary>The fault of a number, from 0: the same for a seed at each run.</summary>
    public static Fault At(int seed, int number) => Kinds[number % Kinds.Length](new Random((seed * 7919) + number));

    /// <summary>The options of strace that make it.</summary>
    public IEnumerable<string> Options(string dataFolder) =>
    [
        "-f", "-q", "-e", $"trace={Call}", "-e", "signal=none", .. Files.SelectMany(file => (string[])["-P", Path.Combine(dataFolder, file).TrimEnd('/')]),
        "-e", $"inject={Call}:{Deed}:when={When}",
    ];

    public bool Kills => string.Equals(Deed, Kill, StringComparison.Ordinal);

    /// <summary>A disk that is full now and then: a commit that writes much takes some 90 calls, so that a repeated one finds room sooner or later.</summary>
    private static Fault Full(Random random) => new(
        FaultMoment.AtWork, "pwrite64", NoSpace, string.Create(CultureInfo.InvariantCulture, $"{random.Next(1, 20)}+{random.Next(125, 150)}"), Wal, FaultOutcome.GoesOn);

    private static string One(Random random, int most) => random.Next(1, most + 1).ToString(CultureInfo.InvariantCulture);
}
