using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.RawWire;

/// <summary>What the two listeners take before the first byte of a call: TLS 1.3, with a member's certificate.</summary>
public sealed class HandshakeTests(SandboxFixture fixture) : IClassFixture<SandboxFixture>
{
    private const byte SettingsFrame = 4;

    /// <summary>How an HTTP/2 client begins: the preface and an empty SETTINGS frame (RFC 9113 3.4).</summary>
    private static readonly byte[] Preface = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, SettingsFrame, 0, 0, 0, 0, 0];

    private readonly SandboxProcess _sandbox = fixture.Sandbox;

    [Fact]
    public async Task A_member_with_its_certificate_over_TLS_1_3_is_greeted_by_http2()
    {
        await using var connection = await ConnectAsync(_sandbox.Exchange, SslProtocols.Tls13, withCertificate: true);
        var frame = await FirstBytesAsync(connection);
        Assert.True(frame.Length > 3 && frame[3] == SettingsFrame, Convert.ToHexString(frame));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task TLS_1_2_is_refused(bool exchange)
    {
        var refused = await Assert.ThrowsAnyAsync<Exception>(() => ConnectAsync(exchange ? _sandbox.Exchange : _sandbox.Tokens, SslProtocols.Tls12, withCertificate: true));
        Assert.True(refused is AuthenticationException or IOException, refused.ToString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_peer_without_a_certificate_gets_no_byte_of_an_answer(bool exchange)
    {
        byte[] answer;
        try
        {
            // In TLS 1.3 the client has done its part before the server says no.
            await using var connection = await ConnectAsync(exchange ? _sandbox.Exchange : _sandbox.Tokens, SslProtocols.Tls13, withCertificate: false);
            answer = await FirstBytesAsync(connection);
        }
        catch (Exception refused) when (refused is IOException or AuthenticationException)
        {
            return;
        }

        Assert.Empty(answer);
    }

    [Fact]
    public async Task A_certificate_that_another_authority_made_gets_no_byte_of_an_answer()
    {
        var folder = Path.Combine(_sandbox.Folder, "foreign-pki");
        var made = await ChildProcess.RunDotnetAsync(Repository.CliDll, ["certs", "init", "--certs", folder], _sandbox.Folder);
        Assert.True(made.ExitCode == 0, made.ToString());
        byte[] answer;
        try
        {
            var systems = Path.Combine(folder, "systems");
            await using var connection = await ConnectAsync(
                _sandbox.Exchange, SslProtocols.Tls13, MemberTls.LoadIdentity(Path.Combine(systems, "tpe.edu.case-system.pem"), Path.Combine(systems, "tpe.edu.case-system.key")));
            answer = await FirstBytesAsync(connection);
        }
        catch (Exception refused) when (refused is IOException or AuthenticationException)
        {
            return;
        }

        Assert.Empty(answer);
    }

    private Task<SslStream> ConnectAsync(Uri address, SslProtocols protocols, bool withCertificate) =>
        ConnectAsync(address, protocols, withCertificate ? MemberTls.LoadIdentity(_sandbox.CertificateOf("edu"), _sandbox.KeyOf("edu")) : null);

    private async Task<SslStream> ConnectAsync(Uri address, SslProtocols protocols, SslStreamCertificateContext? identity)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, address.Port, TestContext.Current.CancellationToken);
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        var options = MemberTls.ForClient(MemberTls.LoadRoots(_sandbox.RootCertificate), identity);
        options.TargetHost = address.Host;
        options.EnabledSslProtocols = protocols;
        options.ApplicationProtocols = address == _sandbox.Exchange ? [SslApplicationProtocol.Http2] : [SslApplicationProtocol.Http11];
        try
        {
            await stream.AuthenticateAsClientAsync(options, TestContext.Current.CancellationToken);
            return stream;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    private static async Task<byte[]> FirstBytesAsync(SslStream connection)
    {
        await connection.WriteAsync(Preface, TestContext.Current.CancellationToken);
        var bytes = new byte[64];
        return bytes[..await connection.ReadAsync(bytes, TestContext.Current.CancellationToken)];
    }
}
