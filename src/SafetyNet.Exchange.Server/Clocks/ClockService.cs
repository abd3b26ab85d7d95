using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Server.Clocks;

/// <summary>The RPC by which a unit sees its time limits; the clocks themselves are started and stopped by the deeds they wait for.</summary>
internal sealed class ClockService : Wire.ClockService.ClockServiceBase
{
    private static readonly (DateTimeOffset, Guid) Beginning = (DateTimeOffset.UnixEpoch, Guid.Empty);

    public override Task<Wire.ListClocksResponse> ListClocks(Wire.ListClocksRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var unitId = request.UnitId.Length == 0 ? call.Unit.UnitId : request.UnitId;
        if (!string.Equals(unitId, call.Unit.UnitId, StringComparison.Ordinal)
            && !string.Equals(call.Members.FindUnit(unitId)?.SupervisorUnitId, call.Unit.UnitId, StringComparison.Ordinal))
        {
            throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "the unit or its supervisor unit"));
        }

        var size = request.PageSize == 0 ? 100 : request.PageSize;
        var found = call.Read.ListClocks(new ClockPage(unitId, request.Kind, request.StoppedSince?.ToDateTimeOffset(), PageToken.Read(request.PageToken, Beginning), size + 1));
        var (response, history) = (new Wire.ListClocksResponse(), new Dictionary<(Wire.ClockKind, string, bool), List<TimeSpan>>());
        foreach (var clock in found.Take(size)) response.Clocks.Add(Show(call, clock, history));
        if (found.Count > size) response.NextPageToken = PageToken.Of(found[size - 1].StoppedAt ?? found[size - 1].DueAt, found[size - 1].ClockId);
        return Task.FromResult(response);
    }

    private static Wire.Clock Show(Call call, Clock clock, Dictionary<(Wire.ClockKind, string, bool), List<TimeSpan>> history)
    {
        var (limits, now, steps) = (call.TimeLimits, clock.StoppedAt ?? call.Now, clock.StepList());
        var wire = new Wire.Clock
        {
            ClockId = clock.ClockId.ToString(), Kind = clock.Kind, Profile = clock.Profile, Resource = $"{clock.Resource}/{clock.ResourceId}", UnitId = clock.UnitId,
            StartedAt = Timestamp.FromDateTimeOffset(clock.StartedAt), DueAt = Timestamp.FromDateTimeOffset(clock.DueAt),
            StoppedAt = clock.StoppedAt is { } stopped ? Timestamp.FromDateTimeOffset(stopped) : null, WorkingTime = clock.IsWorkingTime, RulesRevision = clock.RulesRevision,
            MinutesLeft = (long)Math.Floor(limits.Measure(clock.IsWorkingTime, now, clock.DueAt).TotalMinutes),
        };
        for (var at = 0; at < steps.Count; at++)
            wire.Steps.Add(new Wire.ClockStep { Kind = steps[at].Kind, Tells = { steps[at].Tells }, DueAt = Timestamp.FromDateTimeOffset(steps[at].At), Told = at < clock.StepsTold });
        if (clock.StoppedAt is not null) return wire;
        var key = (clock.Kind, clock.Profile, clock.IsWorkingTime);
        if (!history.TryGetValue(key, out var ran))
        {
            // Visits and items are due on days near and far: how long the last ones waited says nothing of the next.
            ran = clock.Kind is Wire.ClockKind.VisitDue or Wire.ClockKind.ConferenceItemDue ? [] : [.. call.Read.LastStopped(clock.UnitId, clock.Kind, clock.Profile, ClockForecast.MostLookedAt).Select(one => limits.Measure(clock.IsWorkingTime, one.StartedAt, one.StoppedAt))];
            history.Add(key, ran);
        }

        wire.Forecast = ClockForecast.Of(now >= clock.DueAt, limits.Measure(clock.IsWorkingTime, clock.StartedAt, now), limits.Measure(clock.IsWorkingTime, clock.StartedAt, clock.DueAt),
            now >= steps[0].At, ran);
        return wire;
    }
}
