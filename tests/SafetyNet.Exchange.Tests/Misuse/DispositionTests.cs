using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.Tests.Misuse.MisuseMoves;

namespace SafetyNet.Exchange.Tests.Misuse;

/// <summary>A finding is a work item: disposed of once, corrected in the open, and the rule is measured by it (R-AUD-7).</summary>
[Trait("Rule", "R-AUD-7")]
public sealed class DispositionTests(TestExchange exchange) : WireTests(exchange), IAsyncLifetime
{
    private TestExchange Own { get; set; } = null!;

    private The Those { get; set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Own = await StartAtWorkAsync();
        Those = new The(Own);
    }

    public async ValueTask DisposeAsync()
    {
        await Own.DisposeAsync();
        Dispose();
    }

    [Fact]
    public async Task A_finding_is_disposed_of_once_and_a_correction_keeps_the_history()
    {
        var id = (await FindAsync(1))[0].FindingId;
        await AssertRefusedAloneAsync(Wire.ErrorReason.MoveNotAllowed, () => Those.Officer.DisposesAsync(id, Wire.FindingState.Confirmed, correction: true), Own);
        var answer = await Those.Officer.AnswerAsync(to => to.Misuse.DisposeFindingAsync(Disposing(Those.Officer, id, Wire.FindingState.Confirmed)));
        Assert.Equal((Wire.FindingState.Confirmed, Why), (answer.Value.Finding.State, Assert.Single(answer.Value.Dispositions).Note));
        Assert.Equal([answer.Value.Finding.Subject], Own.RecordOf(answer.Receipt).Subjects);
        Assert.Contains($"finding/{id}", Own.RecordOf(answer.Receipt).Resources);
        await AssertRefusedAloneAsync(Wire.ErrorReason.MoveNotAllowed, () => Those.Officer.DisposesAsync(id, Wire.FindingState.Justified), Own);
        await Those.Officer.Colleague("S0008").DisposesAsync(id, Wire.FindingState.FalseAlarm, correction: true);
        var shown = await Those.Officer.GetsFindingAsync(id);
        Assert.Equal(Wire.FindingState.FalseAlarm, shown.Finding.State);
        Assert.Equal([(Wire.FindingState.Confirmed, "S0007"), (Wire.FindingState.FalseAlarm, "S0008")], shown.Dispositions.Select(d => (d.State, d.OfficerId)));
    }

    [Fact]
    [Trait("Abuse", "B68")]
    public async Task Nobody_disposes_of_a_finding_about_oneself_or_of_another_county()
    {
        var id = (await FindAsync(1))[0].FindingId;
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, () => Those.Officer.Colleague("W0108").DisposesAsync(id, Wire.FindingState.Justified), Own);
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, () => Those.Officer.Colleague("w0108").DisposesAsync(id, Wire.FindingState.Justified), Own);
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => Those.OfficerOfTaoyuan.DisposesAsync(id, Wire.FindingState.Justified), Own);
        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => Those.Officer.DisposesAsync(id, Wire.FindingState.Open), Own);
        await AssertRefusedAloneAsync(
            Wire.ErrorReason.InvalidField, () => Those.Officer.AskAsync(to => to.Misuse.DisposeFindingAsync(Disposing(Those.Officer, id, Wire.FindingState.Justified, note: "ok"))), Own);
        Assert.Equal(Wire.FindingState.Open, (await Those.Officer.GetsFindingAsync(id)).Finding.State);
    }

    [Fact]
    public async Task Each_rule_shows_how_many_of_its_findings_were_confirmed_with_the_interval()
    {
        var found = await FindAsync(4);
        var before = await CanaryRuleAsync(Those.Officer);
        Assert.Equal((0.0, 0.0, 1.0), (before.Precision, before.PrecisionLow, before.PrecisionHigh));
        await Those.Officer.DisposesAsync(found[0].FindingId, Wire.FindingState.Confirmed);
        await Those.Officer.DisposesAsync(found[1].FindingId, Wire.FindingState.Justified);
        await Those.Officer.DisposesAsync(found[2].FindingId, Wire.FindingState.FalseAlarm);
        var rule = await CanaryRuleAsync(Those.Officer);
        Assert.Equal((1, 1, 1, 1), (rule.Open, rule.Confirmed, rule.Justified, rule.FalseAlarms));
        Assert.Equal((0.3333, 0.0615, 0.7923), (Math.Round(rule.Precision, 4), Math.Round(rule.PrecisionLow, 4), Math.Round(rule.PrecisionHigh, 4)));
        Assert.Equal(0, (await CanaryRuleAsync(Those.OfficerOfTaoyuan)).Open);
        var all = await Those.Officer.ListsRulesAsync();
        Assert.Equal((8, 64), (all.Rules.Count, all.Sha256.Length));
        Assert.Contains("PROTECTION_CENTER", all.Rules.Single(r => r.Rule == Wire.MisuseRuleId.OffHours).Codes);
    }

    [Fact]
    public async Task Findings_are_listed_by_every_part_of_the_request_and_page_by_page()
    {
        var found = await FindAsync(4);
        await Those.Officer.DisposesAsync(found[0].FindingId, Wire.FindingState.Confirmed);
        Wire.ListFindingsRequest By(Action<Wire.ListFindingsRequest> narrow, int size = 50)
        {
            var request = new Wire.ListFindingsRequest { Context = Those.Officer.Context(), PageSize = size };
            narrow(request);
            return request;
        }

        var ids = found.Select(f => f.FindingId).ToList();
        foreach (var size in (int[])[1, 2, 3, 4, 5]) Assert.Equal(ids, (await Those.Officer.ListsFindingsAsync(By(_ => { }, size))).Select(f => f.FindingId));
        Assert.Equal(ids[..1], (await Those.Officer.ListsFindingsAsync(By(r => r.State = Wire.FindingState.Confirmed))).Select(f => f.FindingId));
        Assert.Equal(4, (await Those.Officer.ListsFindingsAsync(By(r => (r.ActorPersonId, r.ActorUnitId, r.AgencyCode, r.Rule) = ("W0108", "tpe-central-swc", "dosw", Wire.MisuseRuleId.Canary)))).Count);
        foreach (var narrow in (Action<Wire.ListFindingsRequest>[])
            [r => r.ActorPersonId = "W0109", r => r.ActorUnitId = "tpe-school", r => r.AgencyCode = "edu", r => r.Rule = Wire.MisuseRuleId.Volume, r => r.After = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(Own.Clock.GetUtcNow().AddHours(1))])
            Assert.Empty(await Those.Officer.ListsFindingsAsync(By(narrow)));
    }

    /// <summary>So many findings about W0108, newest first.</summary>
    private async Task<IReadOnlyList<Wire.Finding>> FindAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var decoy = Some.StrangersId();
            await Those.Officer.PlantsAsync(decoy);
            await Refused.ByAsync(() => Those.Centre.LooksUpAsync(decoy, inCase: The.NobodysUuid));
        }

        var found = await Those.Officer.FindsAsync(Own);
        Assert.Equal(count, found.Count);
        return found;
    }

    private static async Task<Wire.MisuseRule> CanaryRuleAsync(Party officer) => (await officer.ListsRulesAsync()).Rules.Single(r => r.Rule == Wire.MisuseRuleId.Canary);
}
