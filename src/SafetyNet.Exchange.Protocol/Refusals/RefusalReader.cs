using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Rpc;
using Grpc.Core;
using Status = Google.Rpc.Status;

namespace SafetyNet.Exchange.Protocol.Refusals;

/// <summary>Reads the exchange's refusals back out of what gRPC throws at a client.</summary>
public static class RefusalReader
{
    /// <summary>Domain of the exchange's reasons, in google.rpc.ErrorInfo.</summary>
    public const string Domain = "safetynet.gov.tw";

    private const string DetailsTrailer = "grpc-status-details-bin";

    private static readonly FrozenDictionary<string, Wire.ErrorReason> Reasons = Wire.ErrorReasonReflection.Descriptor
        .FindTypeByName<EnumDescriptor>(nameof(Wire.ErrorReason)).Values
        .Where(value => value.Number != 0)
        .ToFrozenDictionary(value => value.Name["ERROR_REASON_".Length..], value => (Wire.ErrorReason)value.Number, StringComparer.Ordinal);

    /// <summary>
    /// Reads a refusal. False: the failure did not come from the exchange as a refusal (no connection, a proxy on the way, a client-side deadline), or its
    /// details cannot be read; the exception itself is then all there is.
    /// </summary>
    public static bool TryRead(RpcException exception, [NotNullWhen(true)] out ReceivedRefusal? refusal)
    {
        ArgumentNullException.ThrowIfNull(exception);
        refusal = null;
        if (exception.Trailers.Get(DetailsTrailer) is not { IsBinary: true } trailer)
            return false;
        try
        {
            refusal = Read(exception.StatusCode, Status.Parser.ParseFrom(trailer.ValueBytes));
        }
        catch (InvalidProtocolBufferException)
        {
            // Bytes of somebody else's making: not a refusal of the exchange.
        }

        return refusal is not null;
    }

    private static ReceivedRefusal? Read(StatusCode code, Status status)
    {
        ErrorInfo? info = null;
        var decisionId = "";
        var (english, chinese) = ("", "");
        TimeSpan? retryAfter = null;
        var faults = new List<ReceivedFault>();
        foreach (var detail in status.Details)
        {
            if (detail.TryUnpack(out ErrorInfo errorInfo))
                info ??= errorInfo;
            else if (detail.TryUnpack(out RequestInfo requestInfo))
                decisionId = requestInfo.RequestId;
            else if (detail.TryUnpack(out LocalizedMessage message))
                (english, chinese) = message.Locale.StartsWith("zh", StringComparison.Ordinal) ? (english, message.Message) : (message.Message, chinese);
            else if (detail.TryUnpack(out RetryInfo retryInfo))
                retryAfter = retryInfo.RetryDelay?.ToTimeSpan();
            else if (detail.TryUnpack(out BadRequest badRequest))
                faults.AddRange(badRequest.FieldViolations.Select(ToFault));
        }

        if (info is null || !string.Equals(info.Domain, Domain, StringComparison.Ordinal))
            return null;
        // Field 1 of ErrorInfo, `reason`, is still called Type in the package's version.
        var reason = info.Type;
        return new ReceivedRefusal
        {
            StatusCode = code,
            Reason = Reasons.GetValueOrDefault(reason),
            ReasonName = reason,
            DecisionId = decisionId,
            Metadata = info.Metadata.ToFrozenDictionary(StringComparer.Ordinal),
            Faults = faults,
            MessageEn = english,
            MessageZh = chinese,
            RetryAfter = retryAfter,
        };
    }

    private static ReceivedFault ToFault(BadRequest.Types.FieldViolation violation)
    {
        var lines = violation.Description.Split('\n', 2);
        return new ReceivedFault(violation.Field, lines[0], lines.Length > 1 ? lines[1] : "");
    }
}

/// <summary>A refusal as the caller received it. It carries no personal value.</summary>
public sealed record ReceivedRefusal
{
    /// <summary>gRPC code.</summary>
    public required StatusCode StatusCode { get; init; }

    /// <summary>Why; UNSPECIFIED for a reason newer than this library, which <see cref="ReasonName"/> still names.</summary>
    public required Wire.ErrorReason Reason { get; init; }

    /// <summary>Why, as the exchange named it, e.g. <c>INVALID_FIELD</c>.</summary>
    public required string ReasonName { get; init; }

    /// <summary>Decision of the call, for AuditService.ExplainDecision and for the operator; empty: none was told.</summary>
    public required string DecisionId { get; init; }

    /// <summary>What error_reason.proto names for the reason: codes, ids, field paths, rule ids.</summary>
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>Fields at fault, in field order; empty unless the reason is about fields.</summary>
    public required IReadOnlyList<ReceivedFault> Faults { get; init; }

    /// <summary>What is wrong and what to do, in English.</summary>
    public required string MessageEn { get; init; }

    /// <summary>What is wrong and what to do, in Traditional Chinese.</summary>
    public required string MessageZh { get; init; }

    /// <summary>After how long the same call may succeed; null: waiting alone does not help.</summary>
    public required TimeSpan? RetryAfter { get; init; }
}

/// <summary>One field at fault.</summary>
/// <param name="Field">Path in the names of the .proto, e.g. <c>subjects[1].national_id</c>.</param>
/// <param name="DescriptionEn">What is wrong with it, in English.</param>
/// <param name="DescriptionZh">The same in Traditional Chinese; empty: not told.</param>
public sealed record ReceivedFault(string Field, string DescriptionEn, string DescriptionZh);
