using Serilog;
using Serilog.Events;

namespace SafetyNet.Exchange.Server.Hosting;

/// <summary>What a start decides before anything is opened: which environment, which log, which settings are out of the question.</summary>
internal static class StartRules
{
    /// <summary>
    /// A sandbox is what runs where no environment is named at all, or "Sandbox" is; every other name is production. A production machine that forgot the
    /// variable is caught by its settings (<see cref="SandboxSetup.Problems"/>).
    /// </summary>
    public static bool IsProduction()
    {
        var name = Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT") ?? Environment.GetEnvironmentVariable("ASPNETCORE_ENVIRONMENT") ?? "Sandbox";
        return !string.Equals(name, "Sandbox", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>No sandbox default survives a production start, and nothing that would print values is switched on.</summary>
    public static IEnumerable<string> ProductionProblems(IConfiguration configuration)
    {
        if (configuration.GetSection("Sandbox").GetChildren().Any()) yield return "Sandbox: settings have no place in production; remove them";
        foreach (var path in new[] { "Identity:RootsPath", "Identity:CertificatePath" })
        {
            if (configuration[path]?.Replace('\\', '/').Contains("certs/sandbox", StringComparison.Ordinal) == true)
                yield return $"{path} points into a sandbox PKI, whose keys anybody can make; name the certificates of the production authorities";
        }

        if (string.Equals(configuration["Identity:Audience"], SandboxSetup.Audience, StringComparison.Ordinal))
            yield return "Identity:Audience is the sandbox's; name the audience that the production authority issues tokens for";
        if (Enum.TryParse<LogEventLevel>(configuration["Log:Level"], out var level) && level < LogEventLevel.Information)
            yield return "Log:Level must be Information or higher: lower levels may print what callers sent";
    }

    public static void Require(IEnumerable<string> problems)
    {
        if (problems.ToList() is { Count: > 0 } found) throw new StartRefusedException(found);
    }

    public static Serilog.Core.Logger CreateLog(IConfiguration configuration)
    {
        var level = Enum.TryParse<LogEventLevel>(configuration["Log:Level"], out var configured) ? configured : LogEventLevel.Information;
        return new LoggerConfiguration().MinimumLevel.Is(level)
            .MinimumLevel.Override("Microsoft", LogEventLevel.Warning).MinimumLevel.Override("Grpc", LogEventLevel.Warning)
            // Its errors are what a caller's bytes did to the parser, with a stack trace each; Pipeline/UnreadableCalls logs them in a line.
            .MinimumLevel.Override("Grpc.AspNetCore.Server.ServerCallHandler", LogEventLevel.Fatal)
            .WriteTo.Console(formatProvider: System.Globalization.CultureInfo.InvariantCulture, standardErrorFromLevel: LogEventLevel.Verbose)
            .CreateLogger();
    }
}
