using System.CommandLine;

namespace SafetyNet.Exchange.Cli.Connections;

/// <summary>The options by which a command is told where the exchange is and whose certificates to use.</summary>
internal sealed class ExchangeOptions
{
    private readonly Option<Uri?> _endpoint = new("--endpoint")
    {
        Description = "Address of the exchange; default: the sandbox of this folder, or https://localhost:5443",
        CustomParser = ToAddress,
    };

    private readonly Option<Uri?> _tokens = new("--tokens")
    {
        Description = "Address of the token service; default: the sandbox's, or https://localhost:5444",
        CustomParser = ToAddress,
    };

    private readonly Option<string?> _certs = new("--certs") { Description = "Folder of certificates; default: the sandbox's, or certs/sandbox" };

    public void AddTo(Command command)
    {
        command.Options.Add(_endpoint);
        command.Options.Add(_tokens);
        command.Options.Add(_certs);
    }

    /// <summary>True when the person named an exchange.</summary>
    public bool NamesExchange(ParseResult parsed) => parsed.GetValue(_endpoint) is not null;

    /// <summary>Where to call: what was said, else what the sandbox of this folder wrote down, else the defaults.</summary>
    public SandboxNote Resolve(ParseResult parsed)
    {
        var endpoint = parsed.GetValue(_endpoint);
        var note = SandboxNote.Find(SandboxFolders.Data);
        if (endpoint is not null && endpoint != note?.Exchange)
            note = null;
        return new SandboxNote(
            endpoint ?? note?.Exchange ?? SandboxNote.DefaultExchange,
            parsed.GetValue(_tokens) ?? note?.Tokens ?? SandboxNote.DefaultTokens,
            parsed.GetValue(_certs) ?? note?.Certificates ?? SandboxFolders.Certificates,
            note?.Seed ?? SandboxNote.DefaultSeed,
            note?.Persons ?? SandboxNote.DefaultPersons);
    }

    private static Uri? ToAddress(System.CommandLine.Parsing.ArgumentResult argument)
    {
        var text = argument.Tokens.Count == 1 ? argument.Tokens[0].Value : "";
        if (Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme.Equals(Uri.UriSchemeHttps, StringComparison.Ordinal))
            return address;
        argument.AddError($"`{text}` is no https address.");
        return null;
    }
}
