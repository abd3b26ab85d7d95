using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Tests.Identity;

/// <summary>A small registry of Taipei agencies, one system each, good as it stands; tests spoil it.</summary>
internal static class TestRegistry
{
    public static SpiffeId IdOf(string agency) => agency switch
    {
        "police" => TestPki.Police,
        "health" => TestPki.Health,
        _ => SpiffeId.Of("tpe", agency, "case-system"),
    };

    public static Wire.MemberRegistry Of(params string[] agencies)
    {
        var registry = new Wire.MemberRegistry();
        foreach (var code in agencies)
        {
            registry.Agencies.Add(new Wire.Agency
            {
                Code = code,
                Jurisdiction = Wire.Jurisdiction.Tpe,
                Kind = code == "health" ? Wire.AgencyKind.Health : Wire.AgencyKind.Police,
                Name = code,
                Classes = { Wire.ConfidentialityClass.Identity, Wire.ConfidentialityClass.Contact },
                State = Wire.MemberState.Active,
            });
            registry.Units.Add(new Wire.Unit
            {
                UnitId = $"tpe-{code}-main",
                AgencyCode = code,
                Jurisdiction = Wire.Jurisdiction.Tpe,
                Kind = Wire.UnitKind.OtherUnit,
                State = Wire.MemberState.Active,
            });
            registry.Systems.Add(new Wire.MemberSystem
            {
                SpiffeId = IdOf(code).Uri,
                AgencyCode = code,
                Jurisdiction = Wire.Jurisdiction.Tpe,
                Scopes = { "referrals.read", "referrals.write" },
                State = Wire.MemberState.Active,
            });
        }
        return registry;
    }
}
