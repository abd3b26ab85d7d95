using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Households;

/// <summary>An act of a unit that protects the whereabouts of a person, or lifts that (R-NTK-10); never changed, the last one counts.</summary>
internal sealed class WhereaboutsAct : IFamilyFact, INamesPersons
{
    public Guid ActId { get; set; }

    public Guid PersonId { get; set; }

    public bool IsLifted { get; set; }

    public string UnitId { get; set; } = "";

    public DateTimeOffset At { get; set; }

    /// <summary>Reason, sealed.</summary>
    public byte[] Reason { get; set; } = [];

    /// <summary>What it changes is the row of the person.</summary>
    public IEnumerable<Guid> AffectedIds() => [];

    public IEnumerable<Guid> NamedPersons() => [PersonId];
}

/// <summary>Where the acts lie.</summary>
internal sealed class WhereaboutsMapping : IEntityTypeConfiguration<WhereaboutsAct>
{
    public void Configure(EntityTypeBuilder<WhereaboutsAct> builder)
    {
        builder.ToTable("whereabouts_act");
        builder.HasKey(a => a.ActId);
        builder.HasIndex(a => new { a.PersonId, a.ActId });
    }
}

/// <summary>Protecting whereabouts beyond what the register protects.</summary>
internal static class Whereabouts
{
    private static readonly SealedColumn ReasonColumn = new("whereabouts_act", "reason");

    /// <summary>The primary unit, or a protection centre with a live step, protects; the unit that did, or a protection centre, lifts.</summary>
    /// <returns>The whereabouts are protected from now on, by a unit or by the register.</returns>
    public static bool Protect(Call call, Standing standing, KnownPerson person, bool lifted, string reason)
    {
        var isCentre = call.Unit.Kind == Wire.UnitKind.ProtectionCenter;
        if (!isCentre && !standing.Relationships.Contains(Wire.Relationship.Primary)) throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "primary"));
        if (lifted && !isCentre && !string.Equals(LastOf(call, person.Id)?.UnitId, call.Unit.UnitId, StringComparison.Ordinal))
            throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "the unit that set it"));
        call.Change.Write(new Shield(person.Id, person.Row.HouseholdId, !lifted));
        var act = new WhereaboutsAct { ActId = call.NewId(), PersonId = person.Id, IsLifted = lifted, UnitId = call.Unit.UnitId, At = call.Now };
        act.Reason = call.Vault.SealText(person.Row.Jurisdiction, ReasonColumn, act.ActId, reason);
        call.Change.Add(act);
        return !lifted || call.Read.IsProtectedByRegister(person.Id);
    }

    private static WhereaboutsAct? LastOf(Call call, Guid personId) => call.Read.Db.Set<WhereaboutsAct>().AsNoTracking()
        .Where(a => a.PersonId == personId && !a.IsLifted).OrderByDescending(a => a.At).FirstOrDefault();
}

/// <summary>A unit's protection alone: what the register brings at the same time is not written over.</summary>
internal sealed record Shield(Guid PersonId, Guid? HouseholdId, bool IsShielded) : IStatementRow, IFamilyFact, INamesPersons
{
    public string Sql => "UPDATE person SET is_shielded = ?2 OR EXISTS (SELECT 1 FROM person AS o WHERE o.same_as = ?1 AND o.is_protected) WHERE person_id = ?1";

    public void Bind(HotStatement statement)
    {
        statement.Bind(1, PersonId);
        statement.Bind(2, IsShielded);
    }

    public IEnumerable<Guid> AffectedIds() => HouseholdId is { } household ? [PersonId, household] : [PersonId];

    public IEnumerable<Guid> NamedPersons() => [PersonId];
}
