using Grpc.Core;
using SafetyNet.Exchange.Cli.Evidence;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Protocol.Refusals;
using SafetyNet.Exchange.V1;

namespace SafetyNet.Exchange.Cli.Demo;
/// <summary>The last chapters: an officer asks who saw the child, and checks the log by its public key.</summary>
internal sealed partial class FamilyStory
{
    private async Task OfficerListsAccessesAsync()
    {
        narrator.Chapter(11, "誰看過這個孩子", "The security officer lists who saw, or asked for, the child");
        var officer = cast.Officer;
        var context = officer.Context(Purpose.Audit, LegalBasis.AuditDuty);
        narrator.Asks(officer, "AuditService/ListAccesses", context);
        var listed = await officer.AskAsync(to => to.Audit.ListAccessesAsync(new ListAccessesRequest
        {
            Context = context, NationalId = family.Child.NationalId.Canonical, PageSize = 200,
        }));
        var entries = listed.Entries.OrderBy(entry => entry.Position).ToList();
        narrator.SeesTable(officer, ["when 時間 UTC", "who 誰", "call 呼叫", "why 目的／依據", "outcome 結果", "classes 揭露類別"], entries.Select(entry => (string[])
        [
            $"{entry.Record.DecidedAt.ToDateTime():HH:mm:ss.fff}",
            $"{entry.Record.ActorUnitId} {entry.Record.ActorPersonId}",
            entry.Record.Method[(entry.Record.Method.LastIndexOf('/') + 1)..],
            $"{ContractCodes.ChineseOf(entry.Record.Purpose)}／{ContractCodes.ChineseOf(entry.Record.LegalBasis)}",
            ContractCodes.ChineseOf(entry.Record.Outcome) + (entry.Record.Reason.Length > 0 ? $" {entry.Record.Reason}" : ""),
            string.Join('、', entry.Record.ShownClasses.Select(ContractCodes.ChineseOf)),
        ]));
        narrator.Says($"No name and no national id is in the log; the child is {listed.Pseudonym} there (R-AUD-6).");
        Expect.That(HasEntry(cast.School, AuditOutcome.Permitted) && HasEntry(Centre, AuditOutcome.Permitted) && HasEntry(cast.Health, AuditOutcome.Permitted), "school, centre and health are among those who saw the child");
        Expect.That(HasEntry(cast.Police, AuditOutcome.Refused), "the police, who asked in vain, are among them too");
        Expect.That(
            entries.Exists(entry => Is(entry.Record.ActorUnitId, Centre.UnitId) && entry.Record.ShownClasses.Contains(ConfidentialityClass.EducationRecord)),
            "the log tells that the centre was shown the school record (R-AUD-1)");
        Expect.That(entries.TrueForAll(entry => !Is(entry.Record.ActorUnitId, cast.Labor.UnitId)), "the employment service, which never saw the child, is not");

        bool HasEntry(Party party, AuditOutcome outcome) => entries.Exists(entry => Is(entry.Record.ActorUnitId, party.UnitId) && entry.Record.Outcome == outcome);
    }

    private async Task<LogCheck> OfficerVerifiesLogAsync(CancellationToken cancellation)
    {
        narrator.Chapter(12, "驗證軌跡", "The log is read whole and verified, by its public key alone");
        var officer = cast.Officer;
        var context = officer.Context(Purpose.Audit, LegalBasis.AuditDuty);
        var promised = tally.Receipts.ToDictionary(receipt => receipt.Position);
        var signed = await CheckpointOverAsync(promised.Keys.Max(), context, cancellation);

        narrator.Asks(officer, "AuditService/ReadLog", context);
        var kept = 0;
        using var reading = officer.Audit.ReadLog(new ReadLogRequest { Context = context, End = (ulong)signed.Checkpoint.Size }, cancellationToken: cancellation);
        var check = await LogCheck.RunAsync(reading.ResponseStream, signed, OnEntry, cancellation);
        tally.CountPermitted(new ReadLogResponse(), CallReceipt.Read(reading.GetTrailers()));
        Expect.That(check.Verdict.IsIntact, $"the log is intact. {check.Verdict.Explanation}");
        Expect.Same(promised.Count, kept, "the number of this story's calls that stand in the log as their receipts say");
        narrator.Works(check.Verdict.Explanation);
        narrator.Works($"{kept} calls of this story hold a receipt, and each stands in the log where and as its receipt says (R-AUD-8).");
        return check;

        void OnEntry(LogEntry entry)
        {
            if (promised.TryGetValue(entry.Index, out var receipt) && receipt.RecordHash == entry.LeafHash
                && entry.Record is { } record && Is(AuditRecord.Parser.ParseFrom(record.Span).DecisionId, receipt.DecisionId))
                kept++;
        }
    }

    // The log's head is signed within a second of a record (design.md 8).
    private async Task<SignedCheckpoint> CheckpointOverAsync(long position, AccessContext context, CancellationToken cancellation)
    {
        narrator.Asks(cast.Officer, "AuditService/GetCheckpoint", context);
        var started = clock.GetTimestamp();
        while (clock.GetElapsedTime(started) < TimeSpan.FromSeconds(15))
        {
            var answer = await cast.Officer.AskAsync(to => to.Audit.GetCheckpointAsync(new GetCheckpointRequest { Context = context }, cancellationToken: cancellation));
            var signed = LogCheck.Open(answer, heldKey: null);
            if (signed.Checkpoint.Size > position)
            {
                narrator.Sees(cast.Officer,
                    ("log", signed.Checkpoint.Origin), ("records 筆數", $"{signed.Checkpoint.Size}"), ("Merkle root", signed.Checkpoint.Root.ToHex()), ("key", answer.VerifierKey));
                return signed;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(250), clock, cancellation);
        }

        throw new StoryBrokenException($"Promised: a signed checkpoint over record {position} within seconds.");
    }
}
