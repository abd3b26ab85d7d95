namespace SafetyNet.Exchange.Server.Storage;

/// <summary>
/// What one call changes: rows, notices to inboxes, and the key under which it happens once. Collected while a call is handled, made durable in one
/// piece with the call's audit entry, or not at all.
/// </summary>
internal sealed class Change
{
    private readonly List<object> _added = [];
    private readonly List<object> _updated = [];
    private readonly HashSet<object> _first = [];
    private readonly List<IStatementRow> _statements = [];
    private readonly List<NoticeDraft> _notices = [];
    private readonly List<ClockStop> _clockStops = [];
    private readonly HashSet<HeldRow> _held = [];
    private readonly HashSet<CaseEvent> _told = [];
    private readonly HashSet<string> _heard = new(StringComparer.Ordinal);

    public IReadOnlyList<object> Added => _added;

    public IReadOnlyList<object> Updated => _updated;

    /// <summary>Rows that are written after those above, in their order.</summary>
    public IReadOnlyList<IStatementRow> Statements => _statements;

    /// <summary>There are rows of features in it.</summary>
    public bool HasRows => _added.Count > 0 || _updated.Count > 0 || _statements.Count > 0;

    public IReadOnlyList<NoticeDraft> Notices => _notices;

    /// <summary>Clocks that this change stops, whatever became of them since the call read the store.</summary>
    public IReadOnlyList<ClockStop> ClockStops => _clockStops;

    /// <summary>Rows that the call's answer hangs on: where one is no longer as it was read, nothing is committed and nothing leaves.</summary>
    public IReadOnlyCollection<HeldRow> Held => _held;

    /// <summary>What the units of a case hear of, besides what the changed rows themselves tell.</summary>
    public IReadOnlyCollection<CaseEvent> Told => _told;

    /// <summary>Units of the cases that changed; known once the change is written.</summary>
    public IReadOnlyCollection<string> Heard => _heard;

    /// <summary>Inbox acknowledged by this call; null: none.</summary>
    public Acknowledgement? Acknowledged { get; set; }

    /// <summary>Key under which this call happens once; null: it may happen again.</summary>
    public RequestKey? Key { get; set; }

    /// <summary>Records of the log whose bytes go with this change; null: none.</summary>
    public Purge? Purge { get; init; }

    /// <summary>What this process does once the change is durable and before its call is answered; on the writer's thread, so no more than a swap. Null: nothing.</summary>
    public Action? Durable { get; set; }

    public bool IsEmpty => !HasRows && _notices.Count == 0 && _held.Count == 0 && _clockStops.Count == 0 && Acknowledged is null && Purge is null;

    public void Add(object row) => _added.Add(row);

    /// <summary>A row read before and changed since; where it is <see cref="IVersioned"/> a change by somebody else in between fails the commit.</summary>
    public void Update(object row)
    {
        if (_updated.Contains(row) || _added.Contains(row)) return;
        if (row is IVersioned versioned) versioned.Version++;
        _updated.Add(row);
    }

    /// <summary>The same, written before everything else of the change: a row that gives up a place which another row of it takes.</summary>
    public void UpdateFirst(object row)
    {
        Update(row);
        _first.Add(row);
    }

    public bool IsFirst(object row) => _first.Contains(row);

    public void Write(IStatementRow row) => _statements.Add(row);

    public void Notify(NoticeDraft notice) => _notices.Add(notice);

    public void Stop(ClockStop stop) => _clockStops.Add(stop);

    public void Hold(HeldRow row) => _held.Add(row);

    public void Tell(CaseEvent happened) => _told.Add(happened);

    public void HeardBy(string unitId) => _heard.Add(unitId);

    public void Clear()
    {
        _held.Clear();
        _told.Clear();
        _added.Clear();
        _updated.Clear();
        _first.Clear();
        _statements.Clear();
        _notices.Clear();
        _clockStops.Clear();
        Acknowledged = null;
        Durable = null;
    }
}

/// <summary>A change of a case that its units may hear of; ids and kinds only.</summary>
/// <param name="UnitId">Unit whose part, or whose view, it is; empty: it is the case's.</param>
/// <param name="ResourceId">The thing in the case; null: its kind has none.</param>
internal readonly record struct CaseEvent(Guid CaseId, Wire.CaseChangeKind Kind, string UnitId = "", Guid? ResourceId = null);

/// <summary>A row whose every change is one that the units of its case may hear of.</summary>
internal interface ICaseRow
{
    CaseEvent Tells();
}

/// <summary>A notice before it has its place in the inbox.</summary>
/// <param name="Resource">Thing without a column of its own that it is about, as kind and id: <c>conference/UUID</c>; empty: none. Inboxes show it in the field of its
/// kind.</param>
internal sealed record NoticeDraft(string UnitId, Wire.NoticeKind Kind, Guid? ReferralId, Guid? CaseId, string Resource = "")
{
    /// <summary>Unit that the notice comes from; empty: the acting unit of the call.</summary>
    public string CauseUnitId { get; init; } = "";

    public Guid? GrantId { get; init; }

    public Guid? BreakGlassId { get; init; }
}

/// <summary>
/// Stops what runs of a thing's time limits. It is done by the writer and needs no version: the deed that a clock waits for must not fail because a step of the clock was told beside it.
/// </summary>
/// <param name="Kind">Unspecified: all kinds.</param>
internal readonly record struct ClockStop(Guid ResourceId, Wire.ClockKind Kind, DateTimeOffset At);

/// <summary>Tables whose rows an answer may hang on.</summary>
internal enum HeldTable
{
    Grant,
    BreakGlass,
    Case,
}

/// <summary>A row as it was read, by its version. Checked by the writer, which is one: a revoke that was acknowledged before is seen (B46).</summary>
internal readonly record struct HeldRow(HeldTable Table, Guid Id, int Version);

/// <summary>
/// The bytes of some records of the log, which go; their places and hashes stay. What they were filed under goes with them: in place of the decision's id stands the
/// position, so that whoever writes another there is found.
/// </summary>
/// <param name="Ranges">The records.</param>
/// <param name="HoldsRevision">The legal holds that it was decided by: one that was placed since stops it.</param>
internal sealed record Purge(IReadOnlyList<Protocol.Evidence.EntryRange> Ranges, long HoldsRevision)
{
    /// <summary>SQL: grows with every hold that is placed or released.</summary>
    public const string HoldsRevisionSql = "SELECT coalesce(sum(version), 0) FROM legal_hold";

    /// <summary>What a purged record at a position is filed under: 8 zero bytes and the position.</summary>
    public static Guid NameOf(long position)
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteInt128BigEndian(bytes, position);
        return new Guid(bytes, bigEndian: true);
    }
}

/// <summary>Everything up to a sequence number of a unit's inbox has been taken note of.</summary>
internal sealed record Acknowledgement(string UnitId, long UpToSequence);

/// <summary>
/// The key of one attempt: SHA-256 over agency, person, method and request_id (32 bytes), the SHA-256 of the request, and what it made.
/// Another agency, person or method has another key (B53).
/// </summary>
internal sealed record RequestKey(byte[] Key, byte[] RequestHash)
{
    /// <summary>Id of what the call made or moved; what a replay answers from.</summary>
    public string Outcome { get; set; } = "";
}
