using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Referrals;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Reports;

/// <summary>Screening and dispatch of a report, and what follows from the moves of the referrals by which it was dispatched.</summary>
internal static class ReportDesk
{
    public static void Screen(Call call, Report report, Wire.ScreenReportRequest request)
    {
        var isDuplicate = request.ReportClass == Wire.ReportClass.Duplicate;
        if (isDuplicate != request.FirstReportId.Length > 0)
            throw Refusal.InvalidField(new FieldFault("first_report_id", isDuplicate ? FieldFaultKind.Required : FieldFaultKind.NotAllowedHere));
        report.Move(Wire.ReportAction.Screen, request.ReportClass);
        report.FirstReportId = isDuplicate ? FirstOf(call, report, Guid.Parse(request.FirstReportId)) : null;
        if (report.State == Wire.ReportState.Screened) StartDispatchClock(call, report);
        else call.StopClocks(report.ReportId, Wire.ClockKind.ReportDispatch);
    }

    /// <summary>Offers the report to units; each offer is a referral of the screening centre.</summary>
    public static void Dispatch(Call call, Report report, Wire.ReportContent content, Wire.DispatchReportRequest request, TriageRules triage)
    {
        if (request.OfferUntil?.ToDateTimeOffset() <= call.Now) throw Refusal.InvalidField(new FieldFault("offer_until", FieldFaultKind.NotInTheFuture));
        for (var at = 0; at < request.UnitIds.Count; at++)
            if (request.UnitIds.Take(at).Contains(request.UnitIds[at], StringComparer.Ordinal)) throw Refusal.InvalidField(new FieldFault($"unit_ids[{at}]", FieldFaultKind.Duplicate));
        var units = request.UnitIds.Select(id => Addressee.Require(call, id, request.Services)).ToList();
        RequireChoice(call, content, units, request, triage);
        report.Move(Wire.ReportAction.Dispatch);
        EndOffers(call, report, offer => offer.Until <= call.Now);
        var live = call.Read.OffersOf(report.ReportId).Where(offer => !offer.IsOver && !(offer.Until <= call.Now)).Select(offer => offer.UnitId).ToHashSet(StringComparer.Ordinal);
        var view = ClassSet.Of([.. request.View.Classes]);
        for (var at = 0; at < units.Count; at++)
        {
            if (live.Contains(units[at].UnitId)) throw Refusal.InvalidField(new FieldFault($"unit_ids[{at}]", FieldFaultKind.Duplicate));
            var referral = ReferralMaking.Create(call, ToReferral(content, report, units[at], request, view));
            var offer = new ReportOfferRow
            {
                ReferralId = referral.ReferralId, ReportId = report.ReportId, UnitId = units[at].UnitId, OfferedAt = call.Now, Until = request.OfferUntil?.ToDateTimeOffset(),
            };
            if (request.OverrideReason.Length > 0)
                offer.OverrideReason = call.Vault.SealText(report.Jurisdiction, ReportQueries.OverrideColumn, offer.ReferralId, request.OverrideReason);
            call.Change.Add(offer);
        }

        call.StopClocks(report.ReportId, Wire.ClockKind.ReportDispatch);
    }

    /// <summary>Takes back every offer that nobody has accepted.</summary>
    public static void Recall(Call call, Report report)
    {
        report.Move(Wire.ReportAction.Recall);
        EndOffers(call, report, _ => true);
        StartDispatchClock(call, report);
    }

    /// <summary>Takes back the offers whose time is over; where none is left, the report is back on the desk, with a clock (R-INT-10). The desk hears of it in any case.</summary>
    public static void EndOverdueOffers(Call call, Report report)
    {
        EndOffers(call, report, offer => offer.Until <= call.Now);
        if (call.Read.OffersOf(report.ReportId).Exists(offer => !offer.IsOver && !(offer.Until <= call.Now)))
        {
            Tell(call, report.IntakeUnitId, Wire.NoticeKind.ReportMoved, report);
            return;
        }

        report.Move(Wire.ReportAction.OfferEnded);
        StartDispatchClock(call, report);
        Record(call, report, Wire.ReportAction.OfferEnded, "");
    }

