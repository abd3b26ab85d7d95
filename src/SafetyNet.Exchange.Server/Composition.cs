using System.Net;
using System.Security.Cryptography;
using Grpc.AspNetCore.Server;
using Microsoft.Extensions.Options;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Agencies;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.BreakGlass;
using SafetyNet.Exchange.Server.Calendar;
using SafetyNet.Exchange.Server.Cases;
using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Server.Conferences;
using SafetyNet.Exchange.Server.Deliveries;
using SafetyNet.Exchange.Server.Disclosures;
using SafetyNet.Exchange.Server.Disputes;
using SafetyNet.Exchange.Server.Grants;
using SafetyNet.Exchange.Server.Households;
using SafetyNet.Exchange.Server.Identity;
using SafetyNet.Exchange.Server.Inbox;
using SafetyNet.Exchange.Server.Misuse;
using SafetyNet.Exchange.Server.PersonLinks;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Referrals;
using SafetyNet.Exchange.Server.Reports;
using SafetyNet.Exchange.Server.Retention;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Server.Visits;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace SafetyNet.Exchange.Server;

/// <summary>
/// Puts the server together from its settings: what is opened at start, in which order, and which services it serves. Whatever is wrong with labels, policy,
/// registry, keys or log stops the start here.
/// </summary>
internal sealed class Composition : IAsyncDisposable
{
    /// <summary>The contract's services; each of their methods is labelled, or the server does not start.</summary>
    public static readonly IReadOnlyList<ServiceDescriptor> ContractServices =
    [
        Wire.MemberService.Descriptor, Wire.ReferralService.Descriptor, Wire.CaseService.Descriptor, Wire.HouseholdService.Descriptor,
        Wire.InboxService.Descriptor, Wire.AuditService.Descriptor, Wire.GrantService.Descriptor, Wire.BreakGlassService.Descriptor,
        Wire.PolicyService.Descriptor, Wire.ConferenceService.Descriptor, Wire.DisclosureService.Descriptor, Wire.RevealService.Descriptor,
        Wire.MisuseService.Descriptor, Wire.RetentionService.Descriptor, Wire.ReportService.Descriptor,
        Wire.ClockService.Descriptor, Wire.ReferralHandshakeService.Descriptor, Wire.ReferralWorkService.Descriptor,
        Wire.LeadDisputeService.Descriptor, Wire.CaseNoteService.Descriptor, Wire.CaseWatchService.Descriptor,
        Wire.CaseLifeService.Descriptor, Wire.ServicePlanService.Descriptor,
        Wire.VisitService.Descriptor, Wire.MeetingService.Descriptor, Wire.TrackedItemService.Descriptor, Wire.HouseholdDeliveryService.Descriptor,
        Wire.PersonLinkService.Descriptor,
    ];

    private static readonly IReadOnlyList<ServiceDescriptor> ServedServices =
        [.. ContractServices, SafetyNet.Exchange.Health.V1.Health.Descriptor, SafetyNet.Exchange.Reflection.V1.ServerReflection.Descriptor];

    private readonly ServerOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly ECDsa _signingKey;
    private readonly HttpClient _authorityClient;
    private readonly AuthorityKeys _authorityKeys;
    private readonly MemberDirectoryFile _registry;
    private readonly CertificateRules _rules;
    private readonly OpenConnections _connections;
    private readonly LimitStep _limits;
    private readonly StoreLease _lease;
    private readonly UnitSignals _noticed = new(), _caseChanges = new();
    private readonly LogHead? _headAtStart;
    private readonly CancellationTokenSource _sweepEnds = new();
    private Task _sweep = Task.CompletedTask;

