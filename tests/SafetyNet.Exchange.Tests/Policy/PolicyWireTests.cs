using Google.Protobuf;
using Grpc.Core;
using SafetyNet.Exchange.Server;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Tests.Hosting;
using Seeded = SafetyNet.Exchange.Tests.Hosting.Some;

namespace SafetyNet.Exchange.Tests.Policy;

/// <summary>How a policy comes into force on a live server: by two persons, for everyone at once, never backwards, and not from a changed file.</summary>
[Trait("Rule", "R-NTK-16")]
public sealed class PolicyWireTests(TestExchange exchange) : WireTests(exchange)
{
    private static readonly PolicyText WithoutContact =
        PolicyText.BuiltIn.WithRule("NTK-CONTACT-SERVING", "[\"PRIMARY\", \"SERVING\", \"REFERRED_TO\"]", "[\"PRIMARY\"]");

    [Fact]
    [Trait("Abuse", "B50")]
    public async Task A_policy_is_put_in_force_by_a_second_person_for_all_calls_at_once_and_stays_over_a_restart()
    {
        var own = await TestExchange.StartAsync();
        var the = new The(own);
        var second = the.Officer.Colleague("S0008");
        var first = await the.School.FindsPolicyInForceAsync();
        Assert.Equal(("1", true, "sandbox-proposer", "sandbox-activator"), (first.Revision, first.InForce, first.ProposedBy.PersonId, first.ActivatedBy.PersonId));
        var child = Seeded.Family().Child;
        var referral = (await the.Centre.TakesInAsync(the.School, Seeded.SubjectOf(child))).ReferralId;
        Assert.Contains(Wire.ConfidentialityClass.Contact, (await LookUpAsync()).Value.Disclosure.ShownClasses);

        var proposed = await the.Officer.ProposesAsync(WithoutContact.As(2));
        Assert.False(proposed.InForce);
        await AssertRefusedAloneAsync(Wire.ErrorReason.SecondPersonNeeded, () => the.Officer.ActivatesAsync(proposed), own);
        await AssertRefusedAloneAsync(Wire.ErrorReason.SecondPersonNeeded, () => the.Officer.Colleague("s0007").ActivatesAsync(proposed), own);
        await AssertRefusedAloneAsync(Wire.ErrorReason.ScopeMissing, () => the.OfficerOfTaoyuan.ActivatesAsync(proposed), own);
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => second.ActivatesAsync(new Wire.Policy(proposed) { ProposalId = The.NobodysUuid }), own);
        await AssertRefusedAloneAsync(Wire.ErrorReason.PolicyHashDiffers, () => second.ActivatesAsync(new Wire.Policy(proposed) { Sha256 = first.Sha256 }), own);
        Assert.Equal("1", (await LookUpAsync()).Value.Disclosure.PolicyRevision);

        var activation = second.Activation(proposed);
        var activated = await second.AnswerAsync(to => to.Policies.ActivatePolicyAsync(activation));
        Assert.True(activated.Value.Policy.InForce);
        Assert.Equal([$"policy/2/{proposed.Sha256}"], own.RecordOf(activated.Receipt).Resources);
        var found = await LookUpAsync();
        Assert.Equal("2", found.Value.Disclosure.PolicyRevision);
        Assert.DoesNotContain(Wire.ConfidentialityClass.Contact, found.Value.Disclosure.ShownClasses);
        var record = own.RecordOf(found.Receipt);
        Assert.Equal(("2", proposed.Sha256[..16]), (record.PolicyRevision, record.PolicyHash));
        Assert.Contains(PolicyText.UnderArticle6, record.Rules);
        Assert.True((await second.AskAsync(to => to.Policies.ActivatePolicyAsync(activation))).Policy.InForce);

        await AssertRefusedAloneAsync(Wire.ErrorReason.PolicyNotNewer, () => the.Officer.ProposesAsync(PolicyText.BuiltIn), own);
        await AssertRefusedAloneAsync(Wire.ErrorReason.PolicyNotNewer, () => the.Officer.ProposesAsync(WithoutContact.As(2)), own);
        var (third, fourth) = (await the.Officer.ProposesAsync(PolicyText.BuiltIn.As(3)), await the.Officer.ProposesAsync(WithoutContact.As(4)));
        await second.ActivatesAsync(fourth);
        await AssertRefusedAloneAsync(Wire.ErrorReason.PolicyNotNewer, () => second.ActivatesAsync(third), own);

        await own.StopAsync();
        await using var again = await TestExchange.StartAsync(folder: own.Folder);
        var kept = await new The(again).School.FindsPolicyInForceAsync();
        Assert.Equal(("4", fourth.Sha256, "S0008"), (kept.Revision, kept.Sha256, kept.ActivatedBy.PersonId));
        Assert.Equal(fourth.Sha256, again.Composition.Policy.Current.Sha256);

