using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Sandbox.Pki;
using SafetyNet.Exchange.Tokens;

namespace SafetyNet.Exchange.Server.Hosting;

/// <summary>The token service inside the sandbox's process: its own listener, the same rules.</summary>
internal static class SandboxTokens
{
    public static void AddTo(WebApplicationBuilder builder, SandboxPki pki, SandboxSettings sandbox, RevocationLists revocation, TimeProvider clock, ILogger log) =>
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenForTokens(new TokenListener(
            Composition.Endpoints(["127.0.0.1", "::1"], sandbox.TokenPort), MemberTls.LoadIdentity(pki.ServerCertificatePath, pki.ServerKeyPath),
            new CertificateRules(MemberTls.LoadRoots(pki.RootPath)), revocation, clock, log)));
}
