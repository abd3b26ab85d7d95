using Grpc.Core;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Pipeline;

/// <summary>Refusals before a feature is asked, each over the wire: reason, both languages, one record, nothing else written.</summary>
[Trait("Rule", "R-NTK-1")]
[Trait("Rule", "R-AUD-1")]
public sealed class WireRefusalTests(TestExchange exchange) : WireTests(exchange)
{
    /// <summary>Ways to spoil one and the same call, in the order in which error_reason.proto has their reasons.</summary>
    private static readonly (Wire.ErrorReason Reason, Action<SpoiledCall> Spoil)[] Ways =
    [
        (Wire.ErrorReason.TokenMissing, c => c.Token = null),
        (Wire.ErrorReason.TokenNotAccepted, c => c.Token = "Bearer not.a.token"),
        (Wire.ErrorReason.ContextMissing, c => c.Request.Context.LegalBasis = Wire.LegalBasis.Unspecified),
        (Wire.ErrorReason.ActorMissing, c => c.Request.Context.Actor.PersonId = ""),
        (Wire.ErrorReason.ActorUnitMismatch, c => c.Request.Context.Actor.UnitId = "tpe-precinct"),
        (Wire.ErrorReason.ScopeMissing, c => c.Scopes = ["members.read"]),
        (Wire.ErrorReason.PurposeNotAllowed, c => c.Request.Context.Purpose = Wire.Purpose.ServiceDelivery),
        (Wire.ErrorReason.RoleNotAllowed, c => c.Request.Context.Actor.Role = Wire.ActorRole.Worker),
        (Wire.ErrorReason.LegalBasisNotAllowed, c =>
        {
            if (c.Request.Context.LegalBasis != Wire.LegalBasis.Unspecified) c.Request.Context.LegalBasis = Wire.LegalBasis.RosterMatchingPlan;
        }),
        (Wire.ErrorReason.InvalidField, c => c.Request.NationalId = "A123456780"),
    ];

    public static TheoryData<Wire.ErrorReason> EveryWay() => [.. Ways.Select(w => w.Reason)];

    [Theory]
    [MemberData(nameof(EveryWay))]
    public async Task Of_two_mistakes_the_earlier_is_told(Wire.ErrorReason reason)
    {
        var first = Array.FindIndex(Ways, w => w.Reason == reason);
        await AssertSpoiledAsync(reason, Ways[first].Spoil);
        for (var second = first + 1; second < Ways.Length; second++)
        {
            if (reason == Wire.ErrorReason.TokenMissing && Ways[second].Reason == Wire.ErrorReason.TokenNotAccepted) continue;
            await AssertSpoiledAsync(reason, Ways[second].Spoil, Ways[first].Spoil);
        }
    }

    [Fact]
    public async Task A_token_is_looked_at_for_its_time_before_its_certificate()
    {
        var earlier = new TestClock();
        earlier.Advance(TimeSpan.FromHours(-1));
        var (system, other) = (The.School.System, The.Police.System);
        await AssertTokenAsync(Wire.ErrorReason.TokenExpired, Exchange.TokenFor(system, clock: earlier));
        await AssertTokenAsync(Wire.ErrorReason.TokenExpired, Exchange.TokenFor(system, boundTo: other, clock: earlier));
        await AssertTokenAsync(Wire.ErrorReason.TokenCertificateMismatch, Exchange.TokenFor(system, boundTo: other));
        // The other member's token as it is, stolen and used over one's own certificate.
        await AssertTokenAsync(Wire.ErrorReason.TokenCertificateMismatch, Exchange.TokenFor(other));
        // A token bound to the right certificate that speaks of another member: the authority itself was misled.
        await AssertTokenAsync(Wire.ErrorReason.IdentityMismatch, Exchange.TokenFor(other, boundTo: system));
        await AssertTokenAsync(Wire.ErrorReason.IdentityMismatch, Exchange.TokenFor(system, null, null, "members.read", "audit.read"));
    }

