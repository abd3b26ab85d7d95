using System.Collections.Concurrent;
using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Protocol.Refusals;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Durability;

/// <summary>
/// Workers of four units on one case at once: plan, notes, visits and the primary role itself. A call that ends without an answer is made again with the same request_id until it is answered or
/// refused, as a member's system does.
/// </summary>
internal sealed class CaseLoad : IDisposable
{
    private const int Workers = 16, SharedNotes = 2;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(100);

    /// <summary>What workers who get in each other's way are told.</summary>
    private static readonly Wire.ErrorReason[] Ordinary = [Wire.ErrorReason.ConcurrentChange, Wire.ErrorReason.MoveNotAllowed, Wire.ErrorReason.NotYourMove];

    private readonly CaseLedger _ledger;
    private readonly Promises _promises;
    private readonly ConcurrentBag<ExchangeChannel> _channels = [];
    private readonly ConcurrentDictionary<string, bool> _sharedNotes = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private readonly Caller _school;
    private readonly Caller[] _units;
    private Task[] _workers = [];
    private string _personId = "";

    public CaseLoad(SandboxProcess sandbox, CaseLedger ledger, Promises promises)
    {
        (_ledger, _promises) = (ledger, promises);
        var welfare = Connect(sandbox, "dosw");
        _school = new Caller(Connect(sandbox, "edu"), "tpe-school", "T0217", default);
        _units =
        [
            new Caller(welfare, "tpe-central-swc", "W0108", Wire.Article6Service.CareVisit), new Caller(welfare, "tpe-wanhua-swc", "W0300", Wire.Article6Service.CareVisit),
            new Caller(Connect(sandbox, "health"), "tpe-cmhc", "H0452", Wire.Article6Service.MentalHealth), new Caller(Connect(sandbox, "labor"), "tpe-employment", "L0033", Wire.Article6Service.EmploymentGuidance),
        ];
    }

    public string CaseId { get; private set; } = "";

    private Caller Centre => _units[0];

    private Caller Wanhua => _units[1];

    private Caller Health => _units[2];

    private Caller Labor => _units[3];

    /// <summary>Opens the case with its four units, a goal of each and the notes that all of one unit amend; then lets the workers begin.</summary>
    public async Task BeginAsync()
    {
        var referral = (await AskAsync<Wire.CreateReferralResponse>(_school, new Wire.CreateReferralRequest
        {
            Context = _school.Context(), RequestId = NewId(), ToUnitId = Centre.UnitId, Services = { Wire.Article6Service.CareVisit },
            Subjects = { new Wire.ReferralSubject { NationalId = "Z1" + NationalIdTail, Name = "測試某", BirthDate = "2014-05-06" } },
            View = new Wire.SenderView { Classes = { Wire.ConfidentialityClass.Identity, Wire.ConfidentialityClass.Contact } },
        })).Referral.ReferralId;
        var notices = (await AskAsync<Wire.ListNoticesResponse>(Centre, new Wire.ListNoticesRequest { Context = Centre.Context(), PageSize = 500 })).Notices;
        await AskAsync<IMessage>(Centre, new Wire.AcknowledgeNoticesRequest { Context = Centre.Context(), RequestId = NewId(), UpToSequence = notices[^1].Sequence });
        await AskAsync<IMessage>(Centre, new Wire.AcceptReferralRequest { Context = Centre.Context(), RequestId = NewId(), ReferralId = referral });
        var opening = new Wire.OpenCaseRequest { Context = Centre.Context(), RequestId = NewId(), ReferralId = referral };
        opening.Context.ReferralId = referral;
        var opened = (await AskAsync<Wire.OpenCaseResponse>(Centre, opening)).Case;
        (CaseId, _personId) = (opened.CaseId, opened.Subjects[0].PersonId);
        foreach (var unit in _units.Skip(1))
        {
            await AskAsync<IMessage>(Centre, new Wire.InviteUnitRequest { Context = InCase(Centre), RequestId = NewId(), CaseId = CaseId, UnitId = unit.UnitId, Services = { unit.Service } });
            await AskAsync<IMessage>(unit, new Wire.JoinCaseRequest { Context = InCase(unit), RequestId = NewId(), CaseId = CaseId });
        }

        foreach (var owner in _units)
        {
            var goal = await AskAsync<Wire.CreateGoalResponse>(Centre, new Wire.CreateGoalRequest
            {
                Context = InCase(Centre), RequestId = NewId(), CaseId = CaseId, OwnerUnitId = owner.UnitId, ConfidentialityClass = Wire.ConfidentialityClass.CaseNote, Text = "目標", TargetDate = "2099-01-31",
            });
            _ledger.Goals[goal.Goal.GoalId] = 0;
        }

        for (var i = 0; i < SharedNotes; i++) _sharedNotes[await WriteAsync(Labor, "共同紀錄")] = true;
        _workers = [.. Enumerable.Range(0, Workers).Select(number => Task.Run(() => WorkAsync(number)))];
    }

