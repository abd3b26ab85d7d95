using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Referrals;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Reports;

/// <summary>The RPCs of reports: load, decide, change, answer. What is taken in is <see cref="ReportIntake"/>'s, screening and dispatch are <see cref="ReportDesk"/>'s.</summary>
internal sealed class ReportService(SourceSystems sources, TriageRules triage) : Wire.ReportService.ReportServiceBase, IReactTo<ReferralMoved>
{
    /// <summary>Messages of one stream.</summary>
    public const int MostRows = 1000;

    /// <summary>Messages of one stream at work at once; they share flushes.</summary>
    private const int RowsAtOnce = 64;

    public override Task<Wire.SubmitReportResponse> SubmitReport(Wire.SubmitReportRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.SubmitReportResponse { Receipt = Submit(Call.Of(context), request.Content) });

    public override async Task<Wire.SubmitReportsResponse> SubmitReports(IAsyncStreamReader<Wire.SubmitReportsRequest> requestStream, ServerCallContext context)
    {
        var (rows, results) = (RowCalls.Of(context), new List<Task<Wire.SubmittedReport>>());
        using var room = new SemaphoreSlim(RowsAtOnce);
        while (await requestStream.MoveNext(context.CancellationToken))
        {
            // Whoever sends on and on regardless is not read to the end.
            if (results.Count == 2 * MostRows) throw TooMany();
            await room.WaitAsync(context.CancellationToken);
            results.Add(TakeRowAsync(rows, requestStream.Current, results.Count + 1, room));
        }

        var response = new Wire.SubmitReportsResponse();
        response.Results.Add(await Task.WhenAll(results));
        response.Taken = response.Results.Count(result => result.Receipt is not null);
        response.Refused = response.Results.Count - response.Taken;
        return response;
    }

    public override Task<Wire.GetReportResponse> GetReport(Wire.GetReportRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var report = Load(call, Guid.Parse(request.ReportId));
        return Task.FromResult(new Wire.GetReportResponse { Report = Show(call, report, call.DecideOn(report)) });
    }

    public override Task<Wire.ListReportsResponse> ListReports(Wire.ListReportsRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var (size, atIntake) = (request.PageSize == 0 ? 100 : request.PageSize, call.Unit.Kind == Wire.UnitKind.CentralIntake);
        call.Consider(call.Ask(RelationshipSet.Of(atIntake ? Wire.Relationship.CentralIntake : Wire.Relationship.Referrer), call.Agency.Jurisdiction));
        var found = call.Read.ListReports(call.Unit.UnitId, atIntake, request.State, request.ProtectiveOnly, PageToken.Read(request.PageToken, Guid.Empty), size + 1);
        var response = new Wire.ListReportsResponse();
        foreach (var report in found.Take(size))
        {
            call.Touches("report", report.ReportId);
            response.Reports.Add(new Wire.ReportLine
            {
                ReportId = report.ReportId.ToString(), ReceiptNumber = report.ReceiptNumber, State = report.State, ReportClass = report.Class, Protective = report.IsProtective,
                ReceivedAt = Timestamp.FromDateTimeOffset(report.ReceivedAt), SubmittedByUnitId = report.SubmittedByUnitId, LeadUnitId = report.LeadUnitId, ActionRequired = report.HasOpenAction,
            });
        }

        if (found.Count > size) response.NextPageToken = PageToken.Of(found[size - 1].ReportId);
        return Task.FromResult(response);
    }

    public override Task<Wire.GetScreeningResponse> GetScreening(Wire.GetScreeningRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var report = LoadAtDesk(call, request.ReportId);
        call.DecideOn(report);
        if (!report.IsScreening)
        {
            throw new Refusal(Wire.ErrorReason.MoveNotAllowed, ("state", CodeText.Of(report.State)), ("action", "SCREENING"),
                ("allowed", string.Join(", ", Report.Allowed(report.State).Select(action => CodeText.Of(action)))));
        }

        var content = Open(call, report);
        foreach (var nationalId in Report.SubjectsOf(content)) call.Concerns(nationalId);
        return Task.FromResult(new Wire.GetScreeningResponse { Screening = Screenings.Of(call, report, content, triage) });
    }

    public override Task<Wire.ScreenReportResponse> ScreenReport(Wire.ScreenReportRequest request, ServerCallContext context) => Task.FromResult(new Wire.ScreenReportResponse
    {
        Report = Move(context, request.ReportId, request.Etag, request.Remark, Wire.ReportAction.Screen, (call, report) => ReportDesk.Screen(call, report, request)),
    });

