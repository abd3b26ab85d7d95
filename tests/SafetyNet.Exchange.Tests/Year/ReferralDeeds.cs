using SafetyNet.Exchange.Tests.Disputes;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Reports;

namespace SafetyNet.Exchange.Tests.Year;

/// <summary>What units do with what is referred to them, from the answer to the end, and what must come of it by the rules.</summary>
internal sealed class ReferralDeeds(YearWorld world)
{
    private readonly Dictionary<string, string[]> _workers = world.Units.Answering.ToDictionary(
        unit => unit, unit => Enumerable.Range(0, YearUnits.Workers).Select(place => $"S{place}000").ToArray(), StringComparer.Ordinal);

    public ReportDeeds Reports { get; set; } = null!;

    private string Intake => world.Units.Intake;

    /// <summary>Staff numbers of those who work at a unit now.</summary>
    public IReadOnlyList<string> WorkersOf(string unit) => _workers[unit];

    /// <summary>A referral was made: the receiver has its time limit (R-REF-7).</summary>
    public void Begins(YearReferral referral)
    {
        world.Clocks.Start(Wire.ClockKind.ReferralAcceptance, referral.IsProtective, referral.Resource, referral.ToUnit, referral.FromUnit, world.Now);
        world.Sent(referral);
    }

    /// <summary>A referral is at an end; nothing runs for it any more.</summary>
    public void Ends(YearReferral referral, Wire.ReferralState state)
    {
        (referral.State, referral.IsPending) = (state, false);
        StopAcceptance(referral);
        StopCompletion(referral);
        world.Clocks.Stop(referral.Resource, Wire.ClockKind.HandshakeConfirmation, referral.ToUnit, world.Now);
    }

    /// <summary>What the unit will do with an offer: take it, decline it, send it back for more, or nothing.</summary>
    public void PlanAnswer(YearReport report, YearReferral offer, bool isSure)
    {
        var chance = isSure ? 0 : report.Random.Next(100);
        if (chance >= 88) return;
        world.LaterAt(offer.ToUnit, world.Now + AnswerDelay(report), report.Family, () => chance switch
        {
            < 64 => AcceptOfferAsync(report, offer),
            < 80 => DeclineOfferAsync(report, offer),
            _ => ReturnOfferAsync(report, offer),
        });
    }

    /// <summary>A juvenile notice went to the school, which takes note in time, late or not, and to the youth guidance committee (R-INT-8).</summary>
    public void NoticeSent(YearReport report, Wire.ReportReceipt receipt)
    {
        Assert.Equal(2, receipt.ReferralIds.Count);
        var (random, school) = (report.Random, new YearReferral(receipt.ReferralIds[0], report.Family, world.Units.Police, world.Units.School, isProtective: false));
        var youth = new YearReferral(receipt.ReferralIds[1], report.Family, world.Units.Police, world.Units.Youth, isProtective: false);
        Begins(school);
        Begins(youth);
        world.Clocks.Start(Wire.ClockKind.JuvenileNoticeAcknowledgement, isProtective: false, school.Resource, school.ToUnit, school.FromUnit, world.Now);
        world.Count("juvenile notices");
        if (random.Next(10) < 9)
        {
            world.LaterAt(school.ToUnit, world.Now.AddHours(random.Next(4) == 0 ? random.Next(70, 200) : random.Next(1, 40)), report.Family, async () =>
            {
                await SeesAsync(school);
                world.Clocks.Stop(school.Resource, Wire.ClockKind.JuvenileNoticeAcknowledgement, school.ToUnit, world.Now);
                if (random.Next(10) < 6) await AcceptAsync(school);
            });
        }

        if (random.Next(10) < 7) world.LaterAt(youth.ToUnit, world.Now.AddHours(random.Next(1, 90)), report.Family, () => AcceptAsync(youth));
    }

