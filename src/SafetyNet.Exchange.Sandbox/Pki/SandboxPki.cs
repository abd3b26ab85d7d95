using System.Formats.Asn1;
using System.Net;
using System.Net.Security;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;

namespace SafetyNet.Exchange.Sandbox.Pki;

/// <summary>
/// A development PKI in one folder: a root, one issuing authority per agency, the exchange's own certificate, one certificate per member system, and a signed
/// revocation list per authority. For sandboxes and tests only: the authorities' keys lie beside the certificates, and a production start refuses it.
/// </summary>
/// <remarks>
/// Files: <c>root.pem</c>; <c>issuers/&lt;jurisdiction&gt;.&lt;agency&gt;.pem</c>; <c>systems/&lt;jurisdiction&gt;.&lt;agency&gt;.&lt;system&gt;.pem</c> (chain, root left out) with <c>.key</c>;
/// <c>server.pem</c> and <c>server.key</c>; <c>crls/&lt;jurisdiction&gt;.&lt;agency&gt;.crl</c>. Keys are EC P-256, PKCS#8, mode 0600. Each file appears whole or not at all.
/// An attacker who can read the folder is every member at once; that is why it is never more than a sandbox.
/// </remarks>
public sealed class SandboxPki
{
    /// <summary>The exchange itself, as it stands in its own certificate: registered nowhere, so it can connect to the token service but is given no token.</summary>
    public static readonly SpiffeId Exchange = SpiffeId.Of("tw", "exchange", "exchange-server");

    private const string Manifest = "members.txt";
    private const string Format = "safetynet sandbox pki 1";
    private static readonly TimeSpan SystemLifetime = TimeSpan.FromDays(90);
    private static readonly TimeSpan AuthorityLifetime = TimeSpan.FromDays(365);
    private static readonly TimeSpan ListLifetime = TimeSpan.FromDays(30);
    private static readonly TimeSpan ReuseMargin = TimeSpan.FromDays(1);
    private static readonly TimeSpan Backdating = TimeSpan.FromMinutes(5);

    private const int LockAttempts = 600;
    private const int LockRetryMilliseconds = 50;

    private readonly string _directory;
    private readonly TimeProvider _clock;
    private readonly Dictionary<SpiffeId, Lazy<X509Certificate2>> _systems;

    private SandboxPki(string directory, TimeProvider clock, IEnumerable<SpiffeId> systems)
    {
        _directory = directory;
        _clock = clock;
        Root = X509Certificate2.CreateFromPem(File.ReadAllText(RootPath));
        var ids = systems.ToList();
        Issuers = ids.Append(Exchange).DistinctBy(id => id.AgencyUri, StringComparer.Ordinal)
            .ToDictionary(id => id.AgencyUri, id => X509Certificate2.CreateFromPem(File.ReadAllText(IssuerPath(id))), StringComparer.Ordinal);
        ServerCertificate = LoadUsable(ServerCertificatePath, ServerKeyPath);
        _systems = ids.ToDictionary(id => id, id => new Lazy<X509Certificate2>(() => LoadUsable(CertificatePath(id), KeyPath(id))));
    }

    public X509Certificate2 Root { get; }

    /// <summary>Issuing authorities by <see cref="SpiffeId.AgencyUri"/>, without keys.</summary>
    public IReadOnlyDictionary<string, X509Certificate2> Issuers { get; }

    /// <summary>The exchange's certificate with its key: for localhost, 127.0.0.1 and ::1, and as a client of the token service.</summary>
    public X509Certificate2 ServerCertificate { get; }

    public IReadOnlyCollection<SpiffeId> Systems => _systems.Keys;

    public string RootPath => Path.Combine(_directory, "root.pem");

    public string ServerCertificatePath => Path.Combine(_directory, "server.pem");

    public string ServerKeyPath => Path.Combine(_directory, "server.key");

    public string IssuerDirectory => Path.Combine(_directory, "issuers");

    public string CrlDirectory => Path.Combine(_directory, "crls");

