using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Referrals;
using SafetyNet.Exchange.Server.Reports;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Disputes;

/// <summary>The RPCs of disputes over the lead: load, decide, change, answer. How a ruling is carried out is <see cref="LeadHandovers"/>'s.</summary>
internal sealed class LeadDisputeService : Wire.LeadDisputeService.LeadDisputeServiceBase, IReactTo<ReferralMoved>
{
    private const string Rule = "R-INT-9";

    private static readonly Guid AfterEverything = new("ffffffff-ffff-ffff-ffff-ffffffffffff");

    public override Task<Wire.OpenLeadDisputeResponse> OpenLeadDispute(Wire.OpenLeadDisputeRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        if (call.Replayed is { } made)
        {
            var (known, of) = Load(call, made);
            return Task.FromResult(new Wire.OpenLeadDisputeResponse { Dispute = Show(call, known, Decide(call, known, of)) });
        }

        var reportId = Guid.Parse(request.ReportId);
        call.Touches("report", reportId);
        if (call.Read.FindReport(reportId) is not { } report || !Same(report.LeadUnitId, call.Unit.UnitId)) throw new Refusal(Wire.ErrorReason.NotFound);
        call.DecideOn(report);
        var referral = LeadHandovers.ServingReferral(call, reportId, call.Unit.UnitId) ?? throw new Refusal(Wire.ErrorReason.NotFound);
        LeadDispute.RequireRule(request.RuleId);
        RealText.Require(request.Statement, "statement");
        if (Same(request.ProposedUnitId, call.Unit.UnitId) || Same(request.ProposedUnitId, report.IntakeUnitId))
            throw Refusal.InvalidField(new FieldFault("proposed_unit_id", FieldFaultKind.NotAllowedHere));
        RequireRoom(call, reportId);
        var proposed = Addressee.Require(call, request.ProposedUnitId, ReferralSteps.Open(call, referral).Services);
        ReferralPolicy.RequireView(call, proposed, ClassSet.Of(Wire.ConfidentialityClass.Identity), null, []);
        var dispute = new LeadDispute
        {
            DisputeId = call.NewId(), ReportId = reportId, Jurisdiction = report.Jurisdiction, State = Wire.LeadDisputeState.Open, InterimLeadUnitId = call.Unit.UnitId,
            ProposedUnitId = proposed.UnitId, IntakeUnitId = report.IntakeUnitId, RuleId = request.RuleId, OpenedAt = call.Now, OpenedByPersonId = call.Context!.Actor.PersonId,
            LeadReferralId = referral.ReferralId, Version = 1,
        };
        dispute.Statement = call.Vault.SealText(report.Jurisdiction, LeadDisputeQueries.StatementColumn, dispute.DisputeId, request.Statement);
        call.Change.Add(dispute);
        // Of two that open at once the second finds the report changed, and is asked again beside the first.
        call.Change.Update(report);
        StartClock(call, dispute);
        Tell(call, dispute, Wire.NoticeKind.LeadDisputeOpened, dispute.IntakeUnitId, dispute.ProposedUnitId);
        call.Change.Key!.Outcome = dispute.DisputeId.ToString();
        return Task.FromResult(new Wire.OpenLeadDisputeResponse { Dispute = Show(call, dispute, Decide(call, dispute, report)) });
    }

    public override Task<Wire.DecideLeadDisputeResponse> DecideLeadDispute(Wire.DecideLeadDisputeRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var (dispute, report) = Load(call, request.DisputeId);
        var decision = Decide(call, dispute, report);
        if (call.Replayed is null)
        {
            RequireEtag(dispute, request.Etag);
            dispute.Move(Wire.LeadDisputeAction.Rule, dispute.PartyOf(call.Unit.UnitId)!.Value);
            RequireImpartial(call, dispute);
            LeadDispute.RequireRule(request.RuleId);
            if (!Same(request.LeadUnitId, dispute.InterimLeadUnitId) && !Same(request.LeadUnitId, dispute.ProposedUnitId))
                throw Refusal.InvalidField(new FieldFault("lead_unit_id", FieldFaultKind.NotAllowedHere));
            var content = call.Vault.OpenFacts(Wire.ReportContent.Parser, ReportQueries.ContentColumn, report.ReportId, report.Sealed);
            Principle.Require(request.Principle, NamedIn(content));
            RealText.Require(request.Grounds, "grounds");
            Keep(call, dispute, content.Kind, request);
            dispute.Handover = Wire.LeadHandover.Unspecified;
            if (Same(request.LeadUnitId, dispute.ProposedUnitId)) LeadHandovers.Begin(call, dispute);
            call.StopClocks(dispute.DisputeId, Wire.ClockKind.DisputeRuling);
            Changed(call, dispute);
            Tell(call, dispute, Wire.NoticeKind.LeadDisputeRuled, dispute.InterimLeadUnitId, dispute.ProposedUnitId, dispute.IntakeUnitId);
        }

        return Task.FromResult(new Wire.DecideLeadDisputeResponse { Dispute = Show(call, dispute, decision) });
    }

