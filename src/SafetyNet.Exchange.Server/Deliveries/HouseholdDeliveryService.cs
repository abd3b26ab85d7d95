using System.Globalization;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Deliveries;

/// <summary>The RPCs by which a household register delivers (R-HH-3, R-HH-7): load, decide, change, answer. What rows do is <see cref="DeliveryBatch"/>'s.</summary>
internal sealed class HouseholdDeliveryService(CommitQueue commits, AuditLog log, Districts districts, TimeProvider clock) : Wire.HouseholdDeliveryService.HouseholdDeliveryServiceBase
{
    /// <summary>Messages of one stream.</summary>
    public const int MostMessages = 1000;

    /// <summary>Persons whose registration ends in one commit: a flush stays far below what is taken for a lost store.</summary>
    private const int EndsAtOnce = 400;

    private const string Rule = "R-HH-3", Kind = "household-delivery";

    public override Task<Wire.BeginDeliveryResponse> BeginDelivery(Wire.BeginDeliveryRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        Admit(call);
        if (call.Replayed is { } made) return Task.FromResult(new Wire.BeginDeliveryResponse { Delivery = Load(call, made).ToWire() });
        var asOf = DateOnly.ParseExact(request.AsOf, "yyyy-MM-dd", CultureInfo.InvariantCulture);
        if (asOf > call.On) throw Refusal.InvalidField(new FieldFault("as_of", FieldFaultKind.InTheFuture));
        var register = call.Agency.Jurisdiction;
        if (call.Read.FindOpenDelivery(register) is { } open) throw new Refusal(Wire.ErrorReason.DeliveryOpen, ("delivery_id", open.DeliveryId.ToString()), ("rule", Rule));
        if (call.Read.FindLastCompleted(register) is { } last && last.AsOf > asOf)
            throw new Refusal(Wire.ErrorReason.DeliveryOlder, ("as_of", CivilDate.ToText(last.AsOf)), ("field", "as_of"), ("rule", Rule));
        var delivery = new HouseholdDelivery
        {
            DeliveryId = call.NewId(), Jurisdiction = register, UnitId = call.Unit.UnitId, Kind = request.Kind, AsOf = asOf, State = Wire.DeliveryState.Open, AnnouncedRows = request.AnnouncedRows,
            BegunAt = call.Now,
        };
        call.Change.Add(delivery);
        call.Touches(Kind, delivery.DeliveryId);
        call.Change.Key!.Outcome = delivery.DeliveryId.ToString();
        return Task.FromResult(new Wire.BeginDeliveryResponse { Delivery = delivery.ToWire() });
    }