    /// <summary>
    /// Gives back the PKI of this folder, making it anew when there is none, when it is for other members, or when a certificate ends within a day; revocation lists that end
    /// within a week are signed anew. Safe when two processes start at once: the second waits and reuses what the first made.
    /// </summary>
    /// <exception cref="TimeoutException">Another process has held the folder for 30 seconds.</exception>
    /// <param name="directory">The folder.</param>
    /// <param name="systems">Member systems.</param>
    /// <param name="clock">Tells from when on what is made anew is valid.</param>
    /// <param name="holdsFor">How long what is made anew holds at least; null: systems 90 days, authorities 365, lists 30.</param>
    public static SandboxPki Ensure(string directory, IReadOnlyList<SpiffeId> systems, TimeProvider clock, TimeSpan? holdsFor = null)
    {
        ArgumentNullException.ThrowIfNull(systems);
        ArgumentNullException.ThrowIfNull(clock);
        Directory.CreateDirectory(directory);
        using (Lock(directory))
        {
            var manifest = ManifestOf(systems);
            var pki = FindReusable(directory, manifest, systems, clock);
            if (pki is null)
            {
                Make(directory, manifest, systems, clock, holdsFor ?? TimeSpan.Zero);
                pki = new SandboxPki(directory, clock, systems);
            }
            foreach (var id in systems.Append(Exchange).DistinctBy(id => id.AgencyUri, StringComparer.Ordinal)) pki.SignList(id, [], holdsFor ?? TimeSpan.Zero);
            return pki;
        }
    }

    public string CertificatePath(SpiffeId system) => SystemPath(_directory, system, ".pem");

    public string KeyPath(SpiffeId system) => SystemPath(_directory, system, ".key");

    public string IssuerPath(SpiffeId system) => IssuerPath(_directory, system, ".pem");

    public string CrlPath(SpiffeId system) => Path.Combine(CrlDirectory, AgencyFile(system) + ".crl");

    /// <summary>The system's certificate with its key.</summary>
    public X509Certificate2 ClientCertificate(SpiffeId system) => _systems[system].Value;

    /// <summary>The system's certificate with its issuing authority, as a client sends them.</summary>
    public SslStreamCertificateContext ClientContext(SpiffeId system) =>
        SslStreamCertificateContext.Create(ClientCertificate(system), [Issuers[system.AgencyUri]], offline: true);

    /// <summary>The exchange's certificate with its issuing authority, as the listeners send them.</summary>
    public SslStreamCertificateContext ServerContext() => SslStreamCertificateContext.Create(ServerCertificate, [Issuers[Exchange.AgencyUri]], offline: true);

    /// <summary>Takes a system's certificate back: its authority's list is signed anew with one more entry. There is no way back but a new certificate.</summary>
    public void Revoke(SpiffeId system)
    {
        using (Lock(_directory)) SignList(system, [ClientCertificate(system).SerialNumberBytes.ToArray()]);
    }

    /// <summary>An agency's issuing authority with its key, for tests that issue certificates no sandbox would.</summary>
    public X509Certificate2 LoadIssuerWithKey(SpiffeId system) => X509Certificate2.CreateFromPemFile(IssuerPath(system), IssuerPath(_directory, system, ".key"));

