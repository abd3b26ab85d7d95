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
        var words = ToWords(refusal, decisionId);
        var (name, text) = (words.Name, words.Text);
        // Field 1 of ErrorInfo, `reason`, is still called Type in the package's version.
        var info = new ErrorInfo { Type = name, Domain = Domain };
        foreach (var (key, value) in words.Metadata)
            info.Metadata[key] = value;

        var code = CodeOf(refusal.Reason);
        var status = new Status { Code = (int)code, Message = $"{name}: {text.En}" };
        status.Details.Add(Any.Pack(info));
        status.Details.Add(Any.Pack(new RequestInfo { RequestId = decisionId }));
        status.Details.Add(Any.Pack(new LocalizedMessage { Locale = "en", Message = text.En }));
        status.Details.Add(Any.Pack(new LocalizedMessage { Locale = "zh-Hant-TW", Message = text.Zh }));
        if (refusal.RetryAfter is { } retryAfter)
            status.Details.Add(Any.Pack(new RetryInfo { RetryDelay = Duration.FromTimeSpan(retryAfter) }));
        if (refusal.Faults.Count > 0)
            status.Details.Add(Any.Pack(ToBadRequest(words.Faults, MaximumBytes - status.CalculateSize())));

        return new RpcException(
            new Grpc.Core.Status(code, status.Message),
            new Grpc.Core.Metadata { { DetailsTrailer, status.ToByteArray() } });
    }

    /// <summary>The same refusal in words, for one message of a stream.</summary>
    public static RefusalWords ToWords(Refusal refusal, string decisionId)
    {
        var metadata = new Dictionary<string, string>(refusal.Metadata, StringComparer.Ordinal);
        if (refusal.Reason == Wire.ErrorReason.Internal) metadata["decision_id"] = decisionId;
        var text = RefusalTexts.Default.Of(refusal.Reason).Fill(metadata.GetValueOrDefault);
        return new RefusalWords(refusal.Reason, RefusalTexts.NameOf(refusal.Reason), text, metadata, [.. refusal.Faults.Select(fault => (fault.Path, RefusalTexts.Default.Of(fault)))])
        {
            RetryAfter = refusal.RetryAfter,
        };
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
            or Wire.ErrorReason.GrantNotPermitted or Wire.ErrorReason.SourceNotYours => StatusCode.PermissionDenied,

        Wire.ErrorReason.RateLimited or Wire.ErrorReason.BreakGlassLimited or Wire.ErrorReason.TooManyRows or Wire.ErrorReason.LookUpsExhausted
            or Wire.ErrorReason.BatchAnswerFull => StatusCode.ResourceExhausted,
        Wire.ErrorReason.DeadlineExceeded => StatusCode.DeadlineExceeded,

        Wire.ErrorReason.ContextMissing or Wire.ErrorReason.InvalidField or Wire.ErrorReason.ReferenceMissing
            or Wire.ErrorReason.IdempotencyMismatch or Wire.ErrorReason.PolicyNotAccepted
            or Wire.ErrorReason.ReportKindNotOfSource or Wire.ErrorReason.NotOneFamily
            or Wire.ErrorReason.PrincipleNotGeneral or Wire.ErrorReason.VisitInTheFuture or Wire.ErrorReason.ResolutionIncomplete => StatusCode.InvalidArgument,

        Wire.ErrorReason.NotFound => StatusCode.NotFound,

        Wire.ErrorReason.Ambiguous or Wire.ErrorReason.UnitNotAvailable or Wire.ErrorReason.ServiceNotOffered or Wire.ErrorReason.MoveNotAllowed
            or Wire.ErrorReason.UnwillingIsNoReason or Wire.ErrorReason.ProposedUnitMissing or Wire.ErrorReason.CaseAlreadyOpen
            or Wire.ErrorReason.NotInvited or Wire.ErrorReason.OutcomeIncomplete or Wire.ErrorReason.PolicyHashDiffers
            or Wire.ErrorReason.PolicyNotNewer or Wire.ErrorReason.SecurityOfficeMissing or Wire.ErrorReason.BreakGlassSuspended
            or Wire.ErrorReason.CalendarNotLoaded or Wire.ErrorReason.RevealNotApproved or Wire.ErrorReason.RevealEnded
            or Wire.ErrorReason.LinkNotPossible or Wire.ErrorReason.OverrideReasonMissing or Wire.ErrorReason.PrimaryUnitLeads
            or Wire.ErrorReason.OfferEnded
            or Wire.ErrorReason.LeadDisputeOpen or Wire.ErrorReason.LeadDisputesExhausted or Wire.ErrorReason.NoHigherArbiter or Wire.ErrorReason.ArbiterTookPart
            or Wire.ErrorReason.CaseStillServed or Wire.ErrorReason.UnitNotInCase or Wire.ErrorReason.CrossJurisdictionReferralMissing or Wire.ErrorReason.CasesNotMergeable
            or Wire.ErrorReason.ProtocolRunning or Wire.ErrorReason.ProtocolMinimumNotReached
            or Wire.ErrorReason.ItemOwnerNotAtTable or Wire.ErrorReason.CaseOnList or Wire.ErrorReason.ItemsNotDone or Wire.ErrorReason.ConsentMissing or Wire.ErrorReason.NotOnList
            or Wire.ErrorReason.UnitNotAtMeeting or Wire.ErrorReason.NotPresent or Wire.ErrorReason.NoHigherLevel
            or Wire.ErrorReason.DeliveryOpen or Wire.ErrorReason.DeliveryOlder or Wire.ErrorReason.DeliveryNotOpen or Wire.ErrorReason.DeliveryLineGap
            or Wire.ErrorReason.DeliveryContentDiffers or Wire.ErrorReason.DeliveryIncomplete
            or Wire.ErrorReason.PersonNotRegisteredHere or Wire.ErrorReason.PersonStillRegistered or Wire.ErrorReason.PersonLinkedOtherwise => StatusCode.FailedPrecondition,

        Wire.ErrorReason.ConcurrentChange => StatusCode.Aborted,
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "A refusal without a status."),
    };

    /// <summary>The faults in their order, as many as the bytes allow; the first always.</summary>
    private static BadRequest ToBadRequest(IReadOnlyList<(string Path, RefusalText Text)> faults, int bytesLeft)
    {
        var badRequest = new BadRequest();
        foreach (var (path, text) in faults)
        {
            var violation = new BadRequest.Types.FieldViolation { Field = path, Description = $"{text.En}\n{text.Zh}" };
            // 64: the type's URL and the lengths around it.
            if (badRequest.FieldViolations.Count > 0 && badRequest.CalculateSize() + violation.CalculateSize() + 64 > bytesLeft)
                break;
            badRequest.FieldViolations.Add(violation);
        }

        return badRequest;
    }
}

/// <summary>A refusal in the words that the caller reads.</summary>
/// <param name="Name">Of the reason, as ErrorInfo has it.</param>
/// <param name="Faults">Fields at fault, in field order.</param>
internal sealed record RefusalWords(
    Wire.ErrorReason Reason, string Name, RefusalText Text, IReadOnlyDictionary<string, string> Metadata, IReadOnlyList<(string Path, RefusalText Text)> Faults)
{
    /// <summary>After how long the same may succeed; null: waiting alone does not help.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
