using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using SafetyNet.Exchange.Server.Audit;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>The writer's own connection: prepared commands for what every call writes, EF Core for the rows of features.</summary>
internal sealed class CommitSession : IDisposable
{
    /// <summary>Result code of SQLite: a rule of the schema.</summary>
    private const int Constraint = 19;

    private readonly AuditLog _log;
    private readonly ExchangeDb _db;
    private readonly HotStatement _record;
    private readonly SqliteCommand _key, _notice, _sequence, _inbox, _acknowledge, _grant, _brokenGlass, _case, _node, _checkpoint, _witnessed, _stamp, _purge, _holds, _stopClocks, _told, _takesPart, _anyLinked, _linked, _savepoint, _release, _rollback;
    private readonly Dictionary<string, HotStatement> _statements = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _sequences = new(StringComparer.Ordinal);
    private readonly List<string> _sequencesOfCommit = [];

    public CommitSession(SqliteStore store, AuditLog log)
    {
        _log = log;
        Connection = store.OpenWriter();
        _db = SqliteStore.ContextOn(Connection);
        _db.Database.AutoSavepointsEnabled = false;
        _savepoint = Command("SAVEPOINT one");
        _release = Command("RELEASE one");
        _rollback = Command("ROLLBACK TO one");
        _record = new HotStatement(Connection, "INSERT INTO audit_record (position, decision_id, leaf_hash, body) VALUES (?1, ?2, ?3, ?4)");
        _key = Command("INSERT INTO request_key (key, request_hash, outcome, at) VALUES ($key, $hash, $outcome, $at) ON CONFLICT DO NOTHING",
            "$key", "$hash", "$outcome", "$at");
        _notice = Command("INSERT INTO notice (unit_id, sequence, kind, at, referral_id, case_id, cause_unit_id, decision_id, grant_id, break_glass_id, resource) "
            + "VALUES ($unit, $sequence, $kind, $at, $referral, $case, $cause, $decision, $grant, $glass, $resource)",
            "$unit", "$sequence", "$kind", "$at", "$referral", "$case", "$cause", "$decision", "$grant", "$glass", "$resource");
        _grant = Command("SELECT 1 FROM access_grant WHERE grant_id = $id AND version = $version", "$id", "$version");
        _brokenGlass = Command("SELECT 1 FROM broken_glass WHERE break_glass_id = $id AND version = $version", "$id", "$version");
        _case = Command("SELECT 1 FROM case_file WHERE case_id = $id AND version = $version", "$id", "$version");
        _sequence = Command("SELECT last_sequence FROM inbox WHERE unit_id = $unit", "$unit");
        _inbox = Command("INSERT INTO inbox (unit_id, last_sequence, acknowledged_sequence) VALUES ($unit, $sequence, 0) "
            + "ON CONFLICT (unit_id) DO UPDATE SET last_sequence = excluded.last_sequence", "$unit", "$sequence");
        _acknowledge = Command("UPDATE inbox SET acknowledged_sequence = max(acknowledged_sequence, $sequence) "
            + "WHERE unit_id = $unit AND last_sequence >= $sequence", "$unit", "$sequence");
        _node = Command("INSERT INTO audit_node (level, node_index, hash) VALUES ($level, $index, $hash)", "$level", "$index", "$hash");
        _checkpoint = Command("INSERT INTO audit_checkpoint (size, signed_at, frontier, note) VALUES ($size, $at, $frontier, $note)",
            "$size", "$at", "$frontier", "$note");
        _purge = Command("UPDATE audit_record SET body = x'', decision_id = unhex(printf('%032x', position)) WHERE position >= $first AND position <= $last AND length(body) > 0",
            "$first", "$last");
        _holds = Command(Purge.HoldsRevisionSql);
        _stopClocks = Command("UPDATE clock SET stopped_at = $at, next_at = NULL, version = version + 1 WHERE resource_id = $id AND ($kind = 0 OR kind = $kind) AND stopped_at IS NULL",
            "$at", "$id", "$kind");
        _told = Command("INSERT INTO case_event (case_id, kind, at, unit_id, resource_id) VALUES ($case, $kind, $at, $unit, $resource)", "$case", "$kind", "$at", "$unit", "$resource");
        _takesPart = Command($"SELECT unit_id FROM case_participant WHERE case_id = $case AND role IN ({(int)Wire.ParticipantRole.Primary}, {(int)Wire.ParticipantRole.Serving})", "$case");
        _anyLinked = Command("SELECT 1 FROM person WHERE same_as IS NOT NULL LIMIT 1");
        _linked = Command("SELECT 1 FROM person WHERE person_id = $id AND same_as IS NOT NULL", "$id");
        _witnessed = Command("UPDATE audit_checkpoint SET witnessed_at = $at, note = $note WHERE size = $size", "$size", "$at", "$note");
        _stamp = Command("INSERT INTO audit_time_stamp (size, stamped_at, token) VALUES ($size, $at, $token) ON CONFLICT (size) DO NOTHING", "$size", "$at", "$token");
    }

    public SqliteConnection Connection { get; }

