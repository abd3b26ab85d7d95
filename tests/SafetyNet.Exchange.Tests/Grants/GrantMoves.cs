using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Grants;

/// <summary>What parties do with applications and grants, as one line each.</summary>
internal static class GrantMoves
{
    public const string Why = "轄區派出所為安排聯合訪視，需確認當事人身分與聯絡方式。";

    public static Timestamp InDays(this TestExchange exchange, double days) => Timestamp.FromDateTimeOffset(exchange.Clock.GetUtcNow() + TimeSpan.FromDays(days));

    public static Wire.ApplyForGrantRequest Application(
        this Party by, TestExchange exchange, string nationalId, Wire.LegalBasis basis, params Wire.ConfidentialityClass[] classes)
    {
        var request = new Wire.ApplyForGrantRequest
        {
            Context = by.Context(Wire.Purpose.CaseCoordination, basis), RequestId = Some.RequestId(), NationalId = nationalId, Classes = { classes },
            Until = exchange.InDays(30),
        };
        request.Context.Justification = Why;
        return request;
    }

    public static Wire.ApplyForGrantRequest Application(this Party by, TestExchange exchange, string nationalId, params Wire.ConfidentialityClass[] classes) =>
        by.Application(exchange, nationalId, Wire.LegalBasis.Article6IntegratedService, classes);

    public static async Task<Wire.Grant> AppliesAsync(this Party by, Wire.ApplyForGrantRequest request) =>
        (await by.AskAsync(to => to.Grants.ApplyForGrantAsync(request))).Grant;

    public static Wire.DecideGrantRequest Decision(this Party by, string grantId, params Wire.ConfidentialityClass[] classes) => new()
    {
        Context = by.Context(Wire.Purpose.CaseCoordination), RequestId = Some.RequestId(), GrantId = grantId, Action = Wire.GrantAction.Grant, Classes = { classes },
    };

    public static async Task<Wire.Grant> GrantsAsync(this Party by, string grantId, params Wire.ConfidentialityClass[] classes) =>
        (await by.AskAsync(to => to.Grants.DecideGrantAsync(by.Decision(grantId, classes)))).Grant;

    public static async Task<Wire.Grant> RefusesAsync(this Party by, string grantId, Wire.GrantRefusal why = Wire.GrantRefusal.NotNeeded) =>
        (await by.AskAsync(to => to.Grants.DecideGrantAsync(new()
        {
            Context = by.Context(Wire.Purpose.CaseCoordination), RequestId = Some.RequestId(), GrantId = grantId, Action = Wire.GrantAction.Refuse, Refusal = why,
        }))).Grant;

    public static async Task<Wire.Grant> NarrowsAsync(this Party by, string grantId, Timestamp? until, params Wire.ConfidentialityClass[] classes) =>
        (await by.AskAsync(to => to.Grants.NarrowGrantAsync(new()
        {
            Context = by.Context(Wire.Purpose.CaseCoordination), RequestId = Some.RequestId(), GrantId = grantId, Classes = { classes }, Until = until,
        }))).Grant;

    public static Wire.RevokeGrantRequest Revocation(this Party by, string grantId) => new()
    {
        Context = by.Context(Wire.Purpose.CaseCoordination), RequestId = Some.RequestId(), GrantId = grantId, Refusal = Wire.GrantRefusal.PurposeFulfilled,
    };

    public static async Task<Wire.Grant> RevokesAsync(this Party by, string grantId) =>
        (await by.AskAsync(to => to.Grants.RevokeGrantAsync(by.Revocation(grantId)))).Grant;

    public static async Task<Wire.Grant> SeesGrantAsync(this Party by, string grantId) =>
        (await by.AskAsync(to => to.Grants.GetGrantAsync(new() { Context = by.Context(Wire.Purpose.CaseCoordination), GrantId = grantId }))).Grant;

    public static Wire.AccessContext On(this Party by, string grantId, Wire.Purpose purpose = Wire.Purpose.CaseCoordination,
        Wire.LegalBasis basis = Wire.LegalBasis.Article6IntegratedService)
    {
        var context = by.Context(purpose, basis);
        context.GrantId = grantId;
        return context;
    }

    public static Task<Wire.LookUpHouseholdResponse> LooksUpOnAsync(this Party by, Wire.AccessContext context, string nationalId) =>
        by.AskAsync(to => to.Households.LookUpHouseholdAsync(new() { Context = context, NationalId = nationalId }));

    public static Task<Wire.GetCaseResponse> SeesCaseOnAsync(this Party by, Wire.AccessContext context, string caseId) =>
        by.AskAsync(to => to.Cases.GetCaseAsync(new() { Context = context, CaseId = caseId }));

    public static Task<Wire.ListNotesResponse> ReadsNotesOnAsync(this Party by, Wire.AccessContext context, string caseId, int size = 0, string token = "") =>
        by.AskAsync(to => to.Cases.ListNotesAsync(new() { Context = context, CaseId = caseId, PageSize = size, PageToken = token }));

    /// <summary>An open case of the centre about a child and its mother, on the school's referral.</summary>
    public static async Task<Wire.Case> CaseOfAsync(The the, Family family)
    {
        var referral = await the.Centre.TakesInAsync(the.School, Some.SubjectOf(family.Child));
        return await the.Centre.OpensCaseAsync(referral.ReferralId, family.Mother.Id);
    }
}
