using SafetyNet.Exchange.Protocol.Identity;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>A unit that something is addressed to: registered, active, and offering what it is asked for (R-REF-5).</summary>
internal static class Addressee
{
    public static Unit Require(Call call, string unitId, params IEnumerable<Wire.Article6Service> services)
    {
        if (call.Members.FindUnit(unitId) is not { IsActive: true } unit) throw new Refusal(Wire.ErrorReason.UnitNotAvailable, ("unit_id", unitId));
        foreach (var service in services)
        {
            if (unit.Registered.Services.Contains(service)) continue;
            throw new Refusal(Wire.ErrorReason.ServiceNotOffered, ("service", CodeText.Of(service)), ("unit_id", unitId),
                ("offered", string.Join(", ", unit.Registered.Services.Select(s => CodeText.Of(s)))));
        }

        return unit;
    }
}
