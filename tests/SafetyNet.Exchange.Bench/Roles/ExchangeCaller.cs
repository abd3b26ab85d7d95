using System.Collections.Concurrent;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Protocol.Client;

namespace SafetyNet.Exchange.Bench.Roles;

/// <summary>A person whom calls are about.</summary>
/// <param name="ReferralId">Open referral by which the centre may look the household up; empty: none, the person is there to be referred.</param>
internal sealed record Subject(string NationalId, string Name, string BirthDate, string ReferralId);

/// <summary>The two agencies that call an exchange: a school that refers, and the social welfare centre that looks households up for the referrals it holds.</summary>
internal sealed class ExchangeCaller : IDisposable
{
    private const string SchoolUnit = "tpe-school";
    private const string CentreUnit = "tpe-central-swc";
    private const int ActingPersons = 500;
    private const int SizedOneIn = 32;

    private readonly string _subjectsPath;
    private readonly ExchangeChannel[] _welfare, _school;
    private readonly List<Subject> _toRefer;
    private readonly Wire.LookUpHouseholdRequest[] _lookUps, _lookUpsByName;
    private readonly ConcurrentQueue<string> _delivered = new();

    public ExchangeCaller(string subjectsPath, ExchangeChannel[] welfare, ExchangeChannel[] school)
    {
        (_subjectsPath, _welfare, _school) = (subjectsPath, welfare, school);
        var subjects = JsonSerializer.Deserialize<List<Subject>>(File.ReadAllText(subjectsPath))!;
        _toRefer = [.. subjects.Where(s => s.ReferralId.Length == 0)];
        _lookUps = [.. subjects.Where(s => s.ReferralId.Length > 0).Select((s, number) => new Wire.LookUpHouseholdRequest
        {
            Context = Context(CentreUnit, number, s.ReferralId), NationalId = s.NationalId,
        })];
        _lookUpsByName = [.. subjects.Where(s => s.ReferralId.Length > 0).Select((s, number) => new Wire.LookUpHouseholdRequest
        {
            Context = Context(CentreUnit, number, s.ReferralId), NameAndBirthDate = new Wire.NameAndBirthDate { Name = s.Name, BirthDate = s.BirthDate },
        })];
    }

    /// <summary>One look-up of a random household, for its referral.</summary>
    public async Task<CallSize> LookUpAsync(int connection, int caller, Random random)
    {
        var request = _lookUps[random.Next(_lookUps.Length)];
        using var call = _welfare[connection].Households.LookUpHouseholdAsync(request);
        var answer = await call;
        Require(string.Equals(answer.Person?.NationalId, request.NationalId, StringComparison.Ordinal), "another person than asked for");
        Require(answer.Members.Count > 0, "a household of nobody else");
        RequireReceipt(CallReceipt.Read(call.GetTrailers()), answer.Disclosure);
        return Sample(request, answer, random);
    }

    /// <summary>One look-up of a random person by name and birth date, for its referral.</summary>
    public async Task<CallSize> LookUpByNameAsync(int connection, int caller, Random random)
    {
        var request = _lookUpsByName[random.Next(_lookUpsByName.Length)];
        using var call = _welfare[connection].Households.LookUpHouseholdAsync(request);
        var answer = await call;
        Require(string.Equals(answer.Person?.Name, request.NameAndBirthDate.Name, StringComparison.Ordinal), "another person than asked for");
        RequireReceipt(CallReceipt.Read(call.GetTrailers()), answer.Disclosure);
        return Sample(request, answer, random);
    }

    /// <summary>One referral of a random person from the school to the centre.</summary>
    public async Task<CallSize> CreateAsync(int connection, int caller, Random random)
    {
        var request = NewReferral(_toRefer[random.Next(_toRefer.Count)], caller);
        using var call = _school[connection].Referrals.CreateReferralAsync(request);
        var answer = await call;
        Require(answer.Referral is { State: Wire.ReferralState.Submitted, ReferralId.Length: 36 }, "no referral that is submitted");
        RequireReceipt(CallReceipt.Read(call.GetTrailers()), answer.Disclosure);
        return Sample(request, answer, random);
    }