    /// <param name="options">Settings, complete.</param>
    /// <param name="clock">Time.</param>
    /// <param name="log">Operating log of what is not evidence.</param>
    /// <param name="stop">Ends the server where nothing more may be served.</param>
    /// <param name="lease">The right to the database, which passes to the composition; null: it takes it itself.</param>
    public Composition(ServerOptions options, TimeProvider clock, ILogger log, Action stop, StoreLease? lease = null)
    {
        (_options, _clock, _log) = (options, clock, log);
        SqliteStore.WarmUp();
        if (ContractLabels.Problems(ContractServices.Select(s => s.File).Distinct()) is { Count: > 0 } unlabelled)
            throw new StartRefusedException(unlabelled);
        Methods = ContractMethods.Build(ContractServices);
        foreach (var rule in Methods.All) RequestRules.For(rule.Input);
        _ = RefusalTexts.Default;
        _ = InvolvementRules.Default;

        _registry = new MemberDirectoryFile(options.Identity.RegistryPath, clock, error => IdentityLog.RegistryProblem(log, error));
        _rules = new CertificateRules(MemberTls.LoadRoots(options.Identity.RootsPath));
        Revocation = new RevocationLists(options.Identity.CrlDirectory, options.Identity.IssuersDirectory, _rules, clock,
            alert => log.RevocationProblem(alert.Problem, alert.Subject));
        Revocation.Watch();

        _lease = lease ?? StoreLease.Take(options.Storage.Path);
        try
        {
            Store = new SqliteStore(options.Storage.Path);
            Store.Migrate();
            Vault = Vault.Open(Store, ReadKey(options.Storage.KeyPath));
            _signingKey = ECDsa.Create();
            _signingKey.ImportFromPem(File.ReadAllText(options.Evidence.SigningKeyPath));
            Log = AuditLog.Open(Store, new NoteSigner(options.Evidence.Origin, _signingKey));
            _headAtStart = Log.Published;
            Commits = new CommitQueue(Store, Log, clock, stop);
            Witnesses = new WitnessWatch(Log, Store, Commits, options.Witness, clock);
            TimeStamps = new TimeStampWatch(Log, Store, Commits, options.TimeStamps, clock);
            Commits.IsHeld = () => Witnesses.IsOver || TimeStamps.IsOver;
            Search = new SearchIndex(options.Storage.Path + ".search", Store, Log);
            Retention = new RetentionJob(Store, Commits, Log, Search, Vault, options.Retention, clock);
            Policy = PolicyStart.Open(Store, Commits, options.Policy, clock);

            var certificate = MemberTls.LoadIdentity(options.Identity.CertificatePath, options.Identity.CertificateKeyPath);
            var roots = MemberTls.LoadRoots(options.Identity.RootsPath);
            _authorityClient = AuthorityKeys.NewClient(MemberTls.ForClient(roots, certificate));
            _authorityKeys = new AuthorityKeys(_authorityClient, new Uri(options.Identity.Authority), clock, log);
            _connections = new OpenConnections(Revocation, () => _registry.Current, options.Connections, clock, log);
            _limits = new LimitStep(options.Limits);
            LiveSources = new LiveSources(options.Households.LiveSources, certificate, _rules, Revocation, () => _registry.Current, clock);
            (Commits.Noticed, Commits.CaseChanged) = (_noticed.Wake, _caseChanges.Wake);

            var (calendar, rules) = (LoadCalendar(options.BreakGlass.CalendarPath, clock), MisuseRules.Load(options.Misuse.RulesPath));
            var clockRules = ClockRules.Load(options.Exchange.Clocks.RulesPath);
            TimeLimits = new TimeLimits(clockRules, new WorkingTime(calendar, clockRules.Hours));
            Clocks = new ClockJob(Store, Commits, () => _registry.Current, Policy, clock);
            var (referrals, cases, grants) = (new ReferralService(), new CaseService(), new GrantService());
            var reports = new ReportService(SourceSystems.Load(options.Reports.SourceSystemsPath), TriageRules.Load(options.Reports.TriageRulesPath));
            var (disputes, disclosures) = (new LeadDisputeService(), new DisclosureService());
            RegisterAges = new RegisterAges(Store);
            Features =
            [
                new MemberService(), referrals, cases, new HouseholdService(LookUpTally.Of(options.Limits.LookUps, Store, Log, clock.GetUtcNow()), LiveSources, RegisterAges), new InboxService(Store, _noticed), new AuditService(Log, Store, Witnesses, TimeStamps, Search, options.Retention), new PolicyService(Policy),
                grants, new BreakGlassService(options.BreakGlass, calendar),
                new ConferenceService(), disclosures, new RevealService(options.Reveal, Log, Search),
                new MisuseService(rules), new RetentionService(Retention, options.Retention), reports, new ClockService(),
                new ReferralHandshakeService(), new ReferralWorkService(),
                disputes, new CaseNoteService(), new CaseWatchService(Store, _caseChanges),
                new CaseLifeService(CaseloadTargets.Load(options.Cases.CaseloadTargetsPath)), new ServicePlanService(),
                new VisitService(VisitProtocols.Load(options.Exchange.Visits.ProtocolsPath)), new MeetingService(), new TrackedItemService(),
                new HouseholdDeliveryService(Commits, Log, Districts.Load(options.Deliveries.DistrictsPath), clock), new PersonLinkService(),
            ];
            Families = new Families(Store, Vault);
            var checks = new MisuseChecks(rules, Methods, calendar.Find, Vault, Search);
            Misuse = new MisuseScan(Store, Log, Search, Commits, rules, checks, () => _registry.Current, Policy, clock);
            Commits.Changed = changes =>
            {
                Families.Changed(changes);
                RegisterAges.Changed(changes);
                Clocks.Changed(changes);
                Offers?.Changed(changes);
                Protocols?.Changed(changes);
            };
            Commits.Appended = (position, entry) =>
            {
                Search.Appended(position, entry);
                Misuse.Appended(position, entry);
            };
            var exchange = new Pipeline.Exchange(Policy, Store, Vault, Families, () => _registry.Current, new DomainEvents(referrals, cases, reports, new ReferralClocks(), new CaseParts(), disputes, disclosures, grants, new VisitEnds(), new ItemHeirs(), new ConferenceEndings()), TimeLimits);
            var tokens = new AccessTokens(_authorityKeys, options.Identity.Authority, options.Identity.Audience, clock);
            Offers = new OfferJob(exchange, Commits, clock);
            Protocols = new ProtocolJob(Store, Commits, Policy, clock);
            DeliveryWatch = new DeliveryWatch(Store, Commits, () => _registry.Current, Policy, options.Deliveries, clock);
            Calls = new CallPipeline(Methods, new IdentityStep(tokens, Revocation, clock, options.Identity.Authority + "/token"), _limits,
                new AnswerStep(), Commits, exchange, clock);
        }
        catch
        {
            // Whoever mends what is wrong starts again, perhaps in this process: until the writer has ended, the log has another one.
            if (Commits is not null) Commits.DisposeAsync().AsTask().GetAwaiter().GetResult();
            _lease.Dispose();
            throw;
        }
    }

