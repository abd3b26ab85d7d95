using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Sandbox.Population;

namespace SafetyNet.Exchange.Tests.Deliveries;

/// <summary>Invented rows of a household register of Taipei, and what can be wrong with one.</summary>
internal static class Register
{
    private static readonly string[] Districts = ["中正區", "大同區", "中山區", "松山區", "大安區", "萬華區", "信義區", "士林區", "北投區", "內湖區", "南港區", "文山區"];
    private static int _strangers;

    /// <summary>The living of an invented population, household by household, all as if they lived in Taipei.</summary>
    public static List<Wire.RegisterRow> Of(int seed, int persons)
    {
        var ids = new Dictionary<int, string>(persons);
        var households = SyntheticPopulation.Generate(seed, persons).ToList();
        foreach (var person in households.SelectMany(home => home.Members)) ids[person.Number] = person.NationalId.Canonical;
        var rows = new List<Wire.RegisterRow>(persons);
        foreach (var home in households)
        {
            var place = 0;
            foreach (var person in home.Members.Where(one => one.DeathDate is null))
            {
                rows.Add(new Wire.RegisterRow
                {
                    Event = Wire.RegisterEvent.Registered, NationalId = person.NationalId.Canonical, Name = person.Name, RomanizedName = person.RomanisedName ?? "", Sex = (Wire.Sex)(int)person.Sex,
                    BirthDate = $"{person.BirthDate:yyyy-MM-dd}", HouseholdNumber = $"H{home.Number:0000000}", Role = person.RelationText, Place = place++, Address = home.Address,
                    District = Districts[home.Number % Districts.Length], Phone = person.Phone, Protected = person.IsProtected,
                    FatherNationalId = person.FatherNumber is { } father ? ids[father] : "", MotherNationalId = person.MotherNumber is { } mother ? ids[mother] : "", ValidFrom = "2026-01-01",
                });
            }
        }

        return rows;
    }

    /// <summary>A person whom no other row of any test brings.</summary>
    public static Wire.RegisterRow Person(string household, Sex sex = Sex.Female, string birth = "1985-03-04", string name = "林小明", int place = 0) => new()
    {
        Event = Wire.RegisterEvent.Registered, NationalId = NewId(sex), Name = name, Sex = (Wire.Sex)(int)sex, BirthDate = birth, HouseholdNumber = household, Role = place == 0 ? "戶長" : "長子",
        Place = place, Address = "臺北市萬華區康定路 1 號", District = "萬華區", Phone = "0900-000-123", ValidFrom = "2026-02-01",
    };

    public static Wire.RegisterRow Leaves(this Wire.RegisterRow person, string on, Wire.RegisterEvent how = Wire.RegisterEvent.MovedOut) =>
        new() { Event = how, NationalId = person.NationalId, ValidFrom = on };

    public static Wire.RegisterRow With(this Wire.RegisterRow person, Action<Wire.RegisterRow> change)
    {
        var copy = person.Clone();
        change(copy);
        return copy;
    }

    /// <summary>A valid national id that no population has: of the letter that nobody is given any more for a first registration.</summary>
    public static string NewId(Sex sex)
    {
        var nine = $"Y{(int)sex}{9_000_000 + Interlocked.Increment(ref _strangers):0000000}";
        return nine + NationalId.ComputeCheckDigit(nine);
    }
}

