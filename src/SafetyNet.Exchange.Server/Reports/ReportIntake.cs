using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Referrals;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Reports;

/// <summary>Takes a report in (R-INT-1): what it must say, where it goes, and the duties that begin with it (R-INT-7, R-INT-8).</summary>
internal static class ReportIntake
{
    private const string Content = "content";

    /// <summary>A report of what is longer ago tells of something else.</summary>
    private static readonly TimeSpan OldestReport = TimeSpan.FromDays(366);

    /// <summary>A protective report of so long ago stands beside a campus-safety report (R-INT-7). [D]</summary>
    private static readonly TimeSpan BesideWithin = TimeSpan.FromDays(30);

    public static Report Take(Call call, Wire.ReportContent content, SourceSystems sources)
    {
        foreach (var nationalId in Report.SubjectsOf(content)) call.Concerns(nationalId);
        sources.Require(content, call.Agency.Kind);
        RequireFamily(content);
        RequireTimes(call, content);
        var jurisdiction = content.Jurisdiction == Wire.Jurisdiction.Unspecified ? call.Agency.Jurisdiction : content.Jurisdiction;
        var intake = IntakeOf(call, jurisdiction, content.District);
        var report = new Report
        {
            ReportId = call.NewId(), Jurisdiction = jurisdiction, IntakeUnitId = intake.UnitId, SubmittedByUnitId = call.Unit.UnitId, State = Wire.ReportState.Received,
            IsProtective = Report.IsProtectiveContent(content), ReceivedAt = call.Now, Version = 1,
        };
        report.ReceiptNumber = Report.NumberOf(jurisdiction, call.Now, report.ReportId);
        var persons = content.Subjects.Select(s => call.PersonOf(jurisdiction, NationalId.Parse(s.NationalId).Canonical, s.Name, s.BirthDate)).Distinct().ToList();
        FollowDuties(call, report, content, persons);
        report.Sealed = call.Vault.SealFacts(jurisdiction, ReportQueries.ContentColumn, report.ReportId, content);
        call.Change.Add(report);
        foreach (var person in persons) call.Change.Add(new ReportSubjectRow { ReportId = report.ReportId, PersonId = person, ReceivedAt = call.Now });
        ReportDesk.Record(call, report, Wire.ReportAction.Submit, "");
        ReportDesk.StartDispatchClock(call, report);
        if (content.Kind == Wire.ReportKind.JuvenileNotice) SendNotice(call, report, content);
        call.Change.Key!.Outcome = report.ReportId.ToString();
        return report;
    }

    /// <summary>One family (R-INT-1): every further subject says how it belongs to the first, and nobody is named twice.</summary>
    private static void RequireFamily(Wire.ReportContent content)
    {
        var named = new HashSet<string>(StringComparer.Ordinal);
        for (var at = 0; at < content.Subjects.Count; at++)
        {
            var (subject, path) = (content.Subjects[at], $"{Content}.subjects[{at}]");
            if (!named.Add(NationalId.Parse(subject.NationalId).Canonical)) throw Refusal.InvalidField(new FieldFault($"{path}.national_id", FieldFaultKind.Duplicate));
            if (subject.Relation == Wire.SubjectRelation.NotFamily) throw new Refusal(Wire.ErrorReason.NotOneFamily, ("rule", "R-INT-1"), ("field", $"{path}.relation"));
            if (at > 0 && subject.Relation == Wire.SubjectRelation.Unspecified) throw Refusal.InvalidField(new FieldFault($"{path}.relation", FieldFaultKind.Required));
        }
    }

    private static void RequireTimes(Call call, Wire.ReportContent content)
    {
        var reportedAt = content.ReportedAt.ToDateTimeOffset();
        if (reportedAt > call.Now) throw Refusal.InvalidField(new FieldFault($"{Content}.reported_at", FieldFaultKind.InTheFuture));
        if (call.Now - reportedAt > OldestReport) throw Refusal.InvalidField(new FieldFault($"{Content}.reported_at", FieldFaultKind.TooLongAgo, "366"));
        for (var at = 0; at < content.Subjects.Count; at++)
        {
            if (CivilDate.TryParse(content.Subjects[at].BirthDate, out var born) && born > call.On)
                throw Refusal.InvalidField(new FieldFault($"{Content}.subjects[{at}].birth_date", FieldFaultKind.InTheFuture));
        }
    }

    /// <summary>The screening centre of a jurisdiction: that of the district where there are several.</summary>
    private static Unit IntakeOf(Call call, Wire.Jurisdiction jurisdiction, string district)
    {
        var centres = call.Members.Units.Where(unit => unit.IsActive && unit.Kind == Wire.UnitKind.CentralIntake && unit.Agency.Jurisdiction == jurisdiction)
            .OrderByDescending(unit => district.Length > 0 && unit.Registered.Districts.Contains(district)).ThenBy(unit => unit.UnitId, StringComparer.Ordinal);
        return centres.FirstOrDefault() ?? throw new Refusal(Wire.ErrorReason.UnitNotAvailable, ("unit_id", $"CENTRAL_INTAKE of {CodeText.Of(jurisdiction)}"));
    }

