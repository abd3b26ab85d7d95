using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Misuse;

/// <summary>What a rule says of one record.</summary>
/// <param name="Subject">Pseudonym of the person; empty: no one person.</param>
/// <param name="Numbers">Why.</param>
internal readonly record struct Trigger(Wire.MisuseRuleId Rule, string Subject, IReadOnlyList<(string Name, double Value)> Numbers);

/// <summary>Holds each record against the rules (R-AUD-7). What officers look up, and what the exchange does by itself, is never misuse: such records have the purpose AUDIT.</summary>
internal sealed class MisuseChecks(MisuseRules rules, ContractMethods methods, Func<DateOnly, bool?> isWorkingDay, Vault vault, SearchIndex search)
{
    private readonly Dictionary<string, HashSet<string>> _relatives = new(StringComparer.Ordinal);
    private PersonTally _tally = new(rules.PeerWindowDays);
    private string _listsRevision = "";
    private KnownStaff _staff = new([]);
    private ILookup<string, Canary> _canaries = Enumerable.Empty<Canary>().ToLookup(canary => canary.Subject, StringComparer.Ordinal);

    /// <summary>A record from its bytes; null: it is none any more. Its body was purged, or somebody changed it in the store, which the verification of the log finds.</summary>
    public static Wire.AuditRecord? Read(byte[]? body)
    {
        try
        {
            return body is { Length: > 0 } && Wire.AuditRecord.Parser.ParseFrom(body.AsSpan(0, BeforeInputs(body))) is { DecidedAt: not null } record ? record : null;
        }
        catch (Google.Protobuf.InvalidProtocolBufferException)
        {
            return null;
        }
    }

    /// <summary>
    /// Bytes of a record up to the inputs of its decisions, which are most of its messages and which no rule looks at: every record of the log comes by here, beside the calls. Fields stand in the
    /// order of their numbers, as the server writes them; a body that has none of it is read whole, and refused where it is none.
    /// </summary>
    private static int BeforeInputs(ReadOnlySpan<byte> body)
    {
        for (var at = 0; at < body.Length;)
        {
            var begin = at;
            if (!TryVarint(body, ref at, out var tag)) return body.Length;
            if (tag >> 3 == Wire.AuditRecord.InputsFieldNumber) return begin;
            switch (tag & 7)
            {
                case 0 when TryVarint(body, ref at, out _): break;
                case 1: at += 8; break;
                case 2 when TryVarint(body, ref at, out var length) && length <= (ulong)(body.Length - at): at += (int)length; break;
                case 5: at += 4; break;
                default: return body.Length;
            }
        }

        return body.Length;
    }