        Task<Answer<Wire.LookUpHouseholdResponse>> LookUpAsync() =>
            the.Centre.AnswerAsync(to => to.Households.LookUpHouseholdAsync(the.Centre.LookUp(child.NationalId.Canonical, referral: referral)));
    }

    [Fact]
    public async Task Of_two_activations_at_once_one_wins_and_no_revision_goes_back()
    {
        await using var own = await TestExchange.StartAsync();
        var officer = new The(own).Officer;
        var proposals = new List<Wire.Policy>();
        for (var revision = 2; revision < 8; revision++) proposals.Add(await officer.ProposesAsync(PolicyText.BuiltIn.As(revision)));

        var refused = await Task.WhenAll(proposals.Select((one, at) => Refused.IfAsync(() => officer.Colleague($"S001{at}").ActivatesAsync(one))));

        Assert.All(refused.OfType<Refused>(), r => Assert.Contains(r.Reason, (Wire.ErrorReason[])[Wire.ErrorReason.ConcurrentChange, Wire.ErrorReason.PolicyNotNewer]));
        var activated = proposals.Where((_, at) => refused[at] is null).Max(p => int.Parse(p.Revision, System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(activated, own.Composition.Policy.Current.RevisionNumber);
        Assert.Equal(activated, own.Query("SELECT revision FROM policy_in_force", r => r.GetInt32(0)).Single());
    }

    [Theory]
    [InlineData("unknown class", "rule_file", "need-to-know.json", "unknown code 'SECRETS'")]
    [InlineData("no source", "rule_file", "need-to-know.json", "$.rules[5].source (NTK-STATUS): missing")]
    [InlineData("contradiction", "rule_file", "need-to-know.json", "contradiction: NTK-DENY-BOROUGH")]
    [InlineData("truncated", "rule_file", "need-to-know.json", "not JSON: truncated")]
    [InlineData("truncated registry", "basis_file", "legal-bases.json", "not JSON: truncated")]
    [InlineData("expired entry", "basis_file", "legal-bases.json", "expired on 2025-01-01")]
    public async Task A_file_that_makes_no_sense_is_refused_with_file_line_and_reason_and_the_policy_in_force_stays(string fault, string field, string file, string reason)
    {
        var before = await The.Officer.FindsPolicyInForceAsync();
        var next = PolicyText.BuiltIn.Next(Exchange);
        var files = fault switch
        {
            "unknown class" => next.WithRule("NTK-STATUS", "[\"PUBLIC_STATUS\"]", "[\"PUBLIC_STATUS\", \"SECRETS\"]"),
            "no source" => next.WithRule("NTK-STATUS", "\"source\": [\"domain.md 3.1 baseline\", \"R-NTK-4\"],", ""),
            "contradiction" => next.WithRule("NTK-INTAKE-HEALTH", "\"relationships\"", "\"unitKinds\": [\"BOROUGH_OFFICE\"], \"relationships\""),
            "truncated" => next with { Rules = next.Rules[..9000] },
            "truncated registry" => next with { Bases = next.Bases[..9000] },
            _ => next.Ending("LB-ROSTER-MATCHING", new DateOnly(2025, 1, 1)),
        };

        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.PolicyNotAccepted, () => The.Officer.ProposesAsync(files));

        var named = Assert.Single(refused.Refusal.Faults);
        Assert.Equal(field, named.Field);
        Assert.Contains(reason, named.DescriptionEn, StringComparison.Ordinal);
        Assert.Equal(file, refused.Refusal.Metadata["file"]);
        Assert.Contains($"{file}:{refused.Refusal.Metadata["line"]}: ", named.DescriptionEn, StringComparison.Ordinal);
        Assert.Equal(before, await The.Officer.FindsPolicyInForceAsync());
    }

    [Fact]
    [Trait("Abuse", "B37")]
    public async Task A_basis_that_expires_stops_its_traffic_and_the_record_names_the_entry()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var until = CivilDate.InTaiwan(own.Clock.GetUtcNow()).AddDays(2);
        await the.Officer.Colleague("S0008").ActivatesAsync(await the.Officer.ProposesAsync(PolicyText.BuiltIn.As(2).Ending(PolicyText.UnderArticle6, until)));
        var referral = (await the.School.RefersAsync(the.Centre)).ReferralId;
        await the.Centre.MovesAsync(referral, Wire.ReferralAction.Deliver);
        var report = await the.Officer.AskAsync(to => to.Policies.ListExpiringBasesAsync(new() { Context = the.Officer.Context() }));
        var ending = Assert.Single(report.Bases);
        Assert.Equal((PolicyText.UnderArticle6, CivilDate.ToText(until), "2"), (ending.EntryId, ending.Until, report.PolicyRevision));
        Assert.Contains(Wire.ConfidentialityClass.Identity, ending.LostClasses);
        Assert.All(ending.Agencies, agency => Assert.Equal(Wire.Jurisdiction.Tpe, agency.Jurisdiction));
        Assert.Equal(1, ending.Agencies.Single(a => a.AgencyCode == "dosw").OpenReferrals);
        Assert.Empty((await the.Officer.AskAsync(to => to.Policies.ListExpiringBasesAsync(new() { Context = the.Officer.Context(), Days = 1 }))).Bases);

        using var watching = the.School.Channel.Inbox.WatchInbox(new Wire.WatchInboxRequest { Context = the.School.Context() }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(await watching.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        own.Clock.Advance(TimeSpan.FromDays(2));
        var refused = await AssertRefusedAloneAsync(
            Wire.ErrorReason.LegalBasisExpired, () => the.School.AskAsync(to => to.Members.GetSelfAsync(new() { Context = the.School.Context() })), own);
        Assert.Equal((PolicyText.UnderArticle6, CivilDate.ToText(until)), (refused.Refusal.Metadata["entry"], refused.Refusal.Metadata["expired"]));
        Assert.Equal([PolicyText.UnderArticle6], own.RecordOf(refused.Receipt!).Rules);
        Assert.Equal(StatusCode.PermissionDenied, refused.Exception.StatusCode);
        await AssertRefusedAloneAsync(Wire.ErrorReason.LegalBasisNotAllowed, () => the.School.AskAsync(to => to.Members.GetSelfAsync(new()
        {
            Context = the.School.Context(basis: Wire.LegalBasis.RosterMatchingPlan),
        })), own);

        // A stream that was opened before ends at its next message, which does not leave.
        await the.Centre.AskAsync(to => to.Referrals.MarkReferralSeenAsync(new()
        {
            Context = the.Centre.Context(basis: Wire.LegalBasis.SubjectWaiver), RequestId = Seeded.RequestId(), ReferralId = referral,
        }));
        var notices = 1;
        var ended = await Refused.ByAsync(async () =>
        {
            while (await watching.ResponseStream.MoveNext(TestContext.Current.CancellationToken)) notices++;
        });
        Assert.Equal((Wire.ErrorReason.LegalBasisExpired, own.NoticesAbout(the.School.UnitId, referral).Count - 1), (ended.Reason, notices));
    }

    [Fact]
    [Trait("Abuse", "B76")]
    public async Task A_policy_that_was_changed_in_the_store_stops_the_start()
    {
        var own = await TestExchange.StartAsync();
        await own.StopAsync();
        var changed = PolicyText.BuiltIn.WithRule("NTK-STATUS", "\"R-NTK-4\"", "\"R-NTK-5\"").RuleBytes;
        Execute(own, "UPDATE policy_revision SET rules = $0", changed);
        Assert.Contains("was activated", (await Assert.ThrowsAsync<StartRefusedException>(() => TestExchange.StartAsync(folder: own.Folder))).Message, StringComparison.Ordinal);

        // Whoever changes the hash as well is found by the record of the activation, which the signed log holds.
        Execute(own, "UPDATE policy_revision SET rules_sha256 = $0", NeedToKnowPolicy.Hash(changed));
        Assert.Contains("the log does not tell of an activation of policy/1/", (await Assert.ThrowsAsync<StartRefusedException>(
            () => TestExchange.StartAsync(folder: own.Folder))).Message, StringComparison.Ordinal);

        Execute(own, "UPDATE policy_revision SET rules = $0, rules_sha256 = $1", PolicyText.BuiltIn.RuleBytes, NeedToKnowPolicy.Hash(PolicyText.BuiltIn.RuleBytes));
        await (await TestExchange.StartAsync(folder: own.Folder)).StopAsync();
    }

    [Fact]
    public async Task Bug_A_start_that_was_refused_leaves_no_writer_that_goes_on_signing_the_log()
    {
        var own = await TestExchange.StartAsync();
        await new The(own).School.FindsPolicyInForceAsync();
        await own.StopAsync();
        Execute(own, "DELETE FROM audit_checkpoint WHERE size = (SELECT max(size) FROM audit_checkpoint)");
        Execute(own, "UPDATE policy_revision SET rules_sha256 = $0", NeedToKnowPolicy.Hash(PolicyText.BuiltIn.BasisBytes));
        var heads = Heads();

        await Assert.ThrowsAsync<StartRefusedException>(() => TestExchange.StartAsync(folder: own.Folder));
        await Task.Delay(AuditLog.SignWithin * 3, TestContext.Current.CancellationToken);
        Assert.Equal(heads, Heads());

        long Heads() => own.Query("SELECT count(*) FROM audit_checkpoint", r => r.GetInt64(0)).Single();
    }

    [Fact]
    public async Task A_member_reads_the_policy_in_force_byte_for_byte()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var told = await the.School.AskAsync(to => to.Policies.GetPolicyAsync(new() { Context = the.School.Context(), IncludeFiles = true }));

        Assert.Equal((ByteString.CopyFrom(PolicyText.BuiltIn.RuleBytes), ByteString.CopyFrom(PolicyText.BuiltIn.BasisBytes)), (told.RuleFile, told.BasisFile));
        Assert.Equal(NeedToKnowPolicy.PairHash(NeedToKnowPolicy.Hash(told.RuleFile.Span), NeedToKnowPolicy.Hash(told.BasisFile.Span)), told.Policy.Sha256);
    }

    private static void Execute(TestExchange stopped, string sql, params object[] values)
    {
        using var connection = stopped.OpenDatabase();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of the tests.
        command.CommandText = sql;
#pragma warning restore CA2100
        for (var i = 0; i < values.Length; i++) command.Parameters.AddWithValue($"${i}", values[i]);
        Assert.Equal(1, command.ExecuteNonQuery());
    }
}
