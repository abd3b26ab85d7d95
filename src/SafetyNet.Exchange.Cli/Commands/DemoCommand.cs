using System.CommandLine;
using System.Text.Json;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Cli.Demo;
using SafetyNet.Exchange.Cli.Evidence;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet demo</c>: one family's story across five agencies, against the sandbox that runs or one of its own.</summary>
internal static class DemoCommand
{
    public static Command Create()
    {
        var exchange = new ExchangeOptions();
        var json = new Option<bool>("--json") { Description = "Print one JSON object and nothing else" };
        var command = new CommandWithExamples(
            "demo",
            "Tell one family's story across five agencies by real calls, each promise checked; starts a private sandbox where none runs",
            """
            safetynet demo
            safetynet demo --json
            safetynet demo --endpoint https://localhost:5443 --tokens https://localhost:5444 --certs certs/sandbox
            """)
        {
            json,
        };
        exchange.AddTo(command);
        command.SetGuardedAction(async (parsed, cancellation) =>
        {
            var asJson = parsed.GetValue(json);
            var told = await RunAsync(exchange.Resolve(parsed), exchange.NamesExchange(parsed), asJson ? Terminal.Silent : Terminal.Output, cancellation);
            if (asJson)
                Console.Out.WriteLine(JsonSerializer.Serialize(told, JsonSerializerOptions.Web));
            return 0;
        });
        return command;
    }

    private static async Task<DemoFigures> RunAsync(SandboxNote sandbox, bool named, IAnsiConsole console, CancellationToken cancellation)
    {
        var reason = "No exchange answers";
        if (await SandboxNote.AnswersAsync(sandbox.Exchange, cancellation))
        {
            if (await TellAsync(sandbox, AddressOf(sandbox), console, cancellation) is { } told)
                return told;
            reason = "Every family of the running sandbox has an open case already";
        }

        if (named)
            throw new CommandFailedException($"{reason} at {sandbox.Exchange}. Leave --endpoint out to let the demo start a private sandbox.");
        await using var own = await console.Status().StartAsync($"{reason}; starting a private sandbox …", _ => PrivateSandbox.StartAsync(TimeProvider.System, cancellation));
        return await TellAsync(own.Note, $"{AddressOf(own.Note)}, a private sandbox, gone when the story ends", console, cancellation)
            ?? throw new CommandFailedException("The private sandbox has no family for the story.");
    }

    /// <summary>Tells the story of the first family that has no open case yet; null where every one has.</summary>
    private static async Task<DemoFigures?> TellAsync(SandboxNote sandbox, string source, IAnsiConsole console, CancellationToken cancellation)
    {
        var narrator = new Narrator(console);
        var tally = new Tally();
        var nobody = StoryFamily.NobodysNationalId(sandbox.Seed, sandbox.Persons);
        using var cast = new Cast(sandbox, tally);
        foreach (var family in StoryFamily.Shuffled(sandbox.Seed, sandbox.Persons))
        {
            narrator.Title(family, source);
            if (await new FamilyStory(cast, family, nobody, narrator, tally, TimeProvider.System).TellAsync(cancellation) is { } log)
            {
                narrator.Ends(tally, log);
                return new DemoFigures(tally.Calls, tally.Permitted, tally.Refused, tally.WithheldClasses, log.Verdict.Size, log.Verdict.IsIntact);
            }
        }

        return null;
    }

    private static string AddressOf(SandboxNote sandbox) => sandbox.Exchange.GetLeftPart(UriPartial.Authority);

    /// <summary>What <c>--json</c> prints; the names are part of the command's contract.</summary>
    private sealed record DemoFigures(int Calls, int Permitted, int Refused, IReadOnlyList<string> WithheldClasses, long RecordsInLog, bool LogVerified);
}
