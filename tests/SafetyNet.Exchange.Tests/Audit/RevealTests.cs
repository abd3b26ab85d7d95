using SafetyNet.Exchange.Tests.Hosting;
using static SafetyNet.Exchange.Tests.Audit.RevealMoves;

namespace SafetyNet.Exchange.Tests.Audit;

/// <summary>Who stands behind a pseudonym is shown by two officers, to one, for a day (R-AUD-6).</summary>
[Trait("Rule", "R-AUD-6")]
[Trait("Abuse", "B68")]
public sealed class RevealTests(TestExchange exchange) : WireTests(exchange)
{
    private Party Second => The.Officer.Colleague("S0008");

    [Fact]
    public async Task Two_officers_reveal_a_person_and_each_step_is_a_record_about_the_pseudonym()
    {
        var (child, pseudonym) = await SeenAsync();
        var requested = await The.Officer.AnswerAsync(to => to.Reveals.RequestRevealAsync(Requesting(The.Officer, pseudonym)));
        var id = requested.Value.Reveal.RevealId;
        Assert.Equal((Wire.RevealState.Requested, Why, "115-政風-0042"), (requested.Value.Reveal.State, requested.Value.Reveal.Reason, requested.Value.Reveal.Proceeding));
        var decided = await Second.AnswerAsync(to => to.Reveals.DecideRevealAsync(Deciding(Second, id)));
        Assert.Equal((Wire.RevealState.Approved, "S0008"), (decided.Value.Reveal.State, decided.Value.Reveal.DeciderId));
        var shown = await The.Officer.AnswerAsync(to => to.Reveals.GetRevealAsync(new() { Context = The.Officer.Context(), RevealId = id }));
        Assert.Equal((child.NationalId.Canonical, child.Name), (shown.Value.Person.NationalId, shown.Value.Person.Name));
        Assert.Equal([Wire.ConfidentialityClass.Identity, Wire.ConfidentialityClass.CaseNote], shown.Value.Disclosure.ShownClasses);
        foreach (var receipt in (Protocol.Client.CallReceipt[])[requested.Receipt, decided.Receipt, shown.Receipt])
        {
            var record = Exchange.RecordOf(receipt);
            Assert.Equal([pseudonym], record.Subjects);
            Assert.Contains($"reveal/{id}", record.Resources);
            Assert.Contains("NTK-REVEAL", record.Rules);
            ExplainTests.AssertDecidedAnew(Exchange.Composition.Policy.Current, record);
        }

        Assert.DoesNotContain(Wire.ConfidentialityClass.Identity, Exchange.RecordOf(decided.Receipt).ShownClasses);
        Assert.Contains(Wire.ConfidentialityClass.Identity, Exchange.RecordOf(shown.Receipt).ShownClasses);
    }

    [Fact]
    public async Task Nothing_of_the_person_is_shown_before_the_approval_or_to_anybody_else()
    {
        var (child, pseudonym) = await SeenAsync();
        var id = (await The.Officer.RequestsRevealAsync(pseudonym)).RevealId;
        var early = await AssertRefusedAloneAsync(Wire.ErrorReason.RevealNotApproved, () => The.Officer.GetsRevealAsync(id));
        Assert.Equal("REQUESTED", early.Refusal.Metadata["state"]);
        var decided = await Second.AskAsync(to => to.Reveals.DecideRevealAsync(Deciding(Second, id)));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, () => Second.GetsRevealAsync(id));
        var listed = await Second.ListsRevealsAsync();
        foreach (var told in (string[])[$"{decided}", $"{listed}", early.Look()])
        {
            Assert.DoesNotContain(child.NationalId.Canonical, told, StringComparison.Ordinal);
            Assert.DoesNotContain(child.Name, told, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_requester_does_not_decide_whatever_the_letters_of_the_staff_number()
    {
        var id = (await The.Officer.RequestsRevealAsync((await SeenAsync()).Pseudonym)).RevealId;
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, () => The.Officer.DecidesRevealAsync(id));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotYourMove, () => The.Officer.Colleague("s0007").DecidesRevealAsync(id));
        await AssertRefusedAloneAsync(Wire.ErrorReason.RevealNotApproved, () => The.Officer.GetsRevealAsync(id));
    }

