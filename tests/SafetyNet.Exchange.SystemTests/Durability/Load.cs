using Google.Protobuf;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Refusals;
using SafetyNet.Exchange.Sandbox.Population;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Durability;

/// <summary>
/// Agencies at work: schools refer, centres and employment services move what they get and look households up, several at once. A call that ends without an
/// answer is made again with the same request_id until it is answered, as a member's system does.
/// </summary>
internal sealed class Load : IDisposable
{
    private const int Writers = 8;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(250);

    private static readonly SyntheticPerson[] Children =
    [
        .. SyntheticPopulation.Generate(SandboxProcess.Seed, SandboxProcess.Persons).SelectMany(home => home.Members)
            .Where(person => person.DeathDate is null && !person.IsProtected && person.BirthDate > SyntheticPopulation.AsOf.AddYears(-18)),
    ];

    private readonly Ledger _ledger;
    private readonly ExchangeChannel _school;
    private readonly (string UnitId, Wire.Article6Service Service, ExchangeChannel Channel)[] _receivers;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task[] _writers;

    public Load(SandboxProcess sandbox, Ledger ledger)
    {
        _ledger = ledger;
        _school = sandbox.Connect("edu");
        _receivers =
        [
            ("tpe-central-swc", Wire.Article6Service.CareVisit, sandbox.Connect("dosw")),
            ("tpe-cmhc", Wire.Article6Service.MentalHealth, sandbox.Connect("health")),
            ("tpe-employment", Wire.Article6Service.EmploymentGuidance, sandbox.Connect("labor")),
        ];
        _writers = [.. Enumerable.Range(0, Writers).Select(number => Task.Run(() => WriteAsync(number)))];
    }

    /// <summary>Lets every writer bring what it has begun to its answer, then stops.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_writers).WaitAsync(TimeSpan.FromSeconds(60));
    }

    /// <summary>Makes an acknowledged creation again, to the letter.</summary>
    public async Task<Wire.Referral> RepeatAsync(Wire.CreateReferralRequest request) =>
        (await AskAsync(_school, to => to.Referrals.CreateReferralAsync(request, Options))).Referral;

    public void Dispose()
    {
        _stop.Dispose();
        _school.Dispose();
        foreach (var (_, _, channel) in _receivers)
            channel.Dispose();
    }

    private static CallOptions Options => new(deadline: TimeProvider.System.GetUtcNow().UtcDateTime + TimeSpan.FromSeconds(20));

    private async Task WriteAsync(int number)
    {
        try
        {
            for (var round = 0; !_stop.IsCancellationRequested; round++)
                await ReferAsync(Children[((round * Writers) + number) % Children.Length], _receivers[(round + number) % _receivers.Length], number);
        }
        catch (Exception error)
        {
            _ledger.Break(error.ToString());
        }
    }

    private async Task ReferAsync(SyntheticPerson child, (string UnitId, Wire.Article6Service Service, ExchangeChannel Channel) receiver, int number)
    {
        var creation = new Wire.CreateReferralRequest
        {
            Context = Context("tpe-school", number),
            RequestId = NewId(),
            ToUnitId = receiver.UnitId,
            Subjects = { new Wire.ReferralSubject { NationalId = child.NationalId.Canonical, Name = child.Name, BirthDate = $"{child.BirthDate:yyyy-MM-dd}" } },
            Services = { receiver.Service },
            View = new Wire.SenderView { Classes = { Wire.ConfidentialityClass.Identity, Wire.ConfidentialityClass.Contact } },
        };
        var made = (await AskAsync(_school, to => to.Referrals.CreateReferralAsync(creation, Options))).Referral;
        _ledger.Created(creation, made);

        var id = made.ReferralId;
        var context = Context(receiver.UnitId, number);
        context.ReferralId = id;
        await TakeNoteOfInboxAsync(receiver.Channel, context);
        var see = new Wire.MarkReferralSeenRequest { Context = context, RequestId = NewId(), ReferralId = id };
        _ledger.Moved((await AskAsync(receiver.Channel, to => to.Referrals.MarkReferralSeenAsync(see, Options))).Referral);
        var accept = new Wire.AcceptReferralRequest { Context = context, RequestId = NewId(), ReferralId = id };
        _ledger.Moved((await AskAsync(receiver.Channel, to => to.Referrals.AcceptReferralAsync(accept, Options))).Referral);
        var lookUp = new Wire.LookUpHouseholdRequest { Context = context, NationalId = child.NationalId.Canonical };
        await AskAsync(receiver.Channel, to => to.Households.LookUpHouseholdAsync(lookUp, Options));
        var begin = new Wire.BeginServiceRequest { Context = context, RequestId = NewId(), ReferralId = id };
        _ledger.Moved((await AskAsync(receiver.Channel, to => to.Referrals.BeginServiceAsync(begin, Options))).Referral);
        var close = new Wire.CloseReferralRequest { Context = context, RequestId = NewId(), ReferralId = id, Outcome = Wire.ReferralOutcome.GoalsMet };
        _ledger.Moved((await AskAsync(receiver.Channel, to => to.Referrals.CloseReferralAsync(close, Options))).Referral);
    }

    /// <summary>Several writers share a unit's inbox: whichever acknowledges first delivers the others' referrals too.</summary>
    private async Task TakeNoteOfInboxAsync(ExchangeChannel channel, Wire.AccessContext context)
    {
        var list = new Wire.ListNoticesRequest { Context = context, PageSize = 500 };
        while ((await AskAsync(channel, to => to.Inbox.ListNoticesAsync(list, Options))).Notices is { Count: > 0 } notices)
        {
            var take = new Wire.AcknowledgeNoticesRequest { Context = context, RequestId = NewId(), UpToSequence = notices[^1].Sequence };
            await AskAsync(channel, to => to.Inbox.AcknowledgeNoticesAsync(take, Options));
        }
    }

    private async Task<T> AskAsync<T>(ExchangeChannel channel, Func<ExchangeChannel, AsyncUnaryCall<T>> ask)
        where T : IMessage
    {
        while (true)
        {
            try
            {
                using var call = ask(channel);
                var answer = await call;
                _ledger.Keep(CallReceipt.Read(call.GetTrailers()) ?? throw new InvalidOperationException("An answer came without its receipt."));
                return answer;
            }
            catch (RpcException error) when (RefusalReader.TryRead(error, out var refusal))
            {
                if (CallReceipt.Read(error.Trailers) is { } receipt)
                    _ledger.KeepRefused(receipt);
                // A sandbox that starts again has a new token key; nothing else may be refused.
                if (refusal.Reason is not (Wire.ErrorReason.TokenNotAccepted or Wire.ErrorReason.TokenExpired or Wire.ErrorReason.AuthorityUnavailable))
                    throw;
                channel.ForgetToken();
            }
            catch (Exception error) when (error is RpcException or OperationCanceledException or HttpRequestException)
            {
                _ledger.WentUnanswered();
            }

            await Task.Delay(RetryDelay);
        }
    }

    private static Wire.AccessContext Context(string unitId, int number) => new()
    {
        Purpose = Wire.Purpose.ServiceDelivery,
        LegalBasis = Wire.LegalBasis.Article6IntegratedService,
        Actor = new Wire.ActingPerson { PersonId = $"W{number:0000}", Role = Wire.ActorRole.Worker, UnitId = unitId },
    };

    private static string NewId() => Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString();
}
