using System.Globalization;
using SafetyNet.Exchange.Sandbox.Population;

namespace SafetyNet.Exchange.Bench.Import;

/// <summary>An invented register of one city.</summary>
internal static class RegisterRows
{
    public const string AsOf = "2026-11-01";

    /// <summary>Another population than the exchange is seeded with.</summary>
    private const int Seed = 1969;

    /// <summary>About that many rows: the living of as many persons, household by household, with their parents.</summary>
    public static List<Wire.RegisterRow> Of(int persons)
    {
        var homes = SyntheticPopulation.Generate(Seed, persons).ToList();
        var ids = homes.SelectMany(home => home.Members).ToDictionary(person => person.Number, person => person.NationalId.Canonical);
        var rows = new List<Wire.RegisterRow>(persons);
        foreach (var home in homes)
        {
            foreach (var (place, person) in home.Members.Where(one => one.DeathDate is null).Index())
            {
                rows.Add(new Wire.RegisterRow
                {
                    Event = Wire.RegisterEvent.Registered, NationalId = person.NationalId.Canonical, Name = person.Name, RomanizedName = person.RomanisedName ?? "", Sex = (Wire.Sex)(int)person.Sex,
                    BirthDate = person.BirthDate.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), HouseholdNumber = string.Create(CultureInfo.InvariantCulture, $"H{home.Number:0000000}"),
                    Role = person.RelationText, Place = place, Address = home.Address, District = "萬華區", Phone = person.Phone, Protected = person.IsProtected,
                    FatherNationalId = person.FatherNumber is { } father ? ids[father] : "", MotherNationalId = person.MotherNumber is { } mother ? ids[mother] : "", ValidFrom = "2026-01-01",
                });
            }
        }

        return rows;
    }
}
