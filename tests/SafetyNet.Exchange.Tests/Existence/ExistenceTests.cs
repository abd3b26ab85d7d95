using Google.Protobuf;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Tests.Conferences;
using SafetyNet.Exchange.Tests.Disputes;
using SafetyNet.Exchange.Tests.Grants;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Pipeline;
using SafetyNet.Exchange.Tests.Reports;
using SafetyNet.Exchange.Tests.Visits;
using SafetyNet.Exchange.Tests.Worlds;

namespace SafetyNet.Exchange.Tests.Existence;

/// <summary>Nobody learns from an answer whether something is there that it may not see (R-NTK-14, B31).</summary>
[Trait("Rule", "R-NTK-14")]
[Trait("Abuse", "B31")]
public sealed class ExistenceTests(TestExchange exchange) : WireTests(exchange)
{
    public static IEnumerable<TheoryDataRow<string>> Methods => Asked.Entries.Keys.Select(name => new TheoryDataRow<string>(name));

    [Fact]
    public void Every_method_that_takes_an_id_or_a_key_is_asked_by_it() =>
        Assert.Equal(
            Contract.Methods.All.Where(m => Asked.TakesAnId(m.Input)).Select(m => $"{m.Service}/{m.Name}").Order(StringComparer.Ordinal),
            Asked.Entries.Keys.Concat(Asked.ToldOnPurpose.Keys).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Methods))]
    public async Task Forbidden_and_absent_have_one_code_and_the_same_details_trailers_size_and_record(string method)
    {
        var (there, absent) = await IdsAsync();
        foreach (var (forbidden, none) in Asked.Entries[method](The.Police, there).Zip(Asked.Entries[method](The.Police, absent)))
        {
            var (one, other) = (await AskAsync(method, forbidden), await AskAsync(method, none));
            Assert.Equal(other, one);
        }
    }

    /// <summary>Everything that reaches the caller, what it is explained afterwards included.</summary>
    private async Task<string> AskAsync(string name, IMessage request)
    {
        var method = ContractMethods.ToGrpc(ContractMethods.Find(name)!);
        using var call = The.Police.Channel.Invoker.AsyncUnaryCall(method, host: null, new CallOptions(), request);
        string told, decision;
        try
        {
            var answer = await call;
            var trailers = call.GetTrailers().Select(t => $"{t.Key}={(t.Key == CallReceipt.RecordTrailer ? t.Value[t.Value.IndexOf(':', StringComparison.Ordinal)..].Length : t.Value.Length)}");
            told = $"answered {Naive.Text(answer).Length}\n{string.Join('\n', trailers)}";
            decision = CallReceipt.Read(call.GetTrailers())!.DecisionId;
        }
        catch (RpcException error)
        {
            var refused = await Refused.ByAsync(() => Task.FromException(error));
            told = refused.Look();
            decision = refused.Refusal.DecisionId;
        }

        var explained = await The.Police.AskAsync(to => to.Audit.ExplainDecisionAsync(new() { Context = The.Police.Context(), DecisionId = decision }));
        return $"{told}\n{explained}";
    }

    /// <summary>What is there and the police has no part in, and the same made up.</summary>
    private async Task<(Ids There, Ids Absent)> IdsAsync()
    {
        var child = Some.Stranger();
        child.Name = $"測試{child.NationalId[2..]}";
        var request = Some.Referral(The.School, The.Centre.UnitId, child);
        (request.View, request.Context.LegalBasis) = (Some.View(Wire.ConfidentialityClass.EducationRecord), Wire.LegalBasis.Article6IntegratedService);
        request.Facts.Add(Some.Fact(Wire.ConfidentialityClass.EducationRecord, "連續三週未到校"));
        var referral = await The.School.RefersAsync(request);
        await The.Centre.MovesAsync(referral.ReferralId, Wire.ReferralAction.See, Wire.ReferralAction.Accept);
        var opened = await The.Centre.OpensCaseAsync(referral.ReferralId);
        var looked = await The.Centre.LooksUpAsync(child.NationalId, inCase: opened.CaseId);
        var disputed = (await The.LedByAsync(The.WanhuaCentre)).ReportId;
        var visited = new VisitedCase(opened.CaseId, looked.Person.PersonId);
        var visit = (await The.Centre.PlansAsync(The.Centre.Plan(visited, Exchange.Clock.GetUtcNow().DayIn(2)))).VisitId;
        var run = (await The.Centre.StartsAsync(visited)).RunId;
        var held = await The.Centre.HoldsAsync(Exchange, opened.CaseId, Wire.ConferenceLevel.Case, [The.Labor]);
        var item = (await The.Centre.ResolvesAsync(held, The.Labor.Owes("媒合就業")))[0].ItemId;
        var there = new Ids(referral.ReferralId, opened.CaseId, child.NationalId, child.Name, child.BirthDate, looked.Person.PersonId, looked.Disclosure.DecisionId)
        {
            Conference = (await The.Centre.ConvenesAsync(The.Centre.Conference(
                opened.CaseId, Exchange.Clock.GetUtcNow().AddDays(3), [The.Labor], Wire.ConfidentialityClass.Identity))).ConferenceId,
            Correction = (await The.School.CorrectsAsync(
                Wire.DisclosureStep.Referral, referral.ReferralId, child.NationalId, Wire.ConfidentialityClass.EducationRecord)).CorrectionId,
            Grant = (await The.Labor.AppliesAsync(The.Labor.Application(Exchange, child.NationalId, Wire.ConfidentialityClass.Identity))).GrantId,
            BreakGlass = The.NobodysUuid, Report = (await The.School.ReportsAsync(ReportMoves.Content(child))).ReportId,
            Dispute = (await The.WanhuaCentre.DisputesAsync(disputed, The.Centre)).DisputeId, DisputedReport = disputed, Visit = visit, Run = run, Item = item,
        };
        return (there, new Ids(The.NobodysUuid, The.NobodysUuid, Some.StrangersId(), "無此人", child.BirthDate, The.NobodysUuid, The.NobodysUuid)
        {
            Conference = The.NobodysUuid, Correction = The.NobodysUuid, Grant = The.NobodysUuid, BreakGlass = The.NobodysUuid,
        });
    }
}
