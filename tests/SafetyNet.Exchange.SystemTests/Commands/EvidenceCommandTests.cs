using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Commands;

/// <summary>The evidence in the hands of three parties: the exchange, a witness in a process of its own, and a system that proves its call.</summary>
[Trait("Rule", "R-AUD-3")]
[Trait("Rule", "R-AUD-8")]
public sealed class EvidenceCommandTests : IAsyncLifetime
{
    private const string Self = "MemberService/GetSelf";

    private readonly string _folder = Directory.CreateTempSubdirectory("safetynet-witness-").FullName;
    private readonly int _port = FreePort();
    private SandboxProcess? _sandbox;
    private ChildProcess? _witness;
    private string _witnessKey = "";

    private SandboxProcess Sandbox => _sandbox!;

    private string WitnessFolder => Path.Combine(_folder, "witness");

    private string LogKey => Path.Combine(_folder, "log.pub");

    public async ValueTask InitializeAsync()
    {
        var made = await CliAsync("witness", "init", WitnessFolder, "--name", "witness.example.tw");
        Assert.True(made.ExitCode == 0, made.ToString());
        _witnessKey = made.Output.Trim();
        // The exchange is told of its witness before that runs: it starts, and counts how long it goes on so.
        _sandbox = await SandboxProcess.StartAsync(
            $"--Witness:Peers:0:Address=http://127.0.0.1:{_port}", $"--Witness:Peers:0:Key={_witnessKey}", "--Witness:StopAfter=00:10:00");
        var head = await CallAsync("AuditService/GetCheckpoint");
        Assert.False(head.RootElement.TryGetProperty("witnessedNote", out _));
        await File.WriteAllTextAsync(LogKey, head.RootElement.GetProperty("verifierKey").GetString());
        await StartWitnessAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_witness is not null) await _witness.DisposeAsync();
        if (_sandbox is not null) await _sandbox.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    [Trait("Abuse", "B60")]
    public async Task A_call_is_proven_under_a_witnessed_head_and_yesterdays_database_does_not_start()
    {
        var night = Path.Combine(_folder, "night");
        await AwaitWitnessedAsync();
        CopyDatabase(Sandbox.Data, night);

        // The witness is killed and comes back with what it remembers.
        await _witness!.DisposeAsync();
        await StartWitnessAsync();
        var call = await CliAsync(["call", Self, "--as", "tpe-edu", .. Sandbox.CliOptions]);
        Assert.True(call.ExitCode == 0, call.ToString());
        var (decision, record) = (Told(call.Errors, "decision"), Told(call.Errors, "record"));
        var proof = Path.Combine(_folder, "proof.json");
        var got = await CliAsync(["audit", "receipt", "get", "--decision", decision, "--record", record, "--out", proof, .. Sandbox.CliOptions]);
        Assert.True(got.ExitCode == 0, got.ToString());
        string[] verify = ["audit", "receipt", "verify", proof, "--key", LogKey, "--witness", _witnessKey];
        var verified = await CliAsync(verify);
        Assert.True(verified.ExitCode == 0, verified.ToString());
        Assert.Contains(decision, verified.Output, StringComparison.Ordinal);
        Assert.Contains("witness.example.tw", verified.Output, StringComparison.Ordinal);
        var shown = await CliAsync("witness", "show", WitnessFolder);
        Assert.True(shown.ExitCode == 1 && shown.Errors.Contains("another process", StringComparison.Ordinal), "the book is the running witness's: " + shown);

        var text = await File.ReadAllTextAsync(proof, TestContext.Current.CancellationToken);
        var place = long.Parse(record.Split(':')[0], CultureInfo.InvariantCulture);
        await File.WriteAllTextAsync(proof, text.Replace($"\"position\": {place}", $"\"position\": {place - 1}", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        var refused = await CliAsync(verify);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("NOT proven", refused.Output, StringComparison.Ordinal);

        await AwaitWitnessedAsync();
        await Sandbox.KillAsync();
        CopyDatabase(night, Sandbox.Data);
        var kept = await Assert.ThrowsAsync<InvalidOperationException>(() => Sandbox.RunAsync());
        Assert.Contains("restored from an old copy", kept.Message, StringComparison.Ordinal);
        Assert.Contains("exit code 2", kept.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Rule", "R-AUD-4")]
    public async Task An_officer_searches_the_log_for_reading_and_for_other_programs()
    {
        for (var i = 0; i < 3; i++) Assert.Equal(0, (await CliAsync(["call", Self, "--as", "tpe-edu", .. Sandbox.CliOptions])).ExitCode);
        string[] search = ["audit", "search", "--method", Self, .. Sandbox.CliOptions];
        var table = await CliAsync(search);
        Assert.True(table.ExitCode == 0, table.ToString());
        Assert.Contains("GetSelf", table.Output, StringComparison.Ordinal);
        var lines = await LinesAsync("jsonl");
        Assert.Equal(3, lines.Length);
        Assert.All(lines, line => Assert.Equal($"/safetynet.exchange.v1.{Self}", JsonDocument.Parse(line).RootElement.GetProperty("record").GetProperty("method").GetString()));
        Assert.Equal(4, (await LinesAsync("csv")).Length);
        Assert.All(await LinesAsync("ocsf"), line => Assert.Equal(6003, JsonDocument.Parse(line).RootElement.GetProperty("class_uid").GetInt32()));
        Assert.All(await LinesAsync("cef"), line => Assert.StartsWith("CEF:0|", line, StringComparison.Ordinal));
        Assert.Equal(2, (await LinesAsync("jsonl", "--limit", "2")).Length);
        Assert.Empty(await LinesAsync("jsonl", "--outcome", "REFUSED"));

        async Task<string[]> LinesAsync(string format, params string[] more)
        {
            var told = await CliAsync([.. search, "--format", format, .. more]);
            Assert.True(told.ExitCode == 0, told.ToString());
            return told.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
    }

    private async Task StartWitnessAsync()
    {
        _witness = ChildProcess.StartDotnet(Repository.CliDll, ["witness", "serve", WitnessFolder, "--log", "@" + LogKey, "--listen", $"127.0.0.1:{_port}"], _folder);
        await EventuallyAsync(() => Task.FromResult(_witness.Output.Contains("last head", StringComparison.Ordinal)), () => _witness.Errors);
    }

    /// <summary>All that was answered so far is under a co-signed head.</summary>
    private async Task AwaitWitnessedAsync()
    {
        var size = Size((await CallAsync("AuditService/GetCheckpoint")).RootElement, "note");
        await EventuallyAsync(async () => (await CallAsync("AuditService/GetCheckpoint")).RootElement is var head && head.TryGetProperty("witnessedNote", out _) && Size(head, "witnessedNote") >= size,
            () => _witness!.Errors + Sandbox.Log);
    }

    private static long Size(JsonElement head, string note) => long.Parse(head.GetProperty(note).GetString()!.Split('\n')[1], CultureInfo.InvariantCulture);

    private async Task<JsonDocument> CallAsync(string method)
    {
        var answered = await CliAsync(["call", method, "--as", "tpe-edu", .. Sandbox.CliOptions]);
        Assert.True(answered.ExitCode == 0, answered.ToString());
        return JsonDocument.Parse(answered.Output);
    }

    private Task<Finished> CliAsync(params string[] arguments) => ChildProcess.RunDotnetAsync(Repository.CliDll, arguments, _folder);

    private static string Told(string text, string what) =>
        text.Split('\n').Single(line => line.StartsWith(what, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];

    private static async Task EventuallyAsync(Func<Task<bool>> condition, Func<string> otherwise)
    {
        for (var tries = 0; !await condition(); tries++)
        {
            Assert.True(tries < 120, $"waited in vain: {otherwise()}");
            await Task.Delay(TimeSpan.FromMilliseconds(250));
        }
    }

    /// <summary>Database and write-ahead log; the copy takes their place.</summary>
    private static void CopyDatabase(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var old in Directory.GetFiles(to, "exchange.db*")) File.Delete(old);
        foreach (var file in Directory.GetFiles(from, "exchange.db*").Where(file => !file.EndsWith(".lock", StringComparison.Ordinal)))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
