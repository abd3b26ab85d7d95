using Grpc.Core;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Server;
using SafetyNet.Exchange.Server.Households;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Households;

/// <summary>A household office serves look-ups itself: its answer is shown as the copy would be, and whatever is wrong with it, the copy is.</summary>
[Trait("Rule", "R-HH-2")]
public sealed class LiveSourceTests : IAsyncLifetime
{
    private static readonly SpiffeId Civil = SpiffeId.Of("tpe", "civil", "case-system");

    private HouseholdOffice _office = null!;
    private TestExchange _own = null!;
    private Hosting.The _the = null!;

    public ValueTask InitializeAsync() => StartAsync(Civil, TimeSpan.Zero);

    public async ValueTask DisposeAsync()
    {
        await _own.DisposeAsync();
        await _office.DisposeAsync();
    }

    [Fact]
    public async Task What_the_office_knows_now_is_shown_and_the_office_learns_neither_who_asks_nor_why()
    {
        var (family, referral) = await ServedAsync();
        var before = await _the.Centre.LooksUpAsync(family.Child.NationalId.Canonical, referral: referral);
        Assert.Equal(Wire.RegisterSource.Copy, before.RegisterSource);
        Assert.Contains(before.Members, m => m.Person.NationalId == family.Mother.NationalId.Canonical);
        var newcomer = Some.StrangersId();
        _office.Answer = (_, _) => Task.FromResult(new Wire.LookUpHouseholdResponse
        {
            Person = Live(family.Child.NationalId.Canonical, family.Child.Name, "臺北市萬華區新居里即時路 9 號"),
            Members =
            {
                new Wire.HouseholdMember { Role = "戶長", Person = Live(family.Grandparent.NationalId.Canonical, family.Grandparent.Name, "臺北市萬華區新居里即時路 9 號") },
                new Wire.HouseholdMember { Role = "寄居人", Person = Live(newcomer, "測試新", "臺北市萬華區新居里即時路 9 號") },
            },
        });

        var found = await _the.Centre.LooksUpAsync(family.Child.NationalId.Canonical, referral: referral);
        Assert.Equal((Wire.RegisterSource.Live, true), (found.RegisterSource, found.RegisteredAsOf.ToDateTimeOffset() >= _own.Clock.GetUtcNow().AddMinutes(-1)));
        Assert.Equal(("臺北市萬華區新居里即時路 9 號", family.Child.Phone, family.Child.Id.ToString()), (found.Person.Address, found.Person.Phone, found.Person.PersonId));
        Assert.Equal(
            [("戶長", family.Grandparent.NationalId.Canonical, family.Grandparent.Id.ToString()), ("寄居人", newcomer, "")],
            found.Members.Select(m => (m.Role, m.Person.NationalId, m.Person.PersonId)));
        Assert.True(found.Relatives.Single(r => r.Person.NationalId == family.Mother.NationalId.Canonical).Kinship == Wire.Kinship.Parent);

        var (caller, request) = _office.Asked.Last();
        Assert.Equal(Sandbox.Pki.SandboxPki.Exchange.System, caller);
        Assert.Equal((family.Child.NationalId.Canonical, "exchange", "exchange"), (request.NationalId, request.Context.Actor.UnitId, request.Context.Actor.PersonId));
        Assert.Equal(Wire.AccessContext.ReferenceOneofCase.None, request.Context.ReferenceCase);
    }

