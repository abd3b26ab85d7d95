using System.Text;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Tests.Cases;
using SafetyNet.Exchange.Tests.Deliveries;
using SafetyNet.Exchange.Tests.Grants;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Reports;
using SafetyNet.Exchange.Tests.Visits;
using SafetyNet.Exchange.Tests.Worlds;
using static SafetyNet.Exchange.V1.PersonLinkDecision;

namespace SafetyNet.Exchange.Tests.PersonLinks;

/// <summary>
/// What it means that two persons are one, for any history of either (R-HH-7): parted again, every row is as it was; joined, every unit sees what it would see had there been one person from the start.
/// </summary>
[Trait("Rule", "R-HH-7")]
public sealed class SamePersonsTests(TestExchange exchange) : WireTests(exchange)
{
    /// <summary>Histories; a campaign takes more (<c>SAFETYNET_CAMPAIGN</c>).</summary>
    private static readonly int Histories = int.TryParse(Environment.GetEnvironmentVariable("SAFETYNET_CAMPAIGN"), out var many) ? many : 12;

    /// <summary>Columns of persons that stay as they were entered, and why.</summary>
    private static readonly Dictionary<string, string> Kept = new(StringComparer.Ordinal)
    {
        ["person.person_id"] = "the person itself",
        ["register_entry.person_id"] = "what a register said of the number",
        ["entered_reference.person_id"] = "whom a row was entered for",
        ["reveal.person_id"] = "the number that two officers revealed",
        ["pending_parent.child_id"] = "a row of the register names the parent; the child is registered by its number of now",
    };

    [Fact]
    public void Every_column_that_holds_a_persons_id_follows_the_person_or_says_why_not()
    {
        using var session = Exchange.Composition.Store.Read();
        var named = session.Db.Model.GetEntityTypes().SelectMany(row => row.GetProperties().Where(p => p.ClrType == typeof(Guid) || p.ClrType == typeof(Guid?) || p.Name == "PersonIds")
            .Where(p => p.Name.EndsWith("PersonId", StringComparison.Ordinal) || p.Name is "PersonIds" or "ParentId" or "ChildId")
            .Select(p => $"{row.GetTableName()}.{ColumnOf(p.Name)}"));
        var moved = SamePersons.Columns.Select(column => $"{column.Table}.{column.Column}").Distinct(StringComparer.Ordinal).ToList();
        Assert.Equal(named.Order(StringComparer.Ordinal), moved.Concat(Kept.Keys).Order(StringComparer.Ordinal));

        static string ColumnOf(string property) => string.Concat(property.Select((c, at) => at > 0 && char.IsUpper(c) ? $"_{char.ToLowerInvariant(c)}" : char.ToLowerInvariant(c).ToString()));
    }

    [Fact]
    public async Task R_HH_7_Joined_and_parted_every_row_is_as_it_was_before_whatever_the_history()
    {
        var (done, moved, besides) = (0, 0, 0);
        for (var seed = 0; seed < Histories; seed++)
        {
            var (mother, child) = await The.Register.RegistersAsync();
            var (old, older) = (mother.ByOldNumber(), mother.ByOldNumber());
            var history = new History(Exchange, new Dice(4200UL + (1000UL * (ulong)seed)), [mother.ByNumber(), old, older, child.ByNumber()]);
            foreach (var number in (Wire.ReferralSubject[])[old, older]) await The.School.RefersAsync(The.Centre, number);
            for (var deed = 0; deed < 14; deed++) await history.DoAsync();
            done += history.Done;
            var before = Rows();

            // The older number first to the old one, where a register had it; then both go together and come back together.
            var isChain = seed % 3 == 0;
            if (isChain)
            {
                var row = mother.With(r => (r.NationalId, r.HouseholdNumber, r.Sex) = (old.NationalId, $"L8{seed:000000}", Wire.Sex.Male));
                Assert.Equal(1, (await The.Register.DeliversAsync([row])).Totals.Added);
                await The.Register.DecidesAsync(old.NationalId, older.NationalId);
                Assert.Equal(1, (await The.Register.DeliversAsync([row.Leaves("2026-09-01")])).Totals.Ended);
                before = Rows();
            }

            await The.Register.DecidesAsync(mother.NationalId, old.NationalId);
            if (!isChain) await The.Register.DecidesAsync(mother.NationalId, older.NationalId);
            var joined = Rows();
            moved += joined.Except(before).Count();
            besides += joined.Count(row => row.StartsWith("case_subject", StringComparison.Ordinal) && !row.Contains("beside=0", StringComparison.Ordinal));
            AssertNobodyNames(old.NationalId);
            AssertNobodyNames(older.NationalId);

            await The.Register.DecidesAsync(mother.NationalId, old.NationalId, NotSame);
            if (!isChain) await The.Register.DecidesAsync(mother.NationalId, older.NationalId, NotSame);
            var after = Rows();
            Assert.True(before.SetEquals(after), $"seed {seed}: gone {string.Join("; ", before.Except(after).Take(5))} new {string.Join("; ", after.Except(before).Take(5))}");
        }

        Assert.InRange(done, Histories * 6, Histories * 14);
        Assert.InRange(moved, Histories * 4, int.MaxValue);
        // Some of the persons had an open case each.
        Assert.NotEqual(0, besides);
    }