/// <summary>A mistake planted in a row, and what the exchange must say of it.</summary>
/// <param name="Field">Field that is named.</param>
/// <param name="Fault">What is named.</param>
/// <param name="Plant">Makes it; the rows before it that are right, where it takes two. The first of them is the head of a household.</param>
internal sealed record Mistake(string Field, Wire.RegisterFault Fault, Action<Wire.RegisterRow, IReadOnlyList<Wire.RegisterRow>> Plant)
{
    /// <summary>Mistakes that one row can have, one of each kind.</summary>
    public static readonly IReadOnlyList<Mistake> All =
    [
        new("national_id", Wire.RegisterFault.NationalIdChecksum, (row, _) => row.NationalId = row.NationalId[..9] + (char)('0' + ((row.NationalId[9] - '0' + 1) % 10))),
        new("national_id", Wire.RegisterFault.NationalIdForm, (row, _) => row.NationalId = row.NationalId[..7]),
        new("national_id", Wire.RegisterFault.Required, (row, _) => row.NationalId = ""),
        new("name", Wire.RegisterFault.Required, (row, _) => row.Name = " "),
        new("birth_date", Wire.RegisterFault.Required, (row, _) => row.BirthDate = ""),
        new("birth_date", Wire.RegisterFault.NotADate, (row, _) => row.BirthDate = "1999-02-30"),
        new("birth_date", Wire.RegisterFault.InTheFuture, (row, _) => row.BirthDate = "2026-11-30"),
        new("sex", Wire.RegisterFault.Required, (row, _) => row.Sex = Wire.Sex.Unspecified),
        new("sex", Wire.RegisterFault.UnknownCode, (row, _) => row.Sex = (Wire.Sex)9),
        new("sex", Wire.RegisterFault.SexContradictsId, (row, _) => row.Sex = row.Sex == Wire.Sex.Male ? Wire.Sex.Female : Wire.Sex.Male),
        new("district", Wire.RegisterFault.UnknownDistrict, (row, _) => row.District = "板橋區"),
        new("jurisdiction", Wire.RegisterFault.OtherJurisdiction, (row, _) => row.Jurisdiction = Wire.Jurisdiction.Tao),
        new("national_id", Wire.RegisterFault.TwiceInDelivery, (row, before) =>
        {
            (row.FatherNationalId, row.MotherNationalId) = ("", "");
            row.MergeFrom(before[0]);
        }),
        new("household_number", Wire.RegisterFault.Required, (row, _) => row.HouseholdNumber = ""),
        new("place", Wire.RegisterFault.SecondHead, (row, before) => (row.Place, row.HouseholdNumber) = (0, before[0].HouseholdNumber)),
        new("place", Wire.RegisterFault.OutOfRange, (row, _) => row.Place = 5000),
        new("father_national_id", Wire.RegisterFault.OwnParent, (row, _) => row.FatherNationalId = row.NationalId),
        new("father_national_id", Wire.RegisterFault.ParentOfOtherSex, (row, before) => row.FatherNationalId = before.First(one => one.Sex == Wire.Sex.Female).NationalId),
        new("mother_national_id", Wire.RegisterFault.ParentNotOlder, (row, before) => row.MotherNationalId = Youngest(before, row).NationalId),
        new("valid_from", Wire.RegisterFault.AfterAsOf, (row, _) => row.ValidFrom = "2026-11-15"),
        new("valid_from", Wire.RegisterFault.BeforeBirth, (row, _) => row.ValidFrom = "1850-01-01"),
        new("valid_from", Wire.RegisterFault.Required, (row, _) => row.ValidFrom = ""),
        new("name", Wire.RegisterFault.TooLong, (row, _) => row.Name = new string('林', 101)),
        new("address", Wire.RegisterFault.ControlCharacter, (row, _) => row.Address += "\u0007"),
        new("national_id", Wire.RegisterFault.NotRegisteredHere, (row, _) => (row.Event, row.NationalId) = (Wire.RegisterEvent.Died, Register.NewId(Sex.Male))),
        new("event", Wire.RegisterFault.Required, (row, _) => row.Event = Wire.RegisterEvent.Unspecified),
        new("", Wire.RegisterFault.Unreadable, (row, _) => row.Unreadable = true),
    ];

    /// <summary>A woman who is not older than the person; the person is made older where there is none.</summary>
    private static Wire.RegisterRow Youngest(IReadOnlyList<Wire.RegisterRow> before, Wire.RegisterRow person)
    {
        var youngest = before.Where(one => one.Sex == Wire.Sex.Female && one.Event == Wire.RegisterEvent.Registered).MaxBy(one => one.BirthDate, StringComparer.Ordinal)!;
        if (string.CompareOrdinal(youngest.BirthDate, person.BirthDate) < 0) person.BirthDate = youngest.BirthDate;
        return youngest;
    }
}