    /// <summary>The centre accepts a referral that was delivered to it.</summary>
    public async Task<CallSize> AcceptAsync(int connection, int caller, Random random)
    {
        if (!_delivered.TryDequeue(out var id)) throw new OutOfStockException();
        var request = new Wire.AcceptReferralRequest { Context = Context(CentreUnit, caller, null), RequestId = Guid.CreateVersion7().ToString(), ReferralId = id };
        using var call = _welfare[connection].Referrals.AcceptReferralAsync(request);
        var answer = await call;
        Require(answer.Referral is { State: Wire.ReferralState.Accepted }, "no referral that is accepted");
        RequireReceipt(CallReceipt.Read(call.GetTrailers()), answer.Disclosure);
        return Sample(request, answer, random);
    }

    /// <summary>One campus-safety report of a random person, to the city's screening centre.</summary>
    public async Task<CallSize> SubmitAsync(int connection, int caller, Random random)
    {
        var subject = _toRefer[random.Next(_toRefer.Count)];
        var request = new Wire.SubmitReportRequest
        {
            Context = Context(SchoolUnit, caller, referralId: null), RequestId = Guid.CreateVersion7().ToString(),
            Content = new Wire.ReportContent
            {
                SourceSystem = Wire.SourceSystem.CampusSafety, Kind = Wire.ReportKind.CampusSafety,
                Reporter = new Wire.Reporter { Kind = Wire.ReporterKind.Mandated, Name = "通報某", Phone = "0900-222-333" },
                Subjects = { new Wire.ReportSubject { NationalId = subject.NationalId, Name = subject.Name, BirthDate = subject.BirthDate, Phone = "0900-000-000" } },
                Problems = { Wire.ReportProblem.EconomicHardship }, Needs = { Wire.Article6Service.FinancialAid },
                Facts = { new Wire.ReferralFact { ConfidentialityClass = Wire.ConfidentialityClass.Economic, Text = "母親九月起失業，積欠兩個月午餐費。" } },
                ReportedAt = Timestamp.FromDateTimeOffset(TimeProvider.System.GetUtcNow().AddHours(-1)), District = "萬華區",
            },
        };
        using var call = _school[connection].Reports.SubmitReportAsync(request);
        var answer = await call;
        Require(answer.Receipt is { ReportId.Length: 36, ReceiptNumber.Length: > 0 }, "no receipt of a report");
        RequireReceipt(CallReceipt.Read(call.GetTrailers()), answer.Disclosure);
        return Sample(request, answer, random);
    }

    /// <summary>Lets as many referrals wait as may be accepted in the time of an order: those that other cases made, and new ones.</summary>
    public async Task<LoadResult> StockAsync(Order order)
    {
        var (needed, calls) = ((int)(order.Seconds * (order.InFlight == 1 ? 500 : 4000)), await TakeNoteAsync());
        if (_delivered.Count >= needed) return new LoadResult(calls, 1, 0, 0, 0, 0, null);
        var made = await ClosedLoop.RunAsync(order with { Connections = _school.Length, InFlight = Math.Max(16, order.InFlight) }, CreateAsync);
        return made with { Calls = made.Calls + calls + await TakeNoteAsync() };
    }

    /// <summary>Refers the first half of the subjects and lets the centre accept them, so that it serves them and may look them up; the file tells which.</summary>
    public async Task<LoadResult> PrepareAsync()
    {
        var half = _toRefer.Count / 2;
        var referred = new Subject[half];
        await Parallel.ForAsync(0, half, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (number, cancellation) =>
        {
            var answer = await _school[number % _school.Length].Referrals.CreateReferralAsync(NewReferral(_toRefer[number], number), cancellationToken: cancellation);
            referred[number] = _toRefer[number] with { ReferralId = answer.Referral.ReferralId };
        });
        await TakeNoteAsync();
        _delivered.Clear();
        await Parallel.ForAsync(0, half, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (number, cancellation) =>
            await _welfare[number % _welfare.Length].Referrals.AcceptReferralAsync(new Wire.AcceptReferralRequest
            {
                Context = Context(CentreUnit, number, null), RequestId = Guid.CreateVersion7().ToString(), ReferralId = referred[number].ReferralId,
            }, cancellationToken: cancellation));
        await File.WriteAllTextAsync(_subjectsPath, JsonSerializer.Serialize(referred.Concat(_toRefer.Skip(half))));
        return new LoadResult(half, 1, 0, 0, 0, 0, null);
    }