    public override Task<Wire.AppealLeadDisputeResponse> AppealLeadDispute(Wire.AppealLeadDisputeRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var (dispute, report) = Load(call, request.DisputeId);
        var decision = Decide(call, dispute, report);
        if (call.Replayed is null)
        {
            RequireEtag(dispute, request.Etag);
            dispute.Move(Wire.LeadDisputeAction.Appeal, dispute.PartyOf(call.Unit.UnitId)!.Value);
            if (call.Read.LeadDisputesOf(dispute.ReportId)[^1] is var last && last.DisputeId != dispute.DisputeId) throw InTheWay(last);
            RealText.Require(request.Statement, "statement");
            dispute.CityUnitId = HigherArbiter(call, dispute);
            (dispute.AppealedAt, dispute.AppealedByUnitId, dispute.AppealedByPersonId) = (call.Now, call.Unit.UnitId, call.Context!.Actor.PersonId);
            dispute.AppealStatement = call.Vault.SealText(dispute.Jurisdiction, LeadDisputeQueries.AppealColumn, dispute.DisputeId, request.Statement);
            Changed(call, dispute);
            LeadHandovers.TakeBack(call, dispute);
            // So that a further dispute which is opened at the same time comes before it or after it.
            call.Change.Update(report);
            StartClock(call, dispute);
            Tell(call, dispute, Wire.NoticeKind.LeadDisputeAppealed, dispute.CityUnitId, dispute.IntakeUnitId, dispute.InterimLeadUnitId, dispute.ProposedUnitId);
        }

        return Task.FromResult(new Wire.AppealLeadDisputeResponse { Dispute = Show(call, dispute, decision) });
    }

    public override Task<Wire.GetLeadDisputeResponse> GetLeadDispute(Wire.GetLeadDisputeRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var (dispute, report) = Load(call, request.DisputeId);
        return Task.FromResult(new Wire.GetLeadDisputeResponse { Dispute = Show(call, dispute, Decide(call, dispute, report)) });
    }

    public override Task<Wire.ListLeadDisputesResponse> ListLeadDisputes(Wire.ListLeadDisputesRequest request, ServerCallContext context)
    {
        var (call, size) = (Call.Of(context), request.PageSize == 0 ? 100 : request.PageSize);
        var found = call.Read.ListLeadDisputes(call.Unit.UnitId, request.State, PageToken.Read(request.PageToken, Guid.Empty), size + 1);
        var response = new Wire.ListLeadDisputesResponse();
        foreach (var dispute in found.Take(size))
        {
            call.Touches("dispute", dispute.DisputeId);
            response.Disputes.Add(new Wire.LeadDisputeLine
            {
                DisputeId = dispute.DisputeId.ToString(), ReportId = dispute.ReportId.ToString(), State = dispute.State, OpenedAt = Timestamp.FromDateTimeOffset(dispute.OpenedAt),
                ToBeRuled = dispute.IsWaiting && Same(dispute.ArbiterUnitId, call.Unit.UnitId),
            });
        }

        if (found.Count > size) response.NextPageToken = PageToken.Of(found[size - 1].DisputeId);
        return Task.FromResult(response);
    }

    public override Task<Wire.SearchPrecedentsResponse> SearchPrecedents(Wire.SearchPrecedentsRequest request, ServerCallContext context)
    {
        var (call, size) = (Call.Of(context), request.PageSize == 0 ? 100 : request.PageSize);
        if (request.RuleId.Length > 0) LeadDispute.RequireRule(request.RuleId);
        var found = call.Read.SearchRulings(request.RuleId, request.UnitKind, PageToken.Read(request.PageToken, AfterEverything), size + 1);
        var response = new Wire.SearchPrecedentsResponse();
        response.Precedents.Add(found.Take(size).Select(ruling => new Wire.Precedent
        {
            CitedRuleId = ruling.CitedRuleId, RuleId = ruling.RuleId, FromUnitKind = ruling.FromUnitKind, ToUnitKind = ruling.ToUnitKind, LeadChanges = ruling.LeadChanges,
            ReportKind = ruling.ReportKind, Principle = ruling.Principle, Level = ruling.Level, RuledAt = Timestamp.FromDateTimeOffset(ruling.RuledAt), Overruled = ruling.IsOverruled,
        }));
        if (found.Count > size) response.NextPageToken = PageToken.Of(found[size - 1].RulingId);
        return Task.FromResult(response);
    }

