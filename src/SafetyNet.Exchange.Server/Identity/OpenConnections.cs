using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using SafetyNet.Exchange.Protocol.Identity;

namespace SafetyNet.Exchange.Server.Identity;

/// <summary>The member a connection was made by, decided once in the handshake. Found among the connection's features by every call on it.</summary>
internal sealed class MemberConnection(MemberCertificate certificate)
{
    private volatile TokenOfConnection? _lastToken;
    private volatile PeerName? _peer;

    public MemberCertificate Certificate { get; } = certificate;

    /// <summary>SHA-256 of the certificate as records carry it, 32 bytes.</summary>
    public ByteString CertificateSha256 { get; } = UnsafeByteOperations.UnsafeWrap(Base64Url.DecodeFromChars(certificate.ThumbprintSha256));

    /// <summary>The token that the connection sent last, once it was accepted; null: none yet.</summary>
    public TokenOfConnection? LastToken
    {
        get => _lastToken;
        set => _lastToken = value;
    }

    /// <summary>Where a call came from, as gRPC writes it; written once for all calls from one address.</summary>
    public string PeerOf(ServerCallContext context)
    {
        var (address, port) = (context.GetHttpContext().Connection.RemoteIpAddress, context.GetHttpContext().Connection.RemotePort);
        if (_peer is { } known && known.Port == port && Equals(known.Address, address)) return known.Text;
        _peer = new PeerName(address, port, context.Peer);
        return _peer.Text;
    }

    private sealed record PeerName(IPAddress? Address, int Port, string Text);
}

/// <summary>An accepted token with the generation of the authority's keys that it was accepted under.</summary>
/// <param name="Authorization">Value of the header as sent.</param>
internal sealed record TokenOfConnection(string Authorization, TokenClaims Claims, int Generation);

/// <summary>
/// Every open member connection. Caps them per certificate, and ends those that are too old or whose member is no longer welcome: first no new calls, then, when
/// streams do not end by themselves, the connection.
/// </summary>
/// <remarks>Design.md 3: connections and streams of a revoked certificate or suspended member end within 60 s; age is bounded with jitter so that a fleet does not come back all at once.</remarks>
internal sealed class OpenConnections : IDisposable
{
    /// <summary>How often open connections are looked at; a member no longer welcome is gone within two looks.</summary>
    public static readonly TimeSpan SweepEvery = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan GraceOfOld = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<ConnectionContext, Open> _open = new();
    private readonly ConcurrentDictionary<string, int> _perCertificate = new(StringComparer.Ordinal);
    private readonly RevocationLists _revocation;
    private readonly Func<MemberDirectory> _members;
    private readonly MemberListenerLimits _limits;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly ITimer _sweep;

    public OpenConnections(RevocationLists revocation, Func<MemberDirectory> members, MemberListenerLimits limits, TimeProvider clock, ILogger log)
    {
        _revocation = revocation;
        _members = members;
        _limits = limits;
        _clock = clock;
        _log = log;
        _sweep = clock.CreateTimer(_ => Sweep(), null, SweepEvery, SweepEvery);
    }

    public int Count => _open.Count;

    /// <summary>Counts a connection in. False when its certificate has as many open as it may.</summary>
    public bool TryAdd(ConnectionContext connection, MemberConnection member)
    {
        var count = _perCertificate.AddOrUpdate(member.Certificate.ThumbprintSha256, 1, (_, open) => open + 1);
        if (count > _limits.ConnectionsPerCertificate)
        {
            CountDown(member.Certificate.ThumbprintSha256);
            _log.TooManyConnections(member.Certificate.Id.Uri, count - 1);
            return false;
        }
        var jitter = 0.8 + (0.4 * RandomNumberGenerator.GetInt32(1000) / 1000);
        _open[connection] = new Open(member, _clock.GetUtcNow() + (_limits.ConnectionAge * jitter));
        return true;
    }

    public void Remove(ConnectionContext connection)
    {
        if (_open.TryRemove(connection, out var open)) CountDown(open.Member.Certificate.ThumbprintSha256);
    }

    /// <summary>Looks at every open connection now.</summary>
    public void Sweep()
    {
        var now = _clock.GetUtcNow();
        var members = _members();
        foreach (var (connection, open) in _open)
        {
            var certificate = open.Member.Certificate;
            var reason = UnwelcomeReason(certificate, members, now);
            if (reason is null && now < open.OldAt) continue;
            if (open.AskedToCloseAt is { } asked)
            {
                if (reason is not null || now - asked >= GraceOfOld) connection.Abort(new ConnectionAbortedException(reason ?? "the connection is too old"));
                continue;
            }
            open.AskedToCloseAt = now;
            if (reason is not null) _log.ConnectionEnded(certificate.Id.Uri, reason);
            connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
        }
    }

    public void Dispose() => _sweep.Dispose();

    private string? UnwelcomeReason(MemberCertificate certificate, MemberDirectory members, DateTimeOffset now)
    {
        if (now > certificate.NotAfter) return "its certificate has expired";
        return _revocation.StatusOf(certificate) switch
        {
            RevocationStatus.Good => members.FindSystem(certificate.Id.Uri) is { IsActive: true } ? null : "the member is not registered or suspended",
            RevocationStatus.Revoked => "its certificate was taken back",
            _ => "there is no current revocation list of its issuer",
        };
    }

    private void CountDown(string thumbprint)
    {
        if (_perCertificate.AddOrUpdate(thumbprint, 0, (_, open) => open - 1) == 0) _perCertificate.TryRemove(new KeyValuePair<string, int>(thumbprint, 0));
    }

    private sealed class Open(MemberConnection member, DateTimeOffset oldAt)
    {
        public MemberConnection Member { get; } = member;

        public DateTimeOffset OldAt { get; } = oldAt;

        /// <summary>When the peer was first told to go; asking twice does no harm.</summary>
        public DateTimeOffset? AskedToCloseAt { get; set; }
    }
}
