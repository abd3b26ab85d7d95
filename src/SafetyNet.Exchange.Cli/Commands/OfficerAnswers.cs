using System.CommandLine;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary>How officers' commands read secrets and write answers: one way for all.</summary>
internal static class OfficerAnswers
{
    private static readonly JsonFormatter Json = new(JsonFormatter.Settings.Default.WithIndentation());

    /// <summary><c>--json</c>: the whole answer for programs.</summary>
    public static Option<bool> JsonOption() => new("--json") { Description = "Print the answer as one JSON object" };

    /// <summary>Writes an answer for a program, or lets it be laid out for reading.</summary>
    public static int Write(ParseResult parsed, Option<bool> json, IMessage answer, Action layOut)
    {
        if (parsed.GetValue(json)) Console.Out.WriteLine(Json.Format(answer));
        else layOut();
        return 0;
    }

    /// <summary>An instant in the time of Taiwan.</summary>
    public static string Time(Timestamp at) => $"{at.ToDateTimeOffset().ToOffset(TimeSpan.FromHours(8)):yyyy-MM-dd HH:mm:ss}";

    /// <summary>A national id from standard input, so that it stands in no history of a shell.</summary>
    /// <exception cref="CommandFailedException">There is no line.</exception>
    public static async Task<string> ReadNationalIdAsync(CancellationToken cancellation) =>
        (await Console.In.ReadLineAsync(cancellation))?.Trim() is { Length: > 0 } nationalId ? nationalId
            : throw new CommandFailedException("Give the national id on standard input: echo A123456789 | safetynet ...");

    public static string NewRequestId() => Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString();
}
