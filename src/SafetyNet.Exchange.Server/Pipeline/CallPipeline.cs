using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Identity;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>
/// The order that every call goes through (design.md 4). A method that the contract does not label is refused; so is everything that a step does not
/// let pass. A refusal at any step leaves its record too.
/// </summary>
internal sealed class CallPipeline(
    ContractMethods methods, IdentityStep identity, LimitStep limits, AnswerStep answer, CommitQueue commits, Exchange exchange, TimeProvider clock) : Interceptor
{
    /// <summary>How often a call runs because another committed the same request_id, new person or open case beside it, or moved what an
    /// acknowledgement of the inbox delivers (taking note of notices is no claim on the state of what they tell of), or the grant that its answer hangs on.</summary>
    private const int MostRuns = 5;

    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
        IsHealth(context) ? continuation(request, context) : GuardAsync(context, async call =>
        {
            await AdmitAsync(call, request, context);
            return await RunAsync(call, (IMessage)request, context, context.ResponseTrailers, () => continuation(request, context));
        });

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        IsHealth(context) ? continuation(request, responseStream, context) : GuardAsync<object?>(context, async call =>
        {
            await AdmitAsync(call, request, context);
            await CommitAsync(call, context.ResponseTrailers, Permitted(call, Shown.Nothing)); // the record stands before the first message leaves
            call.EndRead();
            await continuation(request, new RedactingStream<TResponse>(responseStream, call, clock), context);
            return null;
        });

    /// <summary>Each message is a call of its own, with the stream's identity and its own record; the stream's record says that it was.</summary>
    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(context, async call =>
        {
            await identity.AdmitAsync(call, context);
            context.GetHttpContext().Features.Set(new RowCalls((row, handle) => RunRowAsync(call, null, row, context, handle)));
            var response = await continuation(new CallersStream<TRequest>(requestStream), context);
            await CommitAsync(call, context.ResponseTrailers, Permitted(call, answer.Redact(call, (IMessage)response)));
            return response;
        });

    /// <summary>Server reflection, the one method with streams both ways: for authenticated members, without an access context.</summary>
    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync<object?>(context, async call =>
        {
            await identity.AdmitAsync(call, context);
            await CommitAsync(call, context.ResponseTrailers, Permitted(call, Shown.Nothing));
            call.EndRead();
            await continuation(requestStream, responseStream, context);
            return null;
        });

    /// <summary>The steps before a feature is asked, in their order.</summary>
    private async ValueTask AdmitAsync(Call call, object request, ServerCallContext context)
    {
        await identity.AdmitAsync(call, context); // 1 certificate, token and registry agree
        AccessStep.Admit(call, (IMessage)request);    // 2 purpose, basis, person, unit, scope: what the contract says of the method
        limits.Admit(call);                       // 3 rate per person and agency, cap on the deadline
        ValidationStep.Admit(call, (IMessage)request); // 4 form of every field; authorization came first
    }

    /// <summary>Steps 5 to 10 of a call that was admitted.</summary>
    private async Task<TResponse> RunAsync<TResponse>(Call call, IMessage request, ServerCallContext context, Metadata trailers, Func<Task<TResponse>> feature)
    {
        for (var run = 1; ; run++)
        {
            try
            {
                IdempotencyStep.Find(call, request);                      // 5 once per request_id
                var response = await feature();                           // 6-8 load, need-to-know decision, change: the feature
                var shown = answer.Redact(call, (IMessage)response!);     // 9 nothing leaves that was not decided on
                limits.RequireTime(call, context, clock);
                await CommitAsync(call, trailers, Permitted(call, shown)); // 10 change and record durable, then the answer
                return response;
            }
            catch (Exception e) when (run < MostRuns && (e is KeyTakenException || (e is StaleRowException && (call.Change.Acknowledged is not null || call.Change.Held.Count > 0))))
            {
                call.StartOver();
            }
        }
    }

    /// <summary>The items of the batch that the call of this context brings.</summary>
    /// <param name="singleMethod">Full name of the method that takes one alone.</param>
    public RowCalls RowsOf(ServerCallContext context, string singleMethod)
    {
        var (batch, single) = (Call.Of(context), methods.Find(singleMethod) ?? throw new InvalidOperationException($"{singleMethod} is not one of the contract"));
        return new RowCalls((item, handle) => RunRowAsync(batch, single, item, context, handle));
    }

    /// <summary>
    /// One message of a stream or item of a batch: the same steps, in the same order. Where a call would be told to come back later, the message of a stream waits, and so does the sender; the item
    /// of a batch, which counts for its person too, is told.
    /// </summary>
    private async Task<RowOutcome> RunRowAsync(Call stream, MethodRule? single, IMessage row, ServerCallContext context, Func<Call, IMessage> feature)
    {
        for (; ; )
        {
            var call = stream.ForRow(Instants.Whole(clock.GetUtcNow()), single);
            try
            {
                AccessStep.Admit(call, row);
                if (single is not null)
                {
                    limits.Admit(call);
                }
                else if (limits.AdmitRow(call) is { } wait)
                {
                    await Task.Delay(wait, clock, context.CancellationToken);
                    continue;
                }

                ValidationStep.Admit(call, row);
                var trailers = new Metadata();
                var response = await RunAsync(call, row, context, trailers, () => Task.FromResult(feature(call)));
                stream.ShowRow(call);
                return new RowOutcome(response, null, call.DecisionText, trailers.GetValue(AnswerStep.RecordTrailer) ?? "");
            }
            catch (Exception e) when (AsRefusal(call, e, context) is { } refusal)
            {
                var trailers = new Metadata();
                await RecordRefusalAsync(call, refusal, trailers);
                return new RowOutcome(null, RefusalStatus.ToWords(refusal, call.DecisionText), call.DecisionText, trailers.GetValue(AnswerStep.RecordTrailer) ?? "");
            }
            finally
            {
                call.EndRead();
            }
        }
    }

    private async Task<TResult> GuardAsync<TResult>(ServerCallContext context, Func<Call, Task<TResult>> run)
    {
        var http = context.GetHttpContext();
        var call = new Call(methods.Find(context.Method), context.Method, http.GetMember().PeerOf(context), Instants.Whole(clock.GetUtcNow()), exchange);
        http.Features.Set(call);
        using var activity = Telemetry.Calls.StartActivity(context.Method, ActivityKind.Server);
        try
        {
            return await run(call);
        }
        catch (StoreUnavailableException)
        {
            throw Unavailable(call);
        }
        catch (Exception e) when (HasLeft(e, context))
        {
            // The caller has left: a stream that ended, or a call whose answer nobody waits for. Its record stands already, or nothing happened.
            throw new RpcException(new Status(StatusCode.Cancelled, "cancelled"));
        }
        catch (Exception e) when (AsRefusal(call, e, context) is { } refusal)
        {
            throw await RefuseAsync(call, refusal);
        }
        finally
        {
            call.EndRead();
        }
    }

    /// <summary>What is told of something that went wrong; null: the caller has left, the store takes nothing, or the status is made already.</summary>
    private static Refusal? AsRefusal(Call call, Exception e, ServerCallContext context)
    {
        switch (e)
        {
            case Refusal refusal: return refusal;
            case StaleRowException or KeyTakenException: return new Refusal(Wire.ErrorReason.ConcurrentChange);
            case StoreUnavailableException or RpcException: return null;
            case CallerLeftException or OperationCanceledException or IOException when HasLeft(e, context): return null;
            default:
                ServerLog.CallFailed(call.Method, call.DecisionId, e);
                return new Refusal(Wire.ErrorReason.Internal, ("decision_id", call.DecisionText));
        }
    }

    /// <summary>The caller is gone: the connection, or a stream that it takes back while it is read.</summary>
    private static bool HasLeft(Exception e, ServerCallContext context) =>
        e is CallerLeftException || (e is OperationCanceledException or IOException && context.CancellationToken.IsCancellationRequested);

    /// <summary>Says SERVING and no more, to anyone whose certificate the listener took; there is nothing to decide or to record.</summary>
    private static bool IsHealth(ServerCallContext context) => context.Method.StartsWith("/grpc.health.v1.", StringComparison.Ordinal);

    private static AuditEntry Permitted(Call call, Shown shown) => AuditEntry.Of(call.ToRecord(
        call.Replayed is null ? Wire.AuditOutcome.Permitted : Wire.AuditOutcome.Replayed, Wire.ErrorReason.Unspecified, shown.Classes, shown.Withheld));

    private async ValueTask CommitAsync(Call call, Metadata trailers, AuditEntry entry)
    {
        call.EndRead();
        var place = await commits.CommitAsync(entry, call.Change);
        call.IsRecorded = true;
        AnswerStep.AddTrailers(trailers, call, place);
    }

    /// <summary>
    /// Nothing of a refused call is changed but its record; where that cannot be written, the caller hears of nothing else. A stream that fails after it was
    /// opened has its record already.
    /// </summary>
    private async Task<RpcException> RefuseAsync(Call call, Refusal refusal)
    {
        call.EndRead();
        if (call.IsRecorded) return RefusalStatus.ToRpcException(refusal, call.DecisionText);
        try
        {
            var exception = RefusalStatus.ToRpcException(refusal, call.DecisionText);
            await RecordRefusalAsync(call, refusal, exception.Trailers);
            return exception;
        }
        catch (StoreUnavailableException)
        {
            return Unavailable(call);
        }
    }

    private async ValueTask RecordRefusalAsync(Call call, Refusal refusal, Metadata trailers)
    {
        call.EndRead();
        var entry = AuditEntry.Of(call.ToRecord(Wire.AuditOutcome.Refused, refusal.Reason, ClassSet.None, ClassSet.None));
        AnswerStep.AddTrailers(trailers, call, await commits.CommitAsync(entry, change: null));
    }

    private static RpcException Unavailable(Call call)
    {
        ServerLog.RecordNotWritten(call.Method, call.DecisionId);
        return RefusalStatus.ToRpcException(
            new Refusal(Wire.ErrorReason.AuditUnavailable) { RetryAfter = TimeSpan.FromSeconds(5) }, call.DecisionText);
    }
}