    public void Begin(SqliteTransaction transaction)
    {
        foreach (var command in Commands()) command.Transaction = transaction;
        _db.Database.UseTransaction(transaction);
    }

    public void Committed() => _db.Database.UseTransaction(null);

    /// <summary>Writes one commit behind a savepoint; answers why it was left out, or null.</summary>
    public Exception? TryWrite(PendingCommit pending, out LogPlace place)
    {
        place = default;
        if (pending.Stamped is { } stamped)
        {
            Set(_stamp, stamped.Size, Instants.ToMicros(stamped.StampedAt), stamped.Token);
            _stamp.ExecuteNonQuery();
            return null;
        }

        if (pending.Entry is not { } entry)
        {
            Set(_witnessed, pending.Witnessed!.Size, Instants.ToMicros(pending.WitnessedAt), pending.Witnessed.Note);
            _witnessed.ExecuteNonQuery();
            return null;
        }

        var change = pending.Change;
        if (change is null or { IsEmpty: true, Key: null })
        {
            place = Append(entry);
            return null;
        }

        _savepoint.ExecuteNonQuery();
        _sequencesOfCommit.Clear();
        Exception? refused = null;
        try
        {
            Write(change, entry);
        }
        catch (DbUpdateConcurrencyException)
        {
            refused = new StaleRowException();
        }
        catch (Exception e) when ((e as SqliteException ?? (e as DbUpdateException)?.InnerException) is SqliteException { SqliteErrorCode: Constraint })
        {
            refused = new KeyTakenException();
        }
        catch (Exception e) when (!IsOfDisk(e))
        {
            // A mistake in one change is that call's own: the others of the flush go on.
            refused = e;
        }

        if (refused is not null)
        {
            _rollback.ExecuteNonQuery();
            _release.ExecuteNonQuery();
            foreach (var unit in _sequencesOfCommit) _sequences.Remove(unit);
            return refused;
        }

        place = Append(entry);
        _release.ExecuteNonQuery();
        return null;
    }

    public void Write(IReadOnlyList<LogNode> nodes)
    {
        foreach (var node in nodes)
        {
            Set(_node, node.Level, node.Index, node.Hash.ToArray());
            _node.ExecuteNonQuery();
        }
    }

    public void Write(LogHead checkpoint)
    {
        Set(_checkpoint, checkpoint.Size, Instants.ToMicros(checkpoint.SignedAt), checkpoint.Frontier, checkpoint.Note);
        _checkpoint.ExecuteNonQuery();
    }

    /// <summary>False: a reader of an older state keeps something of it in use.</summary>
    public bool Truncate()
    {
        using var truncate = Command("PRAGMA wal_checkpoint(TRUNCATE)");
        using var reader = truncate.ExecuteReader();
        return reader.Read() && reader.GetInt64(0) == 0;
    }

    public void Dispose()
    {
        foreach (var command in Commands()) command.Dispose();
        _record.Dispose();
        foreach (var statement in _statements.Values) statement.Dispose();
        _db.Dispose();
        Connection.Dispose();
    }

    private LogPlace Append(AuditEntry entry)
    {
        var place = new LogPlace(_log.Append(entry.LeafHash), entry.LeafHash);
        Span<byte> decision = stackalloc byte[16];
        entry.DecisionId.TryWriteBytes(decision, bigEndian: true, out _);
        _record.Bind(1, place.Position);
        _record.Bind(2, decision);
        _record.Bind(3, entry.LeafHash);
        _record.Bind(4, entry.Body);
        _record.Run();
        return place;
    }

    private void Write(Change change, AuditEntry entry)
    {
        foreach (var held in change.Held) Require(held);
        var at = Instants.ToMicros(entry.DecidedAt);
        if (change.Key is { } key)
        {
            Set(_key, key.Key, key.RequestHash, key.Outcome, at);
            if (_key.ExecuteNonQuery() == 0) throw new KeyTakenException();
        }

        foreach (var stop in change.ClockStops)
        {
            Set(_stopClocks, Instants.ToMicros(stop.At), stop.ResourceId.ToByteArray(true), (int)stop.Kind);
            _stopClocks.ExecuteNonQuery();
        }

        RequireOwnPersons(change);
        Save(change);
        foreach (var row in change.Statements) Write(row);
        Tell(change, at);
        foreach (var notice in change.Notices)
        {
            var sequence = NextSequence(notice.UnitId);
            Set(_notice, notice.UnitId, sequence, (int)notice.Kind, at, Bytes(notice.ReferralId), Bytes(notice.CaseId),
                notice.CauseUnitId.Length > 0 ? notice.CauseUnitId : entry.ActingUnitId, entry.DecisionId.ToByteArray(true), Bytes(notice.GrantId), Bytes(notice.BreakGlassId), notice.Resource);
            _notice.ExecuteNonQuery();
            Set(_inbox, notice.UnitId, sequence);
            _inbox.ExecuteNonQuery();
        }

        if (change.Purge is { } purge) Write(purge);
        if (change.Acknowledged is { } acknowledged)
        {
            Set(_acknowledge, acknowledged.UnitId, acknowledged.UpToSequence);
            if (_acknowledge.ExecuteNonQuery() == 0) throw new StaleRowException();
        }
    }

