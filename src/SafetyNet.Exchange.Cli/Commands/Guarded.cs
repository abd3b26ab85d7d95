using System.CommandLine;
using System.Net.Http;
using System.Security.Authentication;
using Grpc.Core;
using SafetyNet.Exchange.Cli.Demo;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Refusals;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary>Runs a command so that whatever goes wrong ends as a few plain lines on standard error and a non-zero exit code, never as a stack trace.</summary>
internal static class Guarded
{
    /// <summary>Exit code of a command that was interrupted, as shells expect it.</summary>
    public const int Interrupted = 130;

    public static void SetGuardedAction(this Command command, Func<ParseResult, CancellationToken, Task<int>> action) =>
        command.SetAction(async (parsed, cancellation) =>
        {
            try
            {
                return await action(parsed, cancellation);
            }
            catch (Exception) when (cancellation.IsCancellationRequested)
            {
                return Interrupted;
            }
            catch (RpcException error)
            {
                Explain(error);
            }
            catch (StoryBrokenException error)
            {
                Say($"The story did not go as it must. {error.Message}");
            }
            catch (Exception error) when (error is CommandFailedException or TokenRefusedException or FormatException or HttpRequestException or IOException or UnauthorizedAccessException or TimeoutException)
            {
                Say(error.Message);
            }

            return 1;
        });

    private static void Explain(RpcException error)
    {
        if (RefusalReader.TryRead(error, out var refusal))
        {
            RefusalView.Write(Terminal.Error, refusal);
            return;
        }

        for (var cause = error.Status.DebugException; cause is not null; cause = cause.InnerException)
        {
            if (cause is TokenRefusedException or AuthenticationException or HttpRequestException { InnerException: not AuthenticationException })
            {
                Say($"The exchange or its token service cannot be reached as this system. {cause.Message}");
                return;
            }
        }

        Say(error.StatusCode == StatusCode.Unavailable ? $"The exchange cannot be reached. {error.Status.Detail}" : $"{error.StatusCode}: {error.Status.Detail}");
    }

    private static void Say(string message) => Terminal.Error.MarkupLineInterpolated($"[red]{message}[/]");
}
