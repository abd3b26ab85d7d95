using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using SafetyNet.Exchange.Protocol.Client;

namespace SafetyNet.Exchange.Cli.Evidence;

/// <summary>A record of the log as one line for another program. No form holds more than the record does: pseudonyms and codes, no personal value (R-AUD-6).</summary>
internal static class AccessFormats
{
    /// <summary>Names of the forms, as <c>--format</c> takes them.</summary>
    public static readonly IReadOnlyDictionary<string, Func<Wire.AccessEntry, string>> ByName = new Dictionary<string, Func<Wire.AccessEntry, string>>(StringComparer.Ordinal)
    {
        ["jsonl"] = JsonLine,
        ["csv"] = CsvLine,
        ["ocsf"] = OcsfLine,
        ["cef"] = CefLine,
    };

    private static readonly (string Name, Func<Wire.AccessEntry, string> Value)[] Columns =
    [
        ("position", e => e.Position.ToString(CultureInfo.InvariantCulture)), ("decision_id", e => e.Record.DecisionId), ("decided_at", e => Time(e.Record)),
        ("method", e => e.Record.Method), ("outcome", e => Code(e.Record.Outcome)), ("reason", e => e.Record.Reason), ("system", e => e.Record.System),
        ("agency_code", e => e.Record.AgencyCode), ("jurisdiction", e => Code(e.Record.Jurisdiction)), ("actor_unit_id", e => e.Record.ActorUnitId),
        ("actor_person_id", e => e.Record.ActorPersonId), ("actor_role", e => Code(e.Record.ActorRole)), ("purpose", e => Code(e.Record.Purpose)),
        ("legal_basis", e => Code(e.Record.LegalBasis)), ("reference", e => e.Record.Reference), ("subjects", e => string.Join(' ', e.Record.Subjects)),
        ("resources", e => string.Join(' ', e.Record.Resources)), ("shown_classes", e => string.Join(' ', e.Record.ShownClasses.Select(c => Code(c)))),
        ("withheld_classes", e => string.Join(' ', e.Record.WithheldClasses.Select(c => Code(c)))), ("rules", e => string.Join(' ', e.Record.Rules)),
        ("policy_revision", e => e.Record.PolicyRevision), ("break_glass", e => e.Record.BreakGlass ? "true" : "false"), ("peer", e => e.Record.Peer),
        ("record_hash", e => Convert.ToHexStringLower(e.RecordHash.Span)),
    ];

    /// <summary>First line of the CSV form (RFC 4180), without its end of line.</summary>
    public static string CsvHeader => string.Join(',', Columns.Select(column => column.Name));

    /// <summary>The record in the contract's own JSON.</summary>
    private static string JsonLine(Wire.AccessEntry entry) => JsonFormatter.Default.Format(entry);

    private static string CsvLine(Wire.AccessEntry entry) => string.Join(',', Columns.Select(column => Cell(column.Value(entry))));

