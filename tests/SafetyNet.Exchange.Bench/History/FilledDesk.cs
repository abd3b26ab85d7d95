using System.Globalization;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using SafetyNet.Exchange.Bench.Roles;
using SafetyNet.Exchange.Server;
using SafetyNet.Exchange.Server.Hosting;
using SafetyNet.Exchange.Server.Reports;
using SafetyNet.Exchange.Server.Storage;
using Spectre.Console;
using StoredReport = SafetyNet.Exchange.Server.Reports.Report;

namespace SafetyNet.Exchange.Bench.History;

/// <summary>
/// An exchange with ten years of reports, two a person and year whatever the size, made once and kept: rows as intake leaves them in the tables of reports, sealed with the
/// store's own keys, in batches and without the records of calls. A fill that was broken off goes on where it was.
/// </summary>
internal sealed class FilledDesk
{
    public const string IntakeUnit = "tpe-intake";

    private const int Years = 10, ReportsPerPerson = 20, BatchRows = 20_000;
    private const string IndexOfPersons = "IX_report_subject_person_id_received_at";
    private const Wire.Jurisdiction Jurisdiction = Wire.Jurisdiction.Tpe;

    /// <summary>Units that report, all of one city.</summary>
    private static readonly string[] Submitters = ["tpe-school", "tpe-cmhc", "tpe-precinct", "tpe-central-swc"];