    /// <summary>A worker leaves, another comes; whatever was in hand is assigned anew by the supervisor.</summary>
    public void Leaves(string unit, int place)
    {
        var (left, comes) = (_workers[unit][place], $"S{place}{int.Parse(_workers[unit][place][2..], System.Globalization.CultureInfo.InvariantCulture) + 1:000}");
        _workers[unit][place] = comes;
        world.Count("workers who left");
        foreach (var referral in world.Referrals.Where(one => one.IsServed && string.Equals(one.ToUnit, unit, StringComparison.Ordinal) && string.Equals(one.Worker, left, StringComparison.Ordinal)))
        {
            world.AtOnceFor(referral.Family, async () =>
            {
                if (!referral.IsServed || !string.Equals(referral.Worker, left, StringComparison.Ordinal)) return;
                await AssignAsync(referral, comes);
                world.Count("referrals assigned anew");
            });
        }
    }

    private async Task AcceptOfferAsync(YearReport report, YearReferral offer)
    {
        if (offer.State is Wire.ReferralState.Withdrawn)
        {
            if (report.Random.Next(4) > 0) return;
            // Somebody else was first, the desk took it back, or it ended: nobody can take it any more.
            Assert.Equal(Wire.ErrorReason.MoveNotAllowed, (await Refused.ByAsync(() => world.Of(offer.ToUnit).MovesAsync(Wire.ReferralAction.Accept, offer.Id))).Reason);
            world.Count("acceptances that came too late refused");
            return;
        }

        if (report.Random.Next(2) == 0) await SeesAsync(offer);
        await AcceptAsync(offer);
        foreach (var other in report.LiveOffers.ToList()) Ends(other, Wire.ReferralState.Withdrawn);
        report.State = Wire.ReportState.Accepted;
        Leads(report, offer);
        if (report.Random.Next(10) < 8) await AssignAsync(offer, _workers[offer.ToUnit][report.Random.Next(YearUnits.Workers)]);
        PlanLife(report);
    }

    private async Task DeclineOfferAsync(YearReport report, YearReferral offer)
    {
        if (offer.State is Wire.ReferralState.Withdrawn) return;
        await DeclineAsync(offer);
        if (!report.LiveOffers.Any()) Reports.BackOnDesk(report);
    }

    private async Task ReturnOfferAsync(YearReport report, YearReferral offer)
    {
        if (offer.State is Wire.ReferralState.Withdrawn) return;
        await SeesAsync(offer);
        await world.Of(offer.ToUnit).MovesAsync(Wire.ReferralAction.Return, offer.Id);
        offer.State = Wire.ReferralState.Returned;
        StopAcceptance(offer);
        world.Clocks.Start(Wire.ClockKind.ReferralCompletion, offer.IsProtective, offer.Resource, offer.FromUnit, offer.ToUnit, world.Now);
        world.Count("referrals returned");
        world.Later(world.Now.AddHours(report.Random.Next(2, 60)), report.Family, async () =>
        {
            if (offer.State != Wire.ReferralState.Returned) return;
            if (report.Random.Next(5) == 0)
            {
                await world.Of(Intake).MovesAsync(Wire.ReferralAction.Withdraw, offer.Id);
                Ends(offer, Wire.ReferralState.Withdrawn);
                if (!report.LiveOffers.Any()) Reports.BackOnDesk(report);
                return;
            }

            await world.Of(Intake).MovesAsync(Wire.ReferralAction.Resubmit, offer.Id);
            offer.State = Wire.ReferralState.Submitted;
            StopCompletion(offer);
            world.Clocks.Start(Wire.ClockKind.ReferralAcceptance, offer.IsProtective, offer.Resource, offer.ToUnit, offer.FromUnit, world.Now);
            world.Sent(offer, isNew: false);
            world.LaterAt(offer.ToUnit, world.Now + AnswerDelay(report), report.Family, () => AcceptOfferAsync(report, offer));
        });
    }

    /// <summary>The unit leads from now on; while the family has not been met, that is its duty (R-INT-6).</summary>
    private void Leads(YearReport report, YearReferral by)
    {
        if (report.LeadUnit.Length > 0) world.Clocks.Stop(report.Resource, Wire.ClockKind.ReportFirstContact, report.LeadUnit, world.Now);
        (report.LeadUnit, report.LeadReferral) = (by.ToUnit, by);
        if (report.State != Wire.ReportState.Accepted) return;
        world.Clocks.Start(Wire.ClockKind.ReportFirstContact, report.IsProtective, report.Resource, by.ToUnit, Intake, world.Now);
        var random = report.Random;
        if (random.Next(100) < 4) return;
        var isLate = random.Next(5) == 0;
        var hours = report.IsProtective ? (isLate ? random.Next(25, 80) : random.Next(1, 20)) : isLate ? random.Next(80, 220) : random.Next(2, 48);
        world.LaterAt(by.ToUnit, world.Now.AddHours(hours), report.Family, () => ContactAsync(report, by));
    }

