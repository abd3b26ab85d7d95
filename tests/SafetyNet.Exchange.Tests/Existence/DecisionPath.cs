using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Cases;
using SafetyNet.Exchange.Server.Households;
using SafetyNet.Exchange.Server.Identity;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Referrals;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Pipeline;

namespace SafetyNet.Exchange.Tests.Existence;

/// <summary>
/// The part of a call in which existence could show, alone: load, decide, refuse, make the record. Without network, token and flush around it a difference of a
/// microsecond is seen that the wire would hide.
/// </summary>
internal sealed class DecisionPath
{
    private readonly Server.Pipeline.Exchange _exchange;
    private readonly TestExchange _server;
    private readonly Party _by;
    private readonly CallingMember _member;
    private readonly Dictionary<string, Func<IMessage, ServerCallContext, Task>> _methods;

    public DecisionPath(TestExchange server, Party by)
    {
        (_server, _by) = (server, by);
        var composition = server.Composition;
        var (referrals, cases, households) = (new ReferralService(), new CaseService(), new HouseholdService(new LookUpTally(server.Options.Limits.LookUps), composition.LiveSources, composition.RegisterAges));
        var audit = new AuditService(composition.Log, composition.Store, composition.Witnesses, composition.TimeStamps, composition.Search, server.Options.Retention);
        _exchange = new Server.Pipeline.Exchange(
            composition.Policy, composition.Store, composition.Vault, new Families(composition.Store, composition.Vault), () => composition.Members, new DomainEvents(referrals, cases), composition.TimeLimits);
        var system = composition.Members.FindSystem(by.System.Uri)!;
        var certificate = server.CertificateOf(by.System);
        _member = new CallingMember(system, new TokenClaims(
            by.System, system.Agency.Code, system.Agency.Kind, system.Agency.Jurisdiction, by.System.System, system.Scopes, system.Agency.Classes, "timing", server.Clock.GetUtcNow().AddHours(1)), certificate);
        _methods = new Dictionary<string, Func<IMessage, ServerCallContext, Task>>(StringComparer.Ordinal)
        {
            ["ReferralService/GetReferral"] = (r, c) => referrals.GetReferral((Wire.GetReferralRequest)r, c),
            ["ReferralService/AcceptReferral"] = (r, c) => referrals.AcceptReferral((Wire.AcceptReferralRequest)r, c),
            ["CaseService/GetCase"] = (r, c) => cases.GetCase((Wire.GetCaseRequest)r, c),
            ["CaseService/ListNotes"] = (r, c) => cases.ListNotes((Wire.ListNotesRequest)r, c),
            ["CaseService/JoinCase"] = (r, c) => cases.JoinCase((Wire.JoinCaseRequest)r, c),
            ["CaseService/OpenCase"] = (r, c) => cases.OpenCase((Wire.OpenCaseRequest)r, c),
            ["HouseholdService/LookUpHousehold"] = (r, c) => households.LookUpHousehold((Wire.LookUpHouseholdRequest)r, c),
            ["AuditService/ExplainDecision"] = (r, c) => audit.ExplainDecision((Wire.ExplainDecisionRequest)r, c),
        };
    }

    public IReadOnlyCollection<string> Methods => _methods.Keys;

    /// <summary>Opens a person's family beforehand, as somebody does who may see it.</summary>
    public void Remember(string nationalId) => Assert.NotNull(_exchange.Families.Find(nationalId));

    /// <summary>Ticks from load to record of a call that is refused as NOT_FOUND.</summary>
    public long Time(string method, IMessage request)
    {
        var rule = Contract.Methods.Find($"/safetynet.exchange.v1.{method}")!;
        var call = new Call(rule, rule.FullName, "ipv4:127.0.0.1:50000", _server.Clock.GetUtcNow(), _exchange)
        {
            Member = _member, Context = rule.ContextOf(request), ActingUnit = _server.Composition.Members.FindUnit(_by.UnitId), RequestId = rule.RequestIdOf(request),
        };
        var context = new Context(call);
        var start = Stopwatch.GetTimestamp();
        try
        {
            _methods[method](request, context).GetAwaiter().GetResult();
        }
        catch (Refusal refusal) when (refusal.Reason == Wire.ErrorReason.NotFound)
        {
            call.EndRead();
            AuditEntry.Of(call.ToRecord(Wire.AuditOutcome.Refused, refusal.Reason, ClassSet.None, ClassSet.None));
            return Stopwatch.GetTimestamp() - start;
        }

        throw new InvalidOperationException($"{method} was answered");
    }

    private sealed class Context : ServerCallContext
    {
        public Context(Call call)
        {
            var http = new DefaultHttpContext();
            http.Features.Set(call);
            UserState["__HttpContext"] = http;
        }

        protected override string MethodCore => "";

        protected override string HostCore => "";

        protected override string PeerCore => "";

        protected override DateTime DeadlineCore => DateTime.MaxValue;

        protected override Metadata RequestHeadersCore { get; } = [];

        protected override CancellationToken CancellationTokenCore => CancellationToken.None;

        protected override Metadata ResponseTrailersCore { get; } = [];

        protected override Status StatusCore { get; set; }

        protected override WriteOptions? WriteOptionsCore { get; set; }

        protected override AuthContext AuthContextCore { get; } = new("", []);

        protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) => Task.CompletedTask;

        protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) => throw new NotSupportedException();
    }
}
