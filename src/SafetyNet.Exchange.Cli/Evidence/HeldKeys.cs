using SafetyNet.Exchange.Cli.Commands;
using SafetyNet.Exchange.Protocol.Evidence;

namespace SafetyNet.Exchange.Cli.Evidence;

/// <summary>The public keys that the verifying party holds.</summary>
/// <param name="Log">The log's; null: it holds none.</param>
/// <param name="Witnesses">Those of witnesses.</param>
internal sealed record HeldKeys(NoteVerifier? Log, IReadOnlyList<NoteVerifier> Witnesses) : IDisposable
{
    /// <exception cref="CommandFailedException">A text is no key.</exception>
    public static HeldKeys Parse(string? log, IReadOnlyList<string> witnesses) => new(log is null ? null : ParseKey(log), [.. witnesses.Select(ParseKey)]);

    /// <exception cref="CommandFailedException">The text is no key.</exception>
    public static NoteVerifier ParseKey(string text) =>
        NoteVerifier.TryParse(text, out var key, out var problem) ? key : throw new CommandFailedException($"`{text}` cannot be used as a key. {problem}");

    public void Dispose()
    {
        Log?.Dispose();
        foreach (var witness in Witnesses)
            witness.Dispose();
    }
}