    private static void Make(string directory, string manifest, IReadOnlyList<SpiffeId> systems, TimeProvider clock, TimeSpan holdsFor)
    {
        // The manifest goes first and comes last: a folder without one is not finished.
        File.Delete(Path.Combine(directory, Manifest));
        foreach (var folder in (string[])["issuers", "systems", "crls"])
        {
            Directory.CreateDirectory(Path.Combine(directory, folder));
            foreach (var stale in Directory.EnumerateFiles(Path.Combine(directory, folder))) File.Delete(stale);
        }
        var now = clock.GetUtcNow();
        using var rootKey = NewKey();
        using var root = NewRoot(rootKey, now, holdsFor);
        Write(Path.Combine(directory, "root.pem"), root.ExportCertificatePem());
        foreach (var agency in systems.Append(Exchange).GroupBy(id => id.AgencyUri, StringComparer.Ordinal))
        {
            var any = agency.First();
            using var issuerKey = NewKey();
            using var issuer = NewIssuer(root, issuerKey, any, now, holdsFor);
            using var signer = issuer.CopyWithPrivateKey(issuerKey);
            Write(IssuerPath(directory, any, ".pem"), issuer.ExportCertificatePem());
            WriteKey(IssuerPath(directory, any, ".key"), issuerKey);
            foreach (var id in agency)
            {
                using var key = NewKey();
                using var certificate = NewSystem(signer, key, id, now, holdsFor);
                var isExchange = id == Exchange;
                Write(isExchange ? Path.Combine(directory, "server.pem") : SystemPath(directory, id, ".pem"), certificate.ExportCertificatePem() + "\n" + issuer.ExportCertificatePem());
                WriteKey(isExchange ? Path.Combine(directory, "server.key") : SystemPath(directory, id, ".key"), key);
            }
        }
        Write(Path.Combine(directory, Manifest), manifest);
    }

    private static X509Certificate2 NewRoot(ECDsa key, DateTimeOffset now, TimeSpan holdsFor)
    {
        var request = new CertificateRequest("CN=SafetyNet sandbox root, O=SafetyNet sandbox", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority(pathLengthConstraint: 1));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request.CreateSelfSigned(now - Backdating, now + Later(AuthorityLifetime, holdsFor) + Backdating);
    }

    private static X509Certificate2 NewIssuer(X509Certificate2 root, ECDsa key, SpiffeId any, DateTimeOffset now, TimeSpan holdsFor)
    {
        var request = new CertificateRequest($"CN=SafetyNet sandbox issuing authority of {any.Jurisdiction}.{any.Agency}, O=SafetyNet sandbox", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority(pathLengthConstraint: 0));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(root, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(any.AgencyUri));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(NameConstraints());
        return request.Create(root, now - Backdating, now + Later(AuthorityLifetime, holdsFor), NewSerial());
    }