    private static readonly DateTimeOffset End = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);

    private FilledDesk(string folder, int reports) => (Folder, Reports) = (folder, reports);

    public string Folder { get; }

    public int Reports { get; }

    public int Persons => Math.Clamp(Reports / ReportsPerPerson, 1000, 1_000_000);

    public string Certificates => Path.Combine(Path.GetDirectoryName(Folder)!, "certs");

    public string Database => Path.Combine(Folder, "exchange.db");

    public static async Task<FilledDesk> EnsureAsync(string folder, int reports, Action<string> tell, ProgressTask? progress)
    {
        var desk = new FilledDesk(Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"reports-{reports}")), reports);
        var schema = Path.Combine(desk.Folder, "schema");
        if (File.Exists(schema) && !string.Equals(await File.ReadAllTextAsync(schema), Dataset.Schema, StringComparison.Ordinal)) Directory.Delete(desk.Folder, recursive: true);
        Directory.CreateDirectory(desk.Folder);
        await File.WriteAllTextAsync(schema, Dataset.Schema);
        await desk.FillAsync(tell, progress);
        return desk;
    }

    /// <summary>Starts an exchange on it.</summary>
    public async Task<(RoleProcess Process, ExchangeAddress Address)> StartAsync()
    {
        var (port, tokens) = Dataset.FreePorts();
        var process = await RoleProcess.StartAsync(RoleCommands.Exchange, isServer: true, JsonSerializer.Serialize(new ExchangeRoleSettings(Folder, Certificates, port, tokens, Persons)));
        return (process, new ExchangeAddress(new Uri($"https://localhost:{port}"), new Uri($"https://localhost:{tokens}"), ""));
    }

    private async Task FillAsync(Action<string> tell, ProgressTask? progress)
    {
        var clock = TimeProvider.System;
        var sandbox = new SandboxSettings { DataDirectory = Folder, CertificateDirectory = Certificates, Persons = Persons };
        var (options, _) = SandboxSetup.Prepare(new ServerOptions { Exchange = new ExchangeSettings { Port = 1 } }, sandbox, clock);
        await using var composition = new Composition(options, clock, NullLogger.Instance, stop: () => { });
        var missing = Reports - Done(composition.Store);
        if (missing <= 0 && Has(composition.Store, IndexOfPersons)) return;
        tell($"Seeding {Persons:N0} persons and writing {missing:N0} of {Reports:N0} reports, once; kept in {Folder}");
        await new SandboxSeeding(composition.Store, composition.Commits, composition.Vault, clock).SeedAsync(sandbox);
        var families = FamiliesOf(composition.Store, composition.Vault);
        using var connection = composition.Store.OpenWriter();
        // What a power cut would take is made anew; a process that ends takes nothing.
        foreach (var pragma in (string[])["PRAGMA synchronous=OFF", "PRAGMA cache_size=-1500000", "PRAGMA wal_autocheckpoint=100000"]) Execute(connection, pragma);
        // Where persons' reports lie has no order: each batch would write all of it anew. It is sorted once, at the end.
        Execute(connection, $"DROP INDEX IF EXISTS {IndexOfPersons}");
        using var db = SqliteStore.ContextOn(connection);
        using var rows = new RowInserts(connection, db);
        for (var number = Reports - missing; number < Reports;)
        {
            using var transaction = connection.BeginTransaction(deferred: false);
            rows.Begin(transaction);
            var until = Math.Min(Reports, number + BatchRows);
            for (; number < until; number++) Write(rows, composition.Vault, families, number);
            // The place goes with the rows.
            Execute(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA user_version={number}"), transaction);
            transaction.Commit();
            if (progress is not null) progress.Value = (double)number / Reports;
        }

        Execute(connection, $"CREATE INDEX {IndexOfPersons} ON report_subject (person_id, received_at)");
        Execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// <summary>One or two persons of a family, reported by a unit of the city to its screening centre.</summary>
    private void Write(RowInserts rows, Vault vault, List<List<(Guid PersonId, Wire.ReportSubject Named)>> families, int number)
    {
        var random = new Random(number);
        var family = families[random.Next(families.Count)];
        var first = random.Next(family.Count);
        var subjects = family.Skip(first).Take(1 + random.Next(2)).ToList();
        var at = Instants.Whole(End - TimeSpan.FromDays(365.25 * Years * (1 - ((double)number / Reports))));
        var id = Guid.CreateVersion7(at);
        var content = new Wire.ReportContent
        {
            SourceSystem = Wire.SourceSystem.ECareReport, Kind = Wire.ReportKind.VulnerableFamily, Reporter = new Wire.Reporter { Kind = Wire.ReporterKind.Neighbor, Name = "通報某", Phone = "0900-222-333" },
            Problems = { Wire.ReportProblem.EconomicHardship }, Needs = { Wire.Article6Service.FinancialAid }, ReportedAt = Timestamp.FromDateTimeOffset(at.AddHours(-1)), District = "萬華區",
            Facts = { new Wire.ReferralFact { ConfidentialityClass = Wire.ConfidentialityClass.Economic, Text = "積欠房租三個月，母親九月起失業，鄰居聽聞多次爭吵。" } },
        };
        content.Subjects.Add(subjects.Select(subject => subject.Named));

        var submitter = Submitters[random.Next(Submitters.Length)];
        rows.Insert(new StoredReport
        {
            ReportId = id, ReceiptNumber = StoredReport.NumberOf(Jurisdiction, at, id), Jurisdiction = Jurisdiction, IntakeUnitId = IntakeUnit, SubmittedByUnitId = submitter,
            State = Wire.ReportState.Received, ReceivedAt = at, Version = 1, Sealed = vault.SealFacts(Jurisdiction, ReportQueries.ContentColumn, id, content),
        });
        foreach (var subject in subjects) rows.Insert(new ReportSubjectRow { ReportId = id, PersonId = subject.PersonId, ReceivedAt = at });
        rows.Insert(new ReportMoveRow
        {
            MoveId = Guid.CreateVersion7(at), ReportId = id, Number = 1, Action = Wire.ReportAction.Submit, State = Wire.ReportState.Received, MovedAt = at, UnitId = submitter, PersonId = "E10001",
        });
    }

    /// <summary>Everybody of the register, by household.</summary>
    private static List<List<(Guid PersonId, Wire.ReportSubject Named)>> FamiliesOf(SqliteStore store, Vault vault)
    {
        using var read = store.Read();
        using var reader = read.Query("SELECT household_id, person_id, sealed FROM person WHERE household_id IS NOT NULL ORDER BY household_id, place");
        var (families, last) = (new List<List<(Guid PersonId, Wire.ReportSubject Named)>>(), Guid.Empty);
        while (reader.Read())
        {
            var (household, id) = (reader.GetId(0), reader.GetId(1));
            if (household != last) families.Add([]);
            last = household;
            var person = vault.OpenFacts(Wire.HouseholdMember.Parser, People.FactsColumn, id, reader.GetFieldValue<byte[]>(2)).Person;
            families[^1].Add((id, new Wire.ReportSubject { NationalId = person.NationalId, Name = person.Name, BirthDate = person.BirthDate }));
        }

        return families;
    }

    private static int Done(SqliteStore store)
    {
        using var read = store.Read();
        using var reader = read.Query("PRAGMA user_version");
        return reader.Read() ? reader.GetInt32(0) : 0;
    }

    private static bool Has(SqliteStore store, string index)
    {
        using var read = store.Read();
        using var reader = read.Query("SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = $0", index);
        return reader.Read();
    }

    private static void Execute(SqliteConnection connection, string sql, SqliteTransaction? transaction = null)
    {
        using var command = SqliteStore.Prepare(connection, sql);
        command.Transaction = transaction;
        command.ExecuteNonQuery();
    }
}