    /// <summary>
    /// Beside a campus-safety report with child-protection facts there must be a protective one of the same agency; what other agencies have filed is not told, so it does
    /// not count (R-INT-7, R-NTK-14). A protective report fulfils the duties that are open about its subjects.
    /// </summary>
    private static void FollowDuties(Call call, Report report, Wire.ReportContent content, List<Guid> persons)
    {
        var own = call.Members.UnitsOf(call.Agency).Select(unit => unit.UnitId).ToList();
        if (content.Kind == Wire.ReportKind.CampusSafety && Report.HasChildProtectionFacts(content) && !HasProtectiveBeside(call, own, persons))
        {
            report.RequiredAction = Wire.RequiredActionKind.FileProtectiveReport;
            call.StartClock(Wire.ClockKind.ProtectiveReportDue, "standard", "report", report.ReportId, call.Unit.UnitId, report.IntakeUnitId);
        }

        var answers = content.AnswersReportId.Length == 0 ? (Guid?)null : Guid.Parse(content.AnswersReportId);
        var open = Report.IsChildProtective(content) ? call.Read.OpenActionsAbout(own, persons) : [];
        if (answers is { } asked && !open.Exists(duty => duty.ReportId == asked)) throw new Refusal(Wire.ErrorReason.LinkNotPossible, ("problem", "no_such_duty"));
        foreach (var duty in open)
        {
            (duty.ActionDoneAt, duty.ActionDoneBy) = (call.Now, report.ReportId);
            call.Change.Update(duty);
            call.Touches("report", duty.ReportId);
            call.StopClocks(duty.ReportId, Wire.ClockKind.ProtectiveReportDue);
        }
    }

    private static bool HasProtectiveBeside(Call call, List<string> own, List<Guid> persons) => call.Read.OwnReportsAbout(own, persons, call.Now - BesideWithin)
        .Exists(other => Report.IsChildProtective(call.Vault.OpenFacts(Wire.ReportContent.Parser, ReportQueries.ContentColumn, other.ReportId, other.Sealed)));

    /// <summary>The notice goes to the student's school and to the youth guidance committee, each as a referral of the police unit (R-INT-8); the school has a time limit to take note.</summary>
    private static void SendNotice(Call call, Report report, Wire.ReportContent content)
    {
        if (call.Members.FindUnit(content.SchoolUnitId) is { IsActive: true, Kind: not Wire.UnitKind.School })
            throw Refusal.InvalidField(new FieldFault($"{Content}.school_unit_id", FieldFaultKind.NotAllowedHere));
        var school = Addressee.Require(call, content.SchoolUnitId);
        var guidance = call.Members.Units.Where(unit => unit.IsActive && unit.Kind == Wire.UnitKind.YouthGuidance && unit.Agency.Jurisdiction == school.Agency.Jurisdiction)
            .OrderBy(unit => unit.UnitId, StringComparer.Ordinal).FirstOrDefault()
            ?? throw new Refusal(Wire.ErrorReason.UnitNotAvailable, ("unit_id", $"YOUTH_GUIDANCE of {CodeText.Of(school.Agency.Jurisdiction)}"));
        foreach (var unit in (Unit[])[school, guidance])
        {
            var view = new Wire.SenderView { Classes = { Wire.ConfidentialityClass.Identity, Wire.ConfidentialityClass.Contact, Wire.ConfidentialityClass.JuvenileJustice } };
            var notice = new Wire.CreateReferralRequest { ToUnitId = unit.UnitId, View = view, SourceSystem = content.SourceSystem };
            notice.Subjects.Add(content.Subjects.Select(s => new Wire.ReferralSubject { NationalId = s.NationalId, Name = s.Name, BirthDate = s.BirthDate, Phone = s.Phone, Address = s.Address }));
            notice.Services.Add(unit.Registered.Services.Take(1));
            notice.Facts.Add(content.Facts.Where(fact => fact.ConfidentialityClass == Wire.ConfidentialityClass.JuvenileJustice));
            var referral = ReferralMaking.Create(call, notice);
            call.Change.Add(new ReportNoticeRow { ReportId = report.ReportId, ReferralId = referral.ReferralId });
            if (unit == school) call.StartClock(Wire.ClockKind.JuvenileNoticeAcknowledgement, "standard", "referral", referral.ReferralId, school.UnitId, call.Unit.UnitId);
        }
    }
}
