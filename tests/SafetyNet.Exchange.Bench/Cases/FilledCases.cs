using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using SafetyNet.Exchange.Bench.History;
using SafetyNet.Exchange.Bench.Roles;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Server;
using SafetyNet.Exchange.Server.Cases;
using SafetyNet.Exchange.Server.Conferences;
using SafetyNet.Exchange.Server.Hosting;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Server.Visits;
using Spectre.Console;

namespace SafetyNet.Exchange.Bench.Cases;

/// <summary>
/// An exchange with ten years of cases of sixty welfare centres, one in twenty open, made once and kept: rows as the services leave them, sealed with the store's own keys, in batches and without
/// the records of calls. Of one centre, the one that is measured, the open cases, workers and overdue visits are as many in every size; what it has closed grows with the years like everybody's.
/// A fill that was broken off goes on where it was.
/// </summary>
internal sealed class FilledCases
{
    /// <summary>The centre that is measured, and the unit that serves in its cases.</summary>
    public const string LeadUnit = "tpe-central-swc", ServingUnit = "tpe-cmhc";

    public const int OpenCases = 750, OverdueVisits = 100, Workers = 30;

    /// <summary>Items of the conferences that the measured centre chairs, an equal share of them in each of its open cases, one in ten overdue.</summary>
    public const int OpenItems = 10_000;

    /// <summary>Of the large case; a twentieth of the notes a unit's own, half of the others' shared with the serving unit.</summary>
    public const int Units = 10, Goals = 50, Notes = 500;

    private const int Years = 10, Centres = 60, OneOpenIn = 20, BatchCases = 5_000, Persons = 20_000, Supervisors = 5;
    private const string ThirdUnit = "tpe-employment", NoteText = "家訪一次，案主情緒平穩，已說明就業服務內容並約定下次訪視時間；案父未在場，擬於下週另行聯繫。";
    private const Wire.Jurisdiction Jurisdiction = Wire.Jurisdiction.Tpe;

    /// <summary>Units of the large case, the primary one first.</summary>
    private static readonly string[] LargeUnits =
        [LeadUnit, ServingUnit, ThirdUnit, "tpe-protection", "tpe-wanhua-swc", "tpe-school", "tpe-counseling", "tpe-phs", "tpe-precinct", "tpe-wcpc"];

