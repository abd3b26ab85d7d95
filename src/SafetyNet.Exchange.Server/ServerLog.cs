using SafetyNet.Exchange.Server.Policy;
using Serilog;

namespace SafetyNet.Exchange.Server;

/// <summary>
/// Every line that the server writes to its operating log, in one place, so that a reader can see that none holds a personal value. Evidence does not go
/// here: see Audit/.
/// </summary>
internal static class ServerLog
{
    public static void Started(string exchange, string tokens, NeedToKnowPolicy policy) =>
        Log.Information("Serving {Exchange}, tokens at {Tokens}, need-to-know policy revision {Revision}, SHA-256 {Sha256}", exchange, tokens,
            policy.Revision, policy.Sha256);

    public static void StandingBy() => Log.Information("Another process has the database; standing by to take its place");

    public static void TakingOver() => Log.Information("The other process has ended; taking over");

    public static void PolicyOffered(string builtIn, string inForce) =>
        Log.Information("This program is built with policy revision {BuiltIn}; {InForce} is in force. It takes two officers to change that: `safetynet policy propose`", builtIn, inForce);

    public static void BasisEnded(string entry, string ended) =>
        Log.Warning("Legal basis {Entry} ended on {Ended}; accesses that stood on it alone are refused", entry, ended);

    public static void StoreBroke(string kind) =>
        Log.Fatal("The store failed with {Kind}; nobody knows what the disk holds. Stopping: check disk and file, then restart, which verifies the log", kind);

    public static void LiveSourceFailed(string system, Grpc.Core.StatusCode code) =>
        Log.Warning("The household office's system {System} did not answer a look-up: {Code}. Look-ups are answered from the copy meanwhile", system, code);

    public static void LiveSourceUnusable(string system) =>
        Log.Warning("The household office's system {System} answered what is not about the person asked for, or not in the form of the contract. Look-ups are answered from the copy meanwhile", system);

    public static void StoreLost(TimeSpan after) =>
        Log.Error("The store has not answered for {After}; all calls are refused until it does. Look at the disk", after);

    public static void StoreBack() => Log.Information("The store answers again");

    public static void EvidenceBroken(string finding) =>
        Log.Fatal("The log is not the one that was signed: {Finding} Stopping: keep the database file as it is, and call the security officer", finding);

    public static void SearchIndexFailed(string kind) =>
        Log.Error("The search index of the log cannot be written: {Kind}. Searches go on over what there is; check the disk", kind);

    public static void RetentionRan(long purged, long held) =>
        Log.Information("Retention purged {Purged} records whose time is over; legal holds keep {Held}", purged, held);

    public static void RetentionFailed(string kind) =>
        Log.Warning("Retention could not purge what is due: {Kind}. It tries again tomorrow, and at the next start", kind);

    public static void WitnessesLate(TimeSpan lag, TimeSpan stopAfter) =>
        Log.Error("A head of the log has waited {Lag} for its witnesses; at {StopAfter} all calls are refused until they are back. Call whoever runs them", lag, stopAfter);

    public static void WitnessRefused(string witness, int status) =>
        Log.Warning("The witness {Witness} answered {Status} and did not sign; does it watch this log, with this key?", witness, status);

    public static void TimeStampRefused(string problem) =>
        Log.Warning("The time-stamp authority's answer cannot be kept: {Problem}", problem);

    public static void TimeStampsLate(TimeSpan lag, TimeSpan? left)
    {
        if (left is { } rest) Log.Error("A head of the log has waited {Lag} for a time-stamp; calls are refused in {Left} unless the authority is back. Call whoever runs it", lag, rest);
        else Log.Error("A head of the log has waited {Lag} for a time-stamp; no limit is set (TimeStamps:StopAfter). Call whoever runs the authority", lag);
    }

    public static void CallFailed(string method, Guid decisionId, Exception exception) =>
        Log.Error("Call {Method} with decision {DecisionId} failed with {Kind} at {Where}", method, decisionId, exception.GetType().Name,
            new System.Diagnostics.StackTrace(exception, false).GetFrame(0)?.GetMethod()?.Name);

    public static void MisuseFound(Wire.MisuseRuleId rule, Guid findingId) =>
        Log.Warning("The scan of the log found {Rule} ({FindingId}); a security officer disposes of it: `safetynet audit findings show`", rule, findingId);

    public static void MisuseScanFailed(string kind) =>
        Log.Error("The scan of the log for misuse failed with {Kind}; it is tried again. Calls go on; check the store", kind);

    public static void ClocksFailed(string kind) =>
        Log.Error("Steps of time limits could not be told: {Kind}. It is tried again; calls go on. Check the store", kind);

    public static void OffersFailed(string kind) =>
        Log.Error("Offers of reports that have ended could not be taken back: {Kind}. It is tried again; calls go on. Check the store", kind);

    public static void ProtocolsFailed(string kind) =>
        Log.Error("Months of visit protocols that have begun could not be planned: {Kind}. It is tried again; calls go on. Check the store", kind);

    public static void DeliveryWatchFailed(string kind) =>
        Log.Error("Whether deliveries of the household register are late could not be told: {Kind}. It is tried again; calls go on. Check the store", kind);

    public static void NobodyDelivers(Wire.Jurisdiction jurisdiction) =>
        Log.Error("A delivery of the household register of {Jurisdiction} is late, and no active household office of it is registered that could be told. Check Deliveries:Expected and the registry", jurisdiction);

    public static void NoticeParked(string unitId, long sequence, Wire.ParkedReason reason) =>
        Log.Error("Notice {Sequence} in the inbox of {UnitId} cannot be read ({Reason}); readers go on after it. InboxService.ListParkedNotices lists it; look at the row", sequence, unitId, reason);

    public static void CalendarEnds(int year) =>
        Log.Warning("The calendar of days off for {Year} is not loaded (BreakGlass:CalendarPath); nobody can break glass, and no time limit of working days starts, where it would reach into it", year);

    public static void CallUnreadable(string path, string caller) =>
        Log.Warning("{Caller} sent bytes to {Path} that are no message of it", caller, path);

    public static void RecordNotWritten(string method, Guid decisionId) =>
        Log.Error("The record of {Method} with decision {DecisionId} could not be written; the call was refused", method, decisionId);

}
