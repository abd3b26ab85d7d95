using Google.Protobuf;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Protocol.Refusals;

namespace SafetyNet.Exchange.Tests.Hosting;

/// <summary>A person of a unit, calling through the agency's system over a connection and certificate of its own.</summary>
internal sealed class Party(TestExchange exchange, SpiffeId system, string unitId, string personId, Wire.ActorRole role)
{
    public SpiffeId System { get; } = system;

    public string UnitId { get; } = unitId;

    public string PersonId { get; } = personId;

    public ExchangeChannel Channel => exchange.ChannelOf(System);

    /// <summary>The registry of the exchange that it calls.</summary>
    public MemberDirectory Members => exchange.Composition.Members;

    /// <summary>Another person of the same unit, on the same connection.</summary>
    public Party Colleague(string personId) => new(exchange, System, UnitId, personId, role);

    /// <summary>Another person of the same unit, in another capacity.</summary>
    public Party As(Wire.ActorRole capacity, string personId) => new(exchange, System, UnitId, personId, capacity);

    public Wire.AccessContext Context(
        Wire.Purpose purpose = Wire.Purpose.ServiceDelivery, Wire.LegalBasis basis = Wire.LegalBasis.Article6IntegratedService,
        string? referral = null, string? inCase = null)
    {
        if (role == Wire.ActorRole.SecurityOfficer && purpose == Wire.Purpose.ServiceDelivery) (purpose, basis) = (Wire.Purpose.Audit, Wire.LegalBasis.AuditDuty);
        var context = new Wire.AccessContext
        {
            Purpose = purpose, LegalBasis = basis, Actor = new Wire.ActingPerson { PersonId = PersonId, Role = role, UnitId = UnitId },
        };
        if (referral is not null) context.ReferralId = referral;
        if (inCase is not null) context.CaseId = inCase;
        return context;
    }

    public async Task<T> AskAsync<T>(Func<ExchangeChannel, AsyncUnaryCall<T>> ask) => (await AnswerAsync(ask)).Value;

    public async Task<Answer<T>> AnswerAsync<T>(Func<ExchangeChannel, AsyncUnaryCall<T>> ask)
    {
        using var call = ask(Channel);
        var value = await call;
        var receipt = CallReceipt.Read(call.GetTrailers());
        Assert.NotNull(receipt);
        return new Answer<T>(value, receipt);
    }

    /// <summary>Makes a call that must be refused.</summary>
    public Task<Refused> AskInVainAsync<T>(Func<ExchangeChannel, AsyncUnaryCall<T>> ask) => Refused.ByAsync(async () =>
    {
        using var call = ask(Channel);
        await call;
    });
}

/// <summary>An answer with the commitment that came with it.</summary>
internal sealed record Answer<T>(T Value, CallReceipt Receipt);

/// <summary>A refusal with all that reached the caller.</summary>
internal sealed record Refused(ReceivedRefusal Refusal, CallReceipt? Receipt, RpcException Exception)
{
    public Wire.ErrorReason Reason => Refusal.Reason;

    /// <summary>Makes a call that must be refused.</summary>
    public static async Task<Refused> ByAsync(Func<Task> call) => Of(await Assert.ThrowsAsync<RpcException>(call));

    /// <summary>Makes a call that may be refused; null: it was answered.</summary>
    public static async Task<Refused?> IfAsync(Func<Task> call)
    {
        try
        {
            await call();
            return null;
        }
        catch (RpcException error)
        {
            return Of(error);
        }
    }

    private static Refused Of(RpcException error)
    {
        Assert.True(RefusalReader.TryRead(error, out var refusal), $"not a refusal of the exchange: {error.Status}");
        return new Refused(refusal, CallReceipt.Read(error.Trailers), error);
    }

    /// <summary>Everything about the answer that a caller could tell two refusals apart by, ids of decision and record left out.</summary>
    public string Look()
    {
        var details = Google.Rpc.Status.Parser.ParseFrom(Exception.Trailers.GetValueBytes("grpc-status-details-bin"));
        foreach (var (detail, i) in details.Details.Select((d, i) => (d, i)).ToList())
            if (detail.Is(Google.Rpc.RequestInfo.Descriptor)) details.Details[i].Value = ByteString.Empty;
        var trailers = Exception.Trailers.Select(t => t.Key switch
        {
            "grpc-status-details-bin" => $"{t.Key}={t.ValueBytes.Length}",
            CallReceipt.RecordTrailer => $"{t.Key}={t.Value[(t.Value.IndexOf(':', StringComparison.Ordinal) + 1)..].Length}",
            CallReceipt.DecisionTrailer => $"{t.Key}={t.Value.Length}",
            "date" => t.Key,
            _ => $"{t.Key}={t.Value}",
        });
        return $"{Exception.StatusCode} {Exception.Status.Detail}\n{details}\n{string.Join('\n', trailers)}";
    }
}