    /// <summary>Lets every worker bring what it has begun to its end, then stops.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_workers).WaitAsync(TimeSpan.FromSeconds(60));
    }

    public void Dispose()
    {
        _stop.Dispose();
        foreach (var channel in _channels) channel.Dispose();
    }

    private static string NationalIdTail
    {
        get
        {
            const string nine = "Z16543210";
            return nine[2..] + NationalId.ComputeCheckDigit(nine);
        }
    }

    private async Task WorkAsync(int number)
    {
        var (random, by) = (new Random(number), _units[number % _units.Length] with { PersonId = string.Create(CultureInfo.InvariantCulture, $"S{4000 + number}") });
        for (var deed = 0; !_stop.IsCancellationRequested; deed++)
        {
            try
            {
                await (random.Next(6) switch
                {
                    0 => SetGoalDateAsync(by, random),
                    1 => ReportAsync(by, string.Create(CultureInfo.InvariantCulture, $"{number}/{deed}")),
                    2 => WriteAsync(by, string.Create(CultureInfo.InvariantCulture, $"{number}/{deed}")),
                    3 => AmendAsync(Labor with { PersonId = by.PersonId }),
                    4 => PlanAsync(Health with { PersonId = by.PersonId }),
                    _ => random.Next(2) == 0 ? PassAsync(Centre, Wanhua) : PassAsync(Wanhua, Centre),
                });
            }
            catch (RpcException error) when (RefusalReader.TryRead(error, out var refusal) && Ordinary.Contains(refusal.Reason))
            {
                _ledger.Refused.AddOrUpdate(refusal.Reason.ToString(), 1, (_, count) => count + 1);
            }
            catch (Exception error)
            {
                _ledger.Broken.Add(error.ToString());
                return;
            }
        }
    }

    /// <summary>With the version that was read: of those who read the same, one wins.</summary>
    private async Task SetGoalDateAsync(Caller by, Random random)
    {
        var goals = (await AskAsync<Wire.ListGoalsResponse>(by, new Wire.ListGoalsRequest { Context = InCase(by), CaseId = CaseId })).Goals;
        var goal = goals.First(one => one.Own);
        await AskAsync<IMessage>(by, new Wire.UpdateGoalRequest
        {
            Context = InCase(by), RequestId = NewId(), CaseId = CaseId, GoalId = goal.GoalId, Etag = goal.Etag, TargetDate = string.Create(CultureInfo.InvariantCulture, $"2099-{random.Next(1, 13):00}-01"),
        });
        _ledger.Goals.AddOrUpdate(goal.GoalId, 1, (_, count) => count + 1);
    }

    private async Task ReportAsync(Caller by, string text)
    {
        var goal = (await AskAsync<Wire.ListGoalsResponse>(by, new Wire.ListGoalsRequest { Context = InCase(by), CaseId = CaseId })).Goals.First(one => one.Own);
        var answer = await AskAsync<Wire.AddProgressResponse>(by, new Wire.AddProgressRequest { Context = InCase(by), RequestId = NewId(), CaseId = CaseId, GoalId = goal.GoalId, Text = text });
        Once(_ledger.Progress.TryAdd(answer.Goal.Content.Progress.Single(entry => entry.Text == text).ProgressId, true), $"progress {text}");
    }

    private async Task<string> WriteAsync(Caller by, string text)
    {
        var id = (await AskAsync<Wire.CreateNoteResponse>(by, new Wire.CreateNoteRequest
        {
            Context = InCase(by), RequestId = NewId(), CaseId = CaseId, ConfidentialityClass = Wire.ConfidentialityClass.CaseNote, Text = text,
        })).Note.NoteId;
        Once(_ledger.Notes.TryAdd(id, 1), $"note {id}");
        return id;
    }

    private async Task AmendAsync(Caller by)
    {
        // The shared ones are the unit's oldest.
        var notes = (await AskAsync<Wire.SearchNotesResponse>(by, new Wire.SearchNotesRequest { Context = InCase(by), CaseId = CaseId, PageSize = SharedNotes })).Notes;
        var note = notes.First(one => _sharedNotes.ContainsKey(one.NoteId));
        var version = (await AskAsync<Wire.AmendNoteResponse>(by, new Wire.AmendNoteRequest
        {
            Context = InCase(by), RequestId = NewId(), CaseId = CaseId, NoteId = note.NoteId, BaseVersion = note.Version, ConfidentialityClass = note.ConfidentialityClass, Text = "共同紀錄，補充",
            Reason = "補充訪視所得資料",
        })).Note.Version;
        // An answer that was made again tells how the note stands by then.
        if (version <= note.Version) _ledger.Broken.Add($"an amendment of version {note.Version} left version {version}");
        _ledger.Notes.AddOrUpdate(note.NoteId, 1, (_, count) => count + 1);
    }

    private async Task PlanAsync(Caller by)
    {
        var id = (await AskAsync<Wire.PlanVisitResponse>(by, new Wire.PlanVisitRequest
        {
            Context = InCase(by), RequestId = NewId(), CaseId = CaseId, PersonId = _personId, PlannedOn = $"{TimeProvider.System.GetUtcNow().AddDays(30):yyyy-MM-dd}",
        })).Visit.VisitId;
        Once(_ledger.Visits.TryAdd(id, true), $"visit {id}");
    }

    /// <summary>Whoever is primary proposes, the other takes over; most of those who try are not, or not any more.</summary>
    private async Task PassAsync(Caller one, Caller other)
    {
        await AskAsync<IMessage>(one, new Wire.ProposePrimaryRequest
        {
            Context = InCase(one), RequestId = NewId(), CaseId = CaseId, ToUnitId = other.UnitId, Reason = "案家已遷居本轄，後續服務由實際居住地之中心主責較為適切",
        });
        Interlocked.Increment(ref _ledger.Proposed);
        await AskAsync<IMessage>(other, new Wire.AcceptPrimaryRequest { Context = InCase(other), RequestId = NewId(), CaseId = CaseId });
        Interlocked.Increment(ref _ledger.Passed);
    }

    private void Once(bool isNew, string what)
    {
        if (!isNew) _ledger.Broken.Add($"{what} was given out for two request_ids");
    }

    private async Task<T> AskAsync<T>(Caller by, IMessage request)
        where T : class, IMessage
    {
        var method = ContractMethods.All.Single(one => one.InputType == request.Descriptor);
        while (true)
        {
            try
            {
                using var call = by.Channel.Invoker.AsyncUnaryCall(ContractMethods.ToGrpc(method), host: null, new CallOptions(deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(20)), request);
                var answer = (T)await call;
                _promises.Keep(CallReceipt.Read(call.GetTrailers()) ?? throw new InvalidOperationException($"{method.FullName} was answered without a receipt."));
                if (method.InputType.FindFieldByName("request_id") is { } field)
                    _promises.Acknowledged($"/{method.Service.FullName}/{method.Name}", (string)field.Accessor.GetValue(request));
                return answer;
            }
            catch (RpcException error) when (RefusalReader.TryRead(error, out var refusal))
            {
                // A sandbox that starts again has a new token key.
                if (refusal.Reason is not (Wire.ErrorReason.TokenNotAccepted or Wire.ErrorReason.TokenExpired or Wire.ErrorReason.AuthorityUnavailable))
                {
                    if (CallReceipt.Read(error.Trailers) is { } receipt) _promises.Keep(receipt);
                    else _ledger.Broken.Add($"{method.FullName} was refused without a receipt: {error.Status}");
                    throw;
                }

                by.Channel.ForgetToken();
            }
            catch (Exception error) when (error is RpcException or OperationCanceledException or HttpRequestException)
            {
                Interlocked.Increment(ref _ledger.Unanswered);
            }

            await Task.Delay(RetryDelay);
        }
    }

    private ExchangeChannel Connect(SandboxProcess sandbox, string agency)
    {
        var channel = sandbox.Connect(agency);
        _channels.Add(channel);
        return channel;
    }

    private Wire.AccessContext InCase(Caller by)
    {
        var context = by.Context();
        context.CaseId = CaseId;
        return context;
    }

    private static string NewId() => Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString();

    private sealed record Caller(ExchangeChannel Channel, string UnitId, string PersonId, Wire.Article6Service Service)
    {
        public Wire.AccessContext Context() => new()
        {
            Purpose = Wire.Purpose.CaseCoordination, LegalBasis = Wire.LegalBasis.Article6IntegratedService,
            Actor = new Wire.ActingPerson { PersonId = PersonId, Role = Wire.ActorRole.Worker, UnitId = UnitId },
        };
    }
}
