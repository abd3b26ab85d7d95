using System.Diagnostics;

namespace SafetyNet.Exchange.Server;

/// <summary>Traces of calls: method and duration only, no argument and no personal value.</summary>
internal static class Telemetry
{
    public static readonly ActivitySource Calls = new("SafetyNet.Exchange.Server");
}
