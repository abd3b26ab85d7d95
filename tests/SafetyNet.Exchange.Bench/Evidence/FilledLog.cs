using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging.Abstractions;
using SafetyNet.Exchange.Bench.Roles;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Server;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Hosting;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;
using Spectre.Console;

namespace SafetyNet.Exchange.Bench.Evidence;

/// <summary>An exchange whose log holds a year of look-ups, written through the product's own writer, made once and kept.</summary>
internal sealed class FilledLog
{
    /// <summary>Persons, staff and units that the records are of: a county's worth.</summary>
    private const int Subjects = 1_000_000, Actors = 5_000, Units = 60, SubjectsOfARecord = 4;

    /// <summary>Commits on their way at once; the writer flushes some hundred together.</summary>
    private const int MostWaiting = 4096;

    private static readonly DateTimeOffset End = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);

    private FilledLog(string folder, int records) => (Folder, Records) = (folder, records);

    public string Folder { get; }

    public int Records { get; }

    public string Certificates => Path.Combine(Path.GetDirectoryName(Folder)!, "certs");

    public string Database => Path.Combine(Folder, "exchange.db");

    private string Complete => Path.Combine(Folder, "complete");

    /// <summary>A person of the records, as they name him.</summary>
    public static string PersonOf(int number) => Convert.ToHexStringLower(SHA256.HashData(BitConverter.GetBytes(number)).AsSpan(0, 16));

    public static string ActorOf(int number) => string.Create(CultureInfo.InvariantCulture, $"E{10_000 + (number % Actors)}");

    /// <summary>When a record of a year's log was made.</summary>
    public static DateTimeOffset At(long position, int records) => End - TimeSpan.FromDays(365 * (1 - ((double)position / records)));

    public static async Task<FilledLog> EnsureAsync(string folder, int records, Action<string> tell, ProgressTask? progress)
    {
        var log = new FilledLog(Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"records-{records}")), records);
        if (File.Exists(log.Complete) && string.Equals(await File.ReadAllTextAsync(log.Complete), Dataset.Schema, StringComparison.Ordinal)) return log;
        tell($"Writing {records:N0} records, once; kept in {log.Folder}");
        if (Directory.Exists(log.Folder)) Directory.Delete(log.Folder, recursive: true);
        Directory.CreateDirectory(log.Folder);
        await log.FillAsync(progress);
        await File.WriteAllTextAsync(log.Complete, Dataset.Schema);
        return log;
    }

    /// <summary>Everything that is stored of the log held against what was signed: records a second, one thread.</summary>
    public double Sweep()
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(Path.Combine(Folder, "log.key")));
        using var verifier = new NoteSigner("sandbox.safetynet.gov.tw/log", key).ToVerifier();
        using var store = new SqliteStore(Database);
        long end;
        using (var session = store.Read())
        using (var reader = session.Query("SELECT max(size) FROM audit_checkpoint"))
        {
            reader.Read();
            end = reader.GetInt64(0);
        }

        var since = TimeProvider.System.GetTimestamp();
        new LogSweep(store, verifier, end).Run(CancellationToken.None);
        return end / TimeProvider.System.GetElapsedTime(since).TotalSeconds;
    }

    private async Task FillAsync(ProgressTask? progress)
    {
        var clock = TimeProvider.System;
        var sandbox = new SandboxSettings { DataDirectory = Folder, CertificateDirectory = Certificates, Persons = 1000 };
        var (options, _) = SandboxSetup.Prepare(new ServerOptions { Exchange = new ExchangeSettings { Port = 1 } }, sandbox, clock);
        await using var composition = new Composition(options, clock, NullLogger.Instance, stop: () => { });
        await new SandboxSeeding(composition.Store, composition.Commits, composition.Vault, clock).SeedAsync(sandbox);
        composition.Search.Begin();
        var random = new Random(Records);
        var persons = Enumerable.Range(0, Subjects).Select(PersonOf).ToArray();
        var certificate = RandomNumberGenerator.GetBytes(32);
        var waiting = new Queue<Task>(MostWaiting);
        for (var number = 0; number < Records; number++)
        {
            if (waiting.Count == MostWaiting) await waiting.Dequeue();
            waiting.Enqueue(composition.Commits.CommitAsync(AuditEntry.Of(Record(number, random, persons, certificate, composition.Policy.Current)), change: null));
            if (progress is not null && number % 10_000 == 0) progress.Value = (double)number / Records;
        }

        await Task.WhenAll(waiting);
        while (composition.Search.Size < composition.Log.Size) await Task.Delay(100);
        // The head over the last of them.
        while (composition.Log.HasUnsigned) await Task.Delay(100);
    }

    /// <summary>A look-up as the exchange records it.</summary>
    private Wire.AuditRecord Record(int number, Random random, string[] persons, byte[] certificate, NeedToKnowPolicy policy)
    {
        var (at, unit) = (At(number, Records), random.Next(Units));
        var record = new Wire.AuditRecord
        {
            Version = 1, DecisionId = Guid.CreateVersion7(at).ToString(), DecidedAt = Timestamp.FromDateTimeOffset(at), Method = "/safetynet.exchange.v1.HouseholdService/LookUpHousehold",
            System = "spiffe://safetynet.gov.tw/tpe/dosw/case-system", CertificateSha256 = Google.Protobuf.ByteString.CopyFrom(certificate), AgencyCode = "dosw", Jurisdiction = Wire.Jurisdiction.Tpe,
            ActorPersonId = ActorOf(random.Next(Actors)), ActorRole = Wire.ActorRole.Worker, ActorUnitId = string.Create(CultureInfo.InvariantCulture, $"tpe-unit-{unit}"),
            Purpose = Wire.Purpose.ServiceDelivery, LegalBasis = Wire.LegalBasis.Article6IntegratedService, Reference = $"referral/{Guid.CreateVersion7(at)}",
            Outcome = random.Next(20) == 0 ? Wire.AuditOutcome.Refused : Wire.AuditOutcome.Permitted, PolicyRevision = policy.Revision, PolicyHash = policy.Sha256[..16], Peer = "ipv4:10.0.0.1:50000",
            ShownClasses = { Wire.ConfidentialityClass.Identity, Wire.ConfidentialityClass.Contact, Wire.ConfidentialityClass.Household, Wire.ConfidentialityClass.Involvement },
            Relationships = { Wire.Relationship.Serving },
        };
        for (var one = 0; one < SubjectsOfARecord; one++) record.Subjects.Add(persons[random.Next(Subjects)]);
        record.Rules.Add(policy.Rules.Take(8).Select(rule => rule.Id));
        return record;
    }

    /// <summary>Starts an exchange on it.</summary>
    public async Task<(RoleProcess Process, ExchangeAddress Address)> StartAsync()
    {
        var (port, tokens) = Dataset.FreePorts();
        var process = await RoleProcess.StartAsync(RoleCommands.Exchange, isServer: true, JsonSerializer.Serialize(new ExchangeRoleSettings(Folder, Certificates, port, tokens, 1000)));
        return (process, new ExchangeAddress(new Uri($"https://localhost:{port}"), new Uri($"https://localhost:{tokens}"), ""));
    }
}
