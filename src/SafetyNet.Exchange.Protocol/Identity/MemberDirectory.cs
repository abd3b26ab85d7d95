using System.Collections.Frozen;
using System.Text.RegularExpressions;
using Google.Protobuf;
using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Protocol.Identity;

/// <summary>An agency of the network (機關) as registered.</summary>
/// <param name="Code">Unique within its jurisdiction, lower case.</param>
/// <param name="Classes">Confidentiality classes the agency may hold at all; need-to-know decides within them.</param>
/// <param name="IsActive">False as soon as the registry says anything but active.</param>
/// <param name="SecurityUnitId">Unit whose inbox its security officers read; empty: none is registered.</param>
public sealed record Agency(
    string Code, Wire.Jurisdiction Jurisdiction, Wire.AgencyKind Kind, string Name, FrozenSet<Wire.ConfidentialityClass> Classes, bool IsActive,
    string SecurityUnitId = "");

/// <summary>A unit of an agency (單位) as registered.</summary>
/// <param name="IsActive">True only while the unit and its agency are both active.</param>
/// <param name="BatchJobs">Ids of jobs that may act for the unit without a person.</param>
/// <param name="Registered">The registry's own message, for answers that show it. Do not change it.</param>
public sealed record Unit(string UnitId, Agency Agency, Wire.UnitKind Kind, bool IsActive, FrozenSet<string> BatchJobs, Wire.Unit Registered)
{
    /// <summary>Unit whose inbox its supervisors read; empty: they read its own.</summary>
    public string SupervisorUnitId => Registered.SupervisorUnitId;
}

/// <summary>A back-end system of an agency (介接系統) as registered.</summary>
/// <param name="Scopes">What its tokens may hold.</param>
/// <param name="IsActive">True only while the system and its agency are both active.</param>
public sealed record MemberSystem(SpiffeId Id, Agency Agency, FrozenSet<string> Scopes, bool IsActive);

/// <summary>
/// The member registry at one moment: who takes part, found by certificate name, agency and unit. Never changes; a new registry is a new object, so that one call sees one
/// registry from its first check to its last.
/// </summary>
public sealed partial class MemberDirectory
{
    private readonly FrozenDictionary<(Wire.Jurisdiction, string), Agency> _agencies;
    private readonly FrozenDictionary<string, Unit> _units;
    private readonly FrozenDictionary<string, MemberSystem> _systems;
    private readonly FrozenDictionary<(Wire.Jurisdiction, string), Unit[]> _unitsOf;

    private MemberDirectory(Dictionary<(Wire.Jurisdiction, string), Agency> agencies, Dictionary<string, Unit> units, Dictionary<string, MemberSystem> systems)
    {
        _agencies = agencies.ToFrozenDictionary();
        _units = units.ToFrozenDictionary(StringComparer.Ordinal);
        _systems = systems.ToFrozenDictionary(StringComparer.Ordinal);
        _unitsOf = units.Values.GroupBy(unit => (unit.Agency.Jurisdiction, unit.Agency.Code))
            .ToFrozenDictionary(group => group.Key, group => group.OrderBy(unit => unit.UnitId, StringComparer.Ordinal).ToArray());
    }

    public IReadOnlyCollection<Agency> Agencies => _agencies.Values;

    public IReadOnlyCollection<Unit> Units => _units.Values;

    public IReadOnlyCollection<MemberSystem> Systems => _systems.Values;

    /// <summary>Reads <c>members.json</c>, the MemberRegistry message in ProtoJSON. Refuses, naming every problem at once, with <see cref="MemberRegistryException"/>.</summary>
    public static MemberDirectory Load(string path)
    {
        Wire.MemberRegistry registry;
        try
        {
            registry = JsonParser.Default.Parse<Wire.MemberRegistry>(File.ReadAllText(path));
        }
        catch (InvalidProtocolBufferException error)
        {
            throw new MemberRegistryException([$"{path}: {error.Message}"]);
        }
        catch (InvalidJsonException error)
        {
            throw new MemberRegistryException([$"{path}: {error.Message}"]);
        }
        return FromWire(registry);
    }