    /// <summary>
    /// A referral moved by which a report was dispatched: the first unit that accepts has it; where the last one declines, or the one that leads gives it back, it is on the desk
    /// again; where the one that leads hands it on, the next unit leads.
    /// </summary>
    public static void Follow(Call call, ReferralMoved moved)
    {
        if (moved.State == Wire.ReferralState.Transferred) PassLead(call, moved);
        if (moved.Action == Wire.ReferralAction.ConfirmWithdrawal) TakeBack(call, moved);
        // Closed without having met the family (R-REF-8): its outcome says why, and nobody is reminded of it any more.
        if (moved.State == Wire.ReferralState.Closed && Led(call, moved) is { } ended) call.StopClocks(ended.ReportId, Wire.ClockKind.ReportFirstContact);
        // An offer that this very call ends is followed already.
        if (call.Change.Updated.OfType<ReportOfferRow>().Any(ended => ended.ReferralId == moved.ReferralId)) return;
        if (call.Read.FindOffer(moved.ReferralId) is not { IsOver: false } offer || call.Read.FindReport(offer.ReportId) is not { State: Wire.ReportState.Offered } report) return;
        switch (moved.State)
        {
            case Wire.ReferralState.Accepted:
                if (offer.Until <= call.Now) throw new Refusal(Wire.ErrorReason.OfferEnded, ("until", offer.Until.Value.ToString("O", System.Globalization.CultureInfo.InvariantCulture)));
                report.Move(Wire.ReportAction.Accept);
                report.LeadUnitId = offer.UnitId;
                Over(call, offer);
                EndOffers(call, report, other => other.ReferralId != offer.ReferralId);
                call.StartClock(Wire.ClockKind.ReportFirstContact, ProfileOf(report), "report", report.ReportId, offer.UnitId, report.IntakeUnitId);
                Record(call, report, Wire.ReportAction.Accept, "");
                break;
            case Wire.ReferralState.Declined or Wire.ReferralState.Withdrawn:
                Over(call, offer);
                if (call.Read.OffersOf(report.ReportId).Exists(other => !other.IsOver && other.ReferralId != offer.ReferralId)) break;
                report.Move(Wire.ReportAction.OfferDeclined);
                StartDispatchClock(call, report);
                Record(call, report, Wire.ReportAction.OfferDeclined, "");
                break;
        }
    }

    /// <summary>Whoever took over what the lead handed on leads from this commit on, and has the lead's duty to meet the family (R-REF-6).</summary>
    private static void PassLead(Call call, ReferralMoved moved)
    {
        // A ruling has its own way to change the lead: its referral is tied to the report from the start (R-INT-9).
        if (call.Read.FindReferral(moved.ReferralId) is not { TransferredToId: { } onwardId } old || call.Read.FindOffer(onwardId) is not null || Led(call, moved) is not { } report) return;
        report.Move(Wire.ReportAction.LeadChanged);
        report.LeadUnitId = old.TransferredToUnitId;
        call.Change.Add(new ReportOfferRow { ReferralId = onwardId, ReportId = report.ReportId, UnitId = report.LeadUnitId, OfferedAt = call.Now, IsOver = true });
        if (report.State == Wire.ReportState.Accepted)
        {
            call.StopClocks(report.ReportId, Wire.ClockKind.ReportFirstContact);
            call.StartClock(Wire.ClockKind.ReportFirstContact, ProfileOf(report), "report", report.ReportId, report.LeadUnitId, report.IntakeUnitId);
        }

        Record(call, report, Wire.ReportAction.LeadChanged, "");
    }

