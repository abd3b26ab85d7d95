using System.Security.Cryptography;

namespace SafetyNet.Exchange.Tokens;

/// <summary>What the token service needs when it runs alone: section <c>Tokens</c> of the configuration. Everything but the port is required; there is no sandbox default.</summary>
internal sealed record TokenHostSettings
{
    /// <summary>The service's address as clients call it; https, no slash at the end. Becomes <c>iss</c>.</summary>
    public string Issuer { get; init; } = "";

    /// <summary>The exchange that tokens are for. Becomes <c>aud</c>.</summary>
    public string Audience { get; init; } = "";

    /// <summary>PEM file of the token key, EC on P-256, PKCS#8.</summary>
    public string SigningKeyPath { get; init; } = "";

    /// <summary><c>members.json</c>.</summary>
    public string RegistryPath { get; init; } = "";

    /// <summary>PEM file of the roots that members' certificates chain to.</summary>
    public string RootsPath { get; init; } = "";

    /// <summary>Folder of the agencies' issuing authorities, PEM.</summary>
    public string IssuersDirectory { get; init; } = "";

    /// <summary>Folder of signed revocation lists.</summary>
    public string CrlDirectory { get; init; } = "";

    /// <summary>PEM file of the service's own certificate with its chain, and of its key.</summary>
    public string CertificatePath { get; init; } = "";

    public string CertificateKeyPath { get; init; } = "";

    /// <summary>Port on all addresses, 1 to 65535. Default 5444.</summary>
    public int Port { get; init; } = 5444;

    /// <summary>All that is wrong, one line each, in the order of the settings; empty when the service can start.</summary>
    public IReadOnlyList<string> Problems()
    {
        var problems = new List<string>();
        if (!Uri.TryCreate(Issuer, UriKind.Absolute, out var issuer) || !string.Equals(issuer.Scheme, Uri.UriSchemeHttps, StringComparison.Ordinal) || Issuer.EndsWith('/'))
            problems.Add("Tokens:Issuer must be an https address without a slash at the end");
        if (string.IsNullOrWhiteSpace(Audience)) problems.Add("Tokens:Audience is required: the exchange that tokens are for");
        RequireFile(problems, nameof(SigningKeyPath), SigningKeyPath);
        RequireFile(problems, nameof(RegistryPath), RegistryPath);
        RequireFile(problems, nameof(RootsPath), RootsPath);
        RequireDirectory(problems, nameof(IssuersDirectory), IssuersDirectory);
        RequireDirectory(problems, nameof(CrlDirectory), CrlDirectory);
        RequireFile(problems, nameof(CertificatePath), CertificatePath);
        RequireFile(problems, nameof(CertificateKeyPath), CertificateKeyPath);
        if (Port is < 1 or > 65535) problems.Add("Tokens:Port must be 1 to 65535");
        return problems;
    }

    public ECDsa LoadSigningKey()
    {
        var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(SigningKeyPath));
        return key;
    }

    private static void RequireFile(List<string> problems, string name, string path)
    {
        if (string.IsNullOrWhiteSpace(path)) problems.Add($"Tokens:{name} is required");
        else if (!File.Exists(path)) problems.Add($"Tokens:{name}: there is no file '{path}'");
    }

    private static void RequireDirectory(List<string> problems, string name, string path)
    {
        if (string.IsNullOrWhiteSpace(path)) problems.Add($"Tokens:{name} is required");
        else if (!Directory.Exists(path)) problems.Add($"Tokens:{name}: there is no folder '{path}'");
    }
}
