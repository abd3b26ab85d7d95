using Grpc.Core;
using SafetyNet.Exchange.Cli.Evidence;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Protocol.Refusals;
using SafetyNet.Exchange.V1;

namespace SafetyNet.Exchange.Cli.Demo;
/// <summary>What the chapters share: calls that several agencies make, and what is told of their answers.</summary>
internal sealed partial class FamilyStory
{
    private async Task FindNoticeAsync(Party party, NoticeKind kind, Func<Notice, string> about, string id)
    {
        var context = party.Context();
        narrator.Asks(party, "InboxService/ListNotices", context);
        var listed = await party.AskAsync(to => to.Inbox.ListNoticesAsync(new ListNoticesRequest { Context = context, PageSize = 500 }));
        var notice = listed.Notices.LastOrDefault(notice => notice.Kind == kind && Is(about(notice), id));
        Expect.That(notice is not null, $"{party.Name} finds {ContractCodes.NameOf(kind)} of {id} in its inbox");
        await party.AskAsync(to => to.Inbox.AcknowledgeNoticesAsync(new AcknowledgeNoticesRequest
        {
            Context = context, RequestId = NewRequestId(), UpToSequence = listed.Notices[^1].Sequence,
        }));
        narrator.Works($"{ContractCodes.BothOf(notice.Kind)}, notice {notice.Sequence}, from {notice.UnitId}: ids and kinds only; acknowledged.");
    }

    private async Task<LookUpHouseholdResponse> LookUpAsync(AccessContext context)
    {
        narrator.Asks(Centre, "HouseholdService/LookUpHousehold", context);
        var found = await Centre.AskAsync(to => to.Households.LookUpHouseholdAsync(new LookUpHouseholdRequest
        {
            Context = context, NationalId = family.Child.NationalId.Canonical,
        }));
        narrator.Sees(Centre,
        [
            ("person 當事人", $"{found.Person.Name}  {found.Person.NationalId}  {ContractCodes.ChineseOf(found.Person.Sex)}  {found.Person.BirthDate}"),
            ("contact 聯絡", Narrator.OrAbsent($"{found.Person.Phone}  {found.Person.Address}".Trim(), found.Disclosure, ConfidentialityClass.Contact)),
            ("household 同戶", Narrator.OrAbsent(
                string.Join('\n', found.Members.Select(member => $"{member.Role}  {member.Person.Name}")), found.Disclosure, ConfidentialityClass.Household)),
            ("relatives 二親等", Narrator.OrAbsent(
                string.Join('\n', found.Relatives.Select(relative =>
                    $"{ContractCodes.BothOf(relative.Kinship)}  {relative.Person.Name}{(relative.SameHousehold ? "" : "  他戶 another household")}")),
                found.Disclosure, ConfidentialityClass.Household)),
            ("who serves 服務系統", Narrator.OrAbsent(
                string.Join('\n', found.Involvements.Select(Describe)), found.Disclosure, ConfidentialityClass.Involvement)),
        ]);
        return found;
    }

    private async Task<ListNotesResponse> ListNotesAsync(Party party)
    {
        var context = party.Context(Purpose.CaseCoordination, LegalBasis.SubjectWaiver, inCase: _case);
        narrator.Asks(party, "CaseService/ListNotes", context);
        return await party.AskAsync(to => to.Cases.ListNotesAsync(new ListNotesRequest { Context = context, CaseId = _case }));
    }

    private async Task CloseReferralAsync(ReferralOutcome outcome, string remark)
    {
        var context = Centre.Context(referral: _schoolReferral);
        narrator.Asks(Centre, "ReferralService/CloseReferral", context);
        var closed = await Centre.AskAsync(to => to.Referrals.CloseReferralAsync(new CloseReferralRequest
        {
            Context = context, RequestId = NewRequestId(), ReferralId = _schoolReferral, Outcome = outcome, Remark = remark,
        }));
        Expect.Same(ReferralState.Closed, closed.Referral.State, "the state after closing");
        narrator.Works($"{ContractCodes.BothOf(closed.Referral.State)}, {ContractCodes.BothOf(closed.Referral.Outcome)}");
    }

