using System.Diagnostics.CodeAnalysis;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary>A command cannot do what was asked; the message says why and what to do, to a person.</summary>
[SuppressMessage("Design", "CA1032:Implement standard exception constructors", Justification = "Never without a message for the person.")]
internal sealed class CommandFailedException(string message, Exception? inner = null) : Exception(message, inner);