    /// <summary>A text that a spreadsheet would run as a formula gets an apostrophe before it.</summary>
    internal static string Cell(string text)
    {
        if (text.Length > 0 && text[0] is '=' or '+' or '-' or '@' or '\t' or '\r') text = "'" + text;
        return text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    /// <summary>OCSF 1.3, class API Activity (6003); what it has no place for stands under <c>unmapped</c>.</summary>
    private static string OcsfLine(Wire.AccessEntry entry)
    {
        var (record, permitted) = (entry.Record, IsPermitted(entry.Record));
        var (service, operation) = Names(record.Method);
        var activity = operation.StartsWith("Get", StringComparison.Ordinal) || operation.StartsWith("List", StringComparison.Ordinal) || operation.StartsWith("LookUp", StringComparison.Ordinal)
            || operation.StartsWith("Search", StringComparison.Ordinal) || operation.StartsWith("Read", StringComparison.Ordinal) || operation.StartsWith("Watch", StringComparison.Ordinal)
            ? 2 : operation.StartsWith("Create", StringComparison.Ordinal) || operation.StartsWith("Open", StringComparison.Ordinal) ? 1 : 99;
        var line = new JsonObject
        {
            ["category_uid"] = 6, ["class_uid"] = 6003, ["activity_id"] = activity, ["type_uid"] = 600_300 + activity,
            ["time"] = record.DecidedAt.ToDateTimeOffset().ToUnixTimeMilliseconds(), ["severity_id"] = record.BreakGlass ? 4 : permitted ? 1 : 2,
            ["status_id"] = permitted ? 1 : 2, ["status_detail"] = record.Reason,
            ["metadata"] = new JsonObject
            {
                ["version"] = "1.3.0", ["uid"] = record.DecisionId, ["sequence"] = (long)entry.Position,
                ["product"] = new JsonObject { ["name"] = "SafetyNet.Exchange", ["vendor_name"] = "SafetyNet" },
            },
            ["actor"] = new JsonObject
            {
                ["user"] = new JsonObject { ["uid"] = record.ActorPersonId, ["type"] = Code(record.ActorRole), ["org"] = new JsonObject { ["uid"] = record.AgencyCode, ["ou_uid"] = record.ActorUnitId } },
                ["app_uid"] = record.System,
            },
            ["api"] = new JsonObject { ["operation"] = operation, ["service"] = new JsonObject { ["name"] = service } },
            ["src_endpoint"] = new JsonObject { ["ip"] = Address(record.Peer), ["svc_name"] = record.System },
            ["resources"] = new JsonArray([.. record.Subjects.Select(s => (JsonNode)new JsonObject { ["type"] = "person pseudonym", ["uid"] = s })]),
            ["unmapped"] = new JsonObject
            {
                ["purpose"] = Code(record.Purpose), ["legal_basis"] = Code(record.LegalBasis), ["reference"] = record.Reference, ["jurisdiction"] = Code(record.Jurisdiction),
                ["shown_classes"] = new JsonArray([.. record.ShownClasses.Select(c => (JsonNode)Code(c))]), ["withheld_classes"] = new JsonArray([.. record.WithheldClasses.Select(c => (JsonNode)Code(c))]),
                ["rules"] = new JsonArray([.. record.Rules.Select(r => (JsonNode)r)]), ["policy_revision"] = record.PolicyRevision, ["break_glass"] = record.BreakGlass,
                ["record_hash"] = Convert.ToHexStringLower(entry.RecordHash.Span),
            },
        };
        return line.ToJsonString(Plain);
    }

    /// <summary>ArcSight Common Event Format, version 0.</summary>
    private static string CefLine(Wire.AccessEntry entry)
    {
        var (record, permitted) = (entry.Record, IsPermitted(entry.Record));
        var (service, operation) = Names(record.Method);
        var line = new StringBuilder($"CEF:0|SafetyNet|SafetyNet.Exchange|1|{Header(record.Method)}|{Header(operation)}|{(record.BreakGlass ? 8 : permitted ? 2 : 5)}|");
        Add("rt", record.DecidedAt.ToDateTimeOffset().ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture));
        Add("externalId", record.DecisionId);
        Add("outcome", Code(record.Outcome));
        Add("reason", record.Reason);
        Add("act", service);
        Add("suid", record.ActorPersonId);
        Add("spriv", Code(record.ActorRole));
        Add("src", Address(record.Peer));
        Add("sourceServiceName", record.System);
        Add("cs1Label", "purpose");
        Add("cs1", Code(record.Purpose));
        Add("cs2Label", "legalBasis");
        Add("cs2", Code(record.LegalBasis));
        Add("cs3Label", "unit");
        Add("cs3", record.ActorUnitId);
        Add("cs4Label", "subjects");
        Add("cs4", string.Join(' ', record.Subjects));
        Add("cs5Label", "shownClasses");
        Add("cs5", string.Join(' ', record.ShownClasses.Select(c => Code(c))));
        Add("cs6Label", "reference");
        Add("cs6", record.Reference);
        Add("cn1Label", "position");
        Add("cn1", entry.Position.ToString(CultureInfo.InvariantCulture));
        line.Length--;
        return line.ToString();

        void Add(string key, string value)
        {
            if (value.Length > 0) line.Append(key).Append('=').Append(Escaped(value, '=')).Append(' ');
        }
    }

    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static bool IsPermitted(Wire.AuditRecord record) => record.Outcome is Wire.AuditOutcome.Permitted or Wire.AuditOutcome.Replayed;

    private static string Header(string text) => Escaped(text, '|');

    private static string Escaped(string text, char mark) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(mark.ToString(), "\\" + mark, StringComparison.Ordinal)
        .Replace("\r", "\\r", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static (string Service, string Operation) Names(string method)
    {
        var parts = method.TrimStart('/').Split('/');
        return parts.Length == 2 ? (parts[0], parts[1]) : ("", method);
    }

    /// <summary>Address of <c>ipv4:127.0.0.1:5443</c> and <c>ipv6:[::1]:5443</c>; empty where there is none.</summary>
    private static string Address(string peer)
    {
        var (from, to) = (peer.IndexOf(':', StringComparison.Ordinal), peer.LastIndexOf(':'));
        return from < 0 || to <= from ? "" : peer[(from + 1)..to].Trim('[', ']');
    }

    private static string Time(Wire.AuditRecord record) => record.DecidedAt.ToDateTimeOffset().ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    /// <summary>A code as the code tables have it, without the prefix of its enum; empty where it is not set.</summary>
    private static string Code<T>(T code)
        where T : struct, Enum => EqualityComparer<T>.Default.Equals(code, default) ? "" : ContractCodes.NameOf(code);
}
