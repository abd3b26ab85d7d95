using System.Security.Cryptography.X509Certificates;
using SafetyNet.Exchange.Cli.Commands;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Sandbox.Pki;

namespace SafetyNet.Exchange.Cli.Connections;

/// <summary>
/// The certificates in a folder, by which the command line speaks as one member system or another: <c>root.pem</c>, and in <c>systems/</c> a certificate
/// <c>&lt;jurisdiction&gt;.&lt;agency&gt;.&lt;system&gt;.pem</c> with its <c>.key</c> each.
/// </summary>
internal sealed class SandboxIdentities
{
    private readonly string _folder;
    private readonly X509Certificate2Collection _roots;

    private SandboxIdentities(string folder, X509Certificate2Collection roots)
    {
        _folder = folder;
        _roots = roots;
    }

    /// <summary>Opens a folder of certificates.</summary>
    /// <exception cref="CommandFailedException">There are none.</exception>
    public static SandboxIdentities Open(string folder) => File.Exists(Path.Combine(folder, "root.pem"))
        ? new SandboxIdentities(folder, MemberTls.LoadRoots(Path.Combine(folder, "root.pem")))
        : throw new CommandFailedException($"No certificates in {folder}. Start the sandbox server, run `safetynet certs init`, or name the folder with --certs.");

    /// <summary>Finds a system by <c>jurisdiction-agency</c>, e.g. <c>tpe-edu</c>, by <c>jurisdiction-agency-system</c>, or by SPIFFE id.</summary>
    /// <exception cref="CommandFailedException">No certificate, or more than one, fits the name; the message lists what there is.</exception>
    public SpiffeId Find(string name)
    {
        var fits = Systems().Where(id => name.Equals(id.Uri, StringComparison.Ordinal) || name.Equals(ShortName(id), StringComparison.Ordinal)
            || name.Equals($"{ShortName(id)}-{id.System}", StringComparison.Ordinal)).ToList();
        return fits.Count == 1
            ? fits[0]
            : throw new CommandFailedException(
                $"{(fits.Count == 0 ? "No" : "More than one")} certificate for `{name}` in {_folder}; there are {string.Join(", ", Systems().Select(ShortName).Distinct(StringComparer.Ordinal))}.");
    }

    /// <summary>Opens the way into the exchange as a system.</summary>
    public ExchangeChannel Connect(SpiffeId system, Uri exchange, Uri tokens) => ExchangeChannel.Open(new ExchangeChannelOptions
    {
        Exchange = exchange,
        Tokens = tokens,
        System = system,
        Identity = MemberTls.LoadIdentity(FileOf(system, ".pem"), FileOf(system, ".key")),
        Roots = _roots,
    });

    /// <summary>Root, exchange and every system, as their certificates stand in the folder.</summary>
    public IEnumerable<ListedCertificate> List()
    {
        yield return Read("root.pem", "", "");
        if (File.Exists(Path.Combine(_folder, "server.pem")))
            yield return Read("server.pem", "", SandboxPki.Exchange.Uri);
        foreach (var system in Systems())
            yield return Read(FileOf(system, ".pem"), ShortName(system), system.Uri);
    }

    private ListedCertificate Read(string file, string name, string uri)
    {
        using var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(Path.Combine(_folder, file)));
        var subject = string.Join(", ", certificate.SubjectName.EnumerateRelativeDistinguishedNames().Reverse()
            .Where(part => part.GetSingleElementType().Value is "2.5.4.3" or "2.5.4.11").Select(part => part.GetSingleElementValue()));
        return new ListedCertificate(subject, name, uri, certificate.NotAfter);
    }

    private IEnumerable<SpiffeId> Systems()
    {
        var systems = Path.Combine(_folder, "systems");
        if (!Directory.Exists(systems))
            yield break;
        foreach (var file in Directory.EnumerateFiles(systems, "*.pem").Order(StringComparer.Ordinal))
        {
            if (Path.GetFileNameWithoutExtension(file).Split('.') is [var jurisdiction, var agency, var system]
                && SpiffeId.TryParse($"{SpiffeId.Prefix}{jurisdiction}/{agency}/{system}", out var id))
                yield return id;
        }
    }

    private string FileOf(SpiffeId id, string ending) => Path.Combine(_folder, "systems", $"{id.Jurisdiction}.{id.Agency}.{id.System}{ending}");

    private static string ShortName(SpiffeId id) => $"{id.Jurisdiction}-{id.Agency}";
}

/// <summary>A certificate as the command line lists it.</summary>
/// <param name="Subject">Common name and unit of its subject.</param>
/// <param name="Name">What <c>--as</c> calls it; empty where it is no member system's.</param>
/// <param name="Uri">SPIFFE id; empty where it has none.</param>
/// <param name="Until">Last day, local time.</param>
internal sealed record ListedCertificate(string Subject, string Name, string Uri, DateTime Until);
