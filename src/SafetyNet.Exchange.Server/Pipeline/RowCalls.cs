using Google.Protobuf;
using Grpc.Core;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>What became of one message of a stream.</summary>
/// <param name="Answer">What it made; null: it was refused.</param>
/// <param name="Refused">Why, in words; null: it was taken.</param>
/// <param name="DecisionId">Decision of the message.</param>
/// <param name="Record">Commitment of its record (R-AUD-8).</param>
internal sealed record RowOutcome(IMessage? Answer, RefusalWords? Refused, string DecisionId, string Record);

/// <summary>Runs the messages that a client streams, or the items of a batch, each as a call of its own, for the feature that takes them.</summary>
internal sealed class RowCalls(Func<IMessage, Func<Call, IMessage>, Task<RowOutcome>> run)
{
    /// <summary>The messages of a stream: put there by the pipeline.</summary>
    public static RowCalls Of(ServerCallContext context) =>
        context.GetHttpContext().Features.Get<RowCalls>() ?? throw new InvalidOperationException("the call did not come through the pipeline");

    /// <summary>The items of a batch, each as a call of the method that takes one alone.</summary>
    public static RowCalls Of(ServerCallContext context, string singleMethod) =>
        context.GetHttpContext().RequestServices.GetRequiredService<CallPipeline>().RowsOf(context, singleMethod);

    /// <param name="row">The message; it has a context and a request_id as any request.</param>
    /// <param name="feature">Load, decide, change, answer: may run more than once, as a method does.</param>
    public Task<RowOutcome> RunAsync(IMessage row, Func<Call, IMessage> feature) => run(row, feature);
}