    private void Write(IStatementRow row)
    {
        if (!_statements.TryGetValue(row.Sql, out var statement)) _statements.Add(row.Sql, statement = new HotStatement(Connection, row.Sql));
        row.Bind(statement);
        statement.Run();
    }

    /// <summary>Changed rows of cases tell of themselves, so that no feature can forget to.</summary>
    private void Tell(Change change, long at)
    {
        HashSet<CaseEvent>? events = change.Told.Count > 0 ? [.. change.Told] : null;
        foreach (var row in change.Added)
            if (row is ICaseRow added) (events ??= []).Add(added.Tells());
        foreach (var row in change.Updated)
            if (row is ICaseRow updated) (events ??= []).Add(updated.Tells());
        if (events is null) return;
        foreach (var one in events)
        {
            Set(_told, one.CaseId.ToByteArray(true), (int)one.Kind, at, one.UnitId, Bytes(one.ResourceId));
            _told.ExecuteNonQuery();
        }

        foreach (var caseId in events.Select(one => one.CaseId).Distinct())
        {
            Set(_takesPart, caseId.ToByteArray(true));
            using var reader = _takesPart.ExecuteReader();
            while (reader.Read()) change.HeardBy(reader.GetString(0));
        }
    }

    private void Write(Purge purge)
    {
        if ((long)_holds.ExecuteScalar()! != purge.HoldsRevision) throw new StaleRowException();
        foreach (var range in purge.Ranges)
        {
            Set(_purge, range.First, range.Last);
            if (_purge.ExecuteNonQuery() != range.Count) throw new StaleRowException();
        }
    }

    /// <summary>Whoever was found to be somebody else after the call had read the store is named by that person's id: the call runs again (R-HH-7).</summary>
    private void RequireOwnPersons(Change change)
    {
        bool? any = null;
        foreach (var row in change.Added.Concat(change.Statements).OfType<INamesPersons>())
        {
            if (!(any ??= _anyLinked.ExecuteScalar() is not null)) return;
            foreach (var person in row.NamedPersons())
            {
                Set(_linked, person.ToByteArray(true));
                if (_linked.ExecuteScalar() is not null) throw new KeyTakenException();
            }
        }
    }

    private void Require(HeldRow held)
    {
        var command = held.Table switch
        {
            HeldTable.Grant => _grant,
            HeldTable.BreakGlass => _brokenGlass,
            _ => _case,
        };
        Set(command, held.Id.ToByteArray(true), held.Version);
        if (command.ExecuteScalar() is null) throw new StaleRowException();
    }

    [SuppressMessage("ApiDesign", "RS0030", Justification = "The one place that saves: it holds the audit entry.")]
    private void Save(Change change)
    {
        if (change.Added.Count == 0 && change.Updated.Count == 0) return;
        try
        {
            foreach (var row in change.Updated.Where(change.IsFirst)) Modify(row);
            if (_db.ChangeTracker.HasChanges()) _db.SaveChanges();
            foreach (var row in change.Added) _db.Add(row);
            foreach (var row in change.Updated)
                if (!change.IsFirst(row)) Modify(row);
            _db.SaveChanges();
        }
        finally
        {
            _db.ChangeTracker.Clear();
        }
    }

    private void Modify(object row)
    {
        var tracked = _db.Attach(row);
        tracked.State = EntityState.Modified;
        if (row is not IVersioned) return;
        var version = tracked.Property(nameof(IVersioned.Version));
        version.OriginalValue = (int)version.CurrentValue! - 1;
    }

    /// <summary>The disk, not the change: nothing of this flush can be trusted to be written.</summary>
    private static bool IsOfDisk(Exception e) =>
        (e as SqliteException ?? e.InnerException as SqliteException) is { SqliteErrorCode: not Constraint };

    private long NextSequence(string unitId)
    {
        if (!_sequences.TryGetValue(unitId, out var last))
        {
            Set(_sequence, unitId);
            last = _sequence.ExecuteScalar() is long stored ? stored : 0;
        }

        _sequencesOfCommit.Add(unitId);
        return _sequences[unitId] = last + 1;
    }

    private IEnumerable<SqliteCommand> Commands() =>
        [_key, _notice, _sequence, _inbox, _acknowledge, _grant, _brokenGlass, _case, _node, _checkpoint, _witnessed, _stamp, _purge, _holds, _stopClocks, _told, _takesPart, _anyLinked, _linked, _savepoint, _release, _rollback];

    private SqliteCommand Command(string sql, params ReadOnlySpan<string> parameters) => SqliteStore.Prepare(Connection, sql, parameters);

    private static void Set(SqliteCommand command, params ReadOnlySpan<object> values)
    {
        for (var i = 0; i < values.Length; i++) command.Parameters[i].Value = values[i];
    }

    private static object Bytes(Guid? id) => id is { } value ? value.ToByteArray(true) : DBNull.Value;
}