    public ContractMethods Methods { get; }

    public PolicyInForce Policy { get; }

    public LiveSources LiveSources { get; }

    public RegisterAges RegisterAges { get; }

    public RevocationLists Revocation { get; }

    public SqliteStore Store { get; }

    public Vault Vault { get; }

    public Families Families { get; }

    public AuditLog Log { get; }

    public CommitQueue Commits { get; }

    public WitnessWatch Witnesses { get; }

    public TimeStampWatch TimeStamps { get; }

    public SearchIndex Search { get; }

    public MisuseScan Misuse { get; }

    public RetentionJob Retention { get; }

    public TimeLimits TimeLimits { get; }

    public ClockJob Clocks { get; }

    public OfferJob Offers { get; }

    public ProtocolJob Protocols { get; }

    public DeliveryWatch DeliveryWatch { get; }

    public CallPipeline Calls { get; }

    public ServingState Serving { get; } = new();

    public MemberDirectory Members => _registry.Current;

    /// <summary>The services that implement the contract, one each.</summary>
    private IReadOnlyList<object> Features { get; }

    /// <summary>Looks through the log beside the first calls, and stops the server where it is not the one that was signed (B59).</summary>
    public void BeginSweep(Action stop)
    {
        if (_headAtStart is not { } head) return;
        _sweep = Task.Run(() =>
        {
            try
            {
                Log.Sweep(Store, head, _sweepEnds.Token);
            }
            catch (EvidenceException found)
            {
                Commits.Refuse(found);
                ServerLog.EvidenceBroken(found.Message);
                stop();
            }
            catch (OperationCanceledException)
            {
                // The server ends before the sweep does; the next start sweeps again.
            }
        });
    }

    /// <summary>Purges what is due, once the look through the log is over.</summary>
    public void BeginRetention() => Retention.Begin(_sweep);