    /// <summary>The referral by which a ruling is carried out moves in its own feature.</summary>
    public void React(Call call, ReferralMoved happened) => LeadHandovers.Follow(call, happened);

    /// <summary>One dispute of a report at a time, and not more of them than there may be.</summary>
    private static void RequireRoom(Call call, Guid reportId)
    {
        var earlier = call.Read.LeadDisputesOf(reportId);
        if (earlier.Find(one => one.IsPending) is { } open) throw InTheWay(open);
        if (earlier.Count >= LeadDispute.MostOfReport)
            throw new Refusal(Wire.ErrorReason.LeadDisputesExhausted, ("limit", LeadDispute.MostOfReport.ToString(CultureInfo.InvariantCulture)), ("rule", Rule));
    }

    private static Refusal InTheWay(LeadDispute other) => new(Wire.ErrorReason.LeadDisputeOpen, ("dispute_id", other.DisputeId.ToString()), ("rule", Rule));

    /// <summary>The registered supervisor of the screening centre, unless it is a party.</summary>
    private static string HigherArbiter(Call call, LeadDispute dispute) =>
        call.Members.FindUnit(dispute.IntakeUnitId)?.SupervisorUnitId is { Length: > 0 } above && call.Members.FindUnit(above) is { IsActive: true } && dispute.PartyOf(above) is null
            ? above : throw new Refusal(Wire.ErrorReason.NoHigherArbiter, ("unit_id", dispute.IntakeUnitId));

    /// <summary>Staff numbers are those of an agency: a person may act for several of its units.</summary>
    private static void RequireImpartial(Call call, LeadDispute dispute)
    {
        IEnumerable<(string UnitId, string PersonId)> worked =
        [
            (dispute.InterimLeadUnitId, dispute.OpenedByPersonId), (dispute.AppealedByUnitId, dispute.AppealedByPersonId),
            .. call.Read.RulingsOn(dispute.DisputeId).Select(ruling => (ruling.ByUnitId, ruling.ByPersonId)),
            .. call.Read.MovesOf(dispute.LeadReferralId).Where(move => Same(move.UnitId, dispute.InterimLeadUnitId)).Select(move => (move.UnitId, move.PersonId)),
        ];
        if (worked.Any(one => Same(one.PersonId, call.Context!.Actor.PersonId) && call.Members.FindUnit(one.UnitId)?.Agency is { } agency
            && agency.Jurisdiction == call.Agency.Jurisdiction && Same(agency.Code, call.Agency.Code)))
            throw new Refusal(Wire.ErrorReason.ArbiterTookPart, ("rule", Rule));
    }

    private static void Keep(Call call, LeadDispute dispute, Wire.ReportKind reportKind, Wire.DecideLeadDisputeRequest request)
    {
        var ruling = new LeadRulingRow
        {
            RulingId = call.NewId(), DisputeId = dispute.DisputeId, LeadUnitId = request.LeadUnitId, LeadChanges = Same(request.LeadUnitId, dispute.ProposedUnitId),
            Level = dispute.State == Wire.LeadDisputeState.Final ? Wire.ArbiterLevel.City : Wire.ArbiterLevel.CentralIntake, CitedRuleId = dispute.RuleId, RuleId = request.RuleId,
            FromUnitKind = KindOf(call, dispute.InterimLeadUnitId), ToUnitKind = KindOf(call, dispute.ProposedUnitId), ReportKind = reportKind, Principle = request.Principle,
            RuledAt = call.Now, ByUnitId = call.Unit.UnitId, ByPersonId = call.Context!.Actor.PersonId, Version = 1,
        };
        ruling.Grounds = call.Vault.SealText(dispute.Jurisdiction, LeadDisputeQueries.GroundsColumn, ruling.RulingId, request.Grounds);
        foreach (var before in call.Read.RulingsOn(dispute.DisputeId).Where(one => one.LeadChanges != ruling.LeadChanges))
        {
            before.IsOverruled = true;
            call.Change.Update(before);
        }

        call.Change.Add(ruling);
    }

    private static Wire.UnitKind KindOf(Call call, string unitId) => call.Members.FindUnit(unitId)?.Kind ?? Wire.UnitKind.Unspecified;

    /// <summary>What tells who somebody of the report is, whoever reported included.</summary>
    private static IEnumerable<string> NamedIn(Wire.ReportContent content) =>
        [.. content.Subjects.SelectMany(subject => (string[])[subject.Name, subject.Phone, subject.Address]), content.Reporter?.Name ?? "", content.Reporter?.Phone ?? ""];

    private static void StartClock(Call call, LeadDispute dispute) =>
        call.StartClock(Wire.ClockKind.DisputeRuling, "standard", "dispute", dispute.DisputeId, dispute.ArbiterUnitId, dispute.InterimLeadUnitId);