    [Fact]
    public async Task A_suspended_member_is_refused_at_its_next_call()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        await the.School.AskAsync(to => to.Members.GetSelfAsync(new() { Context = the.School.Context() }));
        await the.Police.AskAsync(to => to.Members.GetSelfAsync(new() { Context = the.Police.Context() }));
        await own.ChangeRegistryAsync(r =>
        {
            r.Units.Single(u => u.UnitId == the.School.UnitId).State = Wire.MemberState.Suspended;
            r.Systems.Single(s => s.SpiffeId == the.Police.System.Uri).State = Wire.MemberState.Suspended;
        });
        var unit = await AssertRefusedAloneAsync(
            Wire.ErrorReason.MemberSuspended, () => the.School.AskAsync(to => to.Members.GetSelfAsync(new() { Context = the.School.Context() })), own);
        Assert.Equal(the.School.UnitId, unit.Refusal.Metadata["member"]);
        // A suspended system that also forgot its context hears of the suspension alone.
        var system = await AssertRefusedAloneAsync(Wire.ErrorReason.MemberSuspended, () => the.Police.AskAsync(to => to.Members.GetSelfAsync(new())), own);
        Assert.Equal(the.Police.System.Uri, system.Refusal.Metadata["member"]);
    }

    [Fact]
    public async Task The_context_must_be_there_with_purpose_basis_and_actor()
    {
        async Task Missing(Wire.ErrorReason reason, string field, Action<Wire.GetSelfRequest> spoil)
        {
            var request = new Wire.GetSelfRequest { Context = The.School.Context() };
            spoil(request);
            var refused = await AssertRefusedAloneAsync(reason, () => The.School.AskAsync(to => to.Members.GetSelfAsync(request)));
            Assert.Equal(field, refused.Refusal.Metadata["field"]);
        }

        await Missing(Wire.ErrorReason.ContextMissing, "context", r => r.Context = null);
        await Missing(Wire.ErrorReason.ContextMissing, "context.purpose", r => r.Context.Purpose = Wire.Purpose.Unspecified);
        await Missing(Wire.ErrorReason.ContextMissing, "context.legal_basis", r => r.Context.LegalBasis = Wire.LegalBasis.Unspecified);
        await Missing(Wire.ErrorReason.ActorMissing, "context.actor", r => r.Context.Actor = null);
        await Missing(Wire.ErrorReason.ActorMissing, "context.actor.person_id", r => r.Context.Actor.PersonId = "");
        await Missing(Wire.ErrorReason.ActorMissing, "context.actor.role", r => r.Context.Actor.Role = Wire.ActorRole.Unspecified);
        await Missing(Wire.ErrorReason.ActorMissing, "context.actor.unit_id", r => r.Context.Actor.UnitId = "");
    }

    [Fact]
    public async Task A_batch_job_acts_only_when_its_unit_registered_it()
    {
        var context = The.School.Context();
        (context.Actor.Role, context.Actor.PersonId) = (Wire.ActorRole.BatchJob, "nightly");
        await The.School.AskAsync(to => to.Members.GetSelfAsync(new() { Context = context }));
        context.Actor.PersonId = "hourly";
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.ActorMissing, () => The.School.AskAsync(to => to.Members.GetSelfAsync(new() { Context = context })));
        Assert.Equal("context.actor.person_id", refused.Refusal.Metadata["field"]);
    }

    [Fact]
    public async Task A_person_who_calls_too_often_is_told_when_to_come_back_and_colleagues_are_not_held_up()
    {
        await using var own = await TestExchange.StartAsync(new CallLimits { PerPersonPerMinute = 5, PerAgencyPerMinute = 1000 });
        var school = new The(own).School;
        Task Call(Party by) => by.AskAsync(to => to.Members.GetSelfAsync(new() { Context = by.Context() }));
        for (var i = 0; i < 5; i++) await Call(school);
        var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.RateLimited, () => Call(school), own);
        Assert.Equal(StatusCode.ResourceExhausted, refused.Refusal.StatusCode);
        Assert.InRange(refused.Refusal.RetryAfter!.Value, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1));
        await Call(school.Colleague("T0218"));

        // Access comes before the rate, the rate before the fields.
        var spoiled = Some.Referral(school, "tpe-central-swc");
        spoiled.Subjects[0].NationalId = "A123456780";
        await AssertRefusedAloneAsync(Wire.ErrorReason.RateLimited, () => school.RefersAsync(spoiled), own);
        spoiled.Context.Purpose = Wire.Purpose.Statistics;
        await AssertRefusedAloneAsync(Wire.ErrorReason.PurposeNotAllowed, () => school.RefersAsync(spoiled), own);
    }

    [Fact]
    public async Task An_agency_that_calls_too_often_is_held_up_whoever_acts()
    {
        await using var own = await TestExchange.StartAsync(new CallLimits { PerPersonPerMinute = 1000, PerAgencyPerMinute = 5 });
        var the = new The(own);
        Task Call(Party by) => by.AskAsync(to => to.Members.GetSelfAsync(new() { Context = by.Context() }));
        for (var i = 0; i < 5; i++) await Call(the.School.Colleague($"T{i:000}"));
        await AssertRefusedAloneAsync(Wire.ErrorReason.RateLimited, () => Call(the.School), own);
        await Call(the.Police);
    }

    [Fact]
    public async Task A_call_that_took_longer_than_the_cap_has_no_effect()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var school = new Wire.ReferralService.ReferralServiceClient(own.WithoutToken(the.School.System));
        var headers = new Metadata { { "authorization", "Bearer " + own.TokenFor(the.School.System) } };
        await school.CreateReferralAsync(Some.Referral(the.School, the.Centre.UnitId), headers);
        own.Clock.StepPerLook = TimeSpan.FromSeconds(16);
        var refused = await AssertRefusedAloneAsync(
            Wire.ErrorReason.DeadlineExceeded, async () => await school.CreateReferralAsync(Some.Referral(the.School, the.Centre.UnitId), headers), own);
        own.Clock.StepPerLook = TimeSpan.Zero;
        Assert.Equal((StatusCode.DeadlineExceeded, "30"), (refused.Refusal.StatusCode, refused.Refusal.Metadata["cap_seconds"]));
    }

    [Fact]
    public async Task Later_steps_keep_their_order_too()
    {
        var lookUp = The.Police.LookUp("A123456780");
        await AssertRefusedAloneAsync(Wire.ErrorReason.InvalidField, () => The.Police.AskAsync(to => to.Households.LookUpHouseholdAsync(lookUp)));
        lookUp.NationalId = Some.StrangersId();
        await AssertRefusedAloneAsync(Wire.ErrorReason.ReferenceMissing, () => The.Police.AskAsync(to => to.Households.LookUpHouseholdAsync(lookUp)));
        lookUp.Context.ReferralId = The.NobodysUuid;
        await AssertRefusedAloneAsync(Wire.ErrorReason.NotFound, () => The.Police.AskAsync(to => to.Households.LookUpHouseholdAsync(lookUp)));

        // A used request_id is told before anything stored is looked at.
        var made = Some.Referral(The.School, The.Centre.UnitId);
        await The.School.RefersAsync(made);
        var again = made.Clone();
        again.ToUnitId = "tpe-nowhere";
        await AssertRefusedAloneAsync(Wire.ErrorReason.IdempotencyMismatch, () => The.School.RefersAsync(again));
        again.RequestId = Some.RequestId();
        again.Services[0] = Wire.Article6Service.MentalHealth;
        await AssertRefusedAloneAsync(Wire.ErrorReason.UnitNotAvailable, () => The.School.RefersAsync(again));
    }

    private Task<Refused> AssertTokenAsync(Wire.ErrorReason reason, string token) => AssertRefusedAloneAsync(reason, async () =>
        await new Wire.MemberService.MemberServiceClient(Exchange.WithoutToken(The.School.System))
            .GetSelfAsync(new() { Context = The.School.Context() }, new Metadata { { "authorization", "Bearer " + token } }));

    private Task<Refused> AssertSpoiledAsync(Wire.ErrorReason reason, params Action<SpoiledCall>[] spoils) => AssertRefusedAloneAsync(reason, async () =>
    {
        var officer = The.Officer;
        var call = new SpoiledCall { Request = new() { Context = officer.Context(), NationalId = Some.StrangersId() } };
        foreach (var spoil in spoils) spoil(call);
        var headers = new Metadata();
        if (call.Token == SpoiledCall.Good) call.Token = "Bearer " + Exchange.TokenFor(officer.System, null, null, [.. call.Scopes]);
        if (call.Token is not null) headers.Add("authorization", call.Token);
        await new Wire.AuditService.AuditServiceClient(Exchange.WithoutToken(officer.System)).ListAccessesAsync(call.Request, headers);
    });

    private sealed class SpoiledCall
    {
        public const string Good = "good";

        public string? Token { get; set; } = Good;

        public string[] Scopes { get; set; } = [];

        public required Wire.ListAccessesRequest Request { get; init; }
    }
}
