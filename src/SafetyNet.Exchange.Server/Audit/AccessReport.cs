using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Retention;

namespace SafetyNet.Exchange.Server.Audit;

/// <summary>A person's own access history, for a subject-access request (R-AUD-5): what happened and on what footing, and nobody's name.</summary>
internal sealed class AccessReport(Call call, SuppressionRules rules)
{
    private readonly Dictionary<string, int> _suppressed = new(StringComparer.Ordinal);

    /// <summary>One page; full as far as there is, whatever was left out between.</summary>
    public Wire.ReportAccessesResponse Page(SearchIndex search, AccessFilter filter, long below, int size, RetentionSettings retention, bool forOfficer)
    {
        var page = AccessSearch.Page(call, search, filter, below, size, IsTold);
        var response = new Wire.ReportAccessesResponse
        {
            NoticeEn = rules.NoticeEn, NoticeZh = rules.NoticeZh, KeepDays = retention.KeepDays, NextPageToken = page.GoOnBelow is { } position ? PageToken.Of(position) : "",
            Accesses = { page.Found.Select(found => ToWire(found.Record)) },
        };
        if (!forOfficer) return response;
        foreach (var rule in rules.Rules.Where(rule => _suppressed.ContainsKey(rule.Id)))
            response.Suppressed.Add(new Wire.SuppressedAccesses { RuleId = rule.Id, TextEn = rule.TextEn, TextZh = rule.TextZh, Count = _suppressed[rule.Id] });
        return response;
    }

    private bool IsTold(Wire.AuditRecord record)
    {
        var unit = call.Members.FindUnit(record.ActorUnitId);
        if (rules.Rules.FirstOrDefault(rule => rule.Fits(record, unit, IsUnreviewed)) is not { } first) return true;
        _suppressed[first.Id] = _suppressed.GetValueOrDefault(first.Id) + 1;
        return false;
    }

    /// <summary>One that is not found is not reviewed.</summary>
    private bool IsUnreviewed(Wire.AuditRecord record)
    {
        const string kind = "break-glass/";
        foreach (var name in record.Resources.Append(record.Reference).Where(name => name.StartsWith(kind, StringComparison.Ordinal)))
        {
            using var reader = call.Read.Query("SELECT 1 FROM broken_glass WHERE break_glass_id = $0 AND verdict <> 0", Guid.Parse(name[kind.Length..]).ToByteArray(true));
            if (!reader.Read()) return true;
        }

        return false;
    }

    private Wire.ReportedAccess ToWire(Wire.AuditRecord record)
    {
        var unit = call.Members.FindUnit(record.ActorUnitId);
        return new Wire.ReportedAccess
        {
            DecidedAt = record.DecidedAt, Jurisdiction = record.Jurisdiction, AgencyCode = record.AgencyCode, AgencyKind = record.Inputs?.AgencyKind ?? unit?.Agency.Kind ?? default,
            UnitKind = record.Inputs?.UnitKind ?? unit?.Kind ?? default, Purpose = record.Purpose, LegalBasis = record.LegalBasis, ShownClasses = { record.ShownClasses },
            Outcome = record.Outcome,
        };
    }
}
