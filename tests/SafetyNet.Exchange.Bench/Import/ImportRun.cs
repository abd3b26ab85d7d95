using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using SafetyNet.Exchange.Bench.Measures;
using SafetyNet.Exchange.Bench.Roles;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;
using Spectre.Console;

namespace SafetyNet.Exchange.Bench.Import;

/// <summary>One way to bring rows in, in one round.</summary>
/// <param name="CpuMicros">Processor time of the process that writes, for one row.</param>
internal sealed record ImportFigure(string Name, int Round, double RowsPerSecond, double CpuMicros);

/// <summary>
/// A household register delivered to an exchange over mutual TLS, checked, sealed, each message durable with its record; beside bare bulk inserts into SQLite of the very rows that came of it, already
/// sealed and indexed, in one transaction and in one flushed transaction a message.
/// </summary>
internal static class ImportRun
{
    private const int RowsPerMessage = 500, Rounds = 3;
    private const string First = "delivery of a register", Again = "the same register again", Bulk = "its rows, bare SQLite, one transaction", Flushed = "its rows, bare SQLite, a flush for 500 persons";

    public static async Task<int> RunAsync(string folder, int rows, bool asJson, CancellationToken cancellation)
    {
        var talk = Bench.Report.Terminal(Console.Error);
        var figures = new List<ImportFigure>();
        var delivered = RegisterRows.Of(rows);
        var parent = Directory.CreateDirectory(folder).FullName;
        for (var round = 1; round <= Rounds; round++)
        {
            talk.MarkupLineInterpolated($"round {round} of {Rounds}: {delivered.Count:N0} rows");
            var data = Directory.CreateDirectory(Path.Combine(parent, $"import-{Guid.CreateVersion7():N}")).FullName;
            try
            {
                await DeliverAsync(data, Path.Combine(parent, "certs"), delivered, round, figures, cancellation);
                var raw = new RawInserts(data);
                figures.Add(raw.Run(Bulk, round, personsPerFlush: int.MaxValue));
                figures.Add(raw.Run(Flushed, round, RowsPerMessage));
            }
            finally
            {
                Directory.Delete(data, recursive: true);
            }
        }

        if (asJson) await Console.Out.WriteLineAsync(JsonSerializer.Serialize(figures, Bench.Report.Json));
        else Print(figures, delivered.Count, Bench.Report.Terminal(Console.Out));
        return 0;
    }

    /// <summary>Delivers the register twice to an exchange of its own, which ends afterwards.</summary>
    private static async Task DeliverAsync(string data, string certificates, List<Wire.RegisterRow> rows, int round, List<ImportFigure> figures, CancellationToken cancellation)
    {
        var (port, tokens) = Dataset.FreePorts();
        await using var process = await RoleProcess.StartAsync(RoleCommands.Exchange, isServer: true, JsonSerializer.Serialize(new ExchangeRoleSettings(data, certificates, port, tokens, 1000)));
        var system = SpiffeId.Of("tpe", "civil", "case-system");
        var name = Path.Combine(certificates, "systems", $"{system.Jurisdiction}.{system.Agency}.{system.System}");
        using var channel = ExchangeChannel.Open(new ExchangeChannelOptions
        {
            Exchange = new Uri($"https://localhost:{port}"), Tokens = new Uri($"https://localhost:{tokens}"), System = system, Identity = MemberTls.LoadIdentity(name + ".pem", name + ".key"),
            Roots = MemberTls.LoadRoots(Path.Combine(certificates, "root.pem")),
        });
        foreach (var (what, isFirst) in ((string, bool)[])[(First, true), (Again, false)])
        {
            var messages = Messages(rows, out var hash);
            var before = await process.ReadAsync(cancellation);
            var since = TimeProvider.System.GetTimestamp();
            var delivery = await RunAsync(channel.HouseholdDeliveries, messages, rows.Count, hash, cancellation);
            var seconds = TimeProvider.System.GetElapsedTime(since).TotalSeconds;
            var after = await process.ReadAsync(cancellation);
            var taken = isFirst ? delivery.Totals.Added : delivery.Totals.Unchanged;
            if (delivery.State != Wire.DeliveryState.Completed || taken < rows.Count * 0.999) throw new BenchFailedException($"`{what}`: {taken} of {rows.Count} rows were taken, {delivery.State}");
            figures.Add(new ImportFigure(what, round, rows.Count / seconds, (double)(after.CpuMicros - before.CpuMicros) / rows.Count));
        }
    }

