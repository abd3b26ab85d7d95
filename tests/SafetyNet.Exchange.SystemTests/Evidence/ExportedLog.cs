using System.Security.Cryptography;
using System.Text;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.SystemTests.Foreign;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Evidence;

/// <summary>
/// The log of a real exchange, exported twice into one folder by the command line: some hundred records, two checkpoints, full tiles and a part of one. The last
/// checkpoint is co-signed by a witness of the test's own.
/// </summary>
public sealed class ExportedLog : IAsyncLifetime
{
    private const int CallsBeforeFirst = 300, CallsBeforeSecond = 500;

    private SandboxProcess? _sandbox;

    internal SandboxProcess Sandbox => _sandbox ?? throw new InvalidOperationException("Not started.");

    public string Folder => Path.Combine(Sandbox.Folder, "exported");

    /// <summary>The log's public key as an officer holds it.</summary>
    public string KeyFile => Path.Combine(Sandbox.Folder, "held.key");

    public string WitnessKeyFile => Path.Combine(Sandbox.Folder, "witness.pub");

    /// <summary>Entries at the first and at the second export.</summary>
    public (long First, long Second) Sizes { get; private set; }

    internal Finished FirstExport { get; private set; } = null!;

    internal Finished SecondExport { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _sandbox = await SandboxProcess.StartAsync("--Limits:PerPersonPerMinute=10000000", "--Limits:PerAgencyPerMinute=10000000", "--Limits:LookUps:PerPerson=10000000", "--Limits:LookUps:PerAgency=10000000");
        await File.WriteAllTextAsync(KeyFile, StoryCast.LogKey(_sandbox));
        FirstExport = await ExportAsync(CallsBeforeFirst);
        var first = Size(Path.Combine(Folder, LogLayout.Checkpoint));
        SecondExport = await ExportAsync(CallsBeforeSecond);
        Sizes = (first, Size(Path.Combine(Folder, LogLayout.Checkpoint)));
        using var witness = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var signer = new NoteSigner("witness.test", witness);
        using (var verifier = signer.ToVerifier())
            await File.WriteAllTextAsync(WitnessKeyFile, verifier.ToVerifierKey() + "\n");
        Assert.True(SignedNote.TryParse(await File.ReadAllBytesAsync(Path.Combine(Folder, LogLayout.Checkpoint)), out var note, out _));
        await File.WriteAllBytesAsync(Path.Combine(Folder, LogLayout.Checkpoint), note.WithSignatureOf(signer).Encode());
    }

    public async ValueTask DisposeAsync()
    {
        var errors = _sandbox?.LoggedErrors() ?? [];
        if (_sandbox is not null)
            await _sandbox.DisposeAsync();
        Assert.Empty(errors);
    }

    /// <summary>A copy to damage.</summary>
    public string Copy()
    {
        var copy = Path.Combine(Sandbox.Folder, $"copy-{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):N}");
        foreach (var file in Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories))
        {
            var to = Path.Combine(copy, Path.GetRelativePath(Folder, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }

        return copy;
    }

    /// <summary>A checkpoint as one who stole the log's key would sign it.</summary>
    public byte[] Forge(long size, MerkleHash root, string? origin = null)
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(Path.Combine(Sandbox.Data, "log.key")));
        var name = origin ?? StoryCast.LogName;
        return SignedCheckpoint.Sign(new Checkpoint(name, size, root), new NoteSigner(name, key)).Encode();
    }

    private static long Size(string note) => long.Parse(File.ReadAllLines(note, Encoding.UTF8)[1], System.Globalization.CultureInfo.InvariantCulture);

    private async Task<Finished> ExportAsync(int calls)
    {
        using var school = Sandbox.Connect("edu");
        using var county = Sandbox.Connect("dosw", "tao");
        CallReceipt? last = null;
        for (var call = 0; call < calls; call++)
        {
            // Every seventh call is another county's: its record is in the export by its hash alone.
            var (channel, unit) = call % 7 == 6 ? (county, "tao-central-swc") : (school, "tpe-school");
            using var asked = channel.Members.GetSelfAsync(new Wire.GetSelfRequest { Context = ContextOf(unit) });
            await asked;
            last = CallReceipt.Read(asked.GetTrailers());
        }

        // A record is under a signed head within a second; the export takes the newest head.
        await Task.Delay(TimeSpan.FromSeconds(2));
        var exported = await ChildProcess.RunDotnetAsync(
            Repository.CliDll, ["audit", "export", "--out", Folder, "--key", KeyFile, .. Sandbox.CliOptions], Sandbox.Folder);
        Assert.True(exported.ExitCode == 0, exported.ToString());
        Assert.True(Size(Path.Combine(Folder, LogLayout.Checkpoint)) > last!.Position);
        return exported;
    }

    private static Wire.AccessContext ContextOf(string unit) => new()
    {
        Purpose = Wire.Purpose.ServiceDelivery,
        LegalBasis = Wire.LegalBasis.Article6IntegratedService,
        Actor = new Wire.ActingPerson { PersonId = "T0217", UnitId = unit, Role = Wire.ActorRole.Worker },
    };
}