    private static void Tell(Call call, LeadDispute dispute, Wire.NoticeKind kind, params IEnumerable<string> unitIds)
    {
        foreach (var unitId in unitIds.Where(id => !Same(id, call.Unit.UnitId)))
            call.Change.Notify(new NoticeDraft(unitId, kind, null, null, $"dispute/{dispute.DisputeId}"));
    }

    private static void Changed(Call call, LeadDispute dispute)
    {
        call.Change.Update(dispute);
        call.Change.Key!.Outcome = dispute.DisputeId.ToString();
    }

    private static void RequireEtag(LeadDispute dispute, string etag)
    {
        if (etag.Length > 0 && !Same(etag, Etag.Of(dispute))) throw new Refusal(Wire.ErrorReason.ConcurrentChange, ("etag", Etag.Of(dispute)), ("state", CodeText.Of(dispute.State)));
    }

    /// <summary>A dispute that the acting unit has a part in, with its report; or none.</summary>
    private static (LeadDispute Dispute, Report Report) Load(Call call, string disputeId)
    {
        var id = Guid.Parse(disputeId);
        call.Touches("dispute", id);
        return call.Read.FindLeadDispute(id) is { } dispute && dispute.PartyOf(call.Unit.UnitId) is not null && call.Read.FindReport(dispute.ReportId) is { } report
            ? (dispute, report) : throw new Refusal(Wire.ErrorReason.NotFound);
    }

    /// <summary>
    /// An arbiter stands to the family as the screening centre does; a party as one that is asked to serve, and sees what is said of the family while the dispute goes on or
    /// the ruling is carried out, and afterwards while it leads.
    /// </summary>
    private static Decision Decide(Call call, LeadDispute dispute, Report report)
    {
        if (dispute.PartyOf(call.Unit.UnitId) is DisputeParty.CentralIntake or DisputeParty.City)
            return call.Decide(call.Ask(RelationshipSet.Of(Wire.Relationship.CentralIntake), dispute.Jurisdiction));
        var goesOn = dispute.IsPending || dispute is { State: Wire.LeadDisputeState.Ruled, Handover: not Wire.LeadHandover.Done };
        var question = call.Ask(RelationshipSet.Of(Wire.Relationship.ReferredTo), dispute.Jurisdiction);
        return call.Decide(goesOn || Same(report.LeadUnitId, call.Unit.UnitId) ? question : question with { Holdable = ClassSet.None });
    }

    private static Wire.LeadDispute Show(Call call, LeadDispute dispute, Decision decision)
    {
        call.Touches("dispute", dispute.DisputeId);
        foreach (var id in call.Read.SubjectsOfReport(dispute.ReportId))
            if (call.Read.FindPerson(call.Vault, id) is { } person) call.Concerns(person);
        var wire = new Wire.LeadDispute
        {
            DisputeId = dispute.DisputeId.ToString(), ReportId = dispute.ReportId.ToString(), State = dispute.State, InterimLeadUnitId = dispute.InterimLeadUnitId,
            ProposedUnitId = dispute.ProposedUnitId, ArbiterUnitId = dispute.ArbiterUnitId, RuleId = dispute.RuleId, OpenedAt = Timestamp.FromDateTimeOffset(dispute.OpenedAt),
            Statement = call.Vault.OpenText(LeadDisputeQueries.StatementColumn, dispute.DisputeId, dispute.Statement), AppealedByUnitId = dispute.AppealedByUnitId,
            AppealStatement = dispute.AppealStatement.Length == 0 ? "" : call.Vault.OpenText(LeadDisputeQueries.AppealColumn, dispute.DisputeId, dispute.AppealStatement),
            AppealedAt = dispute.AppealedAt is { } at ? Timestamp.FromDateTimeOffset(at) : null, Handover = dispute.Handover,
            HandoverReferralId = dispute.HandoverReferralId?.ToString() ?? "", Etag = Etag.Of(dispute),
        };
        foreach (var ruling in call.Read.RulingsOn(dispute.DisputeId).Concat(call.Change.Added.OfType<LeadRulingRow>()))
        {
            wire.Rulings.Add(new Wire.LeadRuling
            {
                Level = ruling.Level, LeadUnitId = ruling.LeadUnitId, RuleId = ruling.RuleId, Principle = ruling.Principle, RuledAt = Timestamp.FromDateTimeOffset(ruling.RuledAt),
                Grounds = call.Vault.OpenText(LeadDisputeQueries.GroundsColumn, ruling.RulingId, ruling.Grounds),
            });
        }

        RedactionPlan.For(Wire.LeadDispute.Descriptor).Redact(wire, decision.Visible);
        return wire;
    }

    private static bool Same(string left, string right) => string.Equals(left, right, StringComparison.Ordinal);
}