    public override Task<Wire.DispatchReportResponse> DispatchReport(Wire.DispatchReportRequest request, ServerCallContext context) => Task.FromResult(new Wire.DispatchReportResponse
    {
        Report = Move(context, request.ReportId, request.Etag, request.Remark, Wire.ReportAction.Dispatch,
            (call, report) => ReportDesk.Dispatch(call, report, Open(call, report), request, triage)),
    });

    public override Task<Wire.RecallReportResponse> RecallReport(Wire.RecallReportRequest request, ServerCallContext context) => Task.FromResult(new Wire.RecallReportResponse
    {
        Report = Move(context, request.ReportId, request.Etag, request.Remark, Wire.ReportAction.Recall, ReportDesk.Recall),
    });

    public override Task<Wire.CloseReportResponse> CloseReport(Wire.CloseReportRequest request, ServerCallContext context) => Task.FromResult(new Wire.CloseReportResponse
    {
        Report = Move(context, request.ReportId, request.Etag, request.Remark, Wire.ReportAction.Close, (call, report) =>
        {
            report.Close(request.Reason, request.Remark);
            // The duty to file a protective report is its reporter's, whatever the desk makes of this one (R-INT-7).
            call.StopClocks(report.ReportId, Wire.ClockKind.ReportDispatch);
        }),
    });

    public override Task<Wire.RecordFirstContactResponse> RecordFirstContact(Wire.RecordFirstContactRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var referralId = Guid.Parse(request.ReferralId);
        call.Touches("referral", referralId);
        if (!Reach.IsReceiverOf(call.Read, referralId, call.Unit.UnitId) || call.Read.FindReferral(referralId) is not { } referral) throw new Refusal(Wire.ErrorReason.NotFound);
        call.DecideOn(referral);
        if (call.Read.FindOffer(referralId) is not { } offer || call.Read.FindReport(offer.ReportId) is not { } report) throw new Refusal(Wire.ErrorReason.NotFound);
        if (call.Replayed is null)
        {
            if (!string.Equals(report.LeadUnitId, call.Unit.UnitId, StringComparison.Ordinal)) throw new Refusal(Wire.ErrorReason.NotFound);
            var at = Instants.Whole(request.ContactedAt.ToDateTimeOffset());
            if (at > call.Now) throw Refusal.InvalidField(new FieldFault("contacted_at", FieldFaultKind.InTheFuture));
            if (at < report.ReceivedAt) throw Refusal.InvalidField(new FieldFault("contacted_at", FieldFaultKind.NotAfter, "received_at"));
            report.Move(Wire.ReportAction.Contact);
            report.FirstContactAt = at;
            call.StopClocks(report.ReportId, Wire.ClockKind.ReportFirstContact);
            ReportDesk.Record(call, report, Wire.ReportAction.Contact, request.Remark);
            call.Change.Key!.Outcome = report.ReportId.ToString();
        }

        return Task.FromResult(new Wire.RecordFirstContactResponse
        {
            ReportId = report.ReportId.ToString(), FirstContactAt = report.FirstContactAt is { } met ? Timestamp.FromDateTimeOffset(met) : null,
        });
    }

    public override Task<Wire.StateCapacityResponse> StateCapacity(Wire.StateCapacityRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        if (call.Replayed is { } made)
            return Task.FromResult(new Wire.StateCapacityResponse { StatedAt = Timestamp.FromDateTimeOffset(Instants.FromMicros(long.Parse(made, System.Globalization.CultureInfo.InvariantCulture))) });
        Addressee.Require(call, call.Unit.UnitId, request.Capacities.Select(one => one.Service));
        var known = call.Read.CapacitiesOf([call.Unit.UnitId]);
        for (var at = 0; at < request.Capacities.Count; at++)
        {
            var stated = request.Capacities[at];
            if (request.Capacities.Take(at).Any(one => one.Service == stated.Service)) throw Refusal.InvalidField(new FieldFault($"capacities[{at}].service", FieldFaultKind.Duplicate));
            var row = known.Find(one => one.Service == stated.Service);
            var isNew = row is null;
            row ??= new CapacityRow { UnitId = call.Unit.UnitId, Service = stated.Service, Version = 1 };
            (row.OpenPlaces, row.StatedAt) = (stated.OpenPlaces, call.Now);
            if (isNew) call.Change.Add(row);
            else call.Change.Update(row);
        }

        call.Change.Key!.Outcome = Instants.ToMicros(call.Now).ToString(System.Globalization.CultureInfo.InvariantCulture);
        return Task.FromResult(new Wire.StateCapacityResponse { StatedAt = Timestamp.FromDateTimeOffset(call.Now) });
    }

