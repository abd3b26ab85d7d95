using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Server.Misuse;

/// <summary>
/// What the rules of misuse look at of a record (R-AUD-7): taken from the record itself where the writer has it, read from its bytes otherwise, and the same either way. The inputs of its decisions, most of
/// its bytes, are in neither. Immutable.
/// </summary>
internal sealed class ScannedRecord
{
    /// <summary>Wire type of texts, bytes, messages and packed numbers, of numbers, and bits of a tag that hold it.</summary>
    private const int Bytes = 2, Number = 0, TypeBits = 3;

    /// <summary>Seconds since 1970 after which no clock of the exchange was or will be right, the year 9999: what lies days after a record is a time too.</summary>
    private const long NoSecond = 253_370_764_800;

    private static readonly string NotFound = RefusalTexts.NameOf(Wire.ErrorReason.NotFound), LookUpsExhausted = RefusalTexts.NameOf(Wire.ErrorReason.LookUpsExhausted);

    private ScannedRecord()
    {
    }

    public DateTimeOffset At { get; private set; }

    public string Method { get; private set; } = "";

    public string AgencyCode { get; private set; } = "";

    public Wire.Jurisdiction Jurisdiction { get; private set; }

    /// <summary>Staff number.</summary>
    public string ActorPersonId { get; private set; } = "";

    public Wire.ActorRole ActorRole { get; private set; }

    public string ActorUnitId { get; private set; } = "";

    public Wire.Purpose Purpose { get; private set; }

    public string Reference { get; private set; } = "";

    /// <summary>Pseudonyms.</summary>
    public string[] Subjects { get; private set; } = [];

    public string[] Resources { get; private set; } = [];

    public Wire.AuditOutcome Outcome { get; private set; }

    /// <summary>Some class was shown.</summary>
    public bool HasShown { get; private set; }

    public bool BreakGlass { get; private set; }

    /// <summary>Reason of a refusal; empty: none.</summary>
    public string Reason { get; private set; } = "";

    /// <summary>The caller asked for somebody who is not there, or whom it may not see.</summary>
    public bool IsMiss => Outcome == Wire.AuditOutcome.Refused && string.Equals(Reason, NotFound, StringComparison.Ordinal);

    /// <summary>The caller's look-ups of the day are used up.</summary>
    public bool IsSweep => Outcome == Wire.AuditOutcome.Refused && string.Equals(Reason, LookUpsExhausted, StringComparison.Ordinal);

    /// <summary>Some rule may look at it: not at what officers do or the exchange by itself, all of which has the purpose AUDIT, nor at what is about nobody, but for a sweep.</summary>
    public bool IsLookedAt => IsAboutSomething(Purpose, Subjects.Length, Reason);

    /// <summary>Of a record that is about to be committed; null: no rule looks at it.</summary>
    public static ScannedRecord? LookedAt(Wire.AuditRecord record) => !IsAboutSomething(record.Purpose, record.Subjects.Count, record.Reason) ? null : new ScannedRecord
    {
        At = record.DecidedAt.ToDateTimeOffset(), Method = record.Method, AgencyCode = record.AgencyCode, Jurisdiction = record.Jurisdiction, ActorPersonId = record.ActorPersonId,
        ActorRole = record.ActorRole, ActorUnitId = record.ActorUnitId, Purpose = record.Purpose, Reference = record.Reference, Subjects = [.. record.Subjects], Resources = [.. record.Resources],
        Outcome = record.Outcome, HasShown = record.ShownClasses.Count > 0, BreakGlass = record.BreakGlass, Reason = record.Reason,
    };

    /// <summary>Of a record's bytes; null: no rule looks at it, or it is none any more.</summary>
    public static ScannedRecord? LookedAt(byte[]? body) => Read(body) is { IsLookedAt: true } record ? record : null;

    /// <summary>A record from its bytes; null: it is none any more. Its body was purged, or somebody changed it in the store, which the verification of the log finds.</summary>
    public static ScannedRecord? Read(byte[]? body)
    {
        if (body is not { Length: > 0 }) return null;
        try
        {
            var (record, at) = (new ScannedRecord(), new Timestamp { Nanos = -1 });
            record.Fill(new CodedInputStream(body), at);
            if (at is not { Seconds: >= 0 and < NoSecond, Nanos: >= 0 and < 1_000_000_000 }) return null;
            record.At = at.ToDateTimeOffset();
            return record;
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    private static bool IsAboutSomething(Wire.Purpose purpose, int subjects, string reason) =>
        purpose != Wire.Purpose.Audit && (subjects > 0 || string.Equals(reason, LookUpsExhausted, StringComparison.Ordinal));

    /// <summary>Takes the fields that a rule looks at, and steps over the others unread.</summary>
    /// <param name="decidedAt">Takes the time; as it was where the record has none.</param>
    private void Fill(CodedInputStream input, Timestamp decidedAt)
    {
        List<string>? subjects = null, resources = null;
        for (var tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            switch ((int)tag)
            {
                case (Wire.AuditRecord.DecidedAtFieldNumber << TypeBits) | Bytes:
                    // A whole second has no nanoseconds on the wire.
                    decidedAt.Nanos = 0;
                    input.ReadMessage(decidedAt);
                    break;
                case (Wire.AuditRecord.MethodFieldNumber << TypeBits) | Bytes: Method = input.ReadString(); break;
                case (Wire.AuditRecord.AgencyCodeFieldNumber << TypeBits) | Bytes: AgencyCode = input.ReadString(); break;
                case (Wire.AuditRecord.JurisdictionFieldNumber << TypeBits) | Number: Jurisdiction = (Wire.Jurisdiction)input.ReadEnum(); break;
                case (Wire.AuditRecord.ActorPersonIdFieldNumber << TypeBits) | Bytes: ActorPersonId = input.ReadString(); break;
                case (Wire.AuditRecord.ActorRoleFieldNumber << TypeBits) | Number: ActorRole = (Wire.ActorRole)input.ReadEnum(); break;
                case (Wire.AuditRecord.ActorUnitIdFieldNumber << TypeBits) | Bytes: ActorUnitId = input.ReadString(); break;
                case (Wire.AuditRecord.PurposeFieldNumber << TypeBits) | Number: Purpose = (Wire.Purpose)input.ReadEnum(); break;
                case (Wire.AuditRecord.ReferenceFieldNumber << TypeBits) | Bytes: Reference = input.ReadString(); break;
                case (Wire.AuditRecord.SubjectsFieldNumber << TypeBits) | Bytes: (subjects ??= []).Add(input.ReadString()); break;
                case (Wire.AuditRecord.ResourcesFieldNumber << TypeBits) | Bytes: (resources ??= []).Add(input.ReadString()); break;
                case (Wire.AuditRecord.OutcomeFieldNumber << TypeBits) | Number: Outcome = (Wire.AuditOutcome)input.ReadEnum(); break;
                case (Wire.AuditRecord.ReasonFieldNumber << TypeBits) | Bytes: Reason = input.ReadString(); break;
                case (Wire.AuditRecord.ShownClassesFieldNumber << TypeBits) | Bytes: HasShown |= input.ReadBytes().Length > 0; break;
                case (Wire.AuditRecord.BreakGlassFieldNumber << TypeBits) | Number: BreakGlass = input.ReadBool(); break;
                default: input.SkipLastField(); break;
            }
        }

        (Subjects, Resources) = (subjects?.ToArray() ?? Subjects, resources?.ToArray() ?? Resources);
    }
}
