using System.Globalization;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Calendar;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Households;

/// <summary>
/// Counts the look-ups of a day in Taiwan, and those that found nobody, of each acting person and each agency (R-HH-4, B32). Whether somebody is not there or may not be seen counts alike
/// (R-NTK-14).
/// </summary>
/// <remarks>
/// Held in memory and counted again from the log at the start, which is the one store of what happened: a stop, kind or not, gives nobody a second allowance. A day of a million records costs
/// a start a few seconds.
/// </remarks>
internal sealed class LookUpTally(LookUpLimits limits)
{
    private const string Service = "/safetynet.exchange.v1.HouseholdService/";

    /// <summary>A record may stand in the log after younger ones, by no more than a call may take.</summary>
    private static readonly TimeSpan Disorder = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private readonly Dictionary<Caller, Counts> _counts = [];
    private DateOnly _day;

    /// <summary>What the log tells of the day that runs.</summary>
    public static LookUpTally Of(LookUpLimits limits, SqliteStore store, AuditLog log, DateTimeOffset now)
    {
        var tally = new LookUpTally(limits) { _day = CivilDate.InTaiwan(now) };
        using var read = store.Read();
        foreach (var (_, _, body) in read.ReadBackwards(log.Size))
        {
            if (body.Length == 0) continue;
            var record = Wire.AuditRecord.Parser.ParseFrom(body);
            var at = record.DecidedAt.ToDateTimeOffset();
            if (at < BeginOf(tally._day) - Disorder) break;
            // The newest come first: a clock that was set back does not give a day twice.
            tally.Begin(CivilDate.InTaiwan(at));
            if (CivilDate.InTaiwan(at) == tally._day && record.Method.StartsWith(Service, StringComparison.Ordinal)) tally.Recall(record);
        }

        return tally;
    }

    /// <summary>Why the caller may look up nobody any more today; null: it may.</summary>
    public Refusal? Exhausted(Call call)
    {
        var (person, agency) = CallerOf(call);
        string? counted;
        lock (_gate)
        {
            Begin(call.On);
            counted = ReachedBy(person, agency);
        }

        return counted is null ? null : Refuse(call, counted);
    }

    /// <summary>Counts a look-up that found nobody, or several. False: others that ran beside it have used up what was left, and it is told so like whoever comes after it.</summary>
    public bool TryCount(Call call, Wire.ErrorReason reason)
    {
        if (reason is not (Wire.ErrorReason.NotFound or Wire.ErrorReason.Ambiguous)) return true;
        var (person, agency) = CallerOf(call);
        lock (_gate)
        {
            Begin(call.On);
            if (ReachedBy(person, agency) is not null) return false;
            Add(person, agency, reason == Wire.ErrorReason.NotFound);
            return true;
        }
    }

    /// <summary>Counts a look-up that is answered, once its record stands: a call that runs again counts once.</summary>
    public void CountWhenDurable(Call call)
    {
        var (person, agency) = CallerOf(call);
        call.Change.Durable = () =>
        {
            lock (_gate) Add(person, agency, isMiss: false);
        };
    }

    private static (Caller Person, Caller Agency) CallerOf(Call call)
    {
        var (jurisdiction, code) = (call.Agency.Jurisdiction, call.Agency.Code);
        return (new Caller(jurisdiction, code, call.Context!.Actor.PersonId), new Caller(jurisdiction, code, ""));
    }

    private static DateTimeOffset BeginOf(DateOnly day) => new(day.ToDateTime(TimeOnly.MinValue), OfficeHours.Taiwan);

    private void Recall(Wire.AuditRecord record)
    {
        var isMiss = string.Equals(record.Reason, RefusalTexts.NameOf(Wire.ErrorReason.NotFound), StringComparison.Ordinal);
        var isAnswered = record.Outcome != Wire.AuditOutcome.Refused && record.Subjects.Count > 0;
        if (!isAnswered && !isMiss && !string.Equals(record.Reason, RefusalTexts.NameOf(Wire.ErrorReason.Ambiguous), StringComparison.Ordinal)) return;
        Add(new Caller(record.Jurisdiction, record.AgencyCode, record.ActorPersonId), new Caller(record.Jurisdiction, record.AgencyCode, ""), isMiss);
    }

    private void Begin(DateOnly day)
    {
        if (day <= _day) return;
        _day = day;
        _counts.Clear();
    }

    private string? ReachedBy(Caller person, Caller agency)
    {
        var (own, all) = (_counts.GetValueOrDefault(person), _counts.GetValueOrDefault(agency));
        return own.Misses >= limits.MissesPerPerson ? "person-misses"
            : all.Misses >= limits.MissesPerAgency ? "agency-misses"
            : own.LookUps >= limits.PerPerson ? "person-look-ups"
            : all.LookUps >= limits.PerAgency ? "agency-look-ups"
            : null;
    }

    private void Add(Caller person, Caller agency, bool isMiss)
    {
        _counts[person] = _counts.GetValueOrDefault(person).And(isMiss);
        _counts[agency] = _counts.GetValueOrDefault(agency).And(isMiss);
    }

    private Refusal Refuse(Call call, string counted)
    {
        call.TouchesLimit(counted);
        var limit = counted switch
        {
            "person-misses" => limits.MissesPerPerson,
            "agency-misses" => limits.MissesPerAgency,
            "person-look-ups" => limits.PerPerson,
            _ => limits.PerAgency,
        };
        return new Refusal(Wire.ErrorReason.LookUpsExhausted, ("counted", counted), ("limit", limit.ToString(CultureInfo.InvariantCulture)), ("rule", "R-HH-4"))
        {
            RetryAfter = BeginOf(call.On.AddDays(1)) - call.Now,
        };
    }

    /// <summary>An acting person of an agency; without a person: the agency.</summary>
    private readonly record struct Caller(Wire.Jurisdiction Jurisdiction, string AgencyCode, string PersonId);

    private readonly record struct Counts(int LookUps, int Misses)
    {
        public Counts And(bool isMiss) => new(LookUps + 1, Misses + (isMiss ? 1 : 0));
    }
}
