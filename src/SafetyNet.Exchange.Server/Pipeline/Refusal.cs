using System.Collections.Frozen;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>A call that the exchange does not answer, raised where it is decided and made a status in <see cref="RefusalStatus"/> only.</summary>
/// <remarks>
/// Neither reason, metadata nor faults ever carry a personal value or a value the caller sent in a personal field: a refusal goes to the caller, the log and
/// the access record alike.
/// </remarks>
/// <param name="reason">Why; any reason of error_reason.proto but UNSPECIFIED.</param>
/// <param name="metadata">What the reason's comment in error_reason.proto names, each key at most once: codes, ids, field paths, rule ids.</param>
internal sealed class Refusal(Wire.ErrorReason reason, params ReadOnlySpan<(string Key, string Value)> metadata) : Exception(reason.ToString())
{
    /// <summary>Most field faults that one refusal names; what comes after them shows when these are mended.</summary>
    public const int MaximumFaults = 20;

    public Wire.ErrorReason Reason { get; } = reason;

    public IReadOnlyDictionary<string, string> Metadata { get; } = ToDictionary(metadata);

    /// <summary>What is wrong with the fields, in field order; empty unless the reason is about fields.</summary>
    public IReadOnlyList<FieldFault> Faults { get; init; } = [];

    /// <summary>After how long the same call may succeed; null: waiting alone does not help.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>INVALID_FIELD over one fault or more, in field order.</summary>
    public static Refusal InvalidField(params FieldFault[] faults) =>
        new(Wire.ErrorReason.InvalidField, ("field", faults[0].Path)) { Faults = faults };

    private static FrozenDictionary<string, string> ToDictionary(ReadOnlySpan<(string Key, string Value)> metadata)
    {
        if (metadata.IsEmpty)
            return FrozenDictionary<string, string>.Empty;
        var pairs = new Dictionary<string, string>(metadata.Length, StringComparer.Ordinal);
        foreach (var (key, value) in metadata)
            pairs.Add(key, value);
        return pairs.ToFrozenDictionary(StringComparer.Ordinal);
    }
}

/// <summary>One rule that one field of a request breaks.</summary>
/// <param name="Path">Where, in the names of the .proto: <c>subjects[1].national_id</c>. For a oneof of which no member is set, the name of the oneof.</param>
/// <param name="Kind">Which rule.</param>
/// <param name="Argument">What the rule asks for (a limit, a range, the members of a oneof) or which form of the fault it is; never the value sent. Null: nothing to add.</param>
internal readonly record struct FieldFault(string Path, FieldFaultKind Kind, string? Argument = null);

/// <summary>Ways in which a field breaks its rules. Each has its text in refusals.json, where <c>{argument}</c> is <see cref="FieldFault.Argument"/>.</summary>
internal enum FieldFaultKind
{
    /// <summary>Not set.</summary>
    Required = 1,

    /// <summary>No member of a oneof is set. Argument: its members.</summary>
    OneOfRequired,

    /// <summary>More characters than allowed. Argument: the most.</summary>
    TooLong,

    /// <summary>Fewer characters than allowed. Argument: the least.</summary>
    TooShort,

    /// <summary>More items than allowed. Argument: the most.</summary>
    TooMany,

    /// <summary>Messages within messages beyond what any request needs. Argument: the most.</summary>
    TooDeep,

    /// <summary>Not valid Unicode: a lone surrogate, or U+FFFD, which stands where bytes were not UTF-8.</summary>
    BrokenText,

    /// <summary>A control character, other than line feed and tab in a long text.</summary>
    ControlCharacter,

    NotAUuid,

    NotADate,

    /// <summary>Argument: the <see cref="Protocol.Identifiers.NationalIdFault"/>.</summary>
    NotANationalId,

    NotAUnitId,

    NotAnActorId,

    /// <summary>Not a text that the exchange gave out.</summary>
    NotOpaque,

    /// <summary>An instant outside the years 1 to 9999, or with impossible nanoseconds.</summary>
    NotATimestamp,

    /// <summary>A code that the table of this version does not have.</summary>
    UnknownCode,

    /// <summary>A number beyond its bounds. Argument: the range.</summary>
    OutOfRange,

    /// <summary>A value of the table that does not fit this field.</summary>
    NotAllowedHere,

    /// <summary>Named before in the same list.</summary>
    Duplicate,

    /// <summary>An instant that must lie ahead and does not.</summary>
    NotInTheFuture,

    /// <summary>A day or instant that must lie in the past and does not.</summary>
    InTheFuture,

    /// <summary>A day or instant longer ago than fits. Argument: the most days.</summary>
    TooLongAgo,

    /// <summary>Characters that say nothing where a person must say why; the rule is stated with BreakGlassService.BreakGlass.</summary>
    NoRealText,

    /// <summary>None of several fields is set, of which one at least is needed. Argument: the fields.</summary>
    SomeRequired,

    /// <summary>An instant that must lie after that of another field. Argument: the other field.</summary>
    NotAfter,

    /// <summary>A sex other than the national id carries.</summary>
    SexContradictsId,

    /// <summary>No district of the jurisdiction.</summary>
    UnknownDistrict,

    /// <summary>Of another jurisdiction than the sender.</summary>
    OtherJurisdiction,

    /// <summary>An earlier row of the delivery brought the person.</summary>
    TwiceInDelivery,

    /// <summary>Another person of the delivery has the first place in the household.</summary>
    SecondHead,

    /// <summary>A person as its own parent.</summary>
    OwnParent,

    /// <summary>One person as both parents.</summary>
    SameParentTwice,

    /// <summary>A father or mother whose number is of the other sex.</summary>
    ParentOfOtherSex,

    /// <summary>A parent who is not born before the child.</summary>
    ParentNotOlder,

    /// <summary>After the day of the delivery.</summary>
    AfterAsOf,

    /// <summary>Before the person was born.</summary>
    BeforeBirth,

    /// <summary>Before what is registered now began.</summary>
    EndsBeforeStart,

    /// <summary>The end of a registration that the register does not have.</summary>
    NotRegisteredHere,

    /// <summary>Registered in another jurisdiction.</summary>
    RegisteredElsewhere,
    NumberLinked,
    DecidedNotSame,
    OwnFormerNumber,

    /// <summary>A record that its sender could not read.</summary>
    Unreadable,

    /// <summary>A problem of a policy file. Argument: file, line, place and reason.</summary>
    PolicyProblem,
}