    /// <summary>The centre's system acknowledges its inbox, by which the referrals in it are delivered; answers how many calls that took.</summary>
    private async Task<int> TakeNoteAsync()
    {
        for (var calls = 1; ; calls += 2)
        {
            var listed = await _welfare[0].Inbox.ListNoticesAsync(new Wire.ListNoticesRequest { Context = Context(CentreUnit, 0, null), PageSize = 100 });
            if (listed.Notices.Count == 0) return calls;
            await _welfare[0].Inbox.AcknowledgeNoticesAsync(new Wire.AcknowledgeNoticesRequest
            {
                Context = Context(CentreUnit, 0, null), RequestId = Guid.CreateVersion7().ToString(), UpToSequence = listed.Notices[^1].Sequence,
            });
            foreach (var notice in listed.Notices)
                if (notice.Kind == Wire.NoticeKind.ReferralReceived) _delivered.Enqueue(notice.ReferralId);
        }
    }

    public void Dispose()
    {
        foreach (var channel in _welfare.Concat(_school)) channel.Dispose();
    }

    private static Wire.CreateReferralRequest NewReferral(Subject subject, int caller) => new()
    {
        Context = Context(SchoolUnit, caller, referralId: null),
        RequestId = Guid.CreateVersion7().ToString(),
        ToUnitId = CentreUnit,
        Subjects = { new Wire.ReferralSubject { NationalId = subject.NationalId, Name = subject.Name, BirthDate = subject.BirthDate, Phone = "0900-000-000" } },
        Services = { Wire.Article6Service.CareVisit, Wire.Article6Service.FinancialAid },
        Facts =
        {
            new Wire.ReferralFact { ConfidentialityClass = Wire.ConfidentialityClass.EducationRecord, Text = "連續缺課 11 天，導師兩次家訪未遇。" },
            new Wire.ReferralFact { ConfidentialityClass = Wire.ConfidentialityClass.Economic, Text = "母親九月起失業，積欠兩個月午餐費。" },
        },
        View = new Wire.SenderView { Classes = { Wire.ConfidentialityClass.EducationRecord, Wire.ConfidentialityClass.Economic, Wire.ConfidentialityClass.Household } },
        SourceSystem = Wire.SourceSystem.CampusSafety,
    };

    private static Wire.AccessContext Context(string unitId, int number, string? referralId)
    {
        var context = new Wire.AccessContext
        {
            Purpose = Wire.Purpose.ServiceDelivery, LegalBasis = Wire.LegalBasis.Article6IntegratedService,
            Actor = new Wire.ActingPerson { PersonId = $"E{10_000 + (number % ActingPersons)}", Role = Wire.ActorRole.Worker, UnitId = unitId },
        };
        if (referralId is not null) context.ReferralId = referralId;
        return context;
    }

    private static void RequireReceipt(CallReceipt? receipt, Wire.Disclosure? disclosure) => Require(
        receipt is { DecisionId.Length: 36 } && string.Equals(receipt.DecisionId, disclosure?.DecisionId, StringComparison.Ordinal), "no receipt of the record in the log");

    private static void Require(bool holds, string otherwise)
    {
        if (!holds) throw new WrongAnswerException(otherwise);
    }

    private static CallSize Sample(IMessage request, IMessage answer, Random random) =>
        random.Next(SizedOneIn) == 0 ? new CallSize(request.CalculateSize(), answer.CalculateSize()) : default;
}