    // Why it is so: asked of the exchange by the party itself, for its own decision (R-NTK-15). An answer that withholds nothing needs no explanation.
    private async Task ExplainAsync(Party party, Disclosure disclosure)
    {
        if (disclosure.WithheldClasses.Count == 0)
            return;
        var told = await party.AskAsync(to => to.Audit.ExplainDecisionAsync(new ExplainDecisionRequest { Context = party.Context(), DecisionId = disclosure.DecisionId }));
        Expect.That(told.Rules.Count > 0, "a decision names the rules that made it (R-NTK-15)");
        Expect.That(told.WithheldClasses.SequenceEqual(disclosure.WithheldClasses), "the explanation and the answer name the same withheld classes");
        narrator.Explains(disclosure, told.Rules);
    }

    private void ShowCase(Party party, Case seen, Disclosure disclosure) => narrator.Sees(party,
        ("case 共案", seen.CaseId),
        ("own part 角色", $"{ContractCodes.BothOf(seen.OwnRole)} {string.Join("、", seen.OwnServices.Select(ContractCodes.BothOf))}".TrimEnd()),
        ("subjects 服務對象", string.Join("、", seen.Subjects.Select(subject => subject.Name))),
        ("participants 參與單位", Narrator.OrAbsent(
            string.Join('\n', seen.Participants.Select(one => $"{ContractCodes.BothOf(one.Role)}  {one.UnitId}")), disclosure, ConfidentialityClass.Involvement)));

    private void ShowNotes(Party party, ListNotesResponse listed) => narrator.Sees(party,
        ("notes 個案紀錄", Narrator.OrAbsent(
            string.Join('\n', listed.Notes.Select(note => $"{ContractCodes.BothOf(note.ConfidentialityClass)}, {note.AuthorUnitId}: {note.Text}")),
            listed.Disclosure, ConfidentialityClass.CaseNote)));

    private string NewRequestId() => Guid.CreateVersion7(clock.GetUtcNow()).ToString();

    private static string Describe(Involvement one) => one.Grade switch
    {
        InvolvementGrade.Unit => $"{ContractCodes.BothOf(one.AgencyKind)}: {one.UnitId}, {one.ContactWindow}{(one.Primary ? ", 主責 primary" : "")}",
        InvolvementGrade.System => $"{ContractCodes.BothOf(one.AgencyKind)}: {one.ContactWindow}",
        _ => $"受保護之服務 a protected service: {one.ContactWindow}",
    };

    // Everything a caller can see but the decision's own id, which differs between any two calls.
    private static bool LooksLike(ReceivedRefusal one, ReceivedRefusal other) =>
        one.StatusCode == other.StatusCode && Is(one.ReasonName, other.ReasonName) && Is(one.MessageEn, other.MessageEn) && Is(one.MessageZh, other.MessageZh)
        && one.RetryAfter == other.RetryAfter && one.Faults.SequenceEqual(other.Faults)
        && one.Metadata.Count == other.Metadata.Count && one.Metadata.All(pair => other.Metadata.TryGetValue(pair.Key, out var value) && Is(pair.Value, value));

    private static bool NameIs(Person person, string nationalId) => Is(person.NationalId, nationalId);

    private static bool Is(string one, string other) => string.Equals(one, other, StringComparison.Ordinal);

    private static ReferralFact Fact(ConfidentialityClass confidentialityClass, string text) => new() { ConfidentialityClass = confidentialityClass, Text = text };

    private static SenderView View(params ConfidentialityClass[] further) =>
        new() { Classes = { ConfidentialityClass.Identity, ConfidentialityClass.Contact, further } };
}