    private static bool TryVarint(ReadOnlySpan<byte> body, ref int at, out ulong value)
    {
        value = 0;
        for (var shift = 0; shift < 64 && at < body.Length; shift += 7)
        {
            var next = body[at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return true;
        }

        return false;
    }

    /// <summary>Looks at a person without changing anything: permitted, with classes shown, by a natural person.</summary>
    public bool IsLookUp(Wire.AuditRecord record) =>
        record.Outcome is Wire.AuditOutcome.Permitted or Wire.AuditOutcome.Replayed && record.Purpose != Wire.Purpose.Audit
        && record.ActorRole is Wire.ActorRole.Worker or Wire.ActorRole.Supervisor or Wire.ActorRole.DutyOfficer && record.ActorPersonId.Length > 0
        && record.ShownClasses.Count > 0 && record.Subjects.Count > 0 && methods.Find(record.Method) is { ChangesState: false };

    private bool IsDecoy(string subject, DateTimeOffset at)
    {
        foreach (var canary in _canaries[subject])
            if (canary.StoodAt(at)) return true;
        return false;
    }

    /// <summary>Asked for a person who is not there, or whom the caller may not see: what somebody tries is asked about too.</summary>
    private bool IsAttempt(Wire.AuditRecord record) =>
        record.Outcome == Wire.AuditOutcome.Refused && (Is(record, Wire.ErrorReason.NotFound) || IsSweep(record)) && record.ActorPersonId.Length > 0 && record.Subjects.Count > 0
        && methods.Find(record.Method) is { ChangesState: false };

    private static bool IsSweep(Wire.AuditRecord record) => record.Outcome == Wire.AuditOutcome.Refused && Is(record, Wire.ErrorReason.LookUpsExhausted);

    private static bool Is(Wire.AuditRecord record, Wire.ErrorReason reason) => string.Equals(record.Reason, RefusalTexts.NameOf(reason), StringComparison.Ordinal);

    /// <summary>1: the limit that the record names is such a one; 0: it is not.</summary>
    private static double Reached(Wire.AuditRecord record, string what) =>
        record.Resources.Any(one => one.StartsWith("limit/", StringComparison.Ordinal) && one.Contains(what, StringComparison.Ordinal)) ? 1 : 0;

    /// <summary>Begins again: nothing is counted, nobody's relatives are known.</summary>
    public void Forget()
    {
        _tally = new PersonTally(rules.PeerWindowDays);
        _relatives.Clear();
    }

    /// <summary>Families change: those of staff are read anew for each stretch of the log. Staff and decoys are few, and are read where one of them changed.</summary>
    public void BeginStretch(ReadSession read)
    {
        _relatives.Clear();
        if (read.MisuseListsRevision() is var revision && string.Equals(revision, _listsRevision, StringComparison.Ordinal)) return;
        (_listsRevision, _staff, _canaries) = (revision, read.ListStaff(), read.ListCanaries());
    }

    /// <summary>Counts a record that was held against the rules before.</summary>
    public void Recall(Wire.AuditRecord record, MemberDirectory members)
    {
        if (IsLookUp(record) && members.FindUnit(record.ActorUnitId) is { } unit) _tally.Add(DayOf(record, unit.Kind), record.Subjects);
    }

    /// <summary>What a record is found for as soon as it stands.</summary>
    public IEnumerable<Trigger> AtOnce(ReadSession read, Wire.AuditRecord record, MemberDirectory members)
    {
        if (record.Purpose == Wire.Purpose.Audit) yield break;
        var at = record.DecidedAt.ToDateTimeOffset();
        // Every record of the log comes by here: where there is nothing to compare with, nothing is made to compare.
        for (var place = 0; _canaries.Count > 0 && place < record.Subjects.Count; place++)
        {
            if (IsDecoy(record.Subjects[place], at)) yield return new Trigger(Wire.MisuseRuleId.Canary, record.Subjects[place], [("refused", record.Outcome == Wire.AuditOutcome.Refused ? 1 : 0)]);
        }

        if (IsSweep(record)) yield return new Trigger(Wire.MisuseRuleId.Sweep, "", [("misses", Reached(record, "misses")), ("of_agency", Reached(record, "agency"))]);
        var isLookUp = IsLookUp(record);
        if (!isLookUp && !IsAttempt(record)) yield break;
        foreach (var trigger in OfOwn(read, record)) yield return isLookUp ? trigger : trigger with { Numbers = [("refused", 1)] };
        if (!isLookUp) yield break;
        if (members.FindUnit(record.ActorUnitId) is not { } unit) yield break;
        if (Volume(record, unit) is { } volume) yield return volume;
        if (!record.BreakGlass && !rules.ExemptUnitKinds.Contains(unit.Kind) && !rules.ExemptRoles.Contains(record.ActorRole) && !rules.Hours.Contains(at, isWorkingDay))
            yield return new Trigger(Wire.MisuseRuleId.OffHours, "", [("hour", at.ToOffset(TimeSpan.FromHours(8)).Hour), ("from_hour", rules.Hours.FromMinute / 60), ("until_hour", rules.Hours.UntilMinute / 60)]);
    }

    /// <summary>What a record is found for once the days after it have passed: persons on whom nobody did anything.</summary>
    public IEnumerable<Trigger> WhenRipe(ReadSession read, Wire.AuditRecord record, long size)
    {
        if (!IsLookUp(record) || record.BreakGlass) yield break;
        var at = record.DecidedAt.ToDateTimeOffset();
        if (record.Reference.Length > 0 && HasActivity(read, At(at) with { Resource = record.Reference }, size)) yield break;
        foreach (var subject in record.Subjects)
        {
            if (HasActivity(read, At(at) with { Pseudonym = subject, ActorUnitId = record.ActorUnitId }, size)) continue;
            yield return new Trigger(Wire.MisuseRuleId.NoActivity, subject, [("days", rules.NoActivityWithin.TotalDays)]);
        }
    }

    private AccessFilter At(DateTimeOffset at) => new()
    {
        After = at - rules.NoActivityWithin, Before = at + rules.NoActivityWithin, Outcome = Wire.AuditOutcome.Permitted, Within = Wire.Jurisdiction.Tw,
    };

    /// <summary>A permitted deed: a call that changes something, other than breaking the glass, which is itself a way to look.</summary>
    private bool HasActivity(ReadSession read, AccessFilter filter, long size) => search.Find(filter.ToQuestion(), size).Any(position =>
        Read(read.ReadEntries(position, position + 1, 1).FirstOrDefault().Body) is { } record
        && filter.Fits(record) && record.Purpose != Wire.Purpose.Audit && methods.Find(record.Method) is { ChangesState: true }
        && !record.Method.EndsWith("/BreakGlass", StringComparison.Ordinal));

    /// <summary>Oneself, colleagues, relatives; a relative who is a colleague is both.</summary>
    private IEnumerable<Trigger> OfOwn(ReadSession read, Wire.AuditRecord record)
    {
        if (_staff.IsEmpty) yield break;
        var actor = _staff.FindActor(record.Jurisdiction, record.AgencyCode, record.ActorPersonId);
        foreach (var subject in record.Subjects)
        {
            if (actor is { } self && string.Equals(self.Subject, subject, StringComparison.Ordinal))
            {
                yield return new Trigger(Wire.MisuseRuleId.Self, subject, []);
                continue;
            }

            if (_staff.IsColleague(record.Jurisdiction, record.AgencyCode, record.ActorPersonId, subject)) yield return new Trigger(Wire.MisuseRuleId.Colleague, subject, []);
            if (actor is { } known && RelativesOf(read, known.Subject, known.NationalIdIndex).Contains(subject)) yield return new Trigger(Wire.MisuseRuleId.Relative, subject, []);
        }
    }

    private HashSet<string> RelativesOf(ReadSession read, string subject, byte[] index)
    {
        if (!_relatives.TryGetValue(subject, out var known)) _relatives[subject] = known = read.RelativesOf(vault, index);
        return known;
    }

    private Trigger? Volume(Wire.AuditRecord record, Unit unit)
    {
        var actor = DayOf(record, unit.Kind);
        var count = _tally.Add(actor, record.Subjects);
        if (count <= rules.Peers.LeastPersons) return null;
        var limit = rules.Peers.Of(_tally.PeersOf(actor));
        return count <= limit.Persons ? null : new Trigger(Wire.MisuseRuleId.Volume, "", [("distinct_persons", count), .. limit.Numbers()]);
    }

    private static ActorDay DayOf(Wire.AuditRecord record, Wire.UnitKind kind) =>
        new(CivilDate.InTaiwan(record.DecidedAt.ToDateTimeOffset()), kind, record.Jurisdiction, record.AgencyCode, record.ActorPersonId);
}