    public override Task<Wire.ListSourceSystemsResponse> ListSourceSystems(Wire.ListSourceSystemsRequest request, ServerCallContext context)
    {
        var response = new Wire.ListSourceSystemsResponse();
        foreach (var profile in sources.Systems.OrderBy(one => one.System))
        {
            var wire = new Wire.SourceSystemProfile { SourceSystem = profile.System, NameZh = profile.NameZh };
            wire.AgencyKinds.Add(profile.AgencyKinds);
            wire.Kinds.Add(profile.Kinds);
            wire.RequiredFields.Add(profile.Requires);
            wire.RosterLists.Add(profile.RosterLists);
            response.SourceSystems.Add(wire);
        }

        return Task.FromResult(response);
    }

    /// <summary>The referrals by which a report was dispatched, and those of a juvenile notice, move in their own feature.</summary>
    public void React(Call call, ReferralMoved happened)
    {
        if (happened.State is Wire.ReferralState.Seen or Wire.ReferralState.Accepted) call.StopClocks(happened.ReferralId, Wire.ClockKind.JuvenileNoticeAcknowledgement);
        ReportDesk.Follow(call, happened);
    }

    private Wire.ReportReceipt Submit(Call call, Wire.ReportContent content)
    {
        var report = call.Replayed is { } made ? Load(call, Guid.Parse(made)) : ReportIntake.Take(call, content, sources);
        call.Decide(ReportPolicy.OfReporter(call, report.Jurisdiction));
        if (call.Replayed is not null) foreach (var nationalId in Report.SubjectsOf(content)) call.Concerns(nationalId);
        var receipt = new Wire.ReportReceipt
        {
            ReportId = report.ReportId.ToString(), ReceiptNumber = report.ReceiptNumber, ReceivedAt = Timestamp.FromDateTimeOffset(report.ReceivedAt), IntakeUnitId = report.IntakeUnitId,
        };
        if (ActionOf(report) is { } action) receipt.RequiredActions.Add(action);
        var sent = call.Replayed is null ? call.Change.Added.OfType<ReportNoticeRow>().Select(row => row.ReferralId) : call.Read.NoticesOf(report.ReportId);
        receipt.ReferralIds.Add(sent.Select(id => id.ToString()));
        return receipt;
    }

    private async Task<Wire.SubmittedReport> TakeRowAsync(RowCalls rows, Wire.SubmitReportsRequest row, int number, SemaphoreSlim room)
    {
        try
        {
            var outcome = await rows.RunAsync(row, call => number > MostRows ? throw TooMany() : new Wire.SubmitReportResponse { Receipt = Submit(call, row.Content) });
            var result = new Wire.SubmittedReport
            {
                Number = number, RequestId = Guid.TryParseExact(row.RequestId, "D", out var id) ? id.ToString() : "", DecisionId = outcome.DecisionId, Record = outcome.Record,
                Receipt = (outcome.Answer as Wire.SubmitReportResponse)?.Receipt,
            };
            if (outcome.Refused is not { } refused) return result;
            (result.Reason, result.MessageEn, result.MessageZh) = (refused.Reason, refused.Text.En, refused.Text.Zh);
            result.Fields.Add(refused.Faults.Select(fault => new Wire.FieldProblem { Field = fault.Path, DescriptionEn = fault.Text.En, DescriptionZh = fault.Text.Zh }));
            return result;
        }
        finally
        {
            room.Release();
        }
    }

    private static Refusal TooMany() => new(Wire.ErrorReason.TooManyRows, ("limit", MostRows.ToString(System.Globalization.CultureInfo.InvariantCulture)));

    private static Wire.Report Move(ServerCallContext context, string reportId, string etag, string remark, Wire.ReportAction action, Action<Call, Report> move)
    {
        var call = Call.Of(context);
        var report = LoadAtDesk(call, reportId);
        var decision = call.DecideOn(report);
        if (call.Replayed is not null) return Show(call, report, decision);
        var (current, state) = (Etag.Of(report), report.State);
        if (etag.Length > 0 && !string.Equals(etag, current, StringComparison.Ordinal))
            throw new Refusal(Wire.ErrorReason.ConcurrentChange, ("etag", current), ("state", CodeText.Of(state)));
        move(call, report);
        ReportDesk.Record(call, report, action, remark);
        call.Change.Key!.Outcome = report.ReportId.ToString();
        return Show(call, report, decision);
    }

    /// <summary>A report that the acting unit has a part in, or none.</summary>
    private static Report Load(Call call, Guid reportId)
    {
        call.Touches("report", reportId);
        // Asked first, by indexes that begin with the unit: a report of others costs what none costs (R-NTK-14).
        if (!Reach.IsPartOfReport(call.Read, reportId, call.Unit.UnitId)) throw new Refusal(Wire.ErrorReason.NotFound);
        return call.Read.FindReport(reportId) ?? throw new Refusal(Wire.ErrorReason.NotFound);
    }

