using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.BreakGlass;
using SafetyNet.Exchange.Server.Cases;
using SafetyNet.Exchange.Server.Grants;
using SafetyNet.Exchange.Server.Referrals;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Tests.Hosting;
using Family = SafetyNet.Exchange.Server.Storage.Family;

namespace SafetyNet.Exchange.Tests.Storage;

/// <summary>Whatever rows change, in whatever order: a family from memory is the family that a fresh snapshot shows.</summary>
public sealed class FamiliesOracleTests(TestExchange exchange) : WireTests(exchange)
{
    private const int Changes = 250;

    private readonly List<PersonRow> _persons = [];
    private readonly List<Referral> _referrals = [];
    private readonly List<(CaseFile File, List<CaseSubjectRow> Subjects, List<CaseParticipant> Parts)> _cases = [];
    private readonly HashSet<(Guid, Guid)> _parents = [];
    private readonly List<Grant> _grants = [];
    private readonly List<BrokenGlass> _glasses = [];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [Trait("Rule", "R-NTK-3")]
    public async Task After_random_changes_every_kept_family_is_as_the_store_has_it(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 8; i++) await AddPersonAsync(random);
        for (var change = 0; change < Changes; change++)
        {
            AssertCurrent($"seed {seed}, before change {change}");
            await ChangeSomethingAsync(random);
        }

