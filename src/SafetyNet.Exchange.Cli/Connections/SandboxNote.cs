using System.Net.Sockets;
using System.Text.Json;

namespace SafetyNet.Exchange.Cli.Connections;

/// <summary>What a sandbox server writes beside its data when it listens: <c>sandbox.json</c>.</summary>
/// <param name="Exchange">Address of the exchange.</param>
/// <param name="Tokens">Address of its token service.</param>
/// <param name="Certificates">Folder of its development PKI.</param>
/// <param name="Seed">Seed of its synthetic population.</param>
/// <param name="Persons">Size of its synthetic population.</param>
internal sealed record SandboxNote(Uri Exchange, Uri Tokens, string Certificates, int Seed, int Persons)
{
    public const string FileName = "sandbox.json";

    /// <summary>Population of a sandbox that was not told otherwise.</summary>
    public const int DefaultSeed = 1;

    /// <inheritdoc cref="DefaultSeed"/>
    public const int DefaultPersons = 3000;

    public static readonly Uri DefaultExchange = new("https://localhost:5443");

    public static readonly Uri DefaultTokens = new("https://localhost:5444");

    /// <summary>Reads the note in a data folder; null where there is none, or none that is finished.</summary>
    public static SandboxNote? Find(string dataFolder)
    {
        try
        {
            var note = JsonSerializer.Deserialize<SandboxNote>(File.ReadAllText(Path.Combine(dataFolder, FileName)), JsonSerializerOptions.Web);
            return note is { Exchange: not null, Tokens: not null, Certificates: not null } ? note : null;
        }
        catch (Exception error) when (error is IOException or JsonException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>True when something listens at an address.</summary>
    public static async Task<bool> AnswersAsync(Uri address, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(2));
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(address.Host, address.Port, limit.Token);
            return true;
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            return false;
        }
    }
}
