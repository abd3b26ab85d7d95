using System.Globalization;
using Grpc.Core;
using SafetyNet.Exchange.Server.Identity;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>
/// Calls whose bytes are no message of their method. The gRPC library gives them up before the pipeline begins and calls that UNKNOWN, which is the word for a
/// fault of ours; the caller is told INVALID_ARGUMENT, or RESOURCE_EXHAUSTED where the message is over the limit. Nothing was read, so there is no record.
/// </summary>
internal static class UnreadableCalls
{
    private const string StatusHeader = "grpc-status";
    private const string MessageHeader = "grpc-message";

    private static readonly string Unknown = Code(StatusCode.Unknown);

    public static void AnswerUnreadableCalls(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        await next(context);
        var response = context.Response;
        // A call that reached the pipeline never ends as UNKNOWN: its failures are refusals.
        if (response.HasStarted || response.Headers[StatusHeader] != Unknown) return;
        var isTooLong = context.Request.ContentLength > KestrelSetup.MessageSizeBytes;
        response.Headers[StatusHeader] = Code(isTooLong ? StatusCode.ResourceExhausted : StatusCode.InvalidArgument);
        response.Headers[MessageHeader] = isTooLong ? "The message is larger than 4 MiB." : "The bytes are not a message of this method.";
        ServerLog.CallUnreadable(context.Request.Path, context.GetMember().Certificate.Id.Uri);
    });

    private static string Code(StatusCode code) => ((int)code).ToString(CultureInfo.InvariantCulture);
}
