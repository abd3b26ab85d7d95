using System.Text;
using System.Text.Json;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Tests.Grants;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Audit;

[Trait("Rule", "R-AUD-5")]
public sealed class AccessReportTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    [Trait("Rule", "R-HH-6")]
    [Trait("Abuse", "B68")]
    public async Task A_person_is_told_who_looked_by_kind_and_purpose_and_nobody_by_name_or_number()
    {
        var (known, plain) = (Some.Stranger(), Some.Stranger());
        var toCentre = await The.School.RefersAsync(The.Centre, known);
        await The.Centre.ReadsAsync(toCentre.ReferralId);
        var toProtection = await The.School.RefersAsync(The.ProtectionCentre, known);
        await The.ProtectionCentre.ReadsAsync(toProtection.ReferralId);
        await The.School.RefersAsync(The.Centre, plain);
        await The.Officer.AskAsync(to => to.Audit.ListAccessesAsync(new() { Context = The.Officer.Context(), NationalId = known.NationalId }));

        var before = Exchange.RecordCount();
        var report = await ReportAsync(known.NationalId);
        Assert.Contains(Exchange.Composition.Vault.Pseudonyms.OfNationalId(known.NationalId), Assert.Single(Exchange.RecordsFrom(before)).Subjects);
        Assert.Equal(
            [(Wire.AgencyKind.Education, Wire.UnitKind.School), (Wire.AgencyKind.SocialWelfare, Wire.UnitKind.SocialWelfareCenter)],
            report.Accesses.Select(a => (a.AgencyKind, a.UnitKind)).Distinct());
        Assert.All(report.Accesses, access => Assert.True(access.Purpose != default && access.LegalBasis != default && access.Outcome == Wire.AuditOutcome.Permitted && access.DecidedAt is not null));
        Assert.Contains(report.Accesses, access => access.ShownClasses.Contains(Wire.ConfidentialityClass.Identity));
        Assert.Empty(report.Suppressed);
        foreach (var staff in (Party[])[The.School, The.Centre, The.ProtectionCentre, The.Officer])
        {
            Assert.DoesNotContain(staff.PersonId, report.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain(staff.UnitId, report.ToString(), StringComparison.Ordinal);
        }

        // The words are the same for whom nothing was left out, and for whom nobody looked at.
        foreach (var other in (string[])[plain.NationalId, Some.StrangersId()])
        {
            var told = await ReportAsync(other);
            Assert.Equal((report.NoticeEn, report.NoticeZh, report.KeepDays), (told.NoticeEn, told.NoticeZh, told.KeepDays));
        }

        var forOfficer = await ReportAsync(known.NationalId, forOfficer: true);
        Assert.Equal(report.Accesses, forOfficer.Accesses);
        Assert.Equal([("SUP-5", 1), ("SUP-8", 2)], forOfficer.Suppressed.Select(s => (s.RuleId, s.Count)));
        Assert.All(forOfficer.Suppressed, rule => Assert.True(rule.TextEn.Length > 0 && rule.TextZh.Length > 0));
        Assert.Empty((await The.OfficerOfTaoyuan.AskAsync(to => to.Audit.ReportAccessesAsync(new() { Context = The.OfficerOfTaoyuan.Context(), NationalId = known.NationalId }))).Accesses);
    }

    [Fact]
    [Trait("Rule", "R-NTK-11")]
    public async Task A_break_glass_is_told_after_its_review_and_not_before()
    {
        var duty = The.Police.As(Wire.ActorRole.DutyOfficer, $"P{Random.Shared.Next(100_000, 999_999)}");
        var id = Some.StrangersId();
        var breaking = new Wire.BreakGlassRequest { Context = duty.Context(Wire.Purpose.CrisisResponse, Wire.LegalBasis.ImminentDanger), RequestId = Some.RequestId(), NationalId = id };
        breaking.Context.Justification = GrantMoves.Why;
        var opened = await duty.AskAsync(to => to.BreakGlass.BreakGlassAsync(breaking));
        Assert.Empty((await ReportAsync(id)).Accesses);
        await The.Officer.AskAsync(to => to.BreakGlass.ReviewBreakGlassAsync(new()
        {
            Context = The.Officer.Context(), RequestId = Some.RequestId(), BreakGlassId = opened.Opened.BreakGlassId, Verdict = Wire.BreakGlassVerdict.Justified, Reason = GrantMoves.Why,
        }));
        Assert.Equal(Wire.Purpose.CrisisResponse, Assert.Single((await ReportAsync(id)).Accesses).Purpose);
    }

    [Fact]
    public async Task An_interval_that_ends_before_it_begins_is_refused_by_field()
    {
        var refused = await The.Officer.AskInVainAsync(to => to.Audit.ReportAccessesAsync(new()
        {
            Context = The.Officer.Context(), NationalId = Some.StrangersId(), After = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(Exchange.Clock.GetUtcNow()),
            Before = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(Exchange.Clock.GetUtcNow().AddDays(-1)),
        }));
        Assert.Equal((Wire.ErrorReason.InvalidField, "before"), (refused.Reason, Assert.Single(refused.Refusal.Faults).Field));
    }

    [Fact]
    public void Each_rule_leaves_out_what_it_says_and_an_ordinary_access_is_left_out_by_none()
    {
        Wire.AuditRecord Ordinary() => new()
        {
            Purpose = Wire.Purpose.ServiceDelivery, LegalBasis = Wire.LegalBasis.Article6IntegratedService, ShownClasses = { Wire.ConfidentialityClass.Identity },
            Inputs = new Wire.DecisionInputs { AgencyKind = Wire.AgencyKind.SocialWelfare, UnitKind = Wire.UnitKind.SocialWelfareCenter }, Outcome = Wire.AuditOutcome.Permitted,
        };
        string? Rule(Action<Wire.AuditRecord> change, bool unreviewed = false)
        {
            var record = Ordinary();
            change(record);
            return SuppressionRules.Default.Rules.FirstOrDefault(rule => rule.Fits(record, null, _ => unreviewed))?.Id;
        }

        Assert.Null(Rule(_ => { }));
        Assert.Equal("SUP-1", Rule(r => r.LegalBasis = Wire.LegalBasis.CriminalCase));
        Assert.Equal("SUP-2", Rule(r => r.Inputs.AgencyKind = Wire.AgencyKind.Justice));
        Assert.Equal("SUP-3", Rule(r => r.LegalBasis = Wire.LegalBasis.StatutoryReport));
        Assert.Equal("SUP-3", Rule(r => r.LegalBasis = Wire.LegalBasis.DutyToWarn));
        Assert.Equal("SUP-4", Rule(r => r.ShownClasses.Add(Wire.ConfidentialityClass.ReporterIdentity)));
        Assert.Equal("SUP-5", Rule(r => r.Inputs.UnitKind = Wire.UnitKind.ProtectionCenter));
        Assert.Equal("SUP-6", Rule(r => r.ShownClasses.Add(Wire.ConfidentialityClass.DomesticViolence)));
        Assert.Equal("SUP-7", Rule(r => r.BreakGlass = true, unreviewed: true));
        Assert.Null(Rule(r => r.BreakGlass = true));
        Assert.Equal("SUP-8", Rule(r => r.Purpose = Wire.Purpose.Audit));
        Assert.Equal(8, SuppressionRules.Default.Rules.Count);
    }

    [Theory]
    [InlineData("""{"rules":[{"id":"A","textEn":"a","textZh":"a","source":"a"}],"noticeEn":"a","noticeZh":"a"}""")]
    [InlineData("""{"rules":[{"id":"A","textEn":"a","textZh":"a","source":"a","bases":["NO_SUCH"]}],"noticeEn":"a","noticeZh":"a"}""")]
    [InlineData("""{"rules":[{"id":"A","textEn":"a","textZh":"a","source":"a","base":["CRIMINAL_CASE"]}],"noticeEn":"a","noticeZh":"a"}""")]
    [InlineData("""{"rules":[],"noticeEn":"a"}""")]
    public void A_file_of_rules_with_a_mistake_is_not_taken(string json)
    {
        var refused = Assert.ThrowsAny<Exception>(() => SuppressionRules.Parse(Encoding.UTF8.GetBytes(json)));
        Assert.True(refused is JsonException or InvalidDataException, refused.ToString());
    }

    private Task<Wire.ReportAccessesResponse> ReportAsync(string nationalId, bool forOfficer = false) => The.Officer.AskAsync(to => to.Audit.ReportAccessesAsync(new()
    {
        Context = The.Officer.Context(), NationalId = nationalId, ForOfficer = forOfficer,
    }));
}