    private async Task ContactAsync(YearReport report, YearReferral by)
    {
        if (report.State != Wire.ReportState.Accepted || report.LeadReferral != by || !by.IsServed) return;
        var (lead, random) = (world.Of(by.ToUnit), report.Random);
        await lead.AskAsync(to => to.Reports.RecordFirstContactAsync(new() { Context = lead.Context(), RequestId = Some.RequestId(), ReferralId = by.Id, ContactedAt = world.NowOnWire }));
        report.State = Wire.ReportState.Contacted;
        world.Clocks.Stop(report.Resource, Wire.ClockKind.ReportFirstContact, by.ToUnit, world.Now);
        if (by.State == Wire.ReferralState.Accepted && random.Next(2) == 0) await BeginAsync(by);
        var family = report.Family;
        if (family.CaseId.Length > 0 || random.Next(100) >= 40) return;
        (family.CaseId, family.PrimaryUnit) = ((await lead.OpensCaseAsync(by.Id)).CaseId, by.ToUnit);
        world.Count("cases opened");
        if (random.Next(5) > 0) return;
        var other = world.Units.Welfare.First(unit => !string.Equals(unit, by.ToUnit, StringComparison.Ordinal));
        await lead.AsksInAsync(family.CaseId, world.Of(other), world.Units.Taking[other]);
        world.LaterAt(other, world.Now.AddHours(random.Next(10, 100)), family, async () =>
        {
            if (!string.Equals(family.PrimaryUnit, by.ToUnit, StringComparison.Ordinal)) return;
            await world.Of(other).JoinsAsync(family.CaseId);
            world.Count("units that joined a case");
        });
    }

    private void PlanLife(YearReport report)
    {
        var (random, family, kind) = (report.Random, report.Family, report.Random.Next(100));
        if (kind < 50) world.LaterAt(report.LeadUnit, world.Now.AddDays(random.Next(10, 60)), family, () => CloseAsync(report));
        else if (kind < 70) world.LaterAt(report.LeadUnit, world.Now.AddDays(random.Next(1, 30)), family, () => HandOnAsync(report));
        else if (kind < 76) world.Later(world.Now.AddDays(random.Next(1, 15)), family, () => AskBackAsync(report));
        else if (kind < 84) world.LaterAt(report.LeadUnit, world.Now.AddDays(random.Next(1, 8)), family, () => DisputeAsync(report));
    }

    private async Task CloseAsync(YearReport report)
    {
        if (report.LeadReferral is not { IsServed: true, IsPending: false } referral || report.State is not (Wire.ReportState.Accepted or Wire.ReportState.Contacted)) return;
        if (referral.State == Wire.ReferralState.Accepted) await BeginAsync(referral);
        await world.Of(referral.ToUnit).MovesAsync(Wire.ReferralAction.Close, referral.Id);
        Ends(referral, Wire.ReferralState.Closed);
        if (report.State != Wire.ReportState.Accepted) return;
        world.Clocks.Stop(report.Resource, Wire.ClockKind.ReportFirstContact, referral.ToUnit, world.Now);
        world.Count("closed before the family was met");
    }

