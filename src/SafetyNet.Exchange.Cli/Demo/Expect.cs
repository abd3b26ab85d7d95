using System.Diagnostics.CodeAnalysis;

namespace SafetyNet.Exchange.Cli.Demo;

/// <summary>The promises of the story: the first one broken ends it.</summary>
internal static class Expect
{
    public static void That([DoesNotReturnIf(false)] bool kept, string promise)
    {
        if (!kept)
            throw new StoryBrokenException($"Promised: {promise}");
    }

    public static void Same<T>(T promised, T found, string what) =>
        That(EqualityComparer<T>.Default.Equals(promised, found), $"{what} is {promised}; it is {found}.");
}