    /// <summary>Desk and lead agreed that the lead gives it back (R-REF-10): nobody serves by it any more, so it is dispatched anew.</summary>
    private static void TakeBack(Call call, ReferralMoved moved)
    {
        if (Led(call, moved) is not { } report) return;
        report.Move(Wire.ReportAction.LeadWithdrawn);
        report.LeadUnitId = "";
        call.StopClocks(report.ReportId, Wire.ClockKind.ReportFirstContact);
        StartDispatchClock(call, report);
        Record(call, report, Wire.ReportAction.LeadWithdrawn, "");
    }

    /// <summary>The report that the receiver of a referral leads by it; null: none.</summary>
    private static Report? Led(Call call, ReferralMoved moved) =>
        call.Read.FindOffer(moved.ReferralId) is { } offer && call.Read.FindReport(offer.ReportId) is { } report
        && string.Equals(report.LeadUnitId, moved.ToUnitId, StringComparison.Ordinal) ? report : null;

    /// <summary>The move with who, when and why, and the notice of it to whoever waits for it.</summary>
    public static void Record(Call call, Report report, Wire.ReportAction action, string remark)
    {
        call.Touches("report", report.ReportId);
        if (action != Wire.ReportAction.Submit) call.Change.Update(report);
        var moveId = call.NewId();
        call.Change.Add(new ReportMoveRow
        {
            MoveId = moveId, ReportId = report.ReportId, Number = report.Version, Action = action, State = report.State, MovedAt = call.Now, UnitId = call.Unit.UnitId,
            PersonId = call.Context!.Actor.PersonId, Remark = remark.Length == 0 ? [] : call.Vault.SealText(report.Jurisdiction, ReportQueries.RemarkColumn, moveId, remark),
        });
        if (action == Wire.ReportAction.Submit) Tell(call, report.IntakeUnitId, Wire.NoticeKind.ReportReceived, report);
        else if (action is Wire.ReportAction.Accept or Wire.ReportAction.OfferDeclined or Wire.ReportAction.Contact or Wire.ReportAction.LeadChanged
            or Wire.ReportAction.OfferEnded or Wire.ReportAction.LeadWithdrawn) Tell(call, report.IntakeUnitId, Wire.NoticeKind.ReportMoved, report);
        // The loop is closed: whoever reported hears of each state that the report is in.
        if (action != Wire.ReportAction.Submit && !string.Equals(report.SubmittedByUnitId, report.IntakeUnitId, StringComparison.Ordinal))
            Tell(call, report.SubmittedByUnitId, Wire.NoticeKind.ReportMoved, report);
    }

    public static void Tell(Call call, string unitId, Wire.NoticeKind kind, Report report) => call.Change.Notify(new NoticeDraft(unitId, kind, null, null, $"report/{report.ReportId}"));

    public static void StartDispatchClock(Call call, Report report) =>
        call.StartClock(Wire.ClockKind.ReportDispatch, ProfileOf(report), "report", report.ReportId, report.IntakeUnitId);

    /// <summary>What the desk does next with a declined offer (R-INT-10).</summary>
    public static Wire.NextAction NextActionOf(Referral referral, ReportOfferRow offer, DateTimeOffset now) => referral switch
    {
        { State: Wire.ReferralState.Declined, DeclineReason: Wire.DeclineReason.NeedAlreadyMet } => Wire.NextAction.CloseOrReassess,
        { State: Wire.ReferralState.Declined, ProposedUnitId.Length: > 0 } when referral.DeclineReason == Wire.DeclineReason.OutOfArea => Wire.NextAction.DispatchAcross,
        { State: Wire.ReferralState.Declined, DeclineReason: Wire.DeclineReason.NoCapacity } => Wire.NextAction.DispatchWithCapacity,
        { State: Wire.ReferralState.Declined } => Wire.NextAction.DispatchToProposed,
        _ when !Standing.IsServed(referral.State) && offer.Until <= now => Wire.NextAction.OfferAgain,
        _ => Wire.NextAction.Unspecified,
    };

