using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Sandbox.Population;
using SafetyNet.Exchange.Server.Audit;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Hosting;

/// <summary>
/// Brings a synthetic population into the store, by the one commit path and with a record per batch. Every id follows from the seed, so a start that was
/// interrupted goes on where it stopped.
/// </summary>
internal sealed class SandboxSeeding(SqliteStore store, CommitQueue commits, Vault vault, TimeProvider clock)
{
    private const int PersonsPerBatch = 1000;

    /// <summary>Seeds what is missing; answers how many persons were new.</summary>
    public async Task<int> SeedAsync(SandboxSettings settings)
    {
        if (Count() >= settings.Persons * 9L / 10) return 0;
        var ids = new Dictionary<int, Guid>(settings.Persons);
        var waiting = new List<SyntheticPerson>();
        var (change, size, added) = (new Change(), 0, 0);
        foreach (var household in SyntheticPopulation.Generate(settings.Seed, settings.Persons))
        {
            foreach (var person in household.Members) ids[person.Number] = person.Id;
            if (IsStored(household)) continue;
            waiting.AddRange(household.Members);
            added += AddHousehold(change, household);
            size += household.Members.Count;
            if (size < PersonsPerBatch) continue;
            waiting = AddParents(change, waiting, ids);
            await CommitAsync(change);
            (change, size) = (new Change(), 0);
        }

        AddParents(change, waiting, ids);
        await CommitAsync(change);
        return added;
    }

    private long Count()
    {
        using var read = store.Read();
        using var reader = read.Query("SELECT count(*) FROM person WHERE household_id IS NOT NULL");
        reader.Read();
        return reader.GetInt64(0);
    }

    private bool IsStored(SyntheticHousehold household)
    {
        using var read = store.Read();
        using var reader = read.Query("SELECT 1 FROM person WHERE household_id = $0 LIMIT 1", household.Id.ToByteArray(true));
        return reader.Read();
    }

    private int AddHousehold(Change change, SyntheticHousehold household)
    {
        if (!CodeNames.TryParse(household.JurisdictionCode, out Wire.Jurisdiction jurisdiction))
            throw new InvalidOperationException($"the population names an unknown jurisdiction {household.JurisdictionCode}");
        var place = 0;
        // The dead are struck off the register; their parenthood stays, for it makes siblings.
        foreach (var person in household.Members.Where(p => p.DeathDate is null))
        {
            var facts = new Wire.HouseholdMember
            {
                Role = person.RelationText,
                Person = new Wire.Person
                {
                    NationalId = person.NationalId.Canonical, Name = person.Name, RomanizedName = person.RomanisedName ?? "", Sex = (Wire.Sex)(int)person.Sex,
                    BirthDate = person.BirthDate.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture), Address = household.Address,
                    Phone = person.Phone,
                },
            };
            change.Add(People.ToRow(vault, jurisdiction, facts, person.Id, household.Id, household.District, place++, person.IsProtected));
        }

        return place;
    }

    /// <summary>Parenthood of those whose parents' ids are known by now; the others wait for a later batch.</summary>
    private static List<SyntheticPerson> AddParents(Change change, List<SyntheticPerson> children, Dictionary<int, Guid> ids)
    {
        List<SyntheticPerson> later = [];
        foreach (var child in children)
        {
            int[] parents = [.. new[] { child.FatherNumber, child.MotherNumber }.OfType<int>()];
            if (!parents.All(ids.ContainsKey))
            {
                later.Add(child);
                continue;
            }

            foreach (var parent in parents) change.Add(new ParentRow { ParentId = ids[parent], ChildId = child.Id });
        }

        return later;
    }

    private async Task CommitAsync(Change change)
    {
        var now = clock.GetUtcNow();
        await commits.CommitAsync(AuditEntry.Of(new Wire.AuditRecord
        {
            Version = 1, DecisionId = Guid.CreateVersion7(now).ToString(), DecidedAt = Timestamp.FromDateTimeOffset(now), Method = "sandbox/SeedPopulation",
            ActorPersonId = "sandbox", ActorRole = Wire.ActorRole.BatchJob, Purpose = Wire.Purpose.ServiceDelivery,
            LegalBasis = Wire.LegalBasis.Article6IntegratedService, Outcome = Wire.AuditOutcome.Permitted,
        }), change);
    }
}
