using System.Collections.Frozen;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Net.Client;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Households;

/// <summary>
/// Asks the household office's own system, where it serves look-ups, by the contract that the exchange itself serves: mutual TLS, the office known by the name in its certificate. It is
/// asked about nobody whom the caller may not see, and learns neither who asks nor why. Whatever goes wrong, the imported copy answers.
/// </summary>
internal sealed class LiveSources : IDisposable
{
    /// <summary>An answer holds one household; more is no answer.</summary>
    private const int MostBytes = 1024 * 1024;

    private readonly FrozenDictionary<Wire.Jurisdiction, Source> _sources;
    private readonly LiveSourceSettings _settings;
    private readonly Func<MemberDirectory> _members;
    private readonly TimeProvider _clock;

    /// <param name="settings">Who serves look-ups.</param>
    /// <param name="identity">The exchange's own certificate.</param>
    /// <param name="rules">What a member's certificate must be.</param>
    /// <param name="revocation">Which were taken back.</param>
    /// <param name="members">Who is registered now.</param>
    /// <param name="clock">Time.</param>
    /// <exception cref="StartRefusedException">A system is not registered, or is none of household registration.</exception>
    public LiveSources(
        LiveSourceSettings settings, SslStreamCertificateContext identity, CertificateRules rules, RevocationLists revocation, Func<MemberDirectory> members, TimeProvider clock)
    {
        (_settings, _members, _clock) = (settings, members, clock);
        var sources = new Dictionary<Wire.Jurisdiction, Source>();
        List<string> problems = [];
        foreach (var peer in settings.Peers)
        {
            var id = SpiffeId.Parse(peer.System);
            if (members().FindSystem(id.Uri)?.Agency is not { Kind: Wire.AgencyKind.HouseholdRegistration } agency) problems.Add($"Households:LiveSources: {id.Uri} is no registered system of an agency of household registration");
            else sources.Add(agency.Jurisdiction, Open(peer, id));
        }

        if (problems.Count > 0) throw new StartRefusedException(problems);
        _sources = sources.ToFrozenDictionary();

        Source Open(LiveSourcePeer peer, SpiffeId id)
        {
            var channel = GrpcChannel.ForAddress(peer.Address, new GrpcChannelOptions
            {
                HttpHandler = new SocketsHttpHandler
                {
                    SslOptions = new SslClientAuthenticationOptions
                    {
                        EnabledSslProtocols = SslProtocols.Tls13, ClientCertificateContext = identity, CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                        RemoteCertificateValidationCallback = (_, certificate, chain, _) => IsOf(id, certificate as X509Certificate2, chain),
                    },
                    ConnectTimeout = settings.TimeLimit, EnableMultipleHttp2Connections = true, AllowAutoRedirect = false, UseCookies = false, UseProxy = false,
                },
                DisposeHttpClient = true, MaxReceiveMessageSize = MostBytes, MaxRetryAttempts = 1,
            });
            return new Source(id, channel, new Wire.HouseholdService.HouseholdServiceClient(channel));
        }

        // A name in the certificate that an authority of that agency issued, and nothing else, says who it is; what resolves names on the way says nothing.
        bool IsOf(SpiffeId id, X509Certificate2? certificate, X509Chain? chain)
        {
            var authorities = revocation.Authorities;
            if (chain is not null) authorities.AddRange(chain.ChainPolicy.ExtraStore);
            var decision = rules.Decide(certificate, authorities, clock.GetUtcNow());
            return decision.IsAccepted && decision.Certificate!.Id == id && revocation.StatusOf(decision.Certificate) == RevocationStatus.Good;
        }
    }

    public bool ServeAny => _sources.Count > 0;

    public bool Serve(Wire.Jurisdiction jurisdiction) => _sources.ContainsKey(jurisdiction);

    /// <summary>The family as the office knows it at this instant; null: it was not asked, or gave no answer in time, or none that can be used.</summary>
    /// <param name="session">Snapshot of the call.</param>
    /// <param name="vault">Opens persons.</param>
    /// <param name="family">The family as imported, of somebody whom the caller may see.</param>
    /// <param name="cancelled">The caller has gone.</param>
    public async Task<LiveFamily?> AskAsync(ReadSession session, Vault vault, Family family, CancellationToken cancelled)
    {
        if (!_sources.TryGetValue(family.Person.Row.Jurisdiction, out var source) || source.RestsUntil > Environment.TickCount64) return null;
        // A system that is no member any more from this instant on is not asked, whatever the settings say.
        if (_members().FindSystem(source.Id.Uri) is not { IsActive: true }) return null;
        try
        {
            var asked = new Wire.LookUpHouseholdRequest { Context = Itself(), NationalId = family.Person.Person.NationalId };
            var answer = await source.Client.LookUpHouseholdAsync(asked, deadline: (TimeProvider.System.GetUtcNow() + _settings.TimeLimit).UtcDateTime, cancellationToken: cancelled);
            if (LiveFamily.From(session, vault, family, answer, _clock.GetUtcNow()) is { } live) return live;
            ServerLog.LiveSourceUnusable(source.Id.Uri);
        }
        catch (RpcException failed) when (!cancelled.IsCancellationRequested)
        {
            // That it does not have somebody whom the copy has is an answer, though none to show; the office stays in use.
            if (failed.StatusCode == StatusCode.NotFound) return null;
            ServerLog.LiveSourceFailed(source.Id.Uri, failed.StatusCode);
        }

        source.RestsUntil = Environment.TickCount64 + (long)_settings.RestAfterFailure.TotalMilliseconds;
        return null;
    }

    public void Dispose()
    {
        foreach (var source in _sources.Values) source.Channel.Dispose();
    }

    /// <summary>The exchange asks in its own name: the register learns of nobody that a service has to do with them.</summary>
    private static Wire.AccessContext Itself() => new()
    {
        Purpose = Wire.Purpose.ServiceDelivery, LegalBasis = Wire.LegalBasis.Article6IntegratedService,
        Actor = new Wire.ActingPerson { PersonId = "exchange", Role = Wire.ActorRole.BatchJob, UnitId = "exchange" },
    };

    private sealed class Source(SpiffeId id, GrpcChannel channel, Wire.HouseholdService.HouseholdServiceClient client)
    {
        private long _restsUntil;

        public SpiffeId Id => id;

        public GrpcChannel Channel => channel;

        public Wire.HouseholdService.HouseholdServiceClient Client => client;

        /// <summary>By <see cref="Environment.TickCount64"/>.</summary>
        public long RestsUntil
        {
            get => Interlocked.Read(ref _restsUntil);
            set => Interlocked.Exchange(ref _restsUntil, value);
        }
    }
}
