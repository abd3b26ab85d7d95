using Google.Protobuf;
using SafetyNet.Exchange.Protocol.Identity;

namespace SafetyNet.Exchange.Tests.Identity;

public sealed class MemberDirectoryTests
{
    [Fact]
    public void Members_are_found_by_certificate_name_agency_and_unit()
    {
        var members = MemberDirectory.FromWire(TestRegistry.Of("police", "health"));
        var system = members.FindSystem(TestPki.Police.Uri)!;
        Assert.True(system.IsActive);
        Assert.Equal(system.Agency, members.FindAgency(Wire.Jurisdiction.Tpe, "police"));
        Assert.Equal(system.Agency, members.FindUnit("tpe-police-main")!.Agency);
        Assert.Equal(["tpe-police-main"], members.UnitsOf(system.Agency).Select(unit => unit.UnitId));
        Assert.Null(members.FindSystem(TestPki.Police.Uri.ToUpperInvariant()));
        Assert.Null(members.FindAgency(Wire.Jurisdiction.Tao, "police"));
    }

    [Fact]
    public void A_suspended_agency_takes_its_systems_and_units_with_it()
    {
        var registry = TestRegistry.Of("police");
        registry.Agencies[0].State = Wire.MemberState.Suspended;
        var members = MemberDirectory.FromWire(registry);
        Assert.False(members.FindSystem(TestPki.Police.Uri)!.IsActive);
        Assert.False(members.FindUnit("tpe-police-main")!.IsActive);
    }

    [Fact]
    public void Every_problem_is_reported_at_once()
    {
        var registry = TestRegistry.Of("police", "health");
        registry.Agencies.Add(registry.Agencies[0].Clone());
        registry.Agencies[1].Kind = Wire.AgencyKind.Unspecified;
        registry.Agencies[1].Classes.Add(Wire.ConfidentialityClass.Unspecified);
        registry.Units[0].AgencyCode = "nobody";
        registry.Units[1].Kind = Wire.UnitKind.Unspecified;
        registry.Units.Add(registry.Units[1].Clone());
        registry.Systems[0].SpiffeId = TestPki.Health.Uri;
        registry.Systems[1].Scopes.Add("not a scope");
        var problems = Assert.Throws<MemberRegistryException>(() => MemberDirectory.FromWire(registry)).Problems;
        foreach (var expected in (string[])["registered twice in Tpe", "agencies[1] 'health': kind", "a class", "no agency 'nobody'", "units[1] 'tpe-health-main': kind",
            "units[2] 'tpe-health-main': registered twice", "names another agency", "scope 'not a scope'", "systems[1]"])
            Assert.Contains(problems, problem => problem.Contains(expected, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("""{"agencies":[{"cod":"x"}]}""")]
    public void A_file_that_is_no_registry_is_refused(string text)
    {
        var path = Path.GetTempFileName();
        File.WriteAllText(path, text);
        Assert.Throws<MemberRegistryException>(() => MemberDirectory.Load(path));
        File.Delete(path);
    }

    [Fact]
    public void A_file_is_followed_and_a_broken_one_leaves_the_last_good_registry_in_force()
    {
        var path = Path.GetTempFileName();
        var registry = TestRegistry.Of("police");
        File.WriteAllText(path, JsonFormatter.Default.Format(registry));
        var alerts = new List<Exception>();
        using var file = new MemberDirectoryFile(path, new StandingClock(TestPki.Now), alerts.Add);
        Assert.True(file.Current.FindSystem(TestPki.Police.Uri)!.IsActive);

        File.WriteAllText(path, "{ broken");
        file.Reload();
        Assert.True(file.Current.FindSystem(TestPki.Police.Uri)!.IsActive);
        Assert.IsType<MemberRegistryException>(Assert.Single(alerts));

        registry.Systems[0].State = Wire.MemberState.Suspended;
        File.WriteAllText(path, JsonFormatter.Default.Format(registry));
        file.Reload();
        Assert.False(file.Current.FindSystem(TestPki.Police.Uri)!.IsActive);
        File.Delete(path);
    }
}
