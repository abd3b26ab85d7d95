using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Cli.Connections;
using SafetyNet.Exchange.Protocol.Client;
using Spectre.Console;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary>What a unit tells of its work: <c>safetynet report submit</c>, <c>contact</c>, <c>capacity</c>.</summary>
internal static class ReportWorkCommands
{
    public static CommandWithExamples Submit()
    {
        var (unit, json) = (UnitOptions.OfWork(), OfficerAnswers.JsonOption());
        var file = new Argument<string>("FILE") { Description = "ReportContent as ProtoJSON; `-`: standard input" };
        var submit = new CommandWithExamples(
            "submit", "Hand in one report; the same file handed in again answers with its first receipt",
            """
            safetynet report submit report.json
            safetynet report submit - --as tpe-edu --unit tpe-school < report.json
            """)
        {
            file, json,
        };
        unit.AddTo(submit);
        submit.SetGuardedAction(async (parsed, cancellation) =>
        {
            var name = parsed.GetRequiredValue(file);
            var text = name is "-" ? await Console.In.ReadToEndAsync(cancellation) : await File.ReadAllTextAsync(name, cancellation);
            var request = new Wire.SubmitReportRequest { Context = unit.Context(parsed), RequestId = RequestIdOf(text), Content = Parse(text) };
            using var channel = unit.Connect(parsed);
            var answer = await channel.Reports.SubmitReportAsync(request, cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () => ReportView.ShowReceipt(answer.Receipt));
        });
        return submit;
    }

    public static CommandWithExamples Contact()
    {
        var (unit, json) = (UnitOptions.OfWork(), OfficerAnswers.JsonOption());
        var referral = new Argument<string>("REFERRAL") { Description = "Referral by which the unit has the report" };
        var at = new Option<DateTimeOffset?>("--at") { Description = "When the family was met or spoken to, e.g. 2026-11-23T14:00+08:00; without it: now" };
        var remark = new Option<string?>("--remark") { Description = "Remark, shown to the own unit alone" };
        var contact = new CommandWithExamples("contact", "Say that the family was first met or spoken to 首次接觸; the clock stops", "safetynet report contact 0199... --at 2026-11-23T14:00+08:00 --unit tpe-wanhua-swc") { referral, at, remark, json };
        unit.AddTo(contact);
        contact.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = unit.Connect(parsed);
            var answer = await channel.Reports.RecordFirstContactAsync(
                new Wire.RecordFirstContactRequest
                {
                    Context = unit.Context(parsed), RequestId = OfficerAnswers.NewRequestId(), ReferralId = parsed.GetRequiredValue(referral),
                    ContactedAt = Timestamp.FromDateTimeOffset(parsed.GetValue(at) ?? TimeProvider.System.GetUtcNow()), Remark = parsed.GetValue(remark) ?? "",
                },
                cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () => Terminal.Output.MarkupLineInterpolated($"[green]met 已接觸[/] at {OfficerAnswers.Time(answer.FirstContactAt)}: report {answer.ReportId}"));
        });
        return contact;
    }

    public static CommandWithExamples Capacity()
    {
        var (unit, json) = (UnitOptions.OfWork(), OfficerAnswers.JsonOption());
        var services = new Option<string[]>("--service") { Description = "Service and families that the unit can take more, e.g. CARE_VISIT=12", Required = true, AllowMultipleArgumentsPerToken = true };
        var capacity = new CommandWithExamples("capacity", "State how many more families the unit can take 服務量能, as of now", "safetynet report capacity --service CARE_VISIT=12 FINANCIAL_AID=3 --unit tpe-wanhua-swc") { services, json };
        unit.AddTo(capacity);
        capacity.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = unit.Connect(parsed);
            var answer = await channel.Reports.StateCapacityAsync(
                new Wire.StateCapacityRequest { Context = unit.Context(parsed), RequestId = OfficerAnswers.NewRequestId(), Capacities = { parsed.GetRequiredValue(services).Select(CapacityOf) } },
                cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () => Terminal.Output.MarkupLineInterpolated($"[green]stated[/] at {OfficerAnswers.Time(answer.StatedAt)}"));
        });
        return capacity;
    }

    private static Wire.ServiceCapacity CapacityOf(string text) =>
        text.Split('=') is [var service, var places] && int.TryParse(places, NumberStyles.None, CultureInfo.InvariantCulture, out var open)
            ? new Wire.ServiceCapacity { Service = ContractCodes.Parse<Wire.Article6Service>(service), OpenPlaces = open }
            : throw new CommandFailedException($"`{text}` is no capacity; write CARE_VISIT=12.");

    private static Wire.ReportContent Parse(string text)
    {
        try
        {
            return JsonParser.Default.Parse<Wire.ReportContent>(text);
        }
        catch (Exception error) when (error is InvalidProtocolBufferException or InvalidJsonException)
        {
            throw new CommandFailedException($"The file is no ReportContent in JSON: {error.Message}", error);
        }
    }

    /// <summary>UUID version 8 of the text's SHA-256: a report handed in again after a cut is the same one.</summary>
    private static string RequestIdOf(string text)
    {
        var id = SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16);
        id[6] = (byte)((id[6] & 0x0F) | 0x80);
        id[8] = (byte)((id[8] & 0x3F) | 0x80);
        return new Guid(id, bigEndian: true).ToString();
    }
}
