using System.Reflection;

namespace SafetyNet.Exchange.Tests.Abuse;

public sealed class AbuseIdsTests
{
    /// <summary>Cases of abuse-cases.md that looking people up and need-to-know bring; each of them is the trait of a test.</summary>
    [Theory]
    [InlineData("B23")]
    [InlineData("B30")]
    [InlineData("B31")]
    [InlineData("B32")]
    [InlineData("B36")]
    [InlineData("B37")]
    [InlineData("B38")]
    [InlineData("B40")]
    [InlineData("B42")]
    [InlineData("B43")]
    [InlineData("B45")]
    [InlineData("B46")]
    [InlineData("B48")]
    public void Every_abuse_of_look_ups_and_need_to_know_has_its_test(string id)
    {
        var tests = typeof(AbuseIdsTests).Assembly.GetTypes().SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance)
            .Where(method => method.IsDefined(typeof(FactAttribute), inherit: true))
            .Where(method => type.GetCustomAttributes<TraitAttribute>().Concat(method.GetCustomAttributes<TraitAttribute>()).Any(t => t.Name == "Abuse" && t.Value == id)));
        Assert.NotEmpty(tests);
    }
}
