using System.CommandLine;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Cli.Connections;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet audit retention</c>: how long records are kept, and what the last purge did.</summary>
internal static class AuditRetentionCommand
{
    public static Command Create()
    {
        var officer = new OfficerOptions();
        var json = new Option<bool>("--json") { Description = "As one JSON object" };
        var retention = new CommandWithExamples(
            "retention", "How long the bytes of records are kept, the oldest that are, the next purge, and what legal holds keep",
            """
            safetynet audit retention
            safetynet audit retention --json
            """)
        {
            json,
        };
        officer.AddTo(retention);
        retention.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = officer.Connect(parsed);
            var told = await channel.Retention.GetRetentionAsync(new Wire.GetRetentionRequest { Context = officer.Context(parsed) }, cancellationToken: cancellation);
            if (parsed.GetValue(json))
            {
                Console.Out.WriteLine(JsonFormatter.Default.Format(told));
                return 0;
            }

            Console.Out.WriteLine($"kept for          保存期限    {told.KeepDays} days");
            Console.Out.WriteLine($"oldest kept       最早紀錄    {(told.OldestKeptAt is null ? "-" : $"{Local(told.OldestKeptAt)}, record {told.OldestKeptPosition}")}");
            Console.Out.WriteLine($"purged so far     已清除      {told.PurgedRecords} records");
            Console.Out.WriteLine($"last run          上次執行    {(told.LastRunAt is null ? "not since the exchange started" : Local(told.LastRunAt))}");
            Console.Out.WriteLine($"next run          下次執行    {Local(told.NextRunAt)}");
            Console.Out.WriteLine($"legal holds       證據保全    {told.OpenHolds} open; they kept {told.HeldRecords} records beyond their time at the last run");
            Console.Out.WriteLine("Times of Taiwan. A purged record keeps its place and hash: safetynet audit verify");
            return 0;
        });
        return retention;
    }

    private static string Local(Timestamp at) => $"{at.ToDateTimeOffset().ToOffset(TimeSpan.FromHours(8)):yyyy-MM-dd HH:mm}";
}