    /// <summary>gRPC over the members' listener: every call goes through <see cref="CallPipeline"/>.</summary>
    public void AddTo(WebApplicationBuilder builder)
    {
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenForMembers(new MemberListener(
            Endpoints(_options.Exchange.Addresses, _options.Exchange.Port), MemberTls.LoadIdentity(_options.Identity.CertificatePath, _options.Identity.CertificateKeyPath),
            _rules, Revocation, _connections, _options.Connections, _clock, _log)));
        builder.Services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = KestrelSetup.MessageSizeBytes;
            grpc.MaxSendMessageSize = KestrelSetup.MessageSizeBytes;
            grpc.EnableDetailedErrors = false;
            grpc.IgnoreUnknownServices = false;
            grpc.Interceptors.Add<CallPipeline>();
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(10));
        builder.Services.AddSingleton(Calls);
        builder.Services.AddSingleton(new HealthService(Serving, ServedServices));
        builder.Services.AddSingleton(new ReflectionService(ServedServices));
        foreach (var feature in Features) builder.Services.AddSingleton(feature.GetType(), feature);
    }

    /// <summary>Lets go of whoever watches health or an inbox, before the listener waits for calls to end.</summary>
    public void EndStreams()
    {
        Serving.Stop();
        _noticed.Stop();
        _caseChanges.Stop();
    }

    public static void Map(WebApplication app)
    {
        app.AnswerUnreadableCalls();
        app.MapGrpcService<MemberService>();
        app.MapGrpcService<ReferralService>();
        app.MapGrpcService<CaseService>();
        app.MapGrpcService<HouseholdService>();
        app.MapGrpcService<InboxService>();
        app.MapGrpcService<AuditService>();
        app.MapGrpcService<GrantService>();
        app.MapGrpcService<BreakGlassService>();
        app.MapGrpcService<PolicyService>();
        app.MapGrpcService<ConferenceService>();
        app.MapGrpcService<DisclosureService>();
        app.MapGrpcService<RevealService>();
        app.MapGrpcService<MisuseService>();
        app.MapGrpcService<RetentionService>();
        app.MapGrpcService<ReportService>();
        app.MapGrpcService<ClockService>();
        app.MapGrpcService<ReferralHandshakeService>();
        app.MapGrpcService<ReferralWorkService>();
        app.MapGrpcService<LeadDisputeService>();
        app.MapGrpcService<CaseLifeService>();
        app.MapGrpcService<ServicePlanService>();
        app.MapGrpcService<CaseNoteService>();
        app.MapGrpcService<CaseWatchService>();
        app.MapGrpcService<VisitService>();
        app.MapGrpcService<MeetingService>();
        app.MapGrpcService<TrackedItemService>();
        app.MapGrpcService<HouseholdDeliveryService>();
        app.MapGrpcService<PersonLinkService>();
        app.MapGrpcService<HealthService>();
        app.MapGrpcService<ReflectionService>();
    }

    public static IReadOnlyList<IPEndPoint> Endpoints(IReadOnlyCollection<string> addresses, int port) =>
        [.. (addresses.Count == 0 ? ["::"] : addresses).Select(address => new IPEndPoint(IPAddress.Parse(address), port))];

    public async ValueTask DisposeAsync()
    {
        EndStreams();
        await _sweepEnds.CancelAsync();
        await _sweep;
        _sweepEnds.Dispose();
        await Retention.DisposeAsync();
        await Clocks.DisposeAsync();
        await Offers.DisposeAsync();
        await Protocols.DisposeAsync();
        await DeliveryWatch.DisposeAsync();
        (Commits.Noticed, Commits.CaseChanged) = (null, null);
        await Misuse.DisposeAsync();
        await Witnesses.DisposeAsync();
        await TimeStamps.DisposeAsync();
        await Search.DisposeAsync();
        await Commits.DisposeAsync();
        _limits.Dispose();
        LiveSources.Dispose();
        _connections.Dispose();
        _authorityKeys.Dispose();
        _authorityClient.Dispose();
        _registry.Dispose();
        Revocation.Dispose();
        Vault.Dispose();
        _signingKey.Dispose();
        Store.Dispose();
        await _lease.DisposeAsync();
    }

    private static WorkingDays LoadCalendar(string path, TimeProvider clock)
    {
        var calendar = WorkingDays.Load(path);
        // Two months are time enough to load the official calendar of the year to come.
        var ahead = WorkingDays.DateOf(clock.GetUtcNow()).AddDays(60).Year;
        if (!calendar.Knows(ahead)) ServerLog.CalendarEnds(ahead);
        return calendar;
    }

    private static KeyEncryptionKey ReadKey(string path)
    {
        var bytes = Convert.FromBase64String(File.ReadAllText(path).Trim());
        try
        {
            return new KeyEncryptionKey(Path.GetFileName(path), bytes);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }
}

/// <summary>The server does not start; every problem that was found.</summary>
internal sealed class StartRefusedException(IReadOnlyList<string> problems) : Exception(string.Join(Environment.NewLine, problems))
{
    public IReadOnlyList<string> Problems { get; } = problems;
}
