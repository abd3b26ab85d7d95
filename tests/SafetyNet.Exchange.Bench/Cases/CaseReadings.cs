using System.Globalization;
using System.Net.Http;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using SafetyNet.Exchange.Bench.Echo;
using SafetyNet.Exchange.Bench.Roles;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Bench.Cases;

/// <summary>What was read by one operation.</summary>
/// <param name="Found">Things that the answers held; 0 where none is a finding.</param>
/// <param name="Calls">Sizes of the messages of its calls, in order.</param>
internal sealed record ReadOperation(int Found, IReadOnlyList<CallSize> Calls);

/// <summary>One kind of reading, over the wire and one at a time.</summary>
/// <param name="Name">As the report gives it.</param>
/// <param name="Count">How often it is done.</param>
/// <param name="Read">One operation, given its number.</param>
internal sealed record Reading(string Name, int Count, Func<int, Task<ReadOperation>> Read);

/// <summary>
/// Back ends that read cases. Each operation is what one screen of a case system needs: its calls follow each other, each leaves its record before it is answered.
/// </summary>
internal sealed class CaseReadings : IDisposable
{
    private readonly ExchangeChannel _welfare, _health;
    private readonly Guid[] _open;

    public CaseReadings(FilledCases filled, ExchangeAddress address)
    {
        (_welfare, _health) = (Connect(filled, address, "dosw"), Connect(filled, address, "health"));
        _open = OpenCasesOf(filled);
    }

    /// <summary>The whole case as a serving unit sees it: the case, its plan and every page of the notes that it may read, of all that there are.</summary>
    public Reading LargeCase => new($"a case of {FilledCases.Units} units, {FilledCases.Goals} goals, {FilledCases.Notes} notes, for a serving unit", 200,
        _ => ReadWholeAsync(_health, FilledCases.ServingUnit, FilledCases.LargeCase));

    /// <summary>Everything that a chair follows, page by page, as its desk fetches it on a Monday.</summary>
    public Reading ChairsList => new($"a chair's {FilledCases.OpenItems:N0} open items", 20, _ => OpenItemsAsync(all: true, overdueOnly: false));

    /// <summary>What must not grow with the cases that there are. One more list of the exchange is one more line here.</summary>
    public IReadOnlyList<Reading> Growing =>
    [
        new("get a case, primary unit", 1000, number => GetAsync(_welfare, FilledCases.LeadUnit, Open(number))),
        new("get a case, serving unit", 1000, number => GetAsync(_health, FilledCases.ServingUnit, Open(number))),
        new("case, plan and notes, serving unit", 500, number => ReadWholeAsync(_health, FilledCases.ServingUnit, Open(number))),
        new($"caseload of a unit: {FilledCases.OpenCases} open cases of {FilledCases.Workers} workers", 500, number => CaseloadAsync(number)),
        new($"overdue visits of a unit: {FilledCases.OverdueVisits}", 200, number => OverdueAsync(number, "")),
        new($"first page of a chair's {FilledCases.OpenItems:N0} open items", 500, _ => OpenItemsAsync(all: false, overdueOnly: false)),
        new("first page of its overdue items", 500, _ => OpenItemsAsync(all: false, overdueOnly: true)),
        new("overdue visits of one supervisor", 200, number => OverdueAsync(number, FilledCases.SupervisorOf(number))),
    ];

    public void Dispose()
    {
        _welfare.Dispose();
        _health.Dispose();
    }

    private Guid Open(int number) => _open[number % _open.Length];

    private static async Task<ReadOperation> GetAsync(ExchangeChannel by, string unitId, Guid caseId)
    {
        var request = new Wire.GetCaseRequest { Context = InCase(unitId, caseId), CaseId = caseId.ToString() };
        var answer = await by.Cases.GetCaseAsync(request);
        return new ReadOperation(answer.Case.Subjects.Count, [new CallSize(request.CalculateSize(), answer.CalculateSize())]);
    }

