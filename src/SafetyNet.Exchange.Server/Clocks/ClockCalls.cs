using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Clocks;

/// <summary>How a feature starts and stops the clocks of its duties: in the same commit as the deed that makes or fulfils the duty.</summary>
internal static class ClockCalls
{
    /// <summary>Starts a clock; parameters and refusals are those of <see cref="TimeLimits.Start"/>.</summary>
    public static void StartClock(this Call call, Wire.ClockKind kind, string profile, string resource, Guid resourceId, string unitId, string tellsUnitId = "") =>
        call.TimeLimits.Start(call.Change, call.Read, call.Members, call.Now, kind, profile, resource, resourceId, unitId, tellsUnitId);

    /// <summary>Stops the clocks that run for a thing; where none does, nothing happens.</summary>
    /// <param name="call">The call whose deed the clocks wait for.</param>
    /// <param name="resourceId">The thing.</param>
    /// <param name="kinds">Which of them; none: all.</param>
    public static void StopClocks(this Call call, Guid resourceId, params ReadOnlySpan<Wire.ClockKind> kinds) => call.Change.StopClocks(call.Now, resourceId, kinds);

    /// <summary>Stops the clocks that run for a thing, in a change of a job that no caller asked for.</summary>
    public static void StopClocks(this Change change, DateTimeOffset at, Guid resourceId, params ReadOnlySpan<Wire.ClockKind> kinds)
    {
        if (kinds.IsEmpty) change.Stop(new ClockStop(resourceId, default, at));
        foreach (var kind in kinds) change.Stop(new ClockStop(resourceId, kind, at));
    }
}