    [Fact]
    public async Task R_HH_7_Joined_every_unit_sees_what_it_would_see_of_one_person_from_the_start()
    {
        for (var seed = 0; seed < Histories; seed++)
        {
            var seen = new List<string>[2];
            for (var world = 0; world < 2; world++)
            {
                var (mother, child) = await The.Register.RegistersAsync();
                var old = world == 0 ? mother.ByOldNumber() : mother.ByNumber();
                var history = new History(Exchange, new Dice(7700UL + (1000UL * (ulong)seed)), [mother.ByNumber(), old, child.ByNumber()], oneCase: true);
                for (var deed = 0; deed < 12; deed++) await history.DoAsync();
                if (world == 0) await The.Register.DecidesAsync(mother.NationalId, old.NationalId);
                seen[world] = await history.SeeAsync(mother.NationalId);
                // By either number.
                Assert.Equal(seen[world], await history.SeeAsync(old.NationalId));
            }

            Assert.Equal(seen[1], seen[0]);
        }
    }

    [Fact]
    public async Task R_HH_7_What_is_written_while_two_are_joined_names_the_one_who_is_kept()
    {
        for (var round = 0; round < 10; round++)
        {
            var (mother, _) = await The.Register.RegistersAsync();
            var old = mother.ByOldNumber();
            await The.School.RefersAsync(The.Centre, old);
            var writes = Enumerable.Range(0, 12).Select(_ => The.School.RefersAsync(The.Centre, old)).ToList();
            var link = The.Register.DecidesAsync(mother.NationalId, old.NationalId);
            await Task.WhenAll([.. writes, link]);
            AssertNobodyNames(old.NationalId);
        }
    }

    /// <summary>Every row that names persons, without its version; what a number is linked to is seen by where its rows are.</summary>
    private HashSet<string> Rows()
    {
        using var database = Exchange.OpenDatabase();
        var found = new HashSet<string>(StringComparer.Ordinal);
        foreach (var table in SamePersons.Columns.Select(column => column.Table).Append("person").Distinct(StringComparer.Ordinal))
        {
            using var command = database.CreateCommand();
            command.CommandText = $"SELECT * FROM {table}";
            using var reader = command.ExecuteReader();
            while (reader.Read())
            {
                var row = new StringBuilder(table);
                for (var at = 0; at < reader.FieldCount; at++)
                    if (reader.GetName(at) is not ("version" or "sealed" or "reason" or "remark")) row.Append(' ').Append(reader.GetName(at)).Append('=').Append(Text(reader, at));
                found.Add(row.ToString());
            }
        }

        return found;
    }

    private void AssertNobodyNames(string nationalId)
    {
        var index = Exchange.Composition.Vault.Index.OfNationalId(nationalId);
        var id = Exchange.Query("SELECT person_id FROM person WHERE national_id_index = $0 AND same_as IS NOT NULL", reader => (byte[])reader[0], index);
        foreach (var (table, column) in SamePersons.Columns.Where(one => one.Table != "case_participant"))
        {
            // Where the same protocol runs for both in one case, the one run stays as it is and plans nothing more.
            var besides = table != "visit_protocol_run" ? "" : """
                 AND NOT EXISTS (SELECT 1 FROM visit_protocol_run AS o WHERE o.case_id = t.case_id AND o.unit_id = t.unit_id AND o.protocol = t.protocol AND o.ended_on IS NULL AND o.person_id <> t.person_id)
                """;
            Assert.Equal((table, 0L), (table, Exchange.Query($"SELECT count(*) FROM {table} AS t WHERE {column} = $0{besides}", reader => reader.GetInt64(0), Assert.Single(id))[0]));
        }
    }

    private static string Text(SqliteDataReader reader, int at) => reader.IsDBNull(at) ? "-" : reader.GetValue(at) is byte[] bytes ? Convert.ToHexString(bytes) : $"{reader.GetValue(at)}";

    /// <summary>What units do, by the dice, with some persons; what is refused is no deed.</summary>
    /// <param name="oneCase">One case at most, and nothing that hangs on what was done to one of the persons before: with one person from the start it would not have been refused.</param>
    private sealed class History(TestExchange exchange, Dice dice, Wire.ReferralSubject[] persons, bool oneCase = false)
    {
        private readonly The _the = new(exchange);
        private readonly List<(string Id, Party From, Party To)> _referrals = [];
        private readonly List<(string Id, Party Lead)> _cases = [];
        private readonly List<(string Id, Party To)> _grants = [];

        public int Done { get; private set; }

