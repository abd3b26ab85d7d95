using System.Diagnostics;
using SafetyNet.Exchange.Bench.Roles;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Bench.Measures;

/// <summary>What need-to-know costs by itself, on one thread, without a call around it.</summary>
/// <param name="DecisionsPerSecond">Decisions of the policy in force on questions of all kinds.</param>
/// <param name="RedactionMicros">Redacting one answer of a household look-up, of which addresses and involvement are withheld.</param>
internal sealed record DecisionCost(double DecisionsPerSecond, double RedactionMicros)
{
    private const int Seed = 1;
    private const int Questions = 4096;
    private const int MessagesOfABatch = 256;

    public static DecisionCost Measure(double seconds)
    {
        var policy = NeedToKnowPolicy.LoadBuiltIn();
        var questions = Draw();
        Decide(policy, questions, seconds / 4);
        Redact(seconds / 4);
        return new DecisionCost(Decide(policy, questions, seconds), Redact(seconds));
    }

    private static double Decide(NeedToKnowPolicy policy, NeedToKnowQuestion[] questions, double seconds)
    {
        var (start, decided, allowed) = (Stopwatch.GetTimestamp(), 0L, 0L);
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds)
        {
            foreach (ref readonly var question in questions.AsSpan()) allowed += policy.Decide(question).Allowed ? 1 : 0;
            decided += questions.Length;
        }

        // Questions that are all refused early would make a fast policy of any.
        if (allowed * 2 < decided) throw new BenchFailedException($"only {allowed} of {decided} decisions permit anything");
        return decided / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Redact(double seconds)
    {
        var plan = RedactionPlan.For(Wire.LookUpHouseholdResponse.Descriptor);
        var visible = ClassSet.Of(Wire.ConfidentialityClass.NotPersonal, Wire.ConfidentialityClass.PublicStatus, Wire.ConfidentialityClass.Identity, Wire.ConfidentialityClass.Household);
        var (whole, batch) = (Answer(), new Wire.LookUpHouseholdResponse[MessagesOfABatch]);
        var (start, redacted, spent) = (Stopwatch.GetTimestamp(), 0L, TimeSpan.Zero);
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds)
        {
            for (var at = 0; at < batch.Length; at++) batch[at] = whole.Clone();
            var begun = Stopwatch.GetTimestamp();
            foreach (var answer in batch) plan.Redact(answer, visible);
            spent += Stopwatch.GetElapsedTime(begun);
            redacted += batch.Length;
        }

        if (batch[0].Person.Phone.Length != 0 || batch[0].Person.Name.Length == 0) throw new BenchFailedException("the redacted answer is not as permitted");
        return spent.TotalMicroseconds / redacted;
    }

    /// <summary>Units of every kind that the network has, in every relationship, each for a purpose that goes with it; the same ones in every run.</summary>
    private static NeedToKnowQuestion[] Draw()
    {
        var random = new Random(Seed);
        Wire.Purpose[] service = [Wire.Purpose.ServiceDelivery, Wire.Purpose.CaseCoordination];
        return [.. Enumerable.Range(0, Questions).Select(_ =>
        {
            var relationship = Of(Enum.GetValues<Wire.Relationship>()[1..]);
            var (purpose, basis) = relationship switch
            {
                Wire.Relationship.CentralIntake => (Wire.Purpose.IntakeScreening, Wire.LegalBasis.StatutoryReport),
                Wire.Relationship.Conference => (Wire.Purpose.CaseConference, Wire.LegalBasis.ConferenceResolution),
                Wire.Relationship.Matched => (Wire.Purpose.RosterMatching, Wire.LegalBasis.RosterMatchingPlan),
                _ => (Of(service), Of([Wire.LegalBasis.Article6IntegratedService, Wire.LegalBasis.SubjectWaiver, Wire.LegalBasis.ImminentDanger])),
            };
            return new NeedToKnowQuestion
            {
                AgencyKind = Of(Enum.GetValues<Wire.AgencyKind>()[1..]), UnitKind = Of(Enum.GetValues<Wire.UnitKind>()[1..]),
                CallerJurisdiction = Wire.Jurisdiction.Tpe, ResourceJurisdiction = Wire.Jurisdiction.Tpe, Holdable = ClassSet.All, On = new DateOnly(2026, 11, 22),
                Purpose = purpose, LegalBasis = basis, Relationships = RelationshipSet.Of(relationship), Sent = Classes(), Agenda = Classes(), ProtectedAddress = random.Next(10) == 0,
            };
        })];

        T Of<T>(T[] values) => values[random.Next(values.Length)];

        ClassSet Classes() => new((uint)random.NextInt64(1L << 32) & ClassSet.All.Bits);
    }

    /// <summary>A family of five with four relatives.</summary>
    private static Wire.LookUpHouseholdResponse Answer()
    {
        var answer = new Wire.LookUpHouseholdResponse { Person = Person(0), Involvements = { new Wire.Involvement { UnitId = "tpe-school", ContactWindow = "02-0000-0000" } } };
        for (var number = 1; number <= 4; number++)
        {
            answer.Members.Add(new Wire.HouseholdMember { Person = Person(number), Role = "子" });
            answer.Relatives.Add(new Wire.Relative { Person = Person(number + 10), Kinship = Wire.Kinship.Sibling });
        }

        return answer;

        static Wire.Person Person(int number) => new()
        {
            PersonId = $"p{number}", NationalId = "A123456789", Name = "測試甲", RomanizedName = "Ceshi Jia", Sex = Wire.Sex.Female, BirthDate = "2015-01-02",
            Address = "臺北市萬華區測試路1號", Phone = "0900-000-000",
        };
    }
}
