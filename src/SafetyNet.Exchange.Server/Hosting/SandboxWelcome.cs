namespace SafetyNet.Exchange.Server.Hosting;

/// <summary>What a newcomer reads when the sandbox listens.</summary>
internal static class SandboxWelcome
{
    public static void Print(ServerOptions options, SandboxSettings sandbox)
    {
        SandboxSetup.Announce(options, sandbox);
        Console.WriteLine($"""

            SafetyNet.Exchange sandbox - synthetic people, development certificates, this machine only
              exchange       https://localhost:{options.Exchange.Port}   (gRPC over mutual TLS)
              tokens         {options.Identity.Authority}   (OAuth 2.0 client credentials, certificate-bound)
              certificates   {sandbox.CertificateDirectory}
              database       {options.Storage.Path}   ({sandbox.Persons:N0} persons, seed {sandbox.Seed})

            Try, from another terminal:
              dotnet run --project src/SafetyNet.Exchange.Cli -- demo
              dotnet run --project src/SafetyNet.Exchange.Cli -- certs list
              dotnet run --project src/SafetyNet.Exchange.Cli -- call MemberService/GetSelf --as tpe-edu

            Ctrl+C stops it.
            """);
    }
}