    [Fact]
    public async Task A_declined_reveal_shows_nobody_and_is_decided_once()
    {
        var id = (await The.Officer.RequestsRevealAsync((await SeenAsync()).Pseudonym)).RevealId;
        var declined = await Second.DecidesRevealAsync(id, Wire.RevealState.Declined);
        Assert.Equal((Wire.RevealState.Declined, true), (declined.State, declined.Until is null));
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.RevealNotApproved, () => The.Officer.GetsRevealAsync(id));
        Assert.Equal("DECLINED", refused.Refusal.Metadata["state"]);
        await AssertRefusedAloneAsync(Wire.ErrorReason.MoveNotAllowed, () => Second.DecidesRevealAsync(id));
        Assert.DoesNotContain((await Second.ListsRevealsAsync(undecidedOnly: true)).Reveals, r => r.RevealId == id);
    }

    [Fact]
    public async Task An_approval_ends_after_24_hours_and_a_request_after_7_days()
    {
        await using var own = await TestExchange.StartAsync();
        var those = new The(own);
        var second = those.Officer.Colleague("S0008");
        var (approved, waiting) = ((await those.Officer.RequestsRevealAsync((await SeenAsync(those)).Pseudonym)).RevealId, (await those.Officer.RequestsRevealAsync((await SeenAsync(those)).Pseudonym)).RevealId);
        await second.DecidesRevealAsync(approved);
        own.Clock.Advance(TimeSpan.FromHours(24) - TimeSpan.FromMinutes(2));
        Assert.NotNull((await those.Officer.GetsRevealAsync(approved)).Person);
        own.Clock.Advance(TimeSpan.FromMinutes(2));
        await AssertRefusedAloneAsync(Wire.ErrorReason.RevealEnded, () => those.Officer.GetsRevealAsync(approved), own);
        own.Clock.Advance(TimeSpan.FromDays(6));
        await AssertRefusedAloneAsync(Wire.ErrorReason.RevealEnded, () => second.DecidesRevealAsync(waiting), own);
        Assert.Equal([Wire.RevealState.Ended, Wire.RevealState.Ended], (await second.ListsRevealsAsync()).Reveals.Select(r => r.State));
        Assert.Empty((await second.ListsRevealsAsync(undecidedOnly: true)).Reveals);
    }

    [Fact]
    [Trait("Rule", "R-NTK-13")]
    public async Task A_pseudonym_that_only_audits_or_other_counties_named_is_revealed_to_nobody()
    {
        var never = Exchange.Composition.Vault.Pseudonyms.OfNationalId(Some.Family().Child.NationalId.Canonical);
        await The.Officer.AskAsync(to => to.Audit.ListAccessesAsync(new() { Context = The.Officer.Context(), Pseudonym = never }));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.Officer.RequestsRevealAsync(never));
        var (_, ours) = await SeenAsync();
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.OfficerOfTaoyuan.RequestsRevealAsync(ours));
        var id = (await The.Officer.RequestsRevealAsync(ours)).RevealId;
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.OfficerOfTaoyuan.DecidesRevealAsync(id));
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.OfficerOfTaoyuan.GetsRevealAsync(id));
    }

    [Fact]
    public async Task A_pseudonym_of_a_number_that_nobody_has_is_revealed_as_nobody()
    {
        var id = Some.StrangersId();
        await Refused.ByAsync(() => The.Centre.LooksUpAsync(id, inCase: The.NobodysUuid));
        var reveal = (await The.Officer.RequestsRevealAsync(Exchange.Composition.Vault.Pseudonyms.OfNationalId(id))).RevealId;
        await Second.DecidesRevealAsync(reveal);
        Assert.Null((await The.Officer.GetsRevealAsync(reveal)).Person);
    }

    [Fact]
    public async Task A_reveal_without_a_real_reason_or_pseudonym_is_not_asked_for()
    {
        var (_, pseudonym) = await SeenAsync();
        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.Officer.AskAsync(to => to.Reveals.RequestRevealAsync(Requesting(The.Officer, pseudonym, "asdf asdf asdf asdf as"))));
        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.Officer.RequestsRevealAsync("W0108"));
        var id = (await The.Officer.RequestsRevealAsync(pseudonym)).RevealId;
        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => Second.DecidesRevealAsync(id, Wire.RevealState.Ended));
    }

    /// <summary>A child that the centre looked up in a case, with the pseudonym that the log has of it.</summary>
    private async Task<(Sandbox.Population.SyntheticPerson Child, string Pseudonym)> SeenAsync(The? those = null)
    {
        var (by, child) = (those ?? The, Some.Family().Child);
        var opened = await by.Centre.OpensCaseAsync((await by.Centre.TakesInAsync(by.School, Some.SubjectOf(child))).ReferralId);
        await by.Centre.LooksUpAsync(child.NationalId.Canonical, inCase: opened.CaseId);
        var listed = await by.Officer.AskAsync(to => to.Audit.ListAccessesAsync(new() { Context = by.Officer.Context(), NationalId = child.NationalId.Canonical }));
        Assert.NotEmpty(listed.Entries);
        return (child, listed.Pseudonym);
    }
}
