using System.Text.Json;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Foreign;

/// <summary>Clients in other languages, with the gRPC libraries of those languages, certificate and token: what the contract promises, it promises to them.</summary>
public sealed class ForeignClientTests(SandboxFixture fixture) : IClassFixture<SandboxFixture>
{
    /// <summary>The distribution's Python: the one that its gRPC packages are for.</summary>
    private const string Python = "/usr/bin/python3";

    /// <summary>Scripts of ours that take stubs made by protoc from the contract as it stands.</summary>
    private static readonly string PythonScripts = Path.Combine(Repository.Foreign, "python");

    private static readonly string NodeScripts = Path.Combine(Repository.Foreign, "node");

    private readonly SandboxProcess _sandbox = fixture.Sandbox;

    [Fact]
    public async Task A_client_in_python_lives_the_familys_story_and_checks_the_log_itself()
    {
        var stubs = await MakePythonStubsAsync();
        var told = await ChildProcess.RunAsync(
            Python, [Path.Combine(PythonScripts, "story.py"), StoryCast.Write(_sandbox, telling: 0)], _sandbox.Folder, Environment(stubs));
        AssertStoryTold(told, "python");
    }

    [Fact]
    public async Task A_client_in_node_lives_the_familys_story_and_checks_the_log_itself()
    {
        await RequireNodeAsync();
        var told = await ChildProcess.RunAsync("node", [Path.Combine(NodeScripts, "story.js"), StoryCast.Write(_sandbox, telling: 1)], _sandbox.Folder);
        AssertStoryTold(told, "node");
    }

    [Fact]
    public async Task Health_and_reflection_answer_a_client_in_python_as_the_grpc_project_defines_them()
    {
        var stubs = await MakePythonStubsAsync();
        var told = await ChildProcess.RunAsync(
            Python, [Path.Combine(PythonScripts, "probe.py"), StoryCast.Write(_sandbox, telling: 2)], _sandbox.Folder, Environment(stubs));
        Assert.True(told.ExitCode == 0, told.ToString());
        using var found = JsonDocument.Parse(told.Output);
        Assert.Equal("SERVING", found.RootElement.GetProperty("health").GetString());
        Assert.Equal("NOT_FOUND", found.RootElement.GetProperty("healthOfNobody").GetString());
        Assert.Equal("UNAUTHENTICATED", found.RootElement.GetProperty("reflectionWithoutToken").GetString());
        var services = found.RootElement.GetProperty("services").EnumerateArray().Select(name => name.GetString()!).ToList();
        Assert.Contains("safetynet.exchange.v1.ReferralService", services);
        Assert.Contains("grpc.health.v1.Health", services);
        // The descriptors that reflection gives are enough to make a call by.
        Assert.Equal("tpe", found.RootElement.GetProperty("selfByReflection").GetString());
    }

    private static void AssertStoryTold(Finished told, string client)
    {
        Assert.True(told.ExitCode == 0, told.ToString());
        var line = Assert.Single(told.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        using var summary = JsonDocument.Parse(line);
        var of = summary.RootElement;
        Assert.Equal(client, of.GetProperty("client").GetString());
        Assert.Equal(2, of.GetProperty("refused").GetInt32());
        Assert.True(of.GetProperty("permitted").GetInt32() >= 30, line);
        Assert.Equal(of.GetProperty("permitted").GetInt32() + 2, of.GetProperty("calls").GetInt32());
        Assert.Contains(of.GetProperty("withheldClasses").EnumerateArray(), name => name.ValueEquals("CONFIDENTIALITY_CLASS_INVOLVEMENT"));
        Assert.True(of.GetProperty("logVerified").GetBoolean(), line);
        Assert.Equal(of.GetProperty("receipts").GetInt32(), of.GetProperty("receiptsInLog").GetInt32());
        Assert.True(of.GetProperty("recordsInLog").GetInt32() >= of.GetProperty("receipts").GetInt32(), line);
    }

    private static Dictionary<string, string?> Environment(string stubs) => new(StringComparer.Ordinal)
    {
        ["PYTHONPATH"] = stubs,
        ["PYTHONIOENCODING"] = "utf-8",
        ["PYTHONDONTWRITEBYTECODE"] = "1",
        // A set-up of the machine for another Python has no say here.
        ["PYTHONHOME"] = null,
    };

    /// <summary>Generates the stubs with the distribution's protoc, as an agency would; skips where it is not installed.</summary>
    private async Task<string> MakePythonStubsAsync()
    {
        Assert.SkipUnless(File.Exists(Python), $"{Python} is not there");
        var probe = await ChildProcess.RunAsync(Python, ["-c", "import grpc, grpc_tools"]);
        Assert.SkipUnless(probe.ExitCode == 0, "python3-grpcio and python3-grpc-tools are not installed; .ci/install installs them");
        var stubs = Directory.CreateDirectory(Path.Combine(_sandbox.Folder, "stubs")).FullName;
        await GenerateAsync(Repository.Protos, Path.Combine(Repository.Protos, "safetynet"), stubs);
        // A root of their own: `grpc` as a Python package is the library.
        await GenerateAsync(Path.Combine(Repository.Protos, "grpc"), Path.Combine(Repository.Protos, "grpc"), stubs);
        var refusals = Path.Combine(Repository.Foreign, "refusals");
        await GenerateAsync(refusals, refusals, stubs);
        return stubs;
    }

    private static async Task GenerateAsync(string root, string folder, string stubs)
    {
        var files = Directory.EnumerateFiles(folder, "*.proto", SearchOption.AllDirectories).Order(StringComparer.Ordinal);
        var made = await ChildProcess.RunAsync(
            Python, ["-m", "grpc_tools.protoc", $"-I{root}", $"--python_out={stubs}", $"--grpc_python_out={stubs}", .. files]);
        Assert.True(made.ExitCode == 0, made.ToString());
    }

    private static async Task RequireNodeAsync()
    {
        var modules = Path.Combine(NodeScripts, "node_modules", "@grpc", "grpc-js");
        Assert.SkipUnless(Directory.Exists(modules), $"{modules} is not there; `npm ci` in {NodeScripts}, or .ci/install, puts it there");
        try
        {
            await ChildProcess.RunAsync("node", ["--version"]);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("node is not installed");
        }
    }
}