    [Fact]
    [Trait("Rule", "R-NTK-14")]
    public async Task The_office_is_not_asked_about_anybody_whom_the_caller_may_not_see_nor_by_a_batch()
    {
        var (family, referral) = await ServedAsync();
        var other = Some.Family().Child.NationalId.Canonical;
        foreach (var id in (string[])[other, Some.StrangersId()])
            Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => _the.Centre.LooksUpAsync(id, referral: referral))).Reason);
        Assert.Equal(Wire.ErrorReason.NotFound, (await Refused.ByAsync(() => _the.Police.LooksUpAsync(family.Child.NationalId.Canonical, referral: referral))).Reason);
        var batch = await _the.Centre.AskAsync(to => to.Households.BatchLookUpHouseholdsAsync(new()
        {
            Context = _the.Centre.Context(referral: referral), Keys = { new Wire.LookUpKey { NationalId = family.Child.NationalId.Canonical } },
        }));
        Assert.Equal(Wire.RegisterSource.Copy, Assert.Single(batch.Results).Found.RegisterSource);
        Assert.Empty(_office.Asked);
        await _the.Centre.LooksUpAsync(family.Child.NationalId.Canonical, referral: referral);
        Assert.Single(_office.Asked);
    }

    [Fact]
    [Trait("Rule", "R-NTK-10")]
    public async Task An_address_that_the_office_withholds_is_not_shown_out_of_the_copy()
    {
        var (family, referral) = await ServedAsync();
        _office.Answer = (_, _) => Task.FromResult(new Wire.LookUpHouseholdResponse
        {
            Person = Live(family.Child.NationalId.Canonical, family.Child.Name, ""),
            Members = { new Wire.HouseholdMember { Role = "母", Person = Live(family.Mother.NationalId.Canonical, family.Mother.Name, family.Home.Address) } },
        });
        var found = await _the.Centre.LooksUpAsync(family.Child.NationalId.Canonical, referral: referral);
        Assert.Equal(Wire.RegisterSource.Live, found.RegisterSource);
        Assert.All(found.Members.Select(m => m.Person).Append(found.Person).Concat(found.Relatives.Select(r => r.Person).Where(p => p.NationalId == family.Mother.NationalId.Canonical)),
            person => Assert.Equal(("", ""), (person.Address, person.Phone)));
    }

    [Fact]
    public async Task An_office_that_is_slow_fails_or_answers_nonsense_leaves_the_copy()
    {
        var (family, referral) = await ServedAsync();
        var id = family.Child.NationalId.Canonical;
        Func<Wire.LookUpHouseholdRequest, CancellationToken, Task<Wire.LookUpHouseholdResponse>>[] answers =
        [
            async (_, cancelled) =>
            {
                await Task.Delay(TimeSpan.FromSeconds(30), cancelled);
                return new Wire.LookUpHouseholdResponse();
            },
            (_, _) => throw new RpcException(new Status(StatusCode.Internal, "")),
            (_, _) => Task.FromResult(new Wire.LookUpHouseholdResponse()),
            (_, _) => Task.FromResult(Of(Live(Some.StrangersId(), "測試他", "路"))),
            (_, _) => Task.FromResult(Of(Live("A123456780", "測試他", "路"))),
            (_, _) => Task.FromResult(Of(Live(id, "", "路"))),
            (_, _) => Task.FromResult(Of(new Wire.Person { NationalId = id, Name = "測試", BirthDate = "昨天", Address = "路" })),
            (_, _) => Task.FromResult(Of(Live(id, family.Child.Name, "路"), Live(id, family.Child.Name, "路"))),
            (_, _) => Task.FromResult(Of(Live(id, family.Child.Name, "路"), [.. Enumerable.Range(0, 101).Select(_ => Live(Some.StrangersId(), "測試多", "路"))])),
        ];
        foreach (var answer in answers)
        {
            _office.Answer = answer;
            var found = await _the.Centre.LooksUpAsync(id, referral: referral);
            Assert.Equal((Wire.RegisterSource.Copy, family.Home.Address), (found.RegisterSource, found.Person.Address));
        }

        Assert.Equal(answers.Length, _office.Asked.Count);
    }

    [Fact]
    public async Task An_office_that_failed_rests_and_one_that_knows_nobody_does_not()
    {
        await DisposeAsync();
        await StartAsync(Civil, TimeSpan.FromHours(1));
        var (family, referral) = await ServedAsync();
        var id = family.Child.NationalId.Canonical;
        for (var i = 0; i < 2; i++) await _the.Centre.LooksUpAsync(id, referral: referral);
        Assert.Equal(2, _office.Asked.Count);
        _office.Answer = (_, _) => throw new RpcException(new Status(StatusCode.Unavailable, ""));
        for (var i = 0; i < 3; i++) Assert.Equal(Wire.RegisterSource.Copy, (await _the.Centre.LooksUpAsync(id, referral: referral)).RegisterSource);
        Assert.Equal(3, _office.Asked.Count);
    }

    [Fact]
    public async Task Somebody_with_another_members_certificate_is_not_the_office()
    {
        await DisposeAsync();
        await StartAsync(SpiffeId.Of("tpe", "police", "case-system"), TimeSpan.Zero);
        var (family, referral) = await ServedAsync();
        _office.Answer = (_, _) => Task.FromResult(Of(Live(family.Child.NationalId.Canonical, "冒名者", "路")));
        var found = await _the.Centre.LooksUpAsync(family.Child.NationalId.Canonical, referral: referral);
        Assert.Equal((Wire.RegisterSource.Copy, family.Child.Name), (found.RegisterSource, found.Person.Name));
        Assert.Empty(_office.Asked);
    }

    [Fact]
    public async Task Settings_that_name_no_register_stop_the_start()
    {
        static int Problems(LiveSourceSettings settings) => settings.Problems().Count();
        var good = new LiveSourcePeer { System = Civil.Uri, Address = "https://localhost:1" };
        Assert.Equal(0, Problems(new() { Peers = [good] }));
        Assert.Equal(1, Problems(new() { Peers = [good, good] }));
        Assert.Equal(1, Problems(new() { Peers = [good with { Address = "http://localhost:1" }] }));
        Assert.Equal(1, Problems(new() { Peers = [good with { System = "tpe/civil" }] }));
        Assert.Equal(1, Problems(new() { Peers = [good], TimeLimit = TimeSpan.Zero }));
        Assert.Equal(1, Problems(new() { Peers = [good], TimeLimit = TimeSpan.FromSeconds(6) }));
        foreach (var system in (SpiffeId[])[SpiffeId.Of("tpe", "police", "case-system"), SpiffeId.Of("tpe", "civil", "nobody")])
        {
            var refused = await Assert.ThrowsAsync<StartRefusedException>(() => TestExchange.StartAsync(households: new HouseholdSettings
            {
                LiveSources = new LiveSourceSettings { Peers = [good with { System = system.Uri }] },
            }));
            Assert.Contains(system.Uri, refused.Message, StringComparison.Ordinal);
        }
    }

    private static Wire.Person Live(string id, string name, string address) => new() { NationalId = id, Name = name, BirthDate = "2014-05-06", Sex = Wire.Sex.Female, Address = address };

    private static Wire.LookUpHouseholdResponse Of(Wire.Person person, params Wire.Person[] members) => new()
    {
        Person = person, Members = { members.Select(member => new Wire.HouseholdMember { Role = "家屬", Person = member }) },
    };

    private async ValueTask StartAsync(SpiffeId certificate, TimeSpan rest)
    {
        _office = await HouseholdOffice.StartAsync(certificate);
        _own = await TestExchange.StartAsync(households: new HouseholdSettings
        {
            LiveSources = new LiveSourceSettings
            {
                Peers = [new LiveSourcePeer { System = Civil.Uri, Address = _office.Address }], RestAfterFailure = rest, TimeLimit = TimeSpan.FromSeconds(2),
            },
        });
        _the = new Hosting.The(_own);
    }

    private async Task<(Family Family, string ReferralId)> ServedAsync()
    {
        var family = Some.Family();
        return (family, (await _the.Centre.TakesInAsync(_the.School, Some.SubjectOf(family.Child))).ReferralId);
    }
}