    private static X509Certificate2 NewSystem(X509Certificate2 issuer, ECDsa key, SpiffeId id, DateTimeOffset now, TimeSpan holdsFor)
    {
        var isExchange = id == Exchange;
        var request = new CertificateRequest($"CN={id.System}, OU={id.Jurisdiction}.{id.Agency}, O=SafetyNet sandbox", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForEndEntity(critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        OidCollection usages = [new Oid("1.3.6.1.5.5.7.3.2")];
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(id.Uri));
        if (isExchange)
        {
            usages.Add(new Oid("1.3.6.1.5.5.7.3.1"));
            names.AddDnsName("localhost");
            names.AddIpAddress(IPAddress.Loopback);
            names.AddIpAddress(IPAddress.IPv6Loopback);
        }
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(usages, critical: false));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(issuer, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        return request.Create(issuer, now - Backdating, now + Later(SystemLifetime, holdsFor), NewSerial());
    }

    /// <summary>All that X.509 can say about the names an authority may give: URIs of our trust domain's host. The path below is checked by <see cref="CertificateRules"/>.</summary>
    /// <remarks>RFC 5280 4.2.1.10: permittedSubtrees [0] of GeneralSubtree, whose base is uniformResourceIdentifier [6].</remarks>
    private static X509Extension NameConstraints()
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true)))
        using (writer.PushSequence())
            writer.WriteCharacterString(UniversalTagNumber.IA5String, SpiffeId.TrustDomain, new Asn1Tag(TagClass.ContextSpecific, 6));
        return new X509Extension("2.5.29.30", writer.Encode(), critical: true);
    }

    /// <summary>Signs the agency's list anew when it is missing, about to run out, or to hold further serials. Its file is as old as a list of the ordinary lifetime that ends with it.</summary>
    private void SignList(SpiffeId agency, IReadOnlyList<byte[]> further, TimeSpan holdsFor = default)
    {
        var (now, lifetime) = (_clock.GetUtcNow(), Later(ListLifetime, holdsFor));
        var path = CrlPath(agency);
        var builder = new CertificateRevocationListBuilder();
        var number = BigInteger.Zero;
        if (File.Exists(path))
        {
            builder = CertificateRevocationListBuilder.Load(File.ReadAllBytes(path), out number);
            if (further.Count == 0 && File.GetLastWriteTimeUtc(path) > now.UtcDateTime - (ListLifetime - TimeSpan.FromDays(7))) return;
        }
        foreach (var serial in further) builder.AddEntry(serial, now, X509RevocationReason.KeyCompromise);
        using var issuer = LoadIssuerWithKey(agency);
        Write(path, builder.Build(issuer, number + 1, now + lifetime, HashAlgorithmName.SHA256, thisUpdate: now - Backdating));
        File.SetLastWriteTimeUtc(path, (now + lifetime - ListLifetime).UtcDateTime);
    }

    private static SandboxPki? FindReusable(string directory, string manifest, IReadOnlyList<SpiffeId> systems, TimeProvider clock)
    {
        try
        {
            if (!string.Equals(File.ReadAllText(Path.Combine(directory, Manifest)), manifest, StringComparison.Ordinal)) return null;
            var pki = new SandboxPki(directory, clock, systems);
            var ends = systems.Select(pki.EndOf).Concat(pki.Issuers.Values.Append(pki.Root).Append(pki.ServerCertificate).Select(certificate => certificate.NotAfter)).Min();
            return ends.ToUniversalTime() - clock.GetUtcNow().UtcDateTime > ReuseMargin ? pki : null;
        }
        catch (Exception error) when (error is IOException or CryptographicException)
        {
            return null;
        }
    }

    /// <summary>When a system's certificate ends; fails where its key is not the certificate's.</summary>
    private DateTime EndOf(SpiffeId system)
    {
        using var certificate = X509Certificate2.CreateFromPemFile(CertificatePath(system), KeyPath(system));
        return certificate.NotAfter;
    }

    private static string ManifestOf(IReadOnlyList<SpiffeId> systems) =>
        string.Join('\n', systems.Select(id => id.Uri).Order(StringComparer.Ordinal).Prepend(Format)) + "\n";

    private static string AgencyFile(SpiffeId id) => $"{id.Jurisdiction}.{id.Agency}";

    private static string IssuerPath(string directory, SpiffeId id, string ending) => Path.Combine(directory, "issuers", AgencyFile(id) + ending);

    private static string SystemPath(string directory, SpiffeId id, string ending) => Path.Combine(directory, "systems", $"{AgencyFile(id)}.{id.System}{ending}");

    // A round through PKCS#12, for TLS on Windows takes no key that lives in memory only.
    private static X509Certificate2 LoadUsable(string certificatePath, string keyPath)
    {
        using var pem = X509Certificate2.CreateFromPemFile(certificatePath, keyPath);
        return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), password: null);
    }

    private static TimeSpan Later(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private static ECDsa NewKey() => ECDsa.Create(ECCurve.NamedCurves.nistP256);

    // 16 random bytes, positive and never zero in the first byte, so that DER keeps them as they are (RFC 5280 4.1.2.2).
    private static byte[] NewSerial()
    {
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)((serial[0] & 0x3F) | 0x40);
        return serial;
    }

    private static void WriteKey(string path, ECDsa key) => Write(path, Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n"), UnixFileMode.UserRead | UnixFileMode.UserWrite);

    private static void Write(string path, string text) => Write(path, Encoding.ASCII.GetBytes(text.EndsWith('\n') ? text : text + "\n"));

    private static void Write(string path, byte[] content, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead)
    {
        var temporary = path + ".new";
        File.Delete(temporary);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = mode;
        // No flush to the disk: what a power cut spoils is noticed at the next start and made anew.
        using (var file = new FileStream(temporary, options)) file.Write(content);
        File.Move(temporary, path, overwrite: true);
    }

    private static FileStream Lock(string directory)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return new FileStream(Path.Combine(directory, ".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException error)
            {
                if (attempt == LockAttempts) throw new TimeoutException($"another process holds {directory}", error);
                Thread.Sleep(LockRetryMilliseconds);
            }
        }
    }
}
