using System.CommandLine;
using Google.Protobuf;
using Grpc.Core;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Sandbox.Members;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet call</c>: any call of the contract, by name and JSON.</summary>
internal static class CallCommand
{
    private static readonly JsonFormatter Json = new(JsonFormatter.Settings.Default.WithIndentation());

    public static Command Create()
    {
        var exchange = new ExchangeOptions();
        var name = new Argument<string>("Service/Method") { Description = "Name of the call, e.g. ReferralService/GetReferral" };
        var system = new Option<string>("--as") { Description = "System that calls, e.g. tpe-edu; picks the certificate", Required = true };
        var data = new Option<string>("--data", "-d") { Description = "The request in ProtoJSON, @FILE to read it from a file, or - from standard input", DefaultValueFactory = _ => "" };
        var unit = new Option<string?>("--unit") { Description = "Unit for which the person acts; default: the agency's first" };
        var person = new Option<string>("--person") { Description = "Staff number of the acting person", DefaultValueFactory = _ => "CLI001" };
        var role = new Option<string?>("--role") { Description = "Role of the acting person, e.g. WORKER; default: what the call asks for" };
        var purpose = new Option<string?>("--purpose") { Description = "Purpose, e.g. SERVICE_DELIVERY; default: one the call allows" };
        var basis = new Option<string?>("--basis") { Description = "Legal basis, e.g. SUBJECT_WAIVER; default: ARTICLE_6_INTEGRATED_SERVICE, for audit AUDIT_DUTY" };
        var referral = new Option<string?>("--referral") { Description = "Referral that the access is for" };
        var inCase = new Option<string?>("--case") { Description = "Case that the access is for" };
        var justification = new Option<string?>("--justification") { Description = "Why, in your own words" };
        var command = new CommandWithExamples(
            "call",
            "Make any call of the contract as a member system: JSON in, JSON out, receipt and refusals beside it",
            """
            safetynet call MemberService/GetSelf --as tpe-edu
            safetynet call MemberService/ListUnits --as tpe-edu --data '{"jurisdiction":"JURISDICTION_TPE","kind":"UNIT_KIND_SCHOOL"}'
            safetynet call InboxService/WatchInbox --as tpe-dosw --unit tpe-central-swc
            safetynet call HouseholdService/LookUpHousehold --as tpe-dosw --case CASE_ID --data '{"nationalId":"A123456789"}'
            safetynet call ReferralService/CreateReferral --as tpe-edu --data @referral.json
            """)
        {
            name, system, data, unit, person, role, purpose, basis, referral, inCase, justification,
        };
        exchange.AddTo(command);
        command.SetGuardedAction(async (parsed, cancellation) =>
        {
            var method = ContractMethods.Find(parsed.GetRequiredValue(name))
                ?? throw new CommandFailedException($"No call `{parsed.GetValue(name)}`. There are:\n  {string.Join("\n  ", ContractMethods.All.Select(one => $"{one.Service.Name}/{one.Name}"))}");
            var sandbox = exchange.Resolve(parsed);
            var identities = SandboxIdentities.Open(sandbox.Certificates);
            var caller = identities.Find(parsed.GetRequiredValue(system));
            var context = RequestJson.Context(method, new ContextWords(
                parsed.GetRequiredValue(person), parsed.GetValue(unit) ?? FirstUnitOf(caller), parsed.GetValue(purpose), parsed.GetValue(basis), parsed.GetValue(role),
                parsed.GetValue(referral), parsed.GetValue(inCase), parsed.GetValue(justification)));
            var requestId = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString();
            var request = RequestJson.Build(method, await ReadAsync(parsed.GetValue(data) ?? "", cancellation), context, requestId);
            using var channel = identities.Connect(caller, sandbox.Exchange, sandbox.Tokens);
            ShowReceipt(await CallAsync(channel, ContractMethods.ToGrpc(method), request, cancellation));
            return 0;
        });
        return command;
    }

    private static async Task<Metadata> CallAsync(ExchangeChannel channel, Method<IMessage, IMessage> method, IMessage request, CancellationToken cancellation)
    {
        var options = new CallOptions(cancellationToken: cancellation);
        switch (method.Type)
        {
            case MethodType.Unary:
                using (var call = channel.Invoker.AsyncUnaryCall(method, null, options, request))
                {
                    Console.Out.WriteLine(Json.Format(await call));
                    return call.GetTrailers();
                }

            case MethodType.ServerStreaming:
                using (var call = channel.Invoker.AsyncServerStreamingCall(method, null, options, request))
                {
                    while (await call.ResponseStream.MoveNext(cancellation))
                        Console.Out.WriteLine(Json.Format(call.ResponseStream.Current));
                    return call.GetTrailers();
                }

            case MethodType.ClientStreaming:
                using (var call = channel.Invoker.AsyncClientStreamingCall(method, null, options))
                {
                    // A stream of one: `report import` sends many.
                    await call.RequestStream.WriteAsync(request, cancellation);
                    await call.RequestStream.CompleteAsync();
                    Console.Out.WriteLine(Json.Format(await call));
                    return call.GetTrailers();
                }

            default:
                throw new CommandFailedException($"{method.FullName} streams both ways; this command sends one request.");
        }
    }

    private static void ShowReceipt(Metadata trailers)
    {
        if (CallReceipt.Read(trailers) is { } receipt)
            Terminal.Error.MarkupLineInterpolated($"[grey]decision {receipt.DecisionId}\nrecord   {CallReceipt.FormatRecord(receipt.Position, receipt.RecordHash)}[/]");
    }

    private static async Task<string> ReadAsync(string data, CancellationToken cancellation) => data switch
    {
        "-" => await Console.In.ReadToEndAsync(cancellation),
        ['@', .. var file] => await File.ReadAllTextAsync(file, cancellation),
        _ => data,
    };

    /// <summary>A unit of the system's agency, where the person named none.</summary>
    internal static string FirstUnitOf(SpiffeId system) => SandboxMembers.Registry().Units
        .FirstOrDefault(unit => unit.AgencyCode.Equals(system.Agency, StringComparison.Ordinal) && ContractCodes.NameOf(unit.Jurisdiction).Equals(system.Jurisdiction, StringComparison.OrdinalIgnoreCase))?.UnitId
        ?? throw new CommandFailedException($"No unit of {system.AgencyUri} is known here; name one with --unit.");
}