    /// <summary>The lead hands on, with the case where it is the primary unit of it; it serves until the next unit accepts (R-REF-6).</summary>
    private async Task HandOnAsync(YearReport report)
    {
        if (report.LeadReferral is not { IsServed: true, IsPending: false } referral) return;
        var (random, family, from) = (report.Random, report.Family, referral.ToUnit);
        var next = world.Units.Taking.Keys.Where(unit => !string.Equals(unit, from, StringComparison.Ordinal)).OrderBy(unit => unit, StringComparer.Ordinal).ElementAt(random.Next(world.Units.Taking.Count - 1));
        var hasCase = string.Equals(family.PrimaryUnit, from, StringComparison.Ordinal);
        var proposed = await world.Of(from).ProposesAsync(world.Of(from).Transfer(referral.Id, next, service: world.Units.Taking[next], inCase: hasCase ? family.CaseId : ""));
        var onward = new YearReferral(proposed.Onward.ReferralId, family, from, next, referral.IsProtective);
        referral.IsPending = true;
        Begins(onward);
        world.Count("transfers proposed");
        var chance = random.Next(100);
        if (chance < 70) world.LaterAt(next, world.Now + AnswerDelay(report), family, () => TakeOverAsync(report, referral, onward, hasCase));
        else if (chance < 85)
        {
            world.LaterAt(next, world.Now + AnswerDelay(report), family, async () =>
            {
                await DeclineAsync(onward);
                referral.IsPending = false;
            });
        }
        else
        {
            world.LaterAt(from, world.Now.AddHours(random.Next(5, 150)), family, async () =>
            {
                await world.Of(from).MovesAsync(Wire.ReferralAction.Withdraw, onward.Id);
                Ends(onward, Wire.ReferralState.Withdrawn);
                referral.IsPending = false;
            });
        }
    }

    /// <summary>The next unit accepts: lead, duty and the primary part of the case pass in that instant.</summary>
    private async Task TakeOverAsync(YearReport report, YearReferral referral, YearReferral onward, bool hasCase)
    {
        await AcceptAsync(onward);
        Ends(referral, Wire.ReferralState.Transferred);
        report.Offers.Add(onward);
        Leads(report, onward);
        var family = report.Family;
        if (hasCase && string.Equals(family.PrimaryUnit, referral.ToUnit, StringComparison.Ordinal)) family.PrimaryUnit = onward.ToUnit;
        world.Count("leads handed on");
        if (report.Random.Next(2) == 0) world.LaterAt(onward.ToUnit, world.Now.AddDays(report.Random.Next(5, 40)), family, () => CloseAsync(report));
    }

    /// <summary>The desk asks for the referral back; the unit agrees or refuses (R-REF-10).</summary>
    private async Task AskBackAsync(YearReport report)
    {
        if (report.LeadReferral is not { IsServed: true, IsPending: false } referral || !string.Equals(referral.FromUnit, Intake, StringComparison.Ordinal)) return;
        await world.Of(Intake).MovesAsync(Wire.ReferralAction.RequestWithdrawal, referral.Id);
        referral.IsPending = true;
        world.Clocks.Start(Wire.ClockKind.HandshakeConfirmation, referral.IsProtective, referral.Resource, referral.ToUnit, referral.FromUnit, world.Now);
        var agrees = report.Random.Next(3) > 0;
        world.LaterAt(referral.ToUnit, world.Now + AnswerDelay(report), report.Family, async () =>
        {
            await world.Of(referral.ToUnit).MovesAsync(agrees ? Wire.ReferralAction.ConfirmWithdrawal : Wire.ReferralAction.RefuseWithdrawal, referral.Id);
            Ends(referral, agrees ? Wire.ReferralState.Withdrawn : referral.State);
            if (!agrees) return;
            world.Clocks.Stop(report.Resource, Wire.ClockKind.ReportFirstContact, report.LeadUnit, world.Now);
            world.Count("leads given back");
            Reports.BackOnDesk(report);
        });
    }

    /// <summary>The lead holds that another should lead; the desk rules in time or late (R-INT-9).</summary>
    private async Task DisputeAsync(YearReport report)
    {
        var (random, family) = (report.Random, report.Family);
        if (report.LeadReferral is not { IsServed: true, IsPending: false } referral || report.WasDisputed || !world.Units.Welfare.Contains(referral.ToUnit)) return;
        var (lead, proposed) = (world.Of(referral.ToUnit), world.Units.Welfare.First(unit => !string.Equals(unit, referral.ToUnit, StringComparison.Ordinal)));
        var dispute = await lead.DisputesAsync(report.Id, world.Of(proposed));
        (report.WasDisputed, referral.IsPending) = (true, true);
        var resource = $"dispute/{dispute.DisputeId}";
        world.Clocks.Start(Wire.ClockKind.DisputeRuling, isProtective: false, resource, Intake, referral.ToUnit, world.Now);
        world.Count("leads disputed");
        world.Later(world.Now.AddHours(random.Next(3) == 0 ? random.Next(30, 120) : random.Next(1, 8)), family, async () =>
        {
            var passes = random.Next(5) < 3;
            var ruled = await world.Of(Intake).RulesAsync(dispute.DisputeId, world.Of(passes ? proposed : referral.ToUnit));
            world.Clocks.Stop(resource, Wire.ClockKind.DisputeRuling, Intake, world.Now);
            if (passes) HandOverByRuling(report, referral, new YearReferral(ruled.HandoverReferralId, family, referral.FromUnit, proposed, referral.IsProtective));
            else referral.IsPending = false;
        });
    }