    private static Report LoadAtDesk(Call call, string reportId)
    {
        var report = Load(call, Guid.Parse(reportId));
        return report.PartyOf(call.Unit.UnitId) == ReportParty.Intake ? report : throw new Refusal(Wire.ErrorReason.NotFound);
    }

    private static Wire.ReportContent Open(Call call, Report report) =>
        call.Vault.OpenFacts(Wire.ReportContent.Parser, ReportQueries.ContentColumn, report.ReportId, report.Sealed);

    private static Wire.RequiredAction? ActionOf(Report report) => report.RequiredAction == Wire.RequiredActionKind.Unspecified ? null : new Wire.RequiredAction
    {
        Kind = report.RequiredAction, Since = Timestamp.FromDateTimeOffset(report.ReceivedAt), DoneAt = report.ActionDoneAt is { } at ? Timestamp.FromDateTimeOffset(at) : null,
        DoneByReportId = report.ActionDoneBy?.ToString() ?? "",
    };

    private static Wire.Report Show(Call call, Report report, Decision decision)
    {
        var content = Open(call, report);
        call.Touches("report", report.ReportId);
        foreach (var nationalId in Report.SubjectsOf(content)) call.Concerns(nationalId);
        var wire = new Wire.Report
        {
            ReportId = report.ReportId.ToString(), ReceiptNumber = report.ReceiptNumber, State = report.State, ReportClass = report.Class, SubmittedByUnitId = report.SubmittedByUnitId,
            IntakeUnitId = report.IntakeUnitId, ReceivedAt = Timestamp.FromDateTimeOffset(report.ReceivedAt), Content = content, Protective = report.IsProtective,
            FirstReportId = report.FirstReportId?.ToString() ?? "", LeadUnitId = report.LeadUnitId, NotOpenedReason = report.NotOpenedReason, Etag = Etag.Of(report),
            FirstContactAt = report.FirstContactAt is { } met ? Timestamp.FromDateTimeOffset(met) : null,
        };
        if (ActionOf(report) is { } action) wire.RequiredActions.Add(action);
        var isDesk = report.PartyOf(call.Unit.UnitId) == ReportParty.Intake;
        // Offers and first reports are the desk's: to others they would tell of units and reports that are not theirs.
        if (isDesk) wire.Offers.Add(Offers(call, report));
        else wire.FirstReportId = "";
        foreach (var move in call.Read.MovesOfReport(report.ReportId).Concat(call.Change.Added.OfType<ReportMoveRow>().Where(move => move.ReportId == report.ReportId)))
        {
            wire.Moves.Add(new Wire.ReportMove
            {
                Action = move.Action, State = move.State, MovedAt = Timestamp.FromDateTimeOffset(move.MovedAt), UnitId = move.UnitId, PersonId = move.PersonId,
                Remark = move.Remark.Length > 0 && string.Equals(move.UnitId, call.Unit.UnitId, StringComparison.Ordinal) ? call.Vault.OpenText(ReportQueries.RemarkColumn, move.MoveId, move.Remark) : "",
            });
        }

        var plan = RedactionPlan.For(Wire.Report.Descriptor);
        var told = plan.TextClasses(wire);
        plan.Redact(wire, decision.Visible);
        call.Withhold(told.Without(plan.TextClasses(wire)));
        return wire;
    }

    private static IEnumerable<Wire.DispatchOffer> Offers(Call call, Report report)
    {
        foreach (var offer in call.Read.OffersOf(report.ReportId).Concat(call.Change.Added.OfType<ReportOfferRow>().Where(one => one.ReportId == report.ReportId)))
        {
            var referral = call.Change.Added.Concat(call.Change.Updated).OfType<Referral>().FirstOrDefault(one => one.ReferralId == offer.ReferralId) ?? call.Read.FindReferral(offer.ReferralId)!;
            yield return new Wire.DispatchOffer
            {
                ReferralId = offer.ReferralId.ToString(), UnitId = offer.UnitId, State = referral.State, OfferedAt = Timestamp.FromDateTimeOffset(offer.OfferedAt),
                Until = offer.Until is { } until ? Timestamp.FromDateTimeOffset(until) : null, ProposedUnitId = referral.ProposedUnitId, NextAction = ReportDesk.NextActionOf(referral, offer, call.Now),
                OverrideReason = offer.OverrideReason.Length == 0 ? "" : call.Vault.OpenText(ReportQueries.OverrideColumn, offer.ReferralId, offer.OverrideReason),
            };
        }
    }
}
