using System.Text.Json;
using Google.Protobuf;
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
    private readonly Wire.LookUpHouseholdRequest[] _lookUps;

    public ExchangeCaller(string subjectsPath, ExchangeChannel[] welfare, ExchangeChannel[] school)
    {
        (_subjectsPath, _welfare, _school) = (subjectsPath, welfare, school);
        var subjects = JsonSerializer.Deserialize<List<Subject>>(File.ReadAllText(subjectsPath))!;
        _toRefer = [.. subjects.Where(s => s.ReferralId.Length == 0)];
        _lookUps = [.. subjects.Where(s => s.ReferralId.Length > 0).Select((s, number) => new Wire.LookUpHouseholdRequest
        {
            Context = Context(CentreUnit, number, s.ReferralId), NationalId = s.NationalId,
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
        await Parallel.ForAsync(0, half, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (number, cancellation) =>
            await _welfare[number % _welfare.Length].Referrals.AcceptReferralAsync(new Wire.AcceptReferralRequest
            {
                Context = Context(CentreUnit, number, null), RequestId = Guid.CreateVersion7().ToString(), ReferralId = referred[number].ReferralId,
            }, cancellationToken: cancellation));
        await File.WriteAllTextAsync(_subjectsPath, JsonSerializer.Serialize(referred.Concat(_toRefer.Skip(half))));
        return new LoadResult(half, 1, 0, 0, 0, 0, null);
    }

    /// <summary>The centre's system acknowledges its inbox, by which the referrals in it are delivered.</summary>
    private async Task TakeNoteAsync()
    {
        while (true)
        {
            var listed = await _welfare[0].Inbox.ListNoticesAsync(new Wire.ListNoticesRequest { Context = Context(CentreUnit, 0, null), PageSize = 100 });
            if (listed.Notices.Count == 0) return;
            await _welfare[0].Inbox.AcknowledgeNoticesAsync(new Wire.AcknowledgeNoticesRequest
            {
                Context = Context(CentreUnit, 0, null), RequestId = Guid.CreateVersion7().ToString(), UpToSequence = listed.Notices[^1].Sequence,
            });
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