    private void HandOverByRuling(YearReport report, YearReferral referral, YearReferral onward)
    {
        Begins(onward);
        report.Offers.Add(onward);
        var accepts = report.Random.Next(4) > 0;
        world.LaterAt(onward.ToUnit, world.Now + AnswerDelay(report), report.Family, async () =>
        {
            if (!accepts)
            {
                await DeclineAsync(onward);
                referral.IsPending = false;
                return;
            }

            await AcceptAsync(onward);
            Ends(referral, Wire.ReferralState.Transferred);
            Leads(report, onward);
            world.Count("leads changed by a ruling");
            if (!string.Equals(report.Family.PrimaryUnit, referral.ToUnit, StringComparison.Ordinal)) return;
            report.Family.PrimaryUnit = onward.ToUnit;
            world.Count("cases passed on by a ruling");
        });
    }

    private async Task SeesAsync(YearReferral referral)
    {
        await world.Of(referral.ToUnit).MovesAsync(Wire.ReferralAction.See, referral.Id);
        referral.State = Wire.ReferralState.Seen;
    }

    private async Task AcceptAsync(YearReferral referral)
    {
        var accepted = await world.Of(referral.ToUnit).MovesAsync(Wire.ReferralAction.Accept, referral.Id);
        Assert.Equal(Wire.ReferralState.Accepted, accepted.State);
        referral.State = accepted.State;
        StopAcceptance(referral);
        if (string.Equals(referral.ToUnit, world.Units.School, StringComparison.Ordinal))
            world.Clocks.Stop(referral.Resource, Wire.ClockKind.JuvenileNoticeAcknowledgement, referral.ToUnit, world.Now);
    }

    private async Task DeclineAsync(YearReferral referral)
    {
        await SeesAsync(referral);
        var by = world.Of(referral.ToUnit);
        await by.AskAsync(to => to.Referrals.DeclineReferralAsync(new()
        {
            Context = by.Context(), RequestId = Some.RequestId(), ReferralId = referral.Id, Reason = Wire.DeclineReason.NoCapacity,
            ProposedUnitId = world.Units.Welfare.First(unit => !string.Equals(unit, referral.ToUnit, StringComparison.Ordinal)),
        }));
        Ends(referral, Wire.ReferralState.Declined);
        world.Count("referrals declined");
    }

    private async Task BeginAsync(YearReferral referral)
    {
        await world.Of(referral.ToUnit).MovesAsync(Wire.ReferralAction.BeginService, referral.Id);
        referral.State = Wire.ReferralState.InService;
    }

    private async Task AssignAsync(YearReferral referral, string worker)
    {
        var by = world.Of(referral.ToUnit);
        await by.AskAsync(to => to.ReferralWork.AssignReferralAsync(new() { Context = by.Context(), RequestId = Some.RequestId(), ReferralId = referral.Id, AssignedPersonId = worker }));
        referral.Worker = worker;
    }

    private void StopCompletion(YearReferral referral) => world.Clocks.Stop(referral.Resource, Wire.ClockKind.ReferralCompletion, referral.FromUnit, world.Now);

    private void StopAcceptance(YearReferral referral) => world.Clocks.Stop(referral.Resource, Wire.ClockKind.ReferralAcceptance, referral.ToUnit, world.Now);

    /// <summary>How long a unit takes to answer, mostly within the limit.</summary>
    private static TimeSpan AnswerDelay(YearReport report)
    {
        var random = report.Random;
        var isLate = random.Next(4) == 0;
        return TimeSpan.FromHours(report.IsProtective ? (isLate ? random.Next(25, 70) : random.Next(1, 20)) : isLate ? random.Next(70, 200) : random.Next(1, 45));
    }
}