    public static string ProfileOf(Report report) => report.IsProtective ? "protective" : "standard";

    /// <summary>A person with an open case goes to its primary unit (R-INT-4); a unit that the rules do not suggest first needs a reason (R-INT-5).</summary>
    private static void RequireChoice(Call call, Wire.ReportContent content, List<Unit> units, Wire.DispatchReportRequest request, TriageRules triage)
    {
        var primaries = Screenings.PrimariesOf(call, content);
        if (primaries.Count > 0)
        {
            if (units.Exists(unit => !primaries.Contains(unit.UnitId)))
                throw new Refusal(Wire.ErrorReason.PrimaryUnitLeads, ("unit_id", string.Join(", ", primaries)), ("rule", "R-INT-4"));
            return;
        }

        var choice = triage.Choice(content, Screenings.UnitsOf(call));
        if (units.Exists(unit => choice.Suggests(unit, content))) return;
        if (request.OverrideReason.Length == 0) throw new Refusal(Wire.ErrorReason.OverrideReasonMissing, ("rule", choice.Id), ("unit_kinds", string.Join(", ", choice.UnitKinds.Select(kind => CodeText.Of(kind)))));
        RealText.Require(request.OverrideReason, "override_reason");
    }

    private static Wire.CreateReferralRequest ToReferral(Wire.ReportContent content, Report report, Unit unit, Wire.DispatchReportRequest request, ClassSet view)
    {
        var referral = new Wire.CreateReferralRequest { ToUnitId = unit.UnitId, View = request.View, SourceSystem = content.SourceSystem, Protective = report.IsProtective };
        referral.Subjects.Add(content.Subjects.Select(subject => new Wire.ReferralSubject
        {
            NationalId = subject.NationalId, Name = subject.Name, BirthDate = subject.BirthDate, Phone = subject.Phone, Address = subject.Address,
        }));
        referral.Services.Add(request.Services);
        // What the view does not open stays with the screening centre, and who reported in any case (R-NTK-5).
        referral.Facts.Add(content.Facts.Where(fact => view.Contains(fact.ConfidentialityClass) && fact.ConfidentialityClass != Wire.ConfidentialityClass.NotPersonal));
        return referral;
    }

    /// <summary>The report that another is a duplicate of: of the same screening centre, and no duplicate itself, so that links have one end.</summary>
    private static Guid FirstOf(Call call, Report report, Guid firstId)
    {
        call.Touches("report", firstId);
        if (call.Read.FindReport(firstId) is not { } first || !string.Equals(first.IntakeUnitId, report.IntakeUnitId, StringComparison.Ordinal)) throw new Refusal(Wire.ErrorReason.NotFound);
        if (firstId == report.ReportId) throw new Refusal(Wire.ErrorReason.LinkNotPossible, ("problem", "itself"));
        if (first.State == Wire.ReportState.Linked) throw new Refusal(Wire.ErrorReason.LinkNotPossible, ("problem", "first_is_linked"));
        if (call.Read.HasDuplicates(report.ReportId)) throw new Refusal(Wire.ErrorReason.LinkNotPossible, ("problem", "others_link_to_it"));
        return firstId;
    }

    private static void Over(Call call, ReportOfferRow offer)
    {
        offer.IsOver = true;
        call.Change.Update(offer);
    }

    /// <summary>Ends live offers: their referrals are withdrawn, so that their units hear of it.</summary>
    private static void EndOffers(Call call, Report report, Func<ReportOfferRow, bool> which)
    {
        foreach (var offer in call.Read.OffersOf(report.ReportId))
        {
            if (offer.IsOver || !which(offer)) continue;
            Over(call, offer);
            ReferralSteps.WithdrawOffer(call, offer.ReferralId, report.IntakeUnitId);
        }
    }
}