    public override async Task<Wire.DeliverRowsResponse> DeliverRows(IAsyncStreamReader<Wire.DeliverRowsRequest> requestStream, ServerCallContext context)
    {
        var (rows, messages, last) = (RowCalls.Of(context), 0, new Wire.DeliverRowsResponse());
        Task<RowOutcome>? running = null;
        RowGround? ground = null;
        try
        {
            while (await requestStream.MoveNext(context.CancellationToken))
            {
                var message = new DeliveryMessage(requestStream.Current);
                // Beside the flush of the message before it.
                if (ground is not null) message.Check(ground);
                if (running is not null && !Follow(await running, ref last)) return last;
                running = null;
                if (++messages > MostMessages) throw new Refusal(Wire.ErrorReason.TooManyRows, ("limit", MostMessages.ToString(CultureInfo.InvariantCulture)));
                running = rows.RunAsync(message.Request, call => Take(call, message, ref ground));
            }

            if (running is not null) Follow(await running, ref last);
            return last;
        }
        finally
        {
            // A stream that is cut leaves its last message whole or not at all, and nothing that runs.
            if (running is not null) await ((Task)running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public override async Task<Wire.CompleteDeliveryResponse> CompleteDelivery(Wire.CompleteDeliveryRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        Admit(call);
        var delivery = Load(call, request.DeliveryId);
        if (call.Replayed is not null) return new Wire.CompleteDeliveryResponse { Delivery = delivery.ToWire() };
        RequireOpen(delivery);
        if (request.TotalRows != delivery.NextLine - 1) throw Refuse(Wire.ErrorReason.DeliveryIncomplete, delivery);
        if (!request.ContentSha256.Span.SequenceEqual(delivery.ContentHash)) throw Refuse(Wire.ErrorReason.DeliveryContentDiffers, delivery);
        if (!request.ConfirmShort && IsSuspicious(call, delivery))
        {
            if (delivery.State != Wire.DeliveryState.Short) Alarm(call, delivery);
            delivery.State = Wire.DeliveryState.Short;
        }
        else
        {
            if (delivery.Kind == Wire.DeliveryKind.Full) delivery = await EndAbsentAsync(call, delivery.DeliveryId);
            (delivery.State, delivery.EndedAt) = (Wire.DeliveryState.Completed, call.Now);
            delivery.Receipt = log.SignStatement(delivery.ToReceipt(call.Now).ToText());
        }

        call.Change.Update(delivery);
        call.Change.Key!.Outcome = delivery.DeliveryId.ToString();
        return new Wire.CompleteDeliveryResponse { Delivery = delivery.ToWire() };
    }

    public override Task<Wire.AbandonDeliveryResponse> AbandonDelivery(Wire.AbandonDeliveryRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        Admit(call);
        var delivery = Load(call, request.DeliveryId);
        if (call.Replayed is null)
        {
            if (delivery.State == Wire.DeliveryState.Completed) RequireOpen(delivery);
            if (delivery.IsOpen)
            {
                (delivery.State, delivery.EndedAt) = (Wire.DeliveryState.Abandoned, call.Now);
                call.Change.Update(delivery);
            }

            call.Change.Key!.Outcome = delivery.DeliveryId.ToString();
        }

        return Task.FromResult(new Wire.AbandonDeliveryResponse { Delivery = delivery.ToWire() });
    }

    public override Task<Wire.GetDeliveryResponse> GetDelivery(Wire.GetDeliveryRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        Admit(call);
        if (request.DeliveryId.Length > 0) return Task.FromResult(new Wire.GetDeliveryResponse { Delivery = Load(call, request.DeliveryId).ToWire() });
        var newest = call.Read.FindNewestDelivery(call.Agency.Jurisdiction) ?? throw new Refusal(Wire.ErrorReason.NotFound);
        call.Touches(Kind, newest.DeliveryId);
        return Task.FromResult(new Wire.GetDeliveryResponse { Delivery = newest.ToWire() });
    }

    public override Task<Wire.ListRejectedRowsResponse> ListRejectedRows(Wire.ListRejectedRowsRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        Admit(call);
        var (delivery, size) = (Load(call, request.DeliveryId), request.PageSize == 0 ? 100 : request.PageSize);
        // A row has at most as many faults as a refusal names: line and number are one place.
        var after = PageToken.Read(request.PageToken, 0L);
        var found = call.Read.Rejections(delivery.DeliveryId, after / 100, after == 0 ? -1 : (int)(after % 100), size + 1);
        var response = new Wire.ListRejectedRowsResponse();
        foreach (var one in found.Take(size))
        {
            var text = RegisterFaults.TextOf(one);
            response.Rows.Add(new Wire.RejectedRow { Line = one.Line, Field = one.Field, Fault = one.Fault, DescriptionEn = text.En, DescriptionZh = text.Zh });
        }

        if (found.Count > size) response.NextPageToken = PageToken.Of((found[size - 1].Line * 100) + found[size - 1].Number);
        return Task.FromResult(response);
    }

    private Wire.DeliverRowsResponse Take(Call call, DeliveryMessage message, ref RowGround? ground)
    {
        Admit(call);
        var request = message.Request;
        if (request.Sha256Before.Length != DeliveryContent.SizeBytes) throw Refusal.InvalidField(new FieldFault("sha256_before", FieldFaultKind.NotAllowedHere));
        var delivery = Load(call, request.DeliveryId);
        if (call.Replayed is null)
        {
            if (delivery.State != Wire.DeliveryState.Open) throw Refuse(Wire.ErrorReason.DeliveryNotOpen, delivery);
            var needed = new RowGround(call.Vault, delivery.Jurisdiction, delivery.AsOf, districts);
            if (ground != needed) ground = needed;
            message.Check(ground);
            new DeliveryBatch(call, delivery).Take(request.FirstLine, request.Sha256Before.ToByteArray(), message.Rows);
            call.Change.Update(delivery);
            call.TouchesLines(delivery.DeliveryId, request.FirstLine, request.FirstLine + request.Rows.Count - 1, delivery.ContentHash);
            call.Change.Key!.Outcome = delivery.DeliveryId.ToString();
        }

        return new Wire.DeliverRowsResponse { Delivery = delivery.ToWire() };
    }

    /// <summary>Takes down what became of a message; false: it was refused, and the stream ends with it.</summary>
    private static bool Follow(RowOutcome outcome, ref Wire.DeliverRowsResponse last)
    {
        if (outcome.Answer is Wire.DeliverRowsResponse answer) last = new Wire.DeliverRowsResponse { Delivery = answer.Delivery };
        if (outcome.Refused is not { } refused) return true;
        (last.Reason, last.MessageEn, last.MessageZh, last.RefusedDecisionId) = (refused.Reason, refused.Text.En, refused.Text.Zh, outcome.DecisionId);
        return false;
    }

    /// <summary>A register delivers what is its own: decided as its view of its own register, of which nothing is shown.</summary>
    private static void Admit(Call call)
    {
        if (call.Agency.Kind != Wire.AgencyKind.HouseholdRegistration)
            throw new Refusal(Wire.ErrorReason.UnitKindNotAllowed, ("unit_kind", CodeText.Of(call.Unit.Kind)), ("allowed", CodeText.Of(Wire.UnitKind.HouseholdOffice)));
        call.Consider(call.Ask(RelationshipSet.Of(Wire.Relationship.Registrar), call.Agency.Jurisdiction));
    }

    /// <summary>A delivery of the caller's register; another's is as if it were not there.</summary>
    private static HouseholdDelivery Load(Call call, string deliveryId)
    {
        var id = Guid.Parse(deliveryId);
        call.Touches(Kind, id);
        return call.Read.FindDelivery(id) is { } delivery && delivery.Jurisdiction == call.Agency.Jurisdiction ? delivery : throw new Refusal(Wire.ErrorReason.NotFound);
    }

    private static void RequireOpen(HouseholdDelivery delivery)
    {
        if (!delivery.IsOpen) throw Refuse(Wire.ErrorReason.DeliveryNotOpen, delivery);
    }

    private static Refusal Refuse(Wire.ErrorReason reason, HouseholdDelivery delivery) => new(
        reason, ("next_line", delivery.NextLine.ToString(CultureInfo.InvariantCulture)), ("state", CodeText.Of(delivery.State)), ("rule", Rule));

    /// <summary>A full delivery that is too short beside the last one (the first: beside who is registered, by whatever way), or that would end the registration of too many, as the wrong file does.</summary>
    private static bool IsSuspicious(Call call, HouseholdDelivery delivery)
    {
        if (delivery.Kind != Wire.DeliveryKind.Full) return false;
        var registered = call.Read.CountRegistered(delivery.Jurisdiction);
        var before = call.Read.FindLastCompleted(delivery.Jurisdiction, Wire.DeliveryKind.Full)?.Registered ?? registered;
        return delivery.IsShort(before) || delivery.EndsTooMany(call.Read.CountAbsent(delivery.Jurisdiction, delivery.DeliveryId), registered);
    }

    private static void Alarm(Call call, HouseholdDelivery delivery)
    {
        foreach (var unitId in DeliveryWatch.ToldOf(call.Members, delivery.Jurisdiction))
            call.Change.Notify(new NoticeDraft(unitId, Wire.NoticeKind.HouseholdDeliveryShort, null, null, $"{Kind}/{delivery.DeliveryId}"));
    }

    /// <summary>Ends the registration of whoever no row names, some at a time, each time with a record of its own; where the call is cut in between, the next one goes on.</summary>
    private async Task<HouseholdDelivery> EndAbsentAsync(Call call, Guid deliveryId)
    {
        call.EndRead();
        for (var after = 0L; ;)
        {
            var part = call.ForPart(Instants.Whole(clock.GetUtcNow()));
            try
            {
                var delivery = Load(part, deliveryId.ToString());
                var absent = part.Read.Absent(delivery.Jurisdiction, deliveryId, after, EndsAtOnce);
                if (absent.Count == 0) return Load(call, deliveryId.ToString());
                Admit(part);
                foreach (var (place, person) in absent)
                {
                    RegisterEnds.End(part, person, deliveryId, Math.Max(delivery.AsOf.DayNumber, person.SinceDay ?? 0), []);
                    after = place;
                }

                delivery.Absent += absent.Count;
                part.Change.Update(delivery);
                part.EndRead();
                await commits.CommitAsync(AuditEntry.Of(part.ToRecord(Wire.AuditOutcome.Permitted, Wire.ErrorReason.Unspecified, ClassSet.None, ClassSet.None)), part.Change);
            }
            finally
            {
                part.EndRead();
            }
        }
    }
}

/// <summary>A message of rows, which are checked once, however often it is run.</summary>
internal sealed class DeliveryMessage(Wire.DeliverRowsRequest request)
{
    /// <summary>Rows that a message may hold; one with more is refused before any is taken.</summary>
    private const int MostRows = 1000;

    private RowGround? _checkedOn;

    public Wire.DeliverRowsRequest Request { get; } = request;

    /// <summary>The rows, once they are checked.</summary>
    public IReadOnlyList<CheckedRow> Rows { get; private set; } = [];

    public void Check(RowGround ground)
    {
        if (_checkedOn == ground) return;
        // What this version of the contract does not know is no part of the content.
        RequestRules.DropUnknownFields(Request);
        _checkedOn = ground;
        Rows = [.. Request.Rows.Take(MostRows).Select(row => CheckedRow.Of(row, ground))];
    }
}