    private static readonly DateTimeOffset End = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);

    private FilledCases(string folder, int cases) => (Folder, Count) = (folder, cases);

    public static Guid LargeCase { get; } = new("019a3c00-0000-7000-8000-00000000ca5e");

    public string Folder { get; }

    public int Count { get; }

    public string Certificates => Path.Combine(Path.GetDirectoryName(Folder)!, "certs");

    public string Database => Path.Combine(Folder, "exchange.db");

    public static string WorkerOf(int number) => string.Create(CultureInfo.InvariantCulture, $"W{1000 + (number % Workers)}");

    public static string SupervisorOf(int number) => string.Create(CultureInfo.InvariantCulture, $"W{9000 + (number % Supervisors)}");

    public static async Task<FilledCases> EnsureAsync(string folder, int cases, Action<string> tell, ProgressTask? progress)
    {
        var filled = new FilledCases(Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"cases-{cases}")), cases);
        var schema = Path.Combine(filled.Folder, "schema");
        if (File.Exists(schema) && !string.Equals(await File.ReadAllTextAsync(schema), Dataset.Schema, StringComparison.Ordinal)) Directory.Delete(filled.Folder, recursive: true);
        Directory.CreateDirectory(filled.Folder);
        await File.WriteAllTextAsync(schema, Dataset.Schema);
        await filled.FillAsync(tell, progress);
        return filled;
    }

    /// <summary>Starts an exchange on it.</summary>
    public async Task<(RoleProcess Process, ExchangeAddress Address)> StartAsync()
    {
        var (port, tokens) = Dataset.FreePorts();
        var process = await RoleProcess.StartAsync(RoleCommands.Exchange, isServer: true, JsonSerializer.Serialize(new ExchangeRoleSettings(Folder, Certificates, port, tokens, Persons)));
        return (process, new ExchangeAddress(new Uri($"https://localhost:{port}"), new Uri($"https://localhost:{tokens}"), ""));
    }

    /// <summary>Starts an echo of the same set-up.</summary>
    public async Task<(RoleProcess Process, Uri Address)> StartEchoAsync()
    {
        var (port, tokens) = Dataset.FreePorts();
        var settings = new ExchangeRoleSettings(Path.Combine(Folder, "echo"), Certificates, port, tokens, 0);
        return (await RoleProcess.StartAsync(RoleCommands.Echo, isServer: true, JsonSerializer.Serialize(settings)), new Uri($"https://localhost:{port}"));
    }

    private async Task FillAsync(Action<string> tell, ProgressTask? progress)
    {
        var clock = TimeProvider.System;
        var sandbox = new SandboxSettings { DataDirectory = Folder, CertificateDirectory = Certificates, Persons = Persons };
        var (options, _) = SandboxSetup.Prepare(new ServerOptions { Exchange = new ExchangeSettings { Port = 1 } }, sandbox, clock);
        await using var composition = new Composition(options, clock, NullLogger.Instance, stop: () => { });
        var done = Done(composition.Store);
        if (done > Count) return;
        tell($"Writing {Count - done:N0} of {Count:N0} cases, once; kept in {Folder}");
        await new SandboxSeeding(composition.Store, composition.Commits, composition.Vault, clock).SeedAsync(sandbox);
        var registered = PersonsOf(composition.Store);
        using var connection = composition.Store.OpenWriter();
        // What a power cut would take is made anew; a process that ends takes nothing.
        foreach (var pragma in (string[])["PRAGMA synchronous=OFF", "PRAGMA cache_size=-1500000", "PRAGMA wal_autocheckpoint=100000"]) Execute(connection, pragma);
        using var db = SqliteStore.ContextOn(connection);
        using var rows = new RowInserts(connection, db);
        var fill = new CaseRows(rows, composition.Vault, Jurisdiction, NoteText);
        for (var number = done; number <= Count;)
        {
            using var transaction = connection.BeginTransaction(deferred: false);
            rows.Begin(transaction);
            var until = Math.Min(Count, number + BatchCases);
            for (; number < until; number++) Write(fill, registered, number);
            if (number == Count)
            {
                WriteLarge(fill);
                number++;
            }

            // The place goes with the rows.
            Execute(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA user_version={number}"), transaction);
            transaction.Commit();
            if (progress is not null) progress.Value = (double)number / Count;
        }

        Execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// <summary>A case with one subject, three units, a worker, a note, a goal and two visits. The newest are the open ones of the centre that is measured.</summary>
    private void Write(CaseRows fill, List<Guid> registered, int number)
    {
        var random = new Random(number);
        var measured = Count - number <= OpenCases;
        var isOpen = measured || Count - number <= Count / OneOpenIn;
        var at = Instants.Whole(End - TimeSpan.FromDays(365.25 * Years * (1 - ((double)number / Count))));
        var isOwn = measured || (!isOpen && number % Centres == 0);
        string[] units = isOwn ? [LeadUnit, ServingUnit, ThirdUnit] : [Centre(number), Centre(number + 7), Centre(number + 19)];
        // Whoever has an open case has that one only.
        var person = isOpen ? fill.NewPerson(number, at) : registered[random.Next(registered.Count)];
        DateTimeOffset? ended = isOpen ? null : at.AddDays(200);
        var id = Guid.CreateVersion7(at);
        fill.Case(id, at, ended, [person], units);
        fill.Worker(id, units[0], isOwn ? WorkerOf(number) : string.Create(CultureInfo.InvariantCulture, $"X{number % 1000:0000}"), SupervisorOf(number));
        fill.Note(id, at.AddDays(3), units[0], []);
        fill.Goal(id, at.AddDays(4), units[0], progress: 1);
        var visitor = units[0];
        if (!isOpen)
        {
            fill.Visit(id, visitor, person, at.AddDays(20), isDone: true);
            fill.Visit(id, visitor, person, at.AddDays(50), isDone: true);
            return;
        }

        if (measured) fill.Items(id, at.AddDays(30), LeadUnit, [LeadUnit, ServingUnit, ThirdUnit], ItemsOf(Count - number - 1), End);
        fill.Visit(id, visitor, person, at.AddDays(5), isDone: true);
        // Overdue on every day from now on, or on none.
        fill.Visit(id, visitor, person, measured && Count - number <= OverdueVisits ? End.AddDays(-3) : new DateTimeOffset(2099, 1, 1, 0, 0, 0, TimeSpan.Zero), isDone: false);
    }

    private void WriteLarge(CaseRows fill)
    {
        var at = End.AddDays(-300);
        fill.Case(LargeCase, at, ended: null, [fill.NewPerson(Count, at)], LargeUnits);
        foreach (var (place, unit) in LargeUnits.Index()) fill.Worker(LargeCase, unit, WorkerOf(place), SupervisorOf(place));
        for (var number = 0; number < Goals; number++) fill.Goal(LargeCase, at.AddHours(number), LargeUnits[number % Units], progress: 2);
        for (var number = 0; number < Notes; number++)
        {
            var author = LargeUnits[number % Units];
            var isShared = !string.Equals(author, ServingUnit, StringComparison.Ordinal) && number / Units % 2 == 0;
            fill.Note(LargeCase, at.AddHours(number), author, isShared ? [ServingUnit] : []);
        }
    }

    /// <summary>How many items the case at a place among the open ones has.</summary>
    private static int ItemsOf(int place) => (OpenItems / OpenCases) + (place < OpenItems % OpenCases ? 1 : 0);

    private static string Centre(int number) => string.Create(CultureInfo.InvariantCulture, $"tpe-centre-{number % Centres:00}");

    private static List<Guid> PersonsOf(SqliteStore store)
    {
        var found = new List<Guid>();
        using var read = store.Read();
        using var reader = read.Query("SELECT person_id FROM person WHERE household_id IS NOT NULL ORDER BY person_id");
        while (reader.Read()) found.Add(reader.GetId(0));
        return found;
    }

    /// <summary>Cases that are written; one more when the large one is too.</summary>
    private static int Done(SqliteStore store)
    {
        using var read = store.Read();
        using var reader = read.Query("PRAGMA user_version");
        return reader.Read() ? reader.GetInt32(0) : 0;
    }

    private static void Execute(SqliteConnection connection, string sql, SqliteTransaction? transaction = null)
    {
        using var command = SqliteStore.Prepare(connection, sql);
        command.Transaction = transaction;
        command.ExecuteNonQuery();
    }
}

/// <summary>Rows of cases as the services leave them.</summary>
internal sealed class CaseRows(RowInserts rows, Vault vault, Wire.Jurisdiction jurisdiction, string text)
{
    /// <summary>A person whom no register knows.</summary>
    public Guid NewPerson(int number, DateTimeOffset at)
    {
        var nine = string.Create(CultureInfo.InvariantCulture, $"Z1{number:0000000}");
        var id = Guid.CreateVersion7(at);
        var facts = new Wire.HouseholdMember
        {
            Person = new Wire.Person { PersonId = id.ToString(), NationalId = nine + NationalId.ComputeCheckDigit(nine), Name = "測試某", BirthDate = "1980-05-06", Phone = "0900-000-111", Address = "測試路 1 號" },
        };
        rows.Insert(People.ToRow(vault, jurisdiction, facts, id, null, "", 0, isProtected: false));
        return id;
    }

    /// <param name="units">The primary one first, the others serve.</param>
    public void Case(Guid id, DateTimeOffset at, DateTimeOffset? ended, IReadOnlyList<Guid> subjects, IReadOnlyList<string> units)
    {
        rows.Insert(new CaseFile
        {
            CaseId = id, Jurisdiction = jurisdiction, State = ended is null ? Wire.CaseState.Open : Wire.CaseState.Closed, OpenedAt = at, EndedAt = ended, Version = 3,
        });
        foreach (var subject in subjects) rows.Insert(new CaseSubjectRow { CaseId = id, PersonId = subject, IsOpen = ended is null });
        foreach (var (place, unit) in units.Index())
        {
            var isPrimary = place == 0;
            var hasLeft = ended is not null && !isPrimary;
            rows.Insert(new CaseParticipant
            {
                CaseId = id, UnitId = unit, Role = isPrimary ? Wire.ParticipantRole.Primary : hasLeft ? Wire.ParticipantRole.Former : Wire.ParticipantRole.Serving, Since = at,
                FormerRole = hasLeft ? Wire.ParticipantRole.Serving : default, EndedAt = ended,
            });
        }
    }

    public void Worker(Guid caseId, string unit, string worker, string supervisor) =>
        rows.Insert(new CaseWorkerRow { CaseId = caseId, UnitId = unit, WorkerPersonId = worker, SupervisorPersonId = supervisor, Version = 1 });

    public void Note(Guid caseId, DateTimeOffset at, string author, IReadOnlyList<string> sharedWith)
    {
        var id = Guid.CreateVersion7(at);
        rows.Insert(new CaseNote
        {
            NoteId = id, CaseId = caseId, ConfidentialityClass = Wire.ConfidentialityClass.CaseNote, AuthorUnitId = author, AuthorPersonId = "W1000", WrittenAt = at, Version = 1,
            Sealed = vault.SealText(jurisdiction, CaseQueries.NoteColumn, id, text),
        });
        foreach (var unit in sharedWith) rows.Insert(new NoteShareRow { NoteId = id, UnitId = unit, LegalBasis = Wire.LegalBasis.Article6IntegratedService });
    }

    public void Goal(Guid caseId, DateTimeOffset at, string owner, int progress)
    {
        var id = Guid.CreateVersion7(at);
        rows.Insert(new ServiceGoal
        {
            GoalId = id, CaseId = caseId, OwnerUnitId = owner, State = Wire.GoalState.Active, TargetDate = new DateOnly(2099, 1, 31), ConfidentialityClass = Wire.ConfidentialityClass.CaseNote,
            AuthorUnitId = owner, LegalBasis = Wire.LegalBasis.Article6IntegratedService, SetAt = at, Version = 1, Sealed = vault.SealText(jurisdiction, GoalQueries.GoalColumn, id, text),
        });
        for (var number = 1; number <= progress; number++)
        {
            var entry = Guid.CreateVersion7(at.AddDays(number));
            rows.Insert(new GoalProgressRow
            {
                ProgressId = entry, GoalId = id, AuthorUnitId = owner, AuthorPersonId = "W1000", LegalBasis = Wire.LegalBasis.Article6IntegratedService, WrittenAt = at.AddDays(number),
                Sealed = vault.SealText(jurisdiction, GoalQueries.ProgressColumn, entry, text),
            });
        }
    }

    /// <summary>A conference that has met, one resolution, and its items, each assigned; due far ahead, but for one in ten that was due before <paramref name="today"/>.</summary>
    public void Items(Guid caseId, DateTimeOffset at, string chair, IReadOnlyList<string> owners, int count, DateTimeOffset today)
    {
        var (conference, resolution) = (Guid.CreateVersion7(at), Guid.CreateVersion7(at));
        rows.Insert(new Conference
        {
            ConferenceId = conference, CaseId = caseId, Jurisdiction = jurisdiction, Level = Wire.ConferenceLevel.Case, Indicators = 1 << (int)Wire.ConferenceIndicator.SelfHarm,
            Ground = Wire.ConferenceGround.CrossBureauConsensus, Statement = vault.SealText(jurisdiction, ConferenceQueries.StatementColumn, conference, text),
            Agenda = ClassSet.Of(Wire.ConfidentialityClass.CaseNote).Bits, ConvenedByUnitId = chair, ConvenedAt = at, MeetingAt = at.AddDays(7), Version = 2,
        });
        rows.Insert(new Resolution
        {
            ResolutionId = resolution, ConferenceId = conference, ConfidentialityClass = Wire.ConfidentialityClass.CaseNote, RecordedAt = at.AddDays(7), PersonId = "W1000",
            Sealed = vault.SealText(jurisdiction, MeetingQueries.ResolutionColumn, resolution, text),
        });
        rows.Insert(new ListedCase { CaseId = caseId, IsListed = true, ListedAt = at.AddDays(7), Version = 1 });
        for (var number = 0; number < count; number++)
        {
            var (id, owner) = (Guid.CreateVersion7(at.AddDays(7)), owners[number % owners.Count]);
            var due = DateOnly.FromDateTime((number % 10 == 0 ? today.AddDays(-30) : today.AddYears(70)).UtcDateTime).AddDays(number);
            rows.Insert(new TrackedItem
            {
                ItemId = id, CaseId = caseId, ConferenceId = conference, ResolutionId = resolution, Jurisdiction = jurisdiction, ChairUnitId = chair, OwnerUnitId = owner, State = Wire.ItemState.Open,
                IsOpen = true, Level = Wire.ConferenceLevel.Case, DueOn = due, ConfidentialityClass = Wire.ConfidentialityClass.CaseNote, LegalBasis = Wire.LegalBasis.ConferenceResolution,
                MadeAt = at.AddDays(7), MoveCount = 1, Version = 1, Deed = vault.SealText(jurisdiction, TrackedItemQueries.DeedColumn, id, text),
            });
            rows.Insert(new ItemMoveRow
            {
                MoveId = Guid.CreateVersion7(at.AddDays(7)), ItemId = id, Number = 1, Action = Wire.ItemAction.Assign, MovedAt = at.AddDays(7), UnitId = chair, PersonId = "W1000", State = Wire.ItemState.Open,
                ConferenceId = conference, Level = Wire.ConferenceLevel.Case, OwnerUnitId = owner, DueOn = due,
            });
        }
    }

    public void Visit(Guid caseId, string unit, Guid person, DateTimeOffset at, bool isDone)
    {
        var (id, day) = (Guid.CreateVersion7(at), DateOnly.FromDateTime(at.UtcDateTime));
        rows.Insert(new Visit
        {
            VisitId = id, CaseId = caseId, UnitId = unit, PersonId = person, Jurisdiction = jurisdiction, ConfidentialityClass = Wire.ConfidentialityClass.PublicStatus,
            State = isDone ? Wire.VisitState.Done : Wire.VisitState.Planned, PlannedOn = day, DoneAt = isDone ? at : null, Version = 1,
        });
        rows.Insert(new VisitMoveRow
        {
            MoveId = Guid.CreateVersion7(at), VisitId = id, Number = 1, Action = isDone ? Wire.VisitAction.RecordVisit : Wire.VisitAction.Plan, MovedAt = at, PersonId = "W1000",
            HappenedAt = isDone ? at : null, Channel = isDone ? Wire.VisitChannel.Home : default, PlannedOn = day,
        });
    }
}
