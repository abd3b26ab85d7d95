using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Text.Json;
using Microsoft.EntityFrameworkCore.Migrations;
using SafetyNet.Exchange.Bench.Roles;
using SafetyNet.Exchange.Sandbox.Population;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Bench;

/// <summary>A database of synthetic persons with open referrals, seeded once and kept; each run works on a copy, so that every run begins with the same rows.</summary>
internal sealed class Dataset
{
    private const int Seed = 1;
    private const int MostSubjects = 4000;
    private const string Jurisdiction = "TPE";

    private readonly string _folder;
    private readonly string _certificates;

    private Dataset(string folder, string certificates, int persons) => (_folder, _certificates, Persons) = (folder, certificates, persons);

    public int Persons { get; }

    private string Seeded => Path.Combine(_folder, "seeded");

    private string Complete => Path.Combine(Seeded, "complete");

    /// <summary>Made to the end, and in the schema that the server has now.</summary>
    private bool IsComplete => File.Exists(Complete) && string.Equals(File.ReadAllText(Complete), Schema, StringComparison.Ordinal);

    /// <summary>The newest migration that the server has.</summary>
    public static string Schema => typeof(SqliteStore).Assembly.GetTypes().Select(type => type.GetCustomAttribute<MigrationAttribute>()?.Id).OfType<string>().Max(StringComparer.Ordinal)!;

    /// <summary>Takes the kept database, or makes it.</summary>
    public static async Task<Dataset> EnsureAsync(string folder, int persons, Action<string> tell, CancellationToken cancellation)
    {
        var dataset = new Dataset(Path.Combine(folder, $"persons-{persons}"), Path.Combine(folder, "certs"), persons);
        if (!dataset.IsComplete) await dataset.MakeAsync(tell, cancellation);
        return dataset;
    }

    /// <summary>Starts an exchange on a fresh copy.</summary>
    public async Task<(RoleProcess Process, ExchangeAddress Address)> StartAsync()
    {
        var run = Path.Combine(_folder, "run");
        if (Directory.Exists(run)) Directory.Delete(run, recursive: true);
        Directory.CreateDirectory(run);
        foreach (var file in Directory.EnumerateFiles(Seeded)) File.Copy(file, Path.Combine(run, Path.GetFileName(file)));
        return await StartAsync(run);
    }

    /// <summary>Starts an echo of the same set-up.</summary>
    public async Task<(RoleProcess Process, Uri Address)> StartEchoAsync()
    {
        var (port, tokens) = FreePorts();
        var folder = Path.Combine(_folder, "echo");
        return (await RoleProcess.StartAsync(RoleCommands.Echo, isServer: true, JsonSerializer.Serialize(new ExchangeRoleSettings(folder, _certificates, port, tokens, 0))),
            new Uri($"https://localhost:{port}"));
    }

    public LoadPlan PlanOf(int connections, ExchangeAddress large, ExchangeAddress? small, Uri? echo) =>
        new(_certificates, connections, large, small, echo);

    private async Task MakeAsync(Action<string> tell, CancellationToken cancellation)
    {
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
        Directory.CreateDirectory(Seeded);
        tell($"Seeding {Persons:N0} persons, once; kept in {Seeded}");
        var subjects = DrawSubjects();
        if (subjects.Count < 2) throw new BenchFailedException($"Among {Persons:N0} persons there are not two households to ask for; take more with --persons.");
        await File.WriteAllTextAsync(Path.Combine(Seeded, "subjects.json"), JsonSerializer.Serialize(subjects), cancellation);
        var (exchange, address) = await StartAsync(Seeded);
        await using (exchange)
        {
            tell($"Referring {subjects.Count / 2:N0} persons, so that their households may be looked up");
            await using var load = await RoleProcess.StartAsync(RoleCommands.Load, isServer: false, JsonSerializer.Serialize(PlanOf(2, address, null, null)));
            var result = await load.AskAsync<LoadResult>(new Order(Order.Prepare), cancellation);
            if (result.Problem is { } problem) throw new BenchFailedException($"The referrals could not be made: {problem}");
        }

        await File.WriteAllTextAsync(Complete, Schema, cancellation);
    }

    private async Task<(RoleProcess Process, ExchangeAddress Address)> StartAsync(string data)
    {
        var (port, tokens) = FreePorts();
        var process = await RoleProcess.StartAsync(RoleCommands.Exchange, isServer: true, JsonSerializer.Serialize(new ExchangeRoleSettings(data, _certificates, port, tokens, Persons)));
        return (process, new ExchangeAddress(new Uri($"https://localhost:{port}"), new Uri($"https://localhost:{tokens}"), Path.Combine(data, "subjects.json")));
    }

    /// <summary>One living person each of households of two or more in the callers' jurisdiction, in an order that has nothing to do with where their rows lie.</summary>
    private List<Subject> DrawSubjects()
    {
        var random = new Random(Seed);
        var found = new List<Subject>();
        foreach (var household in SyntheticPopulation.Generate(Seed, Persons))
        {
            if (!string.Equals(household.JurisdictionCode, Jurisdiction, StringComparison.Ordinal)) continue;
            var living = household.Members.Where(p => p.DeathDate is null && !p.IsProtected).ToList();
            if (living.Count < 2) continue;
            var person = living[random.Next(living.Count)];
            found.Add(new Subject(person.NationalId.Canonical, person.Name, $"{person.BirthDate:yyyy-MM-dd}", ""));
        }

        var subjects = found.ToArray();
        random.Shuffle(subjects);
        return [.. subjects.Take(MostSubjects)];
    }

    public static (int Exchange, int Tokens) FreePorts()
    {
        using var one = new TcpListener(IPAddress.Loopback, 0);
        using var other = new TcpListener(IPAddress.Loopback, 0);
        one.Start();
        other.Start();
        return (((IPEndPoint)one.LocalEndpoint).Port, ((IPEndPoint)other.LocalEndpoint).Port);
    }
}
