using System.CommandLine;
using System.Security.Cryptography.X509Certificates;
using SafetyNet.Exchange.Protocol.Identity;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary>The options by which a command is told the public keys that the verifying party holds.</summary>
internal sealed class LogKeyOptions
{
    private readonly Option<string?> _key = new("--key")
    {
        Description = "The log's public key as you hold it (name+hash+base64), or a FILE with it, or @FILE; without it the log is only proven to agree with itself",
    };

    private readonly Option<string[]> _witness = new("--witness")
    {
        Description = "Public key of a witness, given like --key; may be given several times", DefaultValueFactory = _ => [],
    };

    private readonly Option<FileInfo?> _timeStampRoots = new("--time-stamp-roots")
    {
        Description = "PEM file of the roots that you trust for time; with it the time-stamps of an export are checked too",
    };

    /// <summary>For a command that checks time-stamps.</summary>
    public void AddTimeStampRootsTo(Command command) => command.Options.Add(_timeStampRoots);

    /// <summary>Roots for time; null: none were given.</summary>
    public X509Certificate2Collection? TimeStampRoots(ParseResult parsed) =>
        parsed.GetValue(_timeStampRoots) is { } file ? MemberTls.LoadRoots(file.FullName) : null;

    public void AddTo(Command command)
    {
        command.Options.Add(_key);
        command.Options.Add(_witness);
    }

    /// <summary>The log's key as text; null: none was given.</summary>
    public string? Log(ParseResult parsed) => parsed.GetValue(_key) is { } text ? Read(text) : null;

    /// <summary>The witnesses' keys as text, none by default.</summary>
    public IReadOnlyList<string> Witnesses(ParseResult parsed) => [.. parsed.GetRequiredValue(_witness).Select(Read)];

    private static string Read(string text) => text is ['@', .. var named] ? File.ReadAllText(named).Trim()
        : File.Exists(text) ? File.ReadAllText(text).Trim() : text.Trim();
}
