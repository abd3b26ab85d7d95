using Google.Protobuf;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Refusals;

namespace SafetyNet.Exchange.Cli.Demo;

/// <summary>One agency of the story: its system's own connection and certificate, and the person and unit it acts for.</summary>
internal sealed class Party : IDisposable
{
    private readonly ExchangeChannel _channel;
    private readonly Tally _tally;
    private readonly Wire.ActorRole _role;

    public Party(string name, string chineseName, string unitId, string personId, Wire.ActorRole role, ExchangeChannel channel, Tally tally)
    {
        Name = name;
        ChineseName = chineseName;
        UnitId = unitId;
        PersonId = personId;
        _role = role;
        _channel = channel;
        _tally = tally;
    }

    public string Name { get; }

    public string ChineseName { get; }

    public string UnitId { get; }

    public string PersonId { get; }

    public string System => _channel.System.Uri;

    public Wire.AuditService.AuditServiceClient Audit => _channel.Audit;

    /// <summary>The access context of a call of this party.</summary>
    public Wire.AccessContext Context(
        Wire.Purpose purpose = Wire.Purpose.ServiceDelivery, Wire.LegalBasis basis = Wire.LegalBasis.Article6IntegratedService, string? referral = null, string? inCase = null)
    {
        var context = new Wire.AccessContext
        {
            Purpose = purpose,
            LegalBasis = basis,
            Actor = new Wire.ActingPerson { PersonId = PersonId, Role = _role, UnitId = UnitId },
        };
        if (referral is not null)
            context.ReferralId = referral;
        if (inCase is not null)
            context.CaseId = inCase;
        return context;
    }

    /// <summary>Makes a call and counts it.</summary>
    /// <exception cref="RpcException">It was refused; counted too.</exception>
    public async Task<T> AskAsync<T>(Func<ExchangeChannel, AsyncUnaryCall<T>> ask)
        where T : IMessage
    {
        try
        {
            using var call = ask(_channel);
            var answer = await call;
            _tally.CountPermitted(answer, CallReceipt.Read(call.GetTrailers()));
            return answer;
        }
        catch (RpcException refused) when (RefusalReader.TryRead(refused, out _))
        {
            _tally.CountRefused(CallReceipt.Read(refused.Trailers));
            throw;
        }
    }

    /// <summary>Makes a call that must be refused, and gives the refusal.</summary>
    public async Task<ReceivedRefusal> AskInVainAsync<T>(Func<ExchangeChannel, AsyncUnaryCall<T>> ask)
        where T : IMessage
    {
        try
        {
            await AskAsync(ask);
        }
        catch (RpcException error) when (RefusalReader.TryRead(error, out var refusal))
        {
            return refusal;
        }

        throw new StoryBrokenException($"{Name} was answered where it must be refused.");
    }

    public void Dispose() => _channel.Dispose();
}
