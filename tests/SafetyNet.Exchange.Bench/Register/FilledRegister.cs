using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using SafetyNet.Exchange.Bench.Roles;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Server;
using SafetyNet.Exchange.Server.Hosting;
using SafetyNet.Exchange.Server.Storage;
using Spectre.Console;

namespace SafetyNet.Exchange.Bench.Register;

/// <summary>
/// An exchange with a register of many persons, made once and kept: rows as an import leaves them, sealed with the store's own keys, in households of four whose fathers are sons of other
/// households; and referrals of some of them, made by calls, by which a centre may look them up. A fill that was broken off is made anew.
/// </summary>
internal sealed class FilledRegister
{
    /// <summary>Persons who are looked up: twice as many as the exchange keeps families of in memory, so that most look-ups read the file.</summary>
    public const int LookedUp = 30_000;

    /// <summary>Persons of a household: father, mother, two children.</summary>
    private const int Members = 4;

    private const int BatchHouseholds = 20_000;
    private const Wire.Jurisdiction Jurisdiction = Wire.Jurisdiction.Tpe;
    private const string Surnames = "陳林黃張李王吳劉蔡楊許鄭謝洪郭邱曾廖賴徐周葉蘇莊呂江何蕭羅高潘簡朱鍾游彭詹胡施沈余盧梁趙顏柯翁魏孫戴";
    private const string GivenNames = "家明怡君志偉淑芬雅婷俊傑美玲建宏詩涵冠宇佳穎宗翰惠雯承恩欣怡柏翰靜宜子軒宜蓁彥廷秀英文雄麗華國強玉珍世昌心怡";

    private static readonly string[] Roles = ["戶長", "配偶", "長女", "長男"];

    private FilledRegister(string folder, int persons) => (Folder, Persons) = (folder, persons);

    public string Folder { get; }

    public int Persons { get; }

    public string Certificates => Path.Combine(Path.GetDirectoryName(Folder)!, "certs");

    public string Database => Path.Combine(Folder, "exchange.db");

    public string Subjects => Path.Combine(Folder, "subjects.json");

    private int Households => Persons / Members;

