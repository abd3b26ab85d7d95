using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Evidence;

/// <summary>How an authority answers.</summary>
internal enum AuthorityMood
{
    Good,
    Away,
    Garbage,
    AnotherRoot,
    AnotherText,
    EarlierAnswer,
    Declines,
}

/// <summary>A time-stamp authority of somebody else: <c>openssl ts</c> behind a loopback address, with certificates of its own.</summary>
internal sealed class StampingAuthority : IAsyncDisposable
{
    private const string Usage = "1.3.6.1.5.5.7.3.8";

    private readonly string _folder = Directory.CreateTempSubdirectory("safetynet-tsa-").FullName;
    private readonly HttpListener _listener = new();
    private readonly Task _serving;
    private byte[] _earlier = [];
    private int _number;

    public StampingAuthority()
    {
        var port = FreePort();
        Address = string.Create(CultureInfo.InvariantCulture, $"http://localhost:{port}/tsa/");
        MakeCertificates("good");
        MakeCertificates("other");
        File.WriteAllText(PathOf("tsa.cnf"), $"""
            [tsa]
            serial = {PathOf("serial")}
            default_policy = 1.3.6.1.4.1.4146.2.3
            digests = sha256, sha384, sha512
            signer_digest = sha256
            accuracy = secs:1
            ess_cert_id_alg = sha256
            """);
        _listener.Prefixes.Add(Address);
        _listener.Start();
        _serving = Task.Run(ServeAsync);
    }

    public string Address { get; }

    public AuthorityMood Mood { get; set; }

    /// <summary>Requests so far.</summary>
    public int Asked => _number;

    /// <summary>The root that a reader trusts for time.</summary>
    public string Roots => PathOf("good-root.pem");

    public string OtherRoots => PathOf("other-root.pem");

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
        _listener.Close();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            HttpListenerContext call;
            try
            {
                call = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            using var asked = new MemoryStream();
            await call.Request.InputStream.CopyToAsync(asked);
            var mood = Mood;
            call.Response.StatusCode = mood == AuthorityMood.Away ? 503 : 200;
            call.Response.ContentType = "application/timestamp-reply";
            if (mood != AuthorityMood.Away) await call.Response.OutputStream.WriteAsync(await AnswerAsync(mood, asked.ToArray()));
            call.Response.Close();
        }
    }

    private async Task<byte[]> AnswerAsync(AuthorityMood mood, byte[] query)
    {
        var answer = mood switch
        {
            AuthorityMood.Garbage => [0x30, 0x03, 0x02, 0x01, 0x00],
            // Status 2, rejection, and no token.
            AuthorityMood.Declines => [0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02],
            AuthorityMood.EarlierAnswer => _earlier,
            AuthorityMood.AnotherRoot => await StampAsync("other", query),
            AuthorityMood.AnotherText => await StampAsync("good", await QueryOfAsync("another text\n")),
            _ => await StampAsync("good", query),
        };
        if (mood == AuthorityMood.Good) _earlier = answer;
        return answer;
    }

    private async Task<byte[]> StampAsync(string who, byte[] query)
    {
        var (asked, given) = (PathOf($"{++_number}.tsq"), PathOf($"{_number}.tsr"));
        await File.WriteAllBytesAsync(asked, query);
        await OpensslAsync("ts", "-reply", "-config", PathOf("tsa.cnf"), "-section", "tsa", "-queryfile", asked, "-signer", PathOf($"{who}.pem"), "-inkey", PathOf($"{who}.key"), "-out", given);
        return await File.ReadAllBytesAsync(given);
    }

    private async Task<byte[]> QueryOfAsync(string text)
    {
        var (data, query) = (PathOf("other.txt"), PathOf("other.tsq"));
        await File.WriteAllTextAsync(data, text);
        await OpensslAsync("ts", "-query", "-data", data, "-sha256", "-cert", "-out", query);
        return await File.ReadAllBytesAsync(query);
    }

    private static async Task OpensslAsync(params string[] arguments)
    {
        var done = await ChildProcess.RunAsync("openssl", arguments);
        if (done.ExitCode != 0) throw new InvalidOperationException(done.ToString());
    }

    /// <summary>A root, and a certificate under it that may do nothing but stamp.</summary>
    private void MakeCertificates(string who)
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={who} time root", rootKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        var now = TimeProvider.System.GetUtcNow();
        var (from, until) = (now.AddDays(-1), now.AddDays(30));
        using var root = request.CreateSelfSigned(from, until);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var stamping = new CertificateRequest($"CN={who} stamping authority", key, HashAlgorithmName.SHA256);
        stamping.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        stamping.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        stamping.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(Usage)], critical: true));
        using var signed = stamping.Create(root, from, until, RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(PathOf($"{who}-root.pem"), root.ExportCertificatePem());
        File.WriteAllText(PathOf($"{who}.pem"), signed.ExportCertificatePem());
        File.WriteAllText(PathOf($"{who}.key"), key.ExportPkcs8PrivateKeyPem());
    }

    private string PathOf(string name) => Path.Combine(_folder, name);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