    /// <summary>Takes a registry over. Refuses, naming every problem at once, with <see cref="MemberRegistryException"/>.</summary>
    public static MemberDirectory FromWire(Wire.MemberRegistry registry)
    {
        ArgumentNullException.ThrowIfNull(registry);
        var problems = new List<string>();
        var agencies = ReadAgencies(registry, problems);
        var units = ReadUnits(registry, agencies, problems);
        var systems = ReadSystems(registry, agencies, problems);
        foreach (var agency in agencies.Values.Where(a => a.SecurityUnitId.Length > 0))
        {
            if (!units.TryGetValue(agency.SecurityUnitId, out var office) || office.Agency.Jurisdiction != agency.Jurisdiction)
                problems.Add($"agency '{agency.Code}': security_unit_id '{agency.SecurityUnitId}' is no unit of its jurisdiction");
        }

        foreach (var unit in units.Values.Where(u => u.SupervisorUnitId.Length > 0))
        {
            if (!units.TryGetValue(unit.SupervisorUnitId, out var above) || above.Agency != unit.Agency || ReferenceEquals(above, unit))
                problems.Add($"unit '{unit.UnitId}': supervisor_unit_id '{unit.SupervisorUnitId}' is no other unit of its agency");
        }

        return problems.Count == 0 ? new MemberDirectory(agencies, units, systems) : throw new MemberRegistryException(problems);
    }

    /// <summary>The system of this name, active or not; null when nobody registered it. Takes the exact text of certificate or token.</summary>
    public MemberSystem? FindSystem(string spiffeId) => _systems.GetValueOrDefault(spiffeId);

    /// <summary>The agency of this code, active or not; null when nobody registered it.</summary>
    public Agency? FindAgency(Wire.Jurisdiction jurisdiction, string code) => _agencies.GetValueOrDefault((jurisdiction, code));

    /// <summary>The unit of this id, active or not; null when nobody registered it.</summary>
    public Unit? FindUnit(string unitId) => _units.GetValueOrDefault(unitId);

    /// <summary>The agency's units, active or not, ordered by id.</summary>
    public IReadOnlyList<Unit> UnitsOf(Agency agency) => _unitsOf.GetValueOrDefault((agency.Jurisdiction, agency.Code)) ?? [];

    private static Dictionary<(Wire.Jurisdiction, string), Agency> ReadAgencies(Wire.MemberRegistry registry, List<string> problems)
    {
        var agencies = new Dictionary<(Wire.Jurisdiction, string), Agency>();
        for (var i = 0; i < registry.Agencies.Count; i++)
        {
            var wire = registry.Agencies[i];
            var where = $"agencies[{i}] '{wire.Code}'";
            if (!CodeNames.Knows(wire.Jurisdiction)) problems.Add($"{where}: jurisdiction is not stated");
            else if (!SpiffeId.IsAgencyUri($"{SpiffeId.Prefix}{Lower(wire.Jurisdiction)}/{wire.Code}")) problems.Add($"{where}: code must be 2 to 32 of a-z, 0-9, -");
            if (!CodeNames.Knows(wire.Kind)) problems.Add($"{where}: kind is not stated");
            if (!wire.Classes.All(CodeNames.Knows)) problems.Add($"{where}: a class is not one of the code table");
            var agency = new Agency(wire.Code, wire.Jurisdiction, wire.Kind, wire.Name, wire.Classes.ToFrozenSet(), IsActive(wire.State), wire.SecurityUnitId);
            if (!agencies.TryAdd((wire.Jurisdiction, wire.Code), agency)) problems.Add($"{where}: registered twice in {wire.Jurisdiction}");
        }
        return agencies;
    }

