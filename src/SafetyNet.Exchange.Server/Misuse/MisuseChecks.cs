using System.Runtime.InteropServices;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Calendar;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Misuse;

/// <summary>Holds each record against the rules (R-AUD-7). What officers look up, and what the exchange does by itself, is never misuse: such records have the purpose AUDIT.</summary>
internal sealed class MisuseChecks(MisuseRules rules, ContractMethods methods, Func<DateOnly, bool?> isWorkingDay, Vault vault, SearchIndex search)
{
    private static readonly TriggerNumbers Refused = new(["refused"], 1), NotRefused = new(["refused"], 0);
    private static readonly string[] SweepNames = ["misses", "of_agency"], HourNames = ["hour", "from_hour", "until_hour"], DayNames = ["days"];

    private readonly Dictionary<string, HashSet<string>> _relatives = new(StringComparer.Ordinal);
    private PersonTally _tally = new(rules.PeerWindowDays);
    private readonly List<int> _peers = [];
    private string _listsRevision = "";
    private KnownStaff _staff = new([]);
    private ILookup<string, Canary> _canaries = Enumerable.Empty<Canary>().ToLookup(canary => canary.Subject, StringComparer.Ordinal);

    /// <summary>Looks at a person without changing anything: permitted, with classes shown, by a natural person.</summary>
    public bool IsLookUp(ScannedRecord record) =>
        record.Outcome is Wire.AuditOutcome.Permitted or Wire.AuditOutcome.Replayed && record.Purpose != Wire.Purpose.Audit
        && record.ActorRole is Wire.ActorRole.Worker or Wire.ActorRole.Supervisor or Wire.ActorRole.DutyOfficer && record.ActorPersonId.Length > 0
        && record.HasShown && record.Subjects.Length > 0 && methods.Find(record.Method) is { ChangesState: false };

    private bool IsDecoy(string subject, DateTimeOffset at)
    {
        foreach (var canary in _canaries[subject])
            if (canary.StoodAt(at)) return true;
        return false;
    }

    /// <summary>Asked for a person who is not there, or whom the caller may not see: what somebody tries is asked about too.</summary>
    private bool IsAttempt(ScannedRecord record) =>
        (record.IsMiss || record.IsSweep) && record.ActorPersonId.Length > 0 && record.Subjects.Length > 0 && methods.Find(record.Method) is { ChangesState: false };

    /// <summary>1: the limit that the record names is such a one; 0: it is not.</summary>
    private static double Reached(ScannedRecord record, string what) =>
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
    public void Recall(ScannedRecord record, MemberDirectory members)
    {
        if (IsLookUp(record) && members.FindUnit(record.ActorUnitId) is { } unit) _tally.Add(DayOf(record, unit.Kind), record.Subjects);
    }

    /// <summary>What a record is found for as soon as it stands; into a list that is emptied first. Every record of the log comes by here: where there is nothing to compare with, nothing is made to compare.</summary>
    public void AtOnce(ReadSession read, ScannedRecord record, MemberDirectory members, List<Trigger> found)
    {
        found.Clear();
        if (!record.IsLookedAt) return;
        for (var place = 0; _canaries.Count > 0 && place < record.Subjects.Length; place++)
        {
            if (IsDecoy(record.Subjects[place], record.At))
                found.Add(new Trigger(Wire.MisuseRuleId.Canary, record.Subjects[place], record.Outcome == Wire.AuditOutcome.Refused ? Refused : NotRefused));
        }

        if (record.IsSweep) found.Add(new Trigger(Wire.MisuseRuleId.Sweep, "", new TriggerNumbers(SweepNames, Reached(record, "misses"), Reached(record, "agency"))));
        if (!IsLookUp(record))
        {
            if (!_staff.IsEmpty && IsAttempt(record)) OfOwn(read, record, Refused, found);
            return;
        }

        OfOwn(read, record, TriggerNumbers.None, found);
        if (members.FindUnit(record.ActorUnitId) is not { } unit) return;
        Volume(record, unit, found);
        if (!record.BreakGlass && !rules.ExemptUnitKinds.Contains(unit.Kind) && !rules.ExemptRoles.Contains(record.ActorRole) && !rules.Hours.Contains(record.At, isWorkingDay))
        {
            found.Add(new Trigger(Wire.MisuseRuleId.OffHours, "",
                new TriggerNumbers(HourNames, record.At.ToOffset(OfficeHours.Taiwan).Hour, rules.Hours.FromMinute / 60, rules.Hours.UntilMinute / 60)));
        }
    }

