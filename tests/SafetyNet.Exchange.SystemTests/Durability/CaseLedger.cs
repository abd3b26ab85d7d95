using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Data.Sqlite;

namespace SafetyNet.Exchange.SystemTests.Durability;

/// <summary>What workers of one case were told is done, by the kind of deed; and what the database file says of it.</summary>
internal sealed class CaseLedger
{
    /// <summary>Acknowledged version of each note, by id.</summary>
    public ConcurrentDictionary<string, int> Notes { get; } = new(StringComparer.Ordinal);

    /// <summary>Acknowledged changes of each goal, by id.</summary>
    public ConcurrentDictionary<string, int> Goals { get; } = new(StringComparer.Ordinal);

    /// <summary>Ids of entries of progress.</summary>
    public ConcurrentDictionary<string, bool> Progress { get; } = new(StringComparer.Ordinal);

    public ConcurrentDictionary<string, bool> Visits { get; } = new(StringComparer.Ordinal);

    /// <summary>Times that the primary role was proposed, and that it passed.</summary>
    public int Proposed, Passed;

    /// <summary>Calls that ended without an answer, and were made again with the same request_id.</summary>
    public int Unanswered;

    /// <summary>Refusals by reason.</summary>
    public ConcurrentDictionary<string, int> Refused { get; } = new(StringComparer.Ordinal);

    /// <summary>Answers that nobody should have got.</summary>
    public ConcurrentBag<string> Broken { get; } = [];

    /// <summary>Acknowledged until now; deeds under way may add to it while it is copied, never take away.</summary>
    public (Dictionary<string, int> Notes, Dictionary<string, int> Goals, List<string> Progress, List<string> Visits) Copy() =>
        (new(Notes, StringComparer.Ordinal), new(Goals, StringComparer.Ordinal), [.. Progress.Keys], [.. Visits.Keys]);

    /// <summary>Primary units of the case in the file, whether or not a server has it open; null: it could not be read in this instant.</summary>
    public static long? CountPrimaries(string database, string caseId)
    {
        try
        {
            return Query(database, $"SELECT count(*) FROM case_participant WHERE case_id = {Literal(caseId)} AND role = 1", row => row.GetInt64(0))[0];
        }
        catch (SqliteException)
        {
            return null;
        }
    }

    /// <summary>All of what was acknowledged is in the file: notes and goals in that version or a later one.</summary>
    public static void AssertKept(string database, string caseId, (Dictionary<string, int> Notes, Dictionary<string, int> Goals, List<string> Progress, List<string> Visits) acknowledged)
    {
        var (notes, goals) = (Versions(database, "case_note", "note_id", caseId), Versions(database, "service_goal", "goal_id", caseId));
        Assert.All(acknowledged.Notes, note => Assert.True(notes.GetValueOrDefault(note.Key) >= note.Value, $"note {note.Key} was acknowledged in version {note.Value}"));
        Assert.All(acknowledged.Goals, goal => Assert.True(goals.GetValueOrDefault(goal.Key) >= 1 + goal.Value, $"goal {goal.Key} lost one of {goal.Value} changes"));
        Assert.Empty(acknowledged.Progress.Except(Ids(database, Progresses(caseId)), StringComparer.Ordinal));
        Assert.Empty(acknowledged.Visits.Except(Ids(database, VisitsOf(caseId)), StringComparer.Ordinal));
    }

    /// <summary>The file holds what was acknowledged, once, and nothing else: every deed has come to its answer.</summary>
    public void AssertExactly(string database, string caseId)
    {
        Assert.Equal(Notes.OrderBy(one => one.Key, StringComparer.Ordinal), Versions(database, "case_note", "note_id", caseId).OrderBy(one => one.Key, StringComparer.Ordinal));
        var versions = Query(database, $"SELECT count(*) FROM case_note_version AS v JOIN case_note AS n ON n.note_id = v.note_id WHERE n.case_id = {Literal(caseId)}", row => row.GetInt64(0))[0];
        Assert.Equal(Notes.Values.Sum(version => version - 1), versions);
        Assert.Equal(Progress.Keys.Order(StringComparer.Ordinal), Ids(database, Progresses(caseId)).Order(StringComparer.Ordinal));
        Assert.Equal(Visits.Keys.Order(StringComparer.Ordinal), Ids(database, VisitsOf(caseId)).Order(StringComparer.Ordinal));
        Assert.Equal((Proposed, Passed), (Moves(Wire.CaseAction.ProposePrimary), Moves(Wire.CaseAction.AcceptPrimary)));
        // A hand-over shows goals to the new primary and changes none, so that a goal has just the versions that its changes made.
        Assert.Equal(Goals.OrderBy(one => one.Key, StringComparer.Ordinal).Select(one => (one.Key, 1 + one.Value)),
            Versions(database, "service_goal", "goal_id", caseId).OrderBy(one => one.Key, StringComparer.Ordinal).Select(one => (one.Key, one.Value)));

        int Moves(Wire.CaseAction action) => (int)Query(database, $"SELECT count(*) FROM case_move WHERE case_id = {Literal(caseId)} AND action = {(int)action}", row => row.GetInt64(0))[0];
    }

    private static string Progresses(string caseId) => $"SELECT p.progress_id FROM goal_progress AS p JOIN service_goal AS g ON g.goal_id = p.goal_id WHERE g.case_id = {Literal(caseId)}";

    private static string VisitsOf(string caseId) => $"SELECT visit_id FROM visit WHERE case_id = {Literal(caseId)}";

    private static Dictionary<string, int> Versions(string database, string table, string id, string caseId) =>
        Query(database, $"SELECT {id}, version FROM {table} WHERE case_id = {Literal(caseId)}", row => (IdOf(row), row.GetInt32(1))).ToDictionary(one => one.Item1, one => one.Item2, StringComparer.Ordinal);

    private static List<string> Ids(string database, string sql) => Query(database, sql, IdOf);

    private static string IdOf(SqliteDataReader row) => new Guid(row.GetFieldValue<byte[]>(0), bigEndian: true).ToString();

    private static string Literal(string id) => $"x'{Convert.ToHexStringLower(Guid.Parse(id, CultureInfo.InvariantCulture).ToByteArray(bigEndian: true))}'";

    private static List<T> Query<T>(string database, string sql, Func<SqliteDataReader, T> read)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = database, Mode = SqliteOpenMode.ReadOnly, Pooling = false, DefaultTimeout = 30 }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Statements of this file, with ids that the server gave out.
        command.CommandText = sql;
#pragma warning restore CA2100
        using var reader = command.ExecuteReader();
        var all = new List<T>();
        while (reader.Read())
            all.Add(read(reader));
        return all;
    }
}