    private static async Task<Wire.HouseholdDelivery> RunAsync(
        Wire.HouseholdDeliveryService.HouseholdDeliveryServiceClient service, List<Wire.DeliverRowsRequest> messages, int rows, byte[] hash, CancellationToken cancellation)
    {
        var id = (await service.BeginDeliveryAsync(
            new Wire.BeginDeliveryRequest { Context = Context(), RequestId = NewId(), Kind = Wire.DeliveryKind.Delta, AsOf = RegisterRows.AsOf }, cancellationToken: cancellation)).Delivery.DeliveryId;
        // As many messages a stream as it takes.
        foreach (var some in messages.Chunk(1000))
        {
            using var call = service.DeliverRows(cancellationToken: cancellation);
            foreach (var message in some)
            {
                message.DeliveryId = id;
                await call.RequestStream.WriteAsync(message, cancellation);
            }

            await call.RequestStream.CompleteAsync();
            var answer = await call.ResponseAsync;
            if (answer.Reason != Wire.ErrorReason.Unspecified) throw new BenchFailedException($"a message was refused: {answer.Reason}");
        }

        return (await service.CompleteDeliveryAsync(new Wire.CompleteDeliveryRequest
        {
            Context = Context(), RequestId = NewId(), DeliveryId = id, TotalRows = rows, ContentSha256 = ByteString.CopyFrom(hash), ConfirmShort = true,
        }, cancellationToken: cancellation)).Delivery;
    }

    private static List<Wire.DeliverRowsRequest> Messages(List<Wire.RegisterRow> rows, out byte[] hash)
    {
        var messages = new List<Wire.DeliverRowsRequest>();
        hash = DeliveryContent.Start;
        for (var at = 0; at < rows.Count; at += RowsPerMessage)
        {
            var message = new Wire.DeliverRowsRequest { Context = Context(), RequestId = NewId(), FirstLine = at + 1, Sha256Before = ByteString.CopyFrom(hash) };
            foreach (var row in rows.Skip(at).Take(RowsPerMessage))
            {
                message.Rows.Add(row);
                hash = DeliveryContent.After(hash, row);
            }

            messages.Add(message);
        }

        return messages;
    }

    private static string NewId() => Guid.CreateVersion7().ToString();

    private static Wire.AccessContext Context() => new()
    {
        Purpose = Wire.Purpose.ServiceDelivery, LegalBasis = Wire.LegalBasis.Article6IntegratedService,
        Actor = new Wire.ActingPerson { PersonId = "C0100", UnitId = "tpe-household", Role = Wire.ActorRole.Worker },
    };

    private static void Print(List<ImportFigure> figures, int rows, IAnsiConsole console)
    {
        console.Write(new Rule("[bold]A household register[/] beside bulk inserts").LeftJustified());
        var table = new Table().RoundedBorder().AddColumn(string.Create(CultureInfo.InvariantCulture, $"{rows:N0} rows, median of {Rounds} rounds"));
        foreach (var column in (string[])["rows a second", "range", "CPU µs a row", "ours is"]) table.AddColumn(new TableColumn(column).RightAligned());
        var ours = figures.Where(one => string.Equals(one.Name, First, StringComparison.Ordinal)).ToDictionary(one => one.Round, one => one.RowsPerSecond);
        foreach (var group in figures.GroupBy(one => one.Name, StringComparer.Ordinal))
        {
            var (rate, ratio) = (Spread.Of(group.Select(one => one.RowsPerSecond)), Spread.Of(group.Select(one => ours[one.Round] / one.RowsPerSecond)));
            table.AddRow(Markup.Escape(group.Key), Text(rate.Median), $"{Text(rate.Low)} to {Text(rate.High)}", Spread.Of(group.Select(one => one.CpuMicros)).Median.ToString("N1", CultureInfo.InvariantCulture),
                string.Equals(group.Key, First, StringComparison.Ordinal) ? "" : $"{ratio.Median.ToString("0.000", CultureInfo.InvariantCulture)} of it");
        }

        console.Write(table);
    }

    private static string Text(double value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
