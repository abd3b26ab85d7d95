using System.Security.Cryptography;
using Microsoft.Data.Sqlite;
using SafetyNet.Exchange.Server.Storage;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Storage;

/// <summary>
/// Relatives by blood to the second degree (R-HH-2), against a breadth-first search that knows nothing of SQL: 10 000 families with half-siblings, adopted children, unknown fathers, two mothers,
/// and what registers hold by mistake: one's own parent, one's own grandparent, two persons each other's parent.
/// </summary>
[Trait("Rule", "R-HH-2")]
public sealed class KinshipTests : IDisposable
{
    private const int Families = 10_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("safetynet-kinship-").FullName;
    private readonly SqliteStore _store;
    private readonly Vault _vault;

    public KinshipTests()
    {
        _store = new SqliteStore(Path.Combine(_folder, "kinship.db"));
        _store.Migrate();
        _vault = Vault.Open(_store, new KeyEncryptionKey("kinship", RandomNumberGenerator.GetBytes(32)));
    }

    public void Dispose()
    {
        _vault.Dispose();
        _store.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void The_relatives_of_everyone_in_10_000_families_are_those_of_a_plain_search()
    {
        var random = new Random(20261123);
        var graphs = Enumerable.Range(0, Families).Select(_ => Graph.Draw(random)).ToList();
        Store(graphs);
        using var session = _store.Read();
        var (asked, kinds, dirty) = (0, new Dictionary<Wire.Kinship, int>(), 0);
        for (var number = 0; number < graphs.Count; number++)
        {
            foreach (var person in graphs[number].Persons)
            {
                var found = session.RelativesOf(_vault, person);
                var expected = graphs[number].Search(person);
                Assert.True(
                    expected.OrderBy(one => one.Value).ThenBy(one => Convert.ToHexString(one.Key.ToByteArray(true)), StringComparer.Ordinal).Select(one => (one.Key, one.Value))
                        .SequenceEqual(found.Select(one => (one.Person.Id, one.Kinship))), $"family {number}: {graphs[number]}");
                asked++;
                if (expected.Count > 0 && graphs[number].IsDirty) dirty++;
                foreach (var (_, kinship) in expected) kinds[kinship] = kinds.GetValueOrDefault(kinship) + 1;
            }
        }

        // The families are of every kind: nothing is proved about what does not occur.
        Assert.InRange(asked, 7 * Families, 20 * Families);
        Assert.Equal(5, kinds.Count);
        Assert.All(kinds, kind => Assert.InRange(kind.Value, Families, 10 * asked));
        Assert.InRange(dirty, Families, asked);
    }

    [Fact]
    public void Half_siblings_are_siblings_and_adopters_in_laws_and_spouses_are_no_kin_by_blood()
    {
        var graph = new Graph();
        var (grandmother, mother, father, another) = (graph.Add(), graph.Add(), graph.Add(), graph.Add());
        var (child, full, half, adopted, nephew) = (graph.Add(), graph.Add(), graph.Add(), graph.Add(), graph.Add());
        foreach (var (parent, of) in new[] { (grandmother, mother), (mother, child), (father, child), (mother, full), (father, full), (mother, half), (another, half), (full, nephew) }) graph.IsParentOf(parent, of);
        // Taken in by the mother: no line of blood.
        Store([graph]);
        Assert.Equal(
            new Dictionary<Guid, Wire.Kinship>
            {
                [mother] = Wire.Kinship.Parent, [father] = Wire.Kinship.Parent, [grandmother] = Wire.Kinship.Grandparent, [full] = Wire.Kinship.Sibling, [half] = Wire.Kinship.Sibling,
            }, Of(child));
        Assert.Empty(Of(adopted));
        Assert.DoesNotContain(father, Of(mother).Keys);
        Assert.DoesNotContain(another, Of(child).Keys);
        // Of the third degree.
        Assert.DoesNotContain(nephew, Of(child).Keys);
        Assert.Equal(Wire.Kinship.Grandchild, Of(mother)[nephew]);
    }

    [Fact]
    public void Whoever_is_registered_as_the_own_parent_or_grandparent_is_no_relative_of_the_own()
    {
        var graph = new Graph();
        var (self, one, other, child) = (graph.Add(), graph.Add(), graph.Add(), graph.Add());
        foreach (var (parent, of) in new[] { (self, self), (self, child), (one, other), (other, one) }) graph.IsParentOf(parent, of);
        Store([graph]);
        Assert.Equal([new KeyValuePair<Guid, Wire.Kinship>(child, Wire.Kinship.Child)], Of(self));
        Assert.Equal([new KeyValuePair<Guid, Wire.Kinship>(self, Wire.Kinship.Parent)], Of(child));
        // Each the other's parent and child: told once, as the nearer step up.
        Assert.Equal([new KeyValuePair<Guid, Wire.Kinship>(other, Wire.Kinship.Parent)], Of(one));
    }

    private Dictionary<Guid, Wire.Kinship> Of(Guid person)
    {
        using var session = _store.Read();
        return session.RelativesOf(_vault, person).ToDictionary(one => one.Person.Id, one => one.Kinship);
    }

    private void Store(IReadOnlyList<Graph> graphs)
    {
        using var connection = TestExchange.OpenDatabase(_store.Path);
        using var transaction = connection.BeginTransaction();
        using var person = Insert(connection, transaction, "INSERT INTO person (person_id, jurisdiction, national_id_index, name_index, household_id, district, place, is_protected, is_shielded, sealed) VALUES ($0, 1, $0, $0, NULL, '', 0, 0, 0, $1)", 2);
        using var parent = Insert(connection, transaction, "INSERT INTO parent (parent_id, child_id) VALUES ($0, $1)", 2);
        foreach (var graph in graphs)
        {
            foreach (var id in graph.Persons)
            {
                var facts = new Wire.HouseholdMember { Person = new Wire.Person { Name = "測試某" } };
                (person.Parameters[0].Value, person.Parameters[1].Value) = (id.ToByteArray(true), _vault.SealFacts(Wire.Jurisdiction.Tpe, People.FactsColumn, id, facts));
                person.ExecuteNonQuery();
            }

            foreach (var (up, down) in graph.Lines)
            {
                (parent.Parameters[0].Value, parent.Parameters[1].Value) = (up.ToByteArray(true), down.ToByteArray(true));
                parent.ExecuteNonQuery();
            }
        }

        transaction.Commit();
    }

    private static SqliteCommand Insert(SqliteConnection connection, SqliteTransaction transaction, string sql, int parameters)
    {
        var command = connection.CreateCommand();
        command.Transaction = transaction;
#pragma warning disable CA2100 // Constants of this file.
        command.CommandText = sql;
#pragma warning restore CA2100
        for (var i = 0; i < parameters; i++) command.Parameters.Add($"${i}", SqliteType.Blob);
        return command;
    }

    /// <summary>Persons and lines of blood between them.</summary>
    private sealed class Graph
    {
        private readonly HashSet<(Guid Parent, Guid Child)> _lines = [];
        private readonly List<Guid> _persons = [];

        public IReadOnlyList<Guid> Persons => _persons;

        public IReadOnlyCollection<(Guid Parent, Guid Child)> Lines => _lines;

        public bool IsDirty { get; private set; }

        /// <summary>Three or four generations; each child has a mother, a father, both, two mothers, or nobody who is known.</summary>
        public static Graph Draw(Random random)
        {
            var graph = new Graph();
            var generation = Enumerable.Range(0, random.Next(2, 5)).Select(_ => graph.Add()).ToList();
            for (var depth = random.Next(2, 4); depth > 0; depth--)
            {
                var children = Enumerable.Range(0, random.Next(1, 5)).Select(_ => graph.Add()).ToList();
                foreach (var child in children)
                {
                    // Two: known parents, of either sex; one: the father is unknown; none: found, or adopted by those who brought it up.
                    for (var known = random.Next(10) switch { 0 => 0, < 4 => 1, _ => 2 }; known > 0; known--) graph.IsParentOf(generation[random.Next(generation.Count)], child);
                }

                // Some marry in.
                generation = [.. children, .. Enumerable.Range(0, random.Next(2)).Select(_ => graph.Add())];
            }

            if (random.Next(4) == 0) graph.Spoil(random);
            return graph;
        }

        public Guid Add()
        {
            var id = Guid.CreateVersion7();
            _persons.Add(id);
            return id;
        }

        public void IsParentOf(Guid parent, Guid child) => _lines.Add((parent, child));

        /// <summary>Everyone within two steps who has a common forebear in the line of steps: up and up, up and down, down and down. The nearest counts, and of equals the first of the list.</summary>
        public Dictionary<Guid, Wire.Kinship> Search(Guid from)
        {
            var (found, reached) = (new Dictionary<Guid, Wire.Kinship>(), new Queue<(Guid Person, string Steps)>([(from, "")]));
            while (reached.TryDequeue(out var at))
            {
                if (at.Steps.Length == 2) continue;
                // A child's other parent is no kin: whoever has gone down does not go up again.
                if (!at.Steps.EndsWith('d'))
                    foreach (var parent in _lines.Where(line => line.Child == at.Person).Select(line => line.Parent).ToList()) Reach(parent, at.Steps + "u");
                foreach (var child in _lines.Where(line => line.Parent == at.Person).Select(line => line.Child)) Reach(child, at.Steps + "d");
            }

            return found;

            void Reach(Guid person, string steps)
            {
                var kinship = steps switch
                {
                    "u" => Wire.Kinship.Parent, "d" => Wire.Kinship.Child, "uu" => Wire.Kinship.Grandparent, "dd" => Wire.Kinship.Grandchild, _ => Wire.Kinship.Sibling,
                };
                if (person != from && (!found.TryGetValue(person, out var known) || kinship < known)) found[person] = kinship;
                reached.Enqueue((person, steps));
            }
        }

        public override string ToString() => string.Join(", ", _lines.Select(line => $"{_persons.IndexOf(line.Parent)} of {_persons.IndexOf(line.Child)}"));

        /// <summary>What a register holds by mistake.</summary>
        private void Spoil(Random random)
        {
            IsDirty = true;
            for (var lines = random.Next(1, 4); lines > 0; lines--)
            {
                var (one, other) = (_persons[random.Next(_persons.Count)], _persons[random.Next(_persons.Count)]);
                IsParentOf(one, random.Next(3) == 0 ? one : other);
            }
        }
    }
}