    private static async Task<ReadOperation> ReadWholeAsync(ExchangeChannel by, string unitId, Guid caseId)
    {
        var (id, found, calls) = (caseId.ToString(), 0, new List<CallSize>());
        found += Keep(await GetAsync(by, unitId, caseId));
        var goals = new Wire.ListGoalsRequest { Context = InCase(unitId, caseId), CaseId = id, PageSize = 100 };
        var plan = await by.ServicePlans.ListGoalsAsync(goals);
        found += Keep(new ReadOperation(plan.Goals.Count, [new CallSize(goals.CalculateSize(), plan.CalculateSize())]));
        var notes = new Wire.ListNotesRequest { Context = InCase(unitId, caseId), CaseId = id, PageSize = 100 };
        do
        {
            var page = await by.Cases.ListNotesAsync(notes);
            found += Keep(new ReadOperation(page.Notes.Count, [new CallSize(notes.CalculateSize(), page.CalculateSize())]));
            notes.PageToken = page.NextPageToken;
        }
        while (notes.PageToken.Length > 0);
        return new ReadOperation(found, calls);

        int Keep(ReadOperation one)
        {
            calls.AddRange(one.Calls);
            return one.Found;
        }
    }

    private async Task<ReadOperation> CaseloadAsync(int number)
    {
        var request = new Wire.GetCaseloadRequest { Context = Context(FilledCases.LeadUnit, number) };
        var answer = await _welfare.CaseLife.GetCaseloadAsync(request);
        return new ReadOperation(answer.Workers.Sum(worker => worker.OpenCases), [new CallSize(request.CalculateSize(), answer.CalculateSize())]);
    }

    private async Task<ReadOperation> OverdueAsync(int number, string supervisor)
    {
        var request = new Wire.ListVisitsRequest { Context = Context(FilledCases.LeadUnit, number), Listing = Wire.VisitListing.Overdue, SupervisorPersonId = supervisor, PageSize = 200 };
        var answer = await _welfare.Visits.ListVisitsAsync(request);
        return new ReadOperation(answer.Visits.Count, [new CallSize(request.CalculateSize(), answer.CalculateSize())]);
    }

    private async Task<ReadOperation> OpenItemsAsync(bool all, bool overdueOnly)
    {
        var (found, calls) = (0, new List<CallSize>());
        var context = Context(FilledCases.LeadUnit, 0);
        (context.Purpose, context.LegalBasis) = (Wire.Purpose.CaseConference, Wire.LegalBasis.ConferenceResolution);
        var request = new Wire.ListOpenItemsRequest { Context = context, OverdueOnly = overdueOnly, PageSize = all ? 200 : 100 };
        do
        {
            var page = await _welfare.TrackedItems.ListOpenItemsAsync(request);
            calls.Add(new CallSize(request.CalculateSize(), page.CalculateSize()));
            found += page.Items.Count;
            request.PageToken = page.NextPageToken;
        }
        while (all && request.PageToken.Length > 0);
        return new ReadOperation(found, calls);
    }

    private static Wire.AccessContext InCase(string unitId, Guid caseId)
    {
        var context = Context(unitId, 0);
        context.CaseId = caseId.ToString();
        return context;
    }

    private static Wire.AccessContext Context(string unitId, int number) => new()
    {
        Purpose = Wire.Purpose.CaseCoordination, LegalBasis = Wire.LegalBasis.Article6IntegratedService,
        Actor = new Wire.ActingPerson { PersonId = FilledCases.WorkerOf(number), Role = Wire.ActorRole.Worker, UnitId = unitId },
    };

    /// <summary>The open cases that are measured, in an order that has nothing to do with where their rows lie.</summary>
    private static Guid[] OpenCasesOf(FilledCases filled)
    {
        using var store = new SqliteStore(filled.Database);
        using var read = store.Read();
        using var reader = read.Query("SELECT p.case_id FROM case_participant AS p JOIN case_file AS c ON c.case_id = p.case_id AND c.state = 1 WHERE p.unit_id = $0 AND p.case_id <> $1",
            FilledCases.LeadUnit, FilledCases.LargeCase.ToByteArray(true));
        var found = new List<Guid>();
        while (reader.Read()) found.Add(reader.GetId(0));
        var cases = found.ToArray();
        new Random(7).Shuffle(cases);
        return cases;
    }