        public async Task DoAsync()
        {
            var (deed, subject, other) = (_referrals.Count == 0 ? 0 : dice.Next(10), persons[dice.Next(persons.Length)], persons[dice.Next(persons.Length)]);
            var (one, which) = (dice.Next(100), dice.Next(100));
            if (_cases.Count == 0 && deed is 4 or 6 or 7 or 9) deed = 2;
            if (await Refused.IfAsync(() => DoAsync(deed, subject, other, one, which)) is null) Done++;
        }

        /// <summary>What each unit is shown of a number by each step, in words.</summary>
        public async Task<List<string>> SeeAsync(string nationalId)
        {
            var seen = new List<string>();
            foreach (var party in (Party[])[_the.School, _the.Centre, _the.WanhuaCentre, _the.MentalHealthCentre, _the.Police])
            {
                foreach (var (id, at) in _referrals.Select((referral, at) => (referral.Id, at))) seen.Add($"{party.UnitId} r{at} {await LookAsync(() => party.LooksUpAsync(nationalId, id))}");
                foreach (var (id, at) in _cases.Select((shared, at) => (shared.Id, at))) seen.Add($"{party.UnitId} c{at} {await LookAsync(() => party.LooksUpAsync(nationalId, inCase: id))}");
            }

            return seen;
        }

        private static async Task<string> LookAsync(Func<Task<Wire.LookUpHouseholdResponse>> look)
        {
            Wire.LookUpHouseholdResponse? answer = null;
            if (await Refused.IfAsync(async () => answer = await look()) is { } refused) return refused.Reason.ToString();
            var involved = answer!.Involvements.Select(i => $"{i.UnitId}/{i.AgencyKind}").Order(StringComparer.Ordinal);
            return $"{string.Join(',', answer.Disclosure.ShownClasses)} {answer.Person.Name} {answer.Members.Count} {answer.Relatives.Count} {string.Join(',', involved)} {answer.Person.Address.Length > 0}";
        }

        private async Task DoAsync(int deed, Wire.ReferralSubject subject, Wire.ReferralSubject other, int one, int which)
        {
            var (referral, shared) = (_referrals.Count == 0 ? default : _referrals[one % _referrals.Count], _cases.Count == 0 ? default : _cases[which % _cases.Count]);
            switch (deed)
            {
                case 0 or 1:
                    var (from, to) = deed == 0 ? (_the.School, _the.Centre) : (_the.Centre, _the.MentalHealthCentre);
                    var request = Some.Referral(from, to.UnitId, subject, deed == 0 ? Wire.Article6Service.CareVisit : Wire.Article6Service.MentalHealth);
                    if (which % 3 == 0 && subject.NationalId != other.NationalId) request.Subjects.Add(other);
                    _referrals.Add(((await from.RefersAsync(request)).ReferralId, from, to));
                    if (one % 4 != 0) await to.MovesAsync(_referrals[^1].Id, Wire.ReferralAction.See, Wire.ReferralAction.Accept);
                    break;
                case 2 or 3 when !oneCase || _cases.Count == 0:
                    _cases.Add(((await referral.To.OpensCaseAsync(referral.Id)).CaseId, referral.To));
                    break;
                case 4:
                    var scope = (await shared.Lead.SeesCaseAsync(shared.Id)).Case.Subjects.Where(s => one % 2 == 0 && s.Name == subject.Name).Take(1).Select(s => Guid.Parse(s.PersonId));
                    await shared.Lead.AsksInAsync(shared.Id, _the.WanhuaCentre, Wire.Article6Service.CareVisit, [.. scope]);
                    await _the.WanhuaCentre.JoinsAsync(shared.Id);
                    break;
                case 5 when !oneCase:
                    var grant = await _the.Police.AppliesAsync(_the.Police.Application(exchange, subject.NationalId, Wire.ConfidentialityClass.Identity));
                    await _the.Centre.GrantsAsync(grant.GrantId, Wire.ConfidentialityClass.Identity);
                    _grants.Add((grant.GrantId, _the.Police));
                    break;
                case 6 when !oneCase:
                    await shared.Lead.ProtectsAsync(subject.NationalId, inCase: shared.Id, lifted: one % 5 == 0);
                    break;
                case 7 when !oneCase:
                    await shared.Lead.MarksOtherPartyAsync(shared.Id, other.NationalId, lifted: one % 4 == 0);
                    break;
                case 8:
                    await _the.School.ReportsAsync(ReportMoves.Content(subject));
                    break;
                case 9 when !oneCase:
                    var inCase = (await shared.Lead.SeesCaseAsync(shared.Id)).Case.Subjects;
                    await shared.Lead.StartsAsync(new VisitedCase(shared.Id, inCase[one % inCase.Count].PersonId));
                    break;
                default:
                    await referral.To.MovesAsync(Wire.ReferralAction.RecordPersuasion, referral.Id);
                    break;
            }
        }
    }
}
