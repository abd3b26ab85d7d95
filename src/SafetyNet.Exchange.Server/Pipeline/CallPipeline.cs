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
            for (var run = 1; ; run++)
            {
                try
                {
                    IdempotencyStep.Find(call, request);                          // 5 once per request_id
                    var response = await continuation(request, context);      // 6-8 load, need-to-know decision, change: the feature
                    var shown = answer.Redact(call, (IMessage)response);      // 9 nothing leaves that was not decided on
                    limits.RequireTime(call, context, clock);
                    await CommitAsync(call, context, Permitted(call, shown)); // 10 change and record durable, then the answer
                    return response;
                }
                catch (Exception e) when (run < MostRuns && (e is KeyTakenException || (e is StaleRowException && (call.Change.Acknowledged is not null || call.Change.Held.Count > 0))))
                {
                    call.StartOver();
                }
            }
        });

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        IsHealth(context) ? continuation(request, responseStream, context) : GuardAsync<object?>(context, async call =>
        {
            await AdmitAsync(call, request, context);
            await CommitAsync(call, context, Permitted(call, Shown.Nothing)); // the record stands before the first message leaves
            call.EndRead();
            await continuation(request, new RedactingStream<TResponse>(responseStream, call, clock), context);
            return null;
        });

    /// <summary>No method of the contract streams from the client yet; one that did without a place here would go unrecorded.</summary>
    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync<TResponse>(context, _ => throw new Refusal(Wire.ErrorReason.Internal));

    /// <summary>Server reflection, the one method with streams both ways: for authenticated members, without an access context.</summary>
    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync<object?>(context, async call =>
        {
            await identity.AdmitAsync(call, context);
            await CommitAsync(call, context, Permitted(call, Shown.Nothing));
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
        catch (Refusal refusal)
        {
            throw await RefuseAsync(call, refusal);
        }
        catch (Exception e) when (e is StaleRowException or KeyTakenException)
        {
            throw await RefuseAsync(call, new Refusal(Wire.ErrorReason.ConcurrentChange));
        }
        catch (StoreUnavailableException)
        {
            throw Unavailable(call);
        }
        catch (OperationCanceledException) when (context.CancellationToken.IsCancellationRequested)
        {
            // The caller has left: a stream that ended, or a call whose answer nobody waits for. Its record stands already, or nothing happened.
            throw new RpcException(new Status(StatusCode.Cancelled, "cancelled"));
        }
        catch (Exception e) when (e is not RpcException)
        {
            ServerLog.CallFailed(call.Method, call.DecisionId, e);
            throw await RefuseAsync(call, new Refusal(Wire.ErrorReason.Internal, ("decision_id", call.DecisionText)));
        }
        finally
        {
            call.EndRead();
        }
    }

    /// <summary>Says SERVING and no more, to anyone whose certificate the listener took; there is nothing to decide or to record.</summary>
    private static bool IsHealth(ServerCallContext context) => context.Method.StartsWith("/grpc.health.v1.", StringComparison.Ordinal);

    private static AuditEntry Permitted(Call call, Shown shown) => AuditEntry.Of(call.ToRecord(
        call.Replayed is null ? Wire.AuditOutcome.Permitted : Wire.AuditOutcome.Replayed, Wire.ErrorReason.Unspecified, shown.Classes, shown.Withheld));

    private async ValueTask CommitAsync(Call call, ServerCallContext context, AuditEntry entry)
    {
        call.EndRead();
        var place = await commits.CommitAsync(entry, call.Change);
        call.IsRecorded = true;
        AnswerStep.AddTrailers(context.ResponseTrailers, call, place);
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
            var entry = AuditEntry.Of(call.ToRecord(Wire.AuditOutcome.Refused, refusal.Reason, ClassSet.None, ClassSet.None));
            var place = await commits.CommitAsync(entry, change: null);
            var exception = RefusalStatus.ToRpcException(refusal, call.DecisionText);
            AnswerStep.AddTrailers(exception.Trailers, call, place);
            return exception;
        }
        catch (StoreUnavailableException)
        {
            return Unavailable(call);
        }
    }

    private static RpcException Unavailable(Call call)
    {
        ServerLog.RecordNotWritten(call.Method, call.DecisionId);
        return RefusalStatus.ToRpcException(
            new Refusal(Wire.ErrorReason.AuditUnavailable) { RetryAfter = TimeSpan.FromSeconds(5) }, call.DecisionText);
    }
}
