using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Tests.Hosting;

/// <summary>Tests that share one server; they run one after the other, since the operating log of a process is one.</summary>
[CollectionDefinition(Name)]
public sealed class ExchangeRun : ICollectionFixture<TestExchange>
{
    public const string Name = "exchange";
}

/// <summary>A test through the wire. It fails when the server logs an error that the test did not take with <see cref="ServerOutput.TakeErrors"/>.</summary>
[Collection(ExchangeRun.Name)]
public abstract class WireTests : IDisposable
{
    private protected WireTests(TestExchange exchange)
    {
        Exchange = exchange;
        The = new The(exchange);
        ServerOutput.TakeErrors();
    }

    private protected TestExchange Exchange { get; }

    private protected The The { get; }

    /// <summary>Makes a call that must be refused so, in both languages, leaving exactly its record in the log and no other row anywhere.</summary>
    private protected async Task<Refused> AssertRefusedAloneAsync(Wire.ErrorReason reason, Func<Task> call, TestExchange? at = null)
    {
        var exchange = at ?? Exchange;
        var before = new Dictionary<string, long>(exchange.CountRows(), StringComparer.Ordinal);
        var refused = await Refused.ByAsync(call);
        Assert.Equal(reason, refused.Reason);
        Assert.Contains(refused.Refusal.MessageEn, refused.Exception.Status.Detail, StringComparison.Ordinal);
        Assert.NotEmpty(refused.Refusal.MessageEn);
        Assert.Contains(refused.Refusal.MessageZh, c => c is >= '\u4e00' and <= '\u9fff');
        Assert.All(refused.Refusal.Faults, fault => Assert.Contains(fault.DescriptionZh, c => c is >= '\u4e00' and <= '\u9fff'));
        before["audit_record"]++;
        Assert.Equal(before, exchange.CountRows());
        Assert.NotNull(refused.Receipt);
        var record = exchange.RecordOf(refused.Receipt);
        Assert.Equal(
            (Wire.AuditOutcome.Refused, refused.Refusal.ReasonName, refused.Receipt.DecisionId), (record.Outcome, record.Reason, record.DecisionId));
        Assert.Equal(refused.Refusal.DecisionId, record.DecisionId);
        Assert.Empty(record.ShownClasses);
        return refused;
    }

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        Assert.Empty(ServerOutput.TakeErrors());
    }
}

/// <summary>Who there is: one party of each kind, over the server of the test.</summary>
internal sealed class The(TestExchange exchange)
{
    public const string NobodysUuid = "0192f0a0-0000-7000-8000-000000000001";

    public Party School { get; } = Enter(exchange, "tpe", "edu", "tpe-school", "T0217");

    public Party Centre { get; } = Enter(exchange, "tpe", "dosw", "tpe-central-swc", "W0108");

    public Party WanhuaCentre { get; } = Enter(exchange, "tpe", "dosw", "tpe-wanhua-swc", "W0300");

    public Party ProtectionCentre { get; } = Enter(exchange, "tpe", "dosw", "tpe-protection", "W0401");

    public Party Labor { get; } = Enter(exchange, "tpe", "labor", "tpe-employment", "L0033");

    public Party Police { get; } = Enter(exchange, "tpe", "police", "tpe-precinct", "P1189");

    public Party MentalHealthCentre { get; } = Enter(exchange, "tpe", "health", "tpe-cmhc", "H0452");

    public Party HealthStation { get; } = Enter(exchange, "tpe", "health", "tpe-phs", "H0777");

    public Party Officer { get; } = Enter(exchange, "tpe", "security", "tpe-security", "S0007", Wire.ActorRole.SecurityOfficer);

    public Party Intake { get; } = Enter(exchange, "tpe", "dosw", "tpe-intake", "W0500");

    public Party WomenChildrenPolice { get; } = Enter(exchange, "tpe", "police", "tpe-wcpc", "P2001");

    public Party YouthGuidance { get; } = Enter(exchange, "tpe", "police", "tpe-youth", "P3001");

    public Party Borough { get; } = Enter(exchange, "tpe", "civil", "tpe-borough", "C0012");

    public Party Register { get; } = Enter(exchange, "tpe", "civil", "tpe-household", "C0100");

    public Party RegisterOfTaoyuan { get; } = Enter(exchange, "tao", "civil", "tao-household", "C9100");

    public Party CentreOfTaoyuan { get; } = Enter(exchange, "tao", "dosw", "tao-central-swc", "W9001");

    public Party OfficerOfTaoyuan { get; } = Enter(exchange, "tao", "security", "tao-security", "S9007", Wire.ActorRole.SecurityOfficer);

    private static Party Enter(TestExchange exchange, string jurisdiction, string agency, string unit, string person, Wire.ActorRole role = Wire.ActorRole.Worker) =>
        new(exchange, SpiffeId.Of(jurisdiction, agency, "case-system"), unit, person, role);
}
