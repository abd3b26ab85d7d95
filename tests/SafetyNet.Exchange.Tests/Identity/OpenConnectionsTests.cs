using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Identity;

namespace SafetyNet.Exchange.Tests.Identity;

public sealed class OpenConnectionsTests(TestPki pki) : IClassFixture<TestPki>
{
    [Fact]
    public void An_old_connection_is_asked_to_end_and_cut_a_minute_later()
    {
        var clock = new StandingClock(TestPki.Now);
        using var revocation = new RevocationLists(pki.Pki.CrlDirectory, pki.Pki.IssuerDirectory, pki.Rules, clock, _ => { });
        var members = MemberDirectory.FromWire(TestRegistry.Of("police"));
        using var open = new OpenConnections(revocation, () => members, new MemberListenerLimits(), clock, NullLogger.Instance);
        var connection = new Watched();
        Assert.True(open.TryAdd(connection, new MemberConnection(pki.Member(TestPki.Police))));

        clock.Now += TimeSpan.FromMinutes(7.9);
        open.Sweep();
        Assert.Equal((0, 0), (connection.AskedToClose, connection.Aborted));

        clock.Now += TimeSpan.FromMinutes(4.2);
        open.Sweep();
        open.Sweep();
        Assert.Equal((1, 0), (connection.AskedToClose, connection.Aborted));

        clock.Now += TimeSpan.FromMinutes(1);
        open.Sweep();
        Assert.Equal(1, connection.Aborted);

        open.Remove(connection);
        Assert.Equal(0, open.Count);
    }

    [Theory]
    [InlineData("true", new string[0], 1)]
    [InlineData("true", new[] { "10.0.0.1" }, 0)]
    [InlineData("true", new[] { "everyone" }, 1)]
    [InlineData("false", new string[0], 0)]
    public void B13_forwarded_headers_without_a_proxy_list_stop_the_start(string enabled, string[] proxies, int problems)
    {
        var settings = proxies.Select((proxy, i) => KeyValuePair.Create($"Identity:TrustedProxies:{i}", (string?)proxy)).Append(KeyValuePair.Create("FORWARDEDHEADERS_ENABLED", (string?)enabled));
        Assert.Equal(problems, KestrelSetup.ForwardingProblems(new ConfigurationBuilder().AddInMemoryCollection(settings).Build()).Count());
    }

    private sealed class Watched : DefaultConnectionContext, IConnectionLifetimeNotificationFeature
    {
        public Watched() => Features.Set<IConnectionLifetimeNotificationFeature>(this);

        public int AskedToClose { get; private set; }

        public int Aborted { get; private set; }

        public CancellationToken ConnectionClosedRequested { get; set; }

        public void RequestClose() => AskedToClose++;

        public override void Abort(ConnectionAbortedException abortReason) => Aborted++;
    }
}
