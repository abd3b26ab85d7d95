using System.CommandLine;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary>The person that an officer's command is about: a pseudonym, or a national id that stands in no history of a shell.</summary>
internal sealed class SubjectOption(bool isRequired)
{
    private readonly Option<string?> _subject = new("--subject")
    {
        Description = "Pseudonym of the person, as records have it; or `-`: a national id, read from standard input so that it stands in no history", Required = isRequired,
    };

    public void AddTo(Command command) => command.Options.Add(_subject);

    /// <summary>Gives the one that was stated to its place; neither where none was.</summary>
    public async Task TakeAsync(ParseResult parsed, Action<string> nationalId, Action<string> pseudonym)
    {
        if (parsed.GetValue(_subject) is not { } stated) return;
        if (stated is not "-") pseudonym(stated);
        else nationalId((await Console.In.ReadLineAsync())?.Trim() ?? "");
    }
}
