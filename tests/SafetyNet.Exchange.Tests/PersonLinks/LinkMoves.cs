using SafetyNet.Exchange.Tests.Deliveries;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.PersonLinks;

/// <summary>What a clerk of a register does with two numbers, as one line each; and who has them.</summary>
internal static class LinkMoves
{
    public const string Why = "新舊統一證號經查為同一人";

    private static int _households;

    public static Wire.DecidePersonLinkRequest Link(this Party by, string kept, string other, Wire.PersonLinkDecision decision = Wire.PersonLinkDecision.Same) => new()
    {
        Context = by.Context(), RequestId = Some.RequestId(), KeptNationalId = kept, OtherNationalId = other, Decision = decision, Reason = Why,
    };

    public static async Task<Wire.PersonLink> DecidesAsync(this Party by, string kept, string other, Wire.PersonLinkDecision decision = Wire.PersonLinkDecision.Same) =>
        (await by.AskAsync(to => to.PersonLinks.DecidePersonLinkAsync(by.Link(kept, other, decision)))).Link;

    public static async Task<IReadOnlyList<Wire.PersonLink>> ListsLinksAsync(this Party by, string nationalId)
    {
        var (all, token) = (new List<Wire.PersonLink>(), "");
        do
        {
            var page = await by.AskAsync(to => to.PersonLinks.ListPersonLinksAsync(new() { Context = by.Context(), NationalId = nationalId, PageSize = 2, PageToken = token }));
            all.AddRange(page.Links);
            token = page.NextPageToken;
        }
        while (token.Length > 0);
        return all;
    }

    /// <summary>A mother and her child as the register has them from now on.</summary>
    public static async Task<(Wire.RegisterRow Mother, Wire.RegisterRow Child)> RegistersAsync(this Party register)
    {
        var home = $"L{Interlocked.Increment(ref _households):0000000}";
        var mother = Register.Person(home);
        var child = Register.Person(home, Protocol.Identifiers.Sex.Male, "2015-05-06", "林小寶", place: 1).With(row => row.MotherNationalId = mother.NationalId);
        Assert.Equal(0, (await register.DeliversAsync([mother, child])).Totals.Rejected);
        return (mother, child);
    }

    /// <summary>The same person by a number that no register has.</summary>
    public static Wire.ReferralSubject ByOldNumber(this Wire.RegisterRow person) =>
        new() { NationalId = Some.StrangersId(), Name = person.Name, BirthDate = person.BirthDate, Phone = "0900-111-222", Address = "測試路 1 號" };

    public static Wire.ReferralSubject ByNumber(this Wire.RegisterRow person, string? nationalId = null) =>
        new() { NationalId = nationalId ?? person.NationalId, Name = person.Name, BirthDate = person.BirthDate, Phone = "0900-111-222", Address = "測試路 1 號" };

    /// <summary>The notices of a kind that a party has not taken note of.</summary>
    public static async Task<List<Wire.Notice>> IsToldAsync(this Party by, Wire.NoticeKind kind) => [.. (await by.EmptiesInboxAsync()).Where(notice => notice.Kind == kind)];
}
