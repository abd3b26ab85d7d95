using System.Diagnostics;
using System.Text.Json;

namespace SafetyNet.Exchange.Bench.Roles;

/// <summary>A role in a process of its own: this program again, under orders by line.</summary>
internal sealed class RoleProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _role;

    private RoleProcess(Process process, string role) => (_process, _role) = (process, role);

    /// <summary>Starts a role and waits until it is ready. A server gets the collector that the product's server has.</summary>
    public static async Task<RoleProcess> StartAsync(string role, bool isServer, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath ?? "dotnet")
        {
            UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true,
        };
        if (string.Equals(Path.GetFileNameWithoutExtension(start.FileName), "dotnet", StringComparison.OrdinalIgnoreCase))
            start.ArgumentList.Add(typeof(RoleProcess).Assembly.Location);
        start.ArgumentList.Add(role);
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment["DOTNET_gcServer"] = isServer ? "1" : "0";
        start.Environment.Remove("DOTNET_ENVIRONMENT");
        start.Environment.Remove("ASPNETCORE_ENVIRONMENT");
        start.Environment.Remove("ASPNETCORE_URLS");
        var process = new Process { StartInfo = start };
        process.Start();
        var started = new RoleProcess(process, role);
        var line = await started._process.StandardOutput.ReadLineAsync();
        if (string.Equals(line, "ready", StringComparison.Ordinal)) return started;
        await started.DisposeAsync();
        throw new BenchFailedException($"The role `{role}` did not start: {line ?? "it ended, see above"}.");
    }

    public async Task<TAnswer> AskAsync<TAnswer>(Order order, CancellationToken cancellation)
    {
        await _process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(order).AsMemory(), cancellation);
        var line = await _process.StandardOutput.ReadLineAsync(cancellation) ?? throw new BenchFailedException($"The role `{_role}` ended during `{order.Case}`.");
        return JsonSerializer.Deserialize<TAnswer>(line)!;
    }

    public Task<ServerReading> ReadAsync(CancellationToken cancellation) => AskAsync<ServerReading>(new Order(Order.Read), cancellation);

    /// <summary>Lets the role close what it has open; a database is whole in its one file afterwards.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(new Order(Order.Quit)));
            _process.StandardInput.Close();
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or InvalidOperationException)
        {
            if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }
}

/// <summary>The run says nothing: something was not as it must be. The message tells what.</summary>
internal sealed class BenchFailedException(string message) : Exception(message);