        AssertCurrent($"seed {seed}, at the end");
    }

    [Fact]
    public async Task A_row_that_does_not_say_whom_it_affects_makes_every_family_be_read_anew()
    {
        await AddPersonAsync(new Random(4));
        var id = IdOf(_persons[0]);
        var before = Exchange.Composition.Families.Find(id);
        Assert.Same(before, Exchange.Composition.Families.Find(id));
        Exchange.Composition.Families.Changed([Of(new object())]);
        Assert.NotSame(before, Exchange.Composition.Families.Find(id));
    }

    private void AssertCurrent(string when)
    {
        using var session = Exchange.Composition.Store.Read();
        foreach (var person in _persons)
        {
            var id = IdOf(person);
            var (stored, kept) = (Describe(Family.Read(session, Exchange.Composition.Vault, id)), Describe(Exchange.Composition.Families.Find(id)));
            Assert.True(string.Equals(stored, kept, StringComparison.Ordinal), $"{when}\nstored:\n{stored}\nkept:\n{kept}");
        }
    }

    private static string Describe(Family? family) => family is null ? "nobody" : string.Join('\n',
    [
        Describe(family.Person), .. family.Members.Select(Describe), .. family.Relatives.Select(r => $"{r.Kinship} {Describe(r.Person)}"),
        .. family.Links.Referrals.Select(l => l.ToString()).Order(StringComparer.Ordinal), .. family.Links.Cases.Select(l => l.ToString()).Order(StringComparer.Ordinal),
        .. family.Links.Grants.Select(l => l.ToString()).Order(StringComparer.Ordinal), .. family.Links.BreakGlasses.Select(l => l.ToString()).Order(StringComparer.Ordinal),
    ]);

    private static string Describe(KnownPerson person) => $"{person.Row} {person.Facts}";

    private async Task ChangeSomethingAsync(Random random)
    {
        switch (random.Next(13))
        {
            case 0: await AddPersonAsync(random); break;
            case 1: await UpdateAsync(Any(random, _persons), p => p.HouseholdId = random.Next(4) == 0 ? null : Any(random, _persons).HouseholdId); break;
            case 2: await UpdateAsync(Any(random, _persons), p => p.IsProtected = !p.IsProtected); break;
            case 3: await AddParentAsync(random); break;
            case 4: await AddReferralAsync(random); break;
            case 5 when _referrals.Count > 0: await UpdateAsync(Any(random, _referrals), r => r.State = (Wire.ReferralState)random.Next(1, 8)); break;
            case 6: await OpenCaseAsync(random); break;
            case 7 when _cases.Count > 0: await JoinAsync(random); break;
            case 8 when _cases.Count > 0: await OpenOrCloseAsync(random); break;
            case 9 when _cases.Count > 0: await GrantAsync(random); break;
            case 10 when _grants.Count > 0: await UpdateAsync(Any(random, _grants), g => g.State = g.State == Wire.GrantState.Granted ? Wire.GrantState.Revoked : Wire.GrantState.Granted); break;
            case 11: await BreakGlassAsync(random); break;
            default: await CommitAsync(Of(new ReferralMoveRow { MoveId = NewId(), ReferralId = NewId() })); break;
        }
    }

    private async Task AddPersonAsync(Random random)
    {
        var facts = new Wire.HouseholdMember { Person = new Wire.Person { NationalId = Some.StrangersId(), Name = "測試某", BirthDate = "2001-02-03" } };
        var home = _persons.Count > 0 && random.Next(2) == 0 ? Any(random, _persons).HouseholdId : NewId();
        var row = People.ToRow(Exchange.Composition.Vault, Wire.Jurisdiction.Tpe, facts, NewId(), home, "信義區", _persons.Count, random.Next(5) == 0);
        await CommitAsync(Of(row));
        _persons.Add(row);
    }

    private async Task AddParentAsync(Random random)
    {
        var (parent, child) = (Any(random, _persons).PersonId, Any(random, _persons).PersonId);
        if (parent == child || _parents.Contains((child, parent)) || !_parents.Add((parent, child))) return;
        await CommitAsync(Of(new ParentRow { ParentId = parent, ChildId = child }));
    }

    private async Task AddReferralAsync(Random random)
    {
        var referral = new Referral
        {
            ReferralId = NewId(), FromUnitId = "from", ToUnitId = "to", State = Wire.ReferralState.Submitted, CreatedAt = Exchange.Clock.GetUtcNow(), Version = 1,
        };
        await CommitAsync(Of(referral, new ReferralSubjectRow { ReferralId = referral.ReferralId, PersonId = Any(random, _persons).PersonId }));
        _referrals.Add(referral);
    }

    private async Task OpenCaseAsync(Random random)
    {
        var person = Any(random, _persons);
        if (_cases.Exists(c => c.File.State == Wire.CaseState.Open && c.Subjects.Exists(s => s.PersonId == person.PersonId))) return;
        var file = new CaseFile { CaseId = NewId(), State = Wire.CaseState.Open, OpenedAt = Exchange.Clock.GetUtcNow(), Version = 1 };
        var subject = new CaseSubjectRow { CaseId = file.CaseId, PersonId = person.PersonId, IsOpen = true };
        var primary = new CaseParticipant { CaseId = file.CaseId, UnitId = "primary", Role = Wire.ParticipantRole.Primary, Since = Exchange.Clock.GetUtcNow() };
        await CommitAsync(Of(file, subject, primary));
        _cases.Add((file, [subject], [primary]));
    }

    private async Task JoinAsync(Random random)
    {
        var (file, _, parts) = Any(random, _cases);
        if (parts.Count > 1)
        {
            await UpdateAsync(parts[^1], p => p.Role = p.Role == Wire.ParticipantRole.Serving ? Wire.ParticipantRole.Invited : Wire.ParticipantRole.Serving);
            return;
        }

        var part = new CaseParticipant { CaseId = file.CaseId, UnitId = "serving", Role = Wire.ParticipantRole.Serving, Since = Exchange.Clock.GetUtcNow() };
        await CommitAsync(Of(part));
        parts.Add(part);
    }

    private async Task GrantAsync(Random random)
    {
        var grant = new Grant
        {
            GrantId = NewId(), FromUnitId = "from", PersonId = Any(random, _persons).PersonId, CaseId = Any(random, _cases).File.CaseId, State = Wire.GrantState.Granted,
            GrantedClasses = 4, GrantedUntil = Exchange.Clock.GetUtcNow(), Version = 1,
        };
        await CommitAsync(Of(grant));
        _grants.Add(grant);
    }

    private async Task BreakGlassAsync(Random random)
    {
        if (_glasses.Count > 0 && random.Next(2) == 0)
        {
            await UpdateAsync(Any(random, _glasses), g => g.Verdict = (Wire.BreakGlassVerdict)random.Next(3));
            return;
        }

        var id = NewId();
        var glass = new BrokenGlass { BreakGlassId = id, AgencyKey = $"{id}", UnitId = "from", PersonId = Any(random, _persons).PersonId, Version = 1 };
        await CommitAsync(Of(glass));
        _glasses.Add(glass);
    }

    /// <summary>Closed, or opened again: a case that is opened comes with the rows of its subjects.</summary>
    private async Task OpenOrCloseAsync(Random random)
    {
        var (file, subjects, _) = Any(random, _cases);
        var opens = file.State != Wire.CaseState.Open;
        if (opens && _cases.Exists(c => c.File.State == Wire.CaseState.Open && c.Subjects.Exists(s => s.PersonId == subjects[0].PersonId))) return;
        file.State = opens ? Wire.CaseState.Open : Wire.CaseState.Closed;
        subjects[0].IsOpen = opens;
        var change = new Change();
        change.Update(file);
        change.Update(subjects[0]);
        await CommitAsync(change);
    }

    private async Task UpdateAsync<TRow>(TRow row, Action<TRow> update)
        where TRow : class
    {
        update(row);
        var change = new Change();
        change.Update(row);
        await CommitAsync(change);
    }

    private async Task CommitAsync(Change change) => await Exchange.Composition.Commits.CommitAsync(AuditEntry.Of(new Wire.AuditRecord
    {
        Version = 1, DecisionId = NewId().ToString(), DecidedAt = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(Exchange.Clock.GetUtcNow()),
    }), change);

    private static Change Of(params ReadOnlySpan<object> rows)
    {
        var change = new Change();
        foreach (var row in rows) change.Add(row);
        return change;
    }

    private string IdOf(PersonRow row) =>
        Exchange.Composition.Vault.OpenFacts(Wire.HouseholdMember.Parser, People.FactsColumn, row.PersonId, row.Sealed).Person.NationalId;

    private Guid NewId() => Guid.CreateVersion7(Exchange.Clock.GetUtcNow());

    private static T Any<T>(Random random, List<T> of) => of[random.Next(of.Count)];
}