    public static async Task<FilledRegister> EnsureAsync(string folder, int persons, Action<string> tell, ProgressTask? progress)
    {
        var filled = new FilledRegister(Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"register-{persons}")), persons);
        var complete = Path.Combine(filled.Folder, "complete");
        if (File.Exists(complete) && string.Equals(await File.ReadAllTextAsync(complete), Dataset.Schema, StringComparison.Ordinal)) return filled;
        if (Directory.Exists(filled.Folder)) Directory.Delete(filled.Folder, recursive: true);
        Directory.CreateDirectory(filled.Folder);
        tell($"Writing {persons:N0} persons, once; kept in {filled.Folder}");
        await filled.FillAsync(progress);
        await filled.ReferAsync(tell);
        await File.WriteAllTextAsync(complete, Dataset.Schema);
        return filled;
    }

    /// <summary>Starts an exchange on it.</summary>
    public async Task<(RoleProcess Process, ExchangeAddress Address)> StartAsync()
    {
        var (port, tokens) = Dataset.FreePorts();
        // The sandbox seeds nothing where there are persons enough.
        var process = await RoleProcess.StartAsync(RoleCommands.Exchange, isServer: true, JsonSerializer.Serialize(new ExchangeRoleSettings(Folder, Certificates, port, tokens, Persons: 1000)));
        return (process, new ExchangeAddress(new Uri($"https://localhost:{port}"), new Uri($"https://localhost:{tokens}"), Subjects));
    }

    /// <summary>Starts an echo of the same set-up.</summary>
    public async Task<(RoleProcess Process, Uri Address)> StartEchoAsync()
    {
        var (port, tokens) = Dataset.FreePorts();
        var process = await RoleProcess.StartAsync(RoleCommands.Echo, isServer: true, JsonSerializer.Serialize(new ExchangeRoleSettings(Path.Combine(Folder, "echo"), Certificates, port, tokens, 0)));
        return (process, new Uri($"https://localhost:{port}"));
    }

    private async Task FillAsync(ProgressTask? progress)
    {
        var sandbox = new SandboxSettings { DataDirectory = Folder, CertificateDirectory = Certificates, Persons = 1000 };
        var (options, _) = SandboxSetup.Prepare(new ServerOptions { Exchange = new ExchangeSettings { Port = 1 } }, sandbox, TimeProvider.System);
        await using var composition = new Composition(options, TimeProvider.System, NullLogger.Instance, stop: () => { });
        using var connection = composition.Store.OpenWriter();
        // What a power cut would take is made anew.
        foreach (var pragma in (string[])["PRAGMA synchronous=OFF", "PRAGMA cache_size=-1000000", "PRAGMA wal_autocheckpoint=100000"]) Execute(connection, pragma);
        // Blind indexes have no order: each batch would write all of them anew. They are sorted once, at the end.
        var indexes = IndexesOf(connection);
        foreach (var (name, _) in indexes) Execute(connection, $"DROP INDEX \"{name}\"");
        using (var rows = new RegisterInserts(connection))
        {
            for (var household = 0; household < Households;)
            {
                using var transaction = connection.BeginTransaction(deferred: false);
                rows.Begin(transaction);
                var until = Math.Min(Households, household + BatchHouseholds);
                for (; household < until; household++) Write(rows, composition.Vault, household);
                transaction.Commit();
                if (progress is not null) progress.Value = (double)household / Households;
            }
        }

        foreach (var (_, sql) in indexes) Execute(connection, sql);
        Execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// <summary>The people to look up are referred and taken in by calls, so that what opens them is what opens persons of any register.</summary>
    private async Task ReferAsync(Action<string> tell)
    {
        var (random, households) = (new Random(7), new HashSet<int>());
        var count = Math.Min(2 * LookedUp, Households / 2);
        while (households.Count < count) households.Add(random.Next(Households));
        var subjects = households.Select(household => PersonOf(household, 2)).Select(person => new Subject(person.NationalId, person.Name, person.BirthDate, "")).ToArray();
        await File.WriteAllTextAsync(Subjects, JsonSerializer.Serialize(subjects));
        var (exchange, address) = await StartAsync();
        await using (exchange)
        {
            tell($"Referring {subjects.Length / 2:N0} of them, so that their households may be looked up");
            await using var load = await RoleProcess.StartAsync(RoleCommands.Load, isServer: false, JsonSerializer.Serialize(new LoadPlan(Certificates, 2, address, null, null)));
            var result = await load.AskAsync<LoadResult>(new Order(Order.Prepare), CancellationToken.None);
            if (result.Problem is { } problem) throw new BenchFailedException($"The referrals could not be made: {problem}");
        }
    }

    private static void Write(RegisterInserts rows, Vault vault, int household)
    {
        for (var place = 0; place < Members; place++)
        {
            var facts = new Wire.HouseholdMember { Role = Roles[place], Person = PersonOf(household, place) };
            rows.Insert(People.ToRow(vault, Jurisdiction, facts, IdOf(household, place), IdOf(household, Members), "萬華區", place, isProtected: false));
        }

        foreach (var parent in (int[])[0, 1])
        {
            foreach (var child in (int[])[2, 3]) rows.Insert(IdOf(household, parent), IdOf(household, child));
            // The father is a son of another household: grandparents, grandchildren and siblings live elsewhere.
            if (household > 1) rows.Insert(IdOf(household / 2, parent), IdOf(household, 0));
        }
    }

    private static Wire.Person PersonOf(int household, int place)
    {
        var number = ((long)household * Members) + place;
        var random = new Random((int)(number % int.MaxValue));
        var (isMale, nine) = (place is 0 or 3, string.Create(CultureInfo.InvariantCulture, $"{(char)('A' + (number / 9_000_000 % 26))}{(place is 0 or 3 ? 1 : 2)}{number % 9_000_000:D7}"));
        var surname = Surnames[random.Next(Surnames.Length)];
        return new Wire.Person
        {
            NationalId = nine + NationalId.ComputeCheckDigit(nine), Name = $"{surname}{GivenNames[random.Next(GivenNames.Length)]}{GivenNames[random.Next(GivenNames.Length)]}",
            Sex = isMale ? Wire.Sex.Male : Wire.Sex.Female, BirthDate = $"{new DateOnly(place < 2 ? 1955 : 1985, 1, 1).AddDays(random.Next(12_000)):yyyy-MM-dd}",
            Address = string.Create(CultureInfo.InvariantCulture, $"臺北市萬華區安康里{household % 28}鄰和平西路二段{household % 300}巷{household % 560}號{household % 18}樓"), Phone = "0900-000-000",
        };
    }

    /// <summary>Sorts by household and place; beyond the last place: the household itself.</summary>
    private static Guid IdOf(int household, int place)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        (bytes[0], bytes[6], bytes[8]) = (1, 0x70, 0x80);
        BinaryPrimitives.WriteInt32BigEndian(bytes[1..], household);
        bytes[15] = (byte)place;
        return new Guid(bytes, bigEndian: true);
    }

    private static List<(string Name, string Sql)> IndexesOf(SqliteConnection connection)
    {
        using var command = SqliteStore.Prepare(connection, "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name IN ('person', 'parent') AND sql IS NOT NULL");
        using var reader = command.ExecuteReader();
        var found = new List<(string, string)>();
        while (reader.Read()) found.Add((reader.GetString(0), reader.GetString(1)));
        return found;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = SqliteStore.Prepare(connection, sql);
        command.ExecuteNonQuery();
    }
}

/// <summary>Inserts persons and parents by one prepared statement each: ten million of them leave no time for a model.</summary>
internal sealed class RegisterInserts(SqliteConnection connection) : IDisposable
{
    private readonly SqliteCommand _person = SqliteStore.Prepare(connection,
        "INSERT INTO person (person_id, jurisdiction, national_id_index, name_index, household_id, district, place, is_protected, is_shielded, sealed) VALUES ($0, $1, $2, $3, $4, $5, $6, 0, 0, $7)",
        "$0", "$1", "$2", "$3", "$4", "$5", "$6", "$7");

    private readonly SqliteCommand _parent = SqliteStore.Prepare(connection, "INSERT INTO parent (parent_id, child_id) VALUES ($0, $1)", "$0", "$1");

    public void Begin(SqliteTransaction transaction) => (_person.Transaction, _parent.Transaction) = (transaction, transaction);

    public void Insert(PersonRow row)
    {
        object[] values = [row.PersonId.ToByteArray(true), (int)row.Jurisdiction, row.NationalIdIndex, row.NameIndex, row.HouseholdId!.Value.ToByteArray(true), row.District, row.Place, row.Sealed];
        for (var at = 0; at < values.Length; at++) _person.Parameters[at].Value = values[at];
        _person.ExecuteNonQuery();
    }

    public void Insert(Guid parent, Guid child)
    {
        (_parent.Parameters[0].Value, _parent.Parameters[1].Value) = (parent.ToByteArray(true), child.ToByteArray(true));
        _parent.ExecuteNonQuery();
    }

    public void Dispose()
    {
        _person.Dispose();
        _parent.Dispose();
    }
}
