using System.Diagnostics.CodeAnalysis;

namespace SafetyNet.Exchange.Cli.Demo;

/// <summary>An answer was not what the story, and with it the contract, promises.</summary>
[SuppressMessage("Design", "CA1032:Implement standard exception constructors", Justification = "Never without saying which promise was broken.")]
internal sealed class StoryBrokenException(string promise) : Exception(promise);