    private static Dictionary<string, Unit> ReadUnits(Wire.MemberRegistry registry, Dictionary<(Wire.Jurisdiction, string), Agency> agencies, List<string> problems)
    {
        var units = new Dictionary<string, Unit>(StringComparer.Ordinal);
        for (var i = 0; i < registry.Units.Count; i++)
        {
            var wire = registry.Units[i];
            var where = $"units[{i}] '{wire.UnitId}'";
            if (!UnitIdShape().IsMatch(wire.UnitId)) problems.Add($"{where}: unit_id must be 3 to 64 of a-z, 0-9, -");
            if (wire.Kind == Wire.UnitKind.Unspecified || !Enum.IsDefined(wire.Kind)) problems.Add($"{where}: kind is not stated");
            if (!agencies.TryGetValue((wire.Jurisdiction, wire.AgencyCode), out var agency))
            {
                problems.Add($"{where}: no agency '{wire.AgencyCode}' in {wire.Jurisdiction}");
                continue;
            }
            var unit = new Unit(wire.UnitId, agency, wire.Kind, IsActive(wire.State) && agency.IsActive, wire.BatchJobs.ToFrozenSet(StringComparer.Ordinal), wire);
            if (!units.TryAdd(wire.UnitId, unit)) problems.Add($"{where}: registered twice");
        }
        return units;
    }

    private static Dictionary<string, MemberSystem> ReadSystems(Wire.MemberRegistry registry, Dictionary<(Wire.Jurisdiction, string), Agency> agencies, List<string> problems)
    {
        var systems = new Dictionary<string, MemberSystem>(StringComparer.Ordinal);
        for (var i = 0; i < registry.Systems.Count; i++)
        {
            var wire = registry.Systems[i];
            var where = $"systems[{i}] '{wire.SpiffeId}'";
            foreach (var scope in wire.Scopes.Where(scope => !ScopeShape().IsMatch(scope))) problems.Add($"{where}: scope '{scope}' must look like referrals.write");
            if (!agencies.TryGetValue((wire.Jurisdiction, wire.AgencyCode), out var agency)) problems.Add($"{where}: no agency '{wire.AgencyCode}' in {wire.Jurisdiction}");
            if (!SpiffeId.TryParse(wire.SpiffeId, out var id))
            {
                problems.Add($"{where}: spiffe_id must be {SpiffeId.Prefix}<jurisdiction>/<agency-code>/<system>, all lower case");
                continue;
            }
            if (agency is null) continue;
            if (!string.Equals(id.Agency, agency.Code, StringComparison.Ordinal) || !string.Equals(id.Jurisdiction, Lower(agency.Jurisdiction), StringComparison.Ordinal))
                problems.Add($"{where}: spiffe_id names another agency than '{wire.AgencyCode}' in {wire.Jurisdiction}");
            var system = new MemberSystem(id, agency, wire.Scopes.ToFrozenSet(StringComparer.Ordinal), IsActive(wire.State) && agency.IsActive);
            if (!systems.TryAdd(wire.SpiffeId, system)) problems.Add($"{where}: registered twice");
        }
        return systems;
    }

    private static bool IsActive(Wire.MemberState state) => state == Wire.MemberState.Active;

    /// <summary>The jurisdiction as it stands in a SPIFFE id.</summary>
    private static string Lower(Wire.Jurisdiction jurisdiction) => CodeNames.Knows(jurisdiction) ? CodeNames.Of(jurisdiction).ToLowerInvariant() : "";

    [GeneratedRegex(@"\A[a-z0-9-]{3,64}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex UnitIdShape();

    [GeneratedRegex(@"\A[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)+\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ScopeShape();
}

/// <summary>A member registry that cannot be used, with every problem it has.</summary>
public sealed class MemberRegistryException : Exception
{
    public MemberRegistryException(IReadOnlyList<string> problems) : base("The member registry cannot be used:\n  " + string.Join("\n  ", problems)) => Problems = problems;

    public MemberRegistryException() : this([]) { }

    public MemberRegistryException(string message) : this([message]) { }

    public MemberRegistryException(string message, Exception innerException) : base(message, innerException) => Problems = [message];

    /// <summary>One line each: where in the file, and what is wrong there.</summary>
    public IReadOnlyList<string> Problems { get; }
}