    private static ExchangeChannel Connect(FilledCases filled, ExchangeAddress address, string agency)
    {
        var system = SpiffeId.Of("tpe", agency, "case-system");
        var name = Path.Combine(filled.Certificates, "systems", $"{system.Jurisdiction}.{system.Agency}.{system.System}");
        return ExchangeChannel.Open(new ExchangeChannelOptions
        {
            Exchange = address.Exchange, Tokens = address.Tokens, System = system, Identity = MemberTls.LoadIdentity(name + ".pem", name + ".key"),
            Roots = MemberTls.LoadRoots(Path.Combine(filled.Certificates, "root.pem")),
        });
    }
}

/// <summary>The least that the calls of an operation can cost: as many echoes of the same sizes, over the same kind of connection.</summary>
internal sealed class EchoReadings : IDisposable
{
    private readonly GrpcChannel _channel;
    private readonly EchoService.EchoServiceClient _echo;

    public EchoReadings(FilledCases filled, Uri address)
    {
        var name = Path.Combine(filled.Certificates, "systems", "tpe.health.case-system");
        X509Certificate2Collection roots = MemberTls.LoadRoots(Path.Combine(filled.Certificates, "root.pem"));
        _channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler { SslOptions = MemberTls.ForClient(roots, MemberTls.LoadIdentity(name + ".pem", name + ".key")), UseProxy = false, UseCookies = false, AllowAutoRedirect = false },
            DisposeHttpClient = true, MaxReceiveMessageSize = ExchangeChannel.MaximumMessageBytes,
        });
        _echo = new EchoService.EchoServiceClient(_channel);
    }

    public async Task<ReadOperation> ReadAsync(IReadOnlyList<CallSize> calls)
    {
        foreach (var call in calls)
        {
            var answer = await _echo.SayAsync(new EchoRequest { Payload = ByteString.CopyFrom(new byte[call.Request]), AnswerBytes = call.Answer });
            if (answer.Payload.Length != call.Answer) throw new WrongAnswerException("the echo is not as long as asked");
        }

        return new ReadOperation(calls.Count, calls);
    }

    public void Dispose() => _channel.Dispose();
}

/// <summary>The least that the rows of an operation can cost: every column of them, read from the same file by their indexes, one statement a table, nothing opened and nothing decided.</summary>
internal sealed class RawReadings(FilledCases filled) : IDisposable
{
    private static readonly string[] OfCase =
    [
        "SELECT * FROM case_file WHERE case_id = $0",
        "SELECT * FROM case_participant WHERE case_id = $0",
        "SELECT * FROM case_worker WHERE case_id = $0",
        "SELECT p.* FROM case_subject AS s JOIN person AS p ON p.person_id = s.person_id WHERE s.case_id = $0",
        "SELECT * FROM service_goal WHERE case_id = $0 ORDER BY goal_id",
        "SELECT p.* FROM service_goal AS g JOIN goal_progress AS p ON p.goal_id = g.goal_id WHERE g.case_id = $0",
        "SELECT * FROM case_note WHERE case_id = $0 ORDER BY note_id",
        "SELECT s.* FROM case_note AS n JOIN note_share AS s ON s.note_id = n.note_id WHERE n.case_id = $0",
    ];

    private static readonly string[] OfChair = ["SELECT * FROM tracked_item WHERE chair_unit_id = $0 AND is_open = 1 ORDER BY due_on, item_id"];

    private readonly SqliteStore _store = new(filled.Database);

    public Task<ReadOperation> ReadCaseAsync(Guid caseId) => ReadAsync(OfCase, caseId.ToByteArray(true));

    public Task<ReadOperation> ReadChairAsync(string unitId) => ReadAsync(OfChair, unitId);

    private Task<ReadOperation> ReadAsync(string[] statements, object key)
    {
        var found = 0;
        using var read = _store.Read();
        foreach (var sql in statements)
        {
            using var reader = read.Query(sql, key);
            var row = new object[reader.FieldCount];
            for (; reader.Read(); found++) reader.GetValues(row);
        }

        return Task.FromResult(new ReadOperation(found, []));
    }

    public void Dispose() => _store.Dispose();
}