    /// <summary>What a record is found for once the days after it have passed: persons on whom nobody did anything; into a list that is emptied first.</summary>
    public void WhenRipe(ReadSession read, ScannedRecord record, long size, List<Trigger> found)
    {
        found.Clear();
        if (!IsLookUp(record) || record.BreakGlass) return;
        if (record.Reference.Length > 0 && HasActivity(read, At(record.At) with { Resource = record.Reference }, size)) return;
        foreach (var subject in record.Subjects)
        {
            if (HasActivity(read, At(record.At) with { Pseudonym = subject, ActorUnitId = record.ActorUnitId }, size)) continue;
            found.Add(new Trigger(Wire.MisuseRuleId.NoActivity, subject, new TriggerNumbers(DayNames, rules.NoActivityWithin.TotalDays)));
        }
    }

    private AccessFilter At(DateTimeOffset at) => new()
    {
        After = at - rules.NoActivityWithin, Before = at + rules.NoActivityWithin, Outcome = Wire.AuditOutcome.Permitted, Within = Wire.Jurisdiction.Tw,
    };

    /// <summary>A permitted deed: a call that changes something, other than breaking the glass, which is itself a way to look.</summary>
    private bool HasActivity(ReadSession read, AccessFilter filter, long size) => search.Find(filter.ToQuestion(), size).Any(position =>
        ScannedRecord.Read(read.ReadBodies(position, position + 1, 1).FirstOrDefault().Body) is { } record
        && record.Outcome == Wire.AuditOutcome.Permitted && record.Purpose != Wire.Purpose.Audit && methods.Find(record.Method) is { ChangesState: true }
        && !record.Method.EndsWith("/BreakGlass", StringComparison.Ordinal) && record.At >= filter.After && record.At < filter.Before && IsAbout(record, filter));

    /// <summary>The record itself has what was asked for: what the index says may be another's.</summary>
    private static bool IsAbout(ScannedRecord record, AccessFilter filter) => filter.Resource.Length > 0
        ? record.Resources.Contains(filter.Resource, StringComparer.Ordinal) || string.Equals(record.Reference, filter.Resource, StringComparison.Ordinal)
        : record.Subjects.Contains(filter.Pseudonym, StringComparer.Ordinal) && string.Equals(record.ActorUnitId, filter.ActorUnitId, StringComparison.Ordinal);

    /// <summary>Oneself, colleagues, relatives; a relative who is a colleague is both.</summary>
    private void OfOwn(ReadSession read, ScannedRecord record, in TriggerNumbers numbers, List<Trigger> found)
    {
        if (_staff.IsEmpty) return;
        var actor = _staff.FindActor(record.Jurisdiction, record.AgencyCode, record.ActorPersonId);
        foreach (var subject in record.Subjects)
        {
            if (actor is { } self && string.Equals(self.Subject, subject, StringComparison.Ordinal))
            {
                found.Add(new Trigger(Wire.MisuseRuleId.Self, subject, numbers));
                continue;
            }

            if (_staff.IsColleague(record.Jurisdiction, record.AgencyCode, record.ActorPersonId, subject)) found.Add(new Trigger(Wire.MisuseRuleId.Colleague, subject, numbers));
            if (actor is { } known && RelativesOf(read, known.Subject, known.NationalIdIndex).Contains(subject)) found.Add(new Trigger(Wire.MisuseRuleId.Relative, subject, numbers));
        }
    }

    private HashSet<string> RelativesOf(ReadSession read, string subject, byte[] index)
    {
        if (!_relatives.TryGetValue(subject, out var known)) _relatives[subject] = known = read.RelativesOf(vault, index);
        return known;
    }

    private void Volume(ScannedRecord record, Unit unit, List<Trigger> found)
    {
        var actor = DayOf(record, unit.Kind);
        var count = _tally.Add(actor, record.Subjects);
        if (count <= rules.Peers.LeastPersons) return;
        _tally.PeersOf(actor, _peers);
        var limit = rules.Peers.Of(CollectionsMarshal.AsSpan(_peers));
        if (count > limit.Persons) found.Add(new Trigger(Wire.MisuseRuleId.Volume, "", limit.Exceeded(count)));
    }

    private static ActorDay DayOf(ScannedRecord record, Wire.UnitKind kind) => new(CivilDate.InTaiwan(record.At), kind, record.Jurisdiction, record.AgencyCode, record.ActorPersonId);
}
