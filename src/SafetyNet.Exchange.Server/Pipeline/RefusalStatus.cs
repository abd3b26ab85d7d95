using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Status = Google.Rpc.Status;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>Makes a refusal the status that the caller receives: the one place where this happens (AIP-193).</summary>
internal static class RefusalStatus
{
    /// <summary>Domain of every reason, in ErrorInfo.</summary>
    public const string Domain = "safetynet.gov.tw";

    /// <summary>
    /// Most bytes of google.rpc.Status: in base64 below the 8 KiB of trailers that the strictest common clients take (gRPC Java and C++), with room for the
    /// message and the other trailers. Field faults that do not fit are left out, the last first.
    /// </summary>
    public const int MaximumBytes = 5000;

    /// <summary>Trailer that carries google.rpc.Status.</summary>
    private const string DetailsTrailer = "grpc-status-details-bin";

    /// <summary>
    /// The status with its details: ErrorInfo, RequestInfo (the decision id), LocalizedMessage in <c>en</c> and <c>zh-Hant-TW</c>, RetryInfo where waiting helps,
    /// BadRequest where fields are at fault. Each description in BadRequest is the English sentence, a line feed, the Chinese sentence.
    /// </summary>
    /// <param name="refusal">What to say.</param>
    /// <param name="decisionId">Decision of the call; the caller can ask AuditService.ExplainDecision about it.</param>
    public static RpcException ToRpcException(Refusal refusal, string decisionId)
    {
        var name = RefusalTexts.NameOf(refusal.Reason);
        // Field 1 of ErrorInfo, `reason`, is still called Type in the package's version.
        var info = new ErrorInfo { Type = name, Domain = Domain };
        foreach (var (key, value) in refusal.Metadata)
            info.Metadata[key] = value;
        if (refusal.Reason == Wire.ErrorReason.Internal)
            info.Metadata["decision_id"] = decisionId;
        var text = RefusalTexts.Default.Of(refusal.Reason).Fill(key => info.Metadata.TryGetValue(key, out var value) ? value : null);

        var code = CodeOf(refusal.Reason);
        var status = new Status { Code = (int)code, Message = $"{name}: {text.En}" };
        status.Details.Add(Any.Pack(info));
        status.Details.Add(Any.Pack(new RequestInfo { RequestId = decisionId }));
        status.Details.Add(Any.Pack(new LocalizedMessage { Locale = "en", Message = text.En }));
        status.Details.Add(Any.Pack(new LocalizedMessage { Locale = "zh-Hant-TW", Message = text.Zh }));
        if (refusal.RetryAfter is { } retryAfter)
            status.Details.Add(Any.Pack(new RetryInfo { RetryDelay = Duration.FromTimeSpan(retryAfter) }));
        if (refusal.Faults.Count > 0)
            status.Details.Add(Any.Pack(ToBadRequest(refusal.Faults, MaximumBytes - status.CalculateSize())));

        return new RpcException(
            new Grpc.Core.Status(code, status.Message),
            new Grpc.Core.Metadata { { DetailsTrailer, status.ToByteArray() } });
    }

    /// <summary>The gRPC code of a reason, as its comment in error_reason.proto names it.</summary>
    public static StatusCode CodeOf(Wire.ErrorReason reason) => reason switch
    {
        Wire.ErrorReason.Internal => StatusCode.Internal,
        Wire.ErrorReason.AuditUnavailable or Wire.ErrorReason.AuthorityUnavailable => StatusCode.Unavailable,

        Wire.ErrorReason.CertificateNotAccepted or Wire.ErrorReason.CertificateRevoked or Wire.ErrorReason.TokenMissing or Wire.ErrorReason.TokenNotAccepted
            or Wire.ErrorReason.TokenExpired or Wire.ErrorReason.TokenCertificateMismatch or Wire.ErrorReason.IdentityMismatch => StatusCode.Unauthenticated,

        Wire.ErrorReason.MemberSuspended or Wire.ErrorReason.ActorMissing or Wire.ErrorReason.ActorUnitMismatch or Wire.ErrorReason.ScopeMissing
            or Wire.ErrorReason.PurposeNotAllowed or Wire.ErrorReason.RoleNotAllowed or Wire.ErrorReason.UnitKindNotAllowed
            or Wire.ErrorReason.LegalBasisNotAllowed or Wire.ErrorReason.LegalBasisExpired or Wire.ErrorReason.SecondPersonNeeded or Wire.ErrorReason.SecondOfficerNeeded
            or Wire.ErrorReason.ViewNotPermitted or Wire.ErrorReason.NotYourMove
            or Wire.ErrorReason.GrantNotPermitted => StatusCode.PermissionDenied,

        Wire.ErrorReason.RateLimited or Wire.ErrorReason.BreakGlassLimited => StatusCode.ResourceExhausted,
        Wire.ErrorReason.DeadlineExceeded => StatusCode.DeadlineExceeded,

        Wire.ErrorReason.ContextMissing or Wire.ErrorReason.InvalidField or Wire.ErrorReason.ReferenceMissing
            or Wire.ErrorReason.IdempotencyMismatch or Wire.ErrorReason.PolicyNotAccepted => StatusCode.InvalidArgument,

        Wire.ErrorReason.NotFound => StatusCode.NotFound,

        Wire.ErrorReason.Ambiguous or Wire.ErrorReason.UnitNotAvailable or Wire.ErrorReason.ServiceNotOffered or Wire.ErrorReason.MoveNotAllowed
            or Wire.ErrorReason.UnwillingIsNoReason or Wire.ErrorReason.ProposedUnitMissing or Wire.ErrorReason.CaseAlreadyOpen
            or Wire.ErrorReason.NotInvited or Wire.ErrorReason.OutcomeIncomplete or Wire.ErrorReason.PolicyHashDiffers
            or Wire.ErrorReason.PolicyNotNewer or Wire.ErrorReason.SecurityOfficeMissing or Wire.ErrorReason.BreakGlassSuspended
            or Wire.ErrorReason.CalendarNotLoaded or Wire.ErrorReason.RevealNotApproved or Wire.ErrorReason.RevealEnded => StatusCode.FailedPrecondition,

        Wire.ErrorReason.ConcurrentChange => StatusCode.Aborted,
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "A refusal without a status."),
    };

    /// <summary>The faults in their order, as many as the bytes allow; the first always.</summary>
    private static BadRequest ToBadRequest(IReadOnlyList<FieldFault> faults, int bytesLeft)
    {
        var badRequest = new BadRequest();
        foreach (var fault in faults)
        {
            var text = RefusalTexts.Default.Of(fault);
            var violation = new BadRequest.Types.FieldViolation { Field = fault.Path, Description = $"{text.En}\n{text.Zh}" };
            // 64: the type's URL and the lengths around it.
            if (badRequest.FieldViolations.Count > 0 && badRequest.CalculateSize() + violation.CalculateSize() + 64 > bytesLeft)
                break;
            badRequest.FieldViolations.Add(violation);
        }

        return badRequest;
    }
}
