using SafetyNet.Exchange.Server.Deliveries;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.PersonLinks;

/// <summary>A number as a link finds it: the person who is registered with it or is known by it, or nobody.</summary>
/// <param name="NationalId">Canonical.</param>
/// <param name="Index">Blind index.</param>
/// <param name="Row">Null: the exchange does not know the number.</param>
internal sealed record LinkedNumber(string NationalId, byte[] Index, KnownRow? Row);

/// <summary>
/// What follows from a decision on two numbers (R-HH-7): their rows, and who is told. A person may have been found to be others before, who go where it goes; they come back with it when the two are parted.
/// </summary>
internal static class PersonLinking
{
    /// <summary>Takes the other number for the person who is registered.</summary>
    /// <param name="call">The call that decided.</param>
    /// <param name="kept">The person who is registered, as it will be.</param>
    /// <param name="other">The other number; whoever has it is not registered any more.</param>
    /// <returns>The person of the other number.</returns>
    public static Guid Join(Call call, KnownRow kept, LinkedNumber other)
    {
        var otherId = other.Row?.PersonId ?? AddNumber(call, kept, other.NationalId);
        var before = other.Row is null ? [] : call.Read.TakenFor(otherId);
        foreach (var (alias, _) in before) Write(call, SamePersons.Part(alias, otherId));
        Write(call, SamePersons.Join(otherId, kept.PersonId, kept.PersonId));
        foreach (var (alias, linkedTo) in before) Write(call, SamePersons.Join(alias, kept.PersonId, linkedTo));
        Tell(call, Wire.NoticeKind.PersonMerged, kept.PersonId, otherId);
        return otherId;
    }

    /// <summary>Parts the person of the other number, and whoever was found to be that one, from the person who is registered.</summary>
    public static void Part(Call call, KnownRow kept, Guid otherId)
    {
        var all = call.Read.TakenFor(kept.PersonId);
        List<(Guid Alias, Guid LinkedTo)> gone = [all.Find(one => one.Alias == otherId)];
        for (var at = 0; at < gone.Count; at++) gone.AddRange(all.Where(one => one.LinkedTo == gone[at].Alias && !gone.Contains(one)));
        foreach (var (alias, _) in gone) Write(call, SamePersons.Part(alias, kept.PersonId));
        foreach (var (alias, linkedTo) in gone.Skip(1)) Write(call, SamePersons.Join(alias, otherId, linkedTo));
        Tell(call, Wire.NoticeKind.PersonSplit, kept.PersonId, otherId);
    }

    /// <summary>The last word that a clerk had on one of the person's numbers and one of the other's is that they are not the same.</summary>
    public static bool IsDecidedApart(Call call, LinkedNumber kept, LinkedNumber other)
    {
        var others = IndexesOf(call, other).ToList();
        return IndexesOf(call, kept).SelectMany(one => others.Select(two => call.Read.LastDecision(one, two))).Max().Decision == Wire.PersonLinkDecision.NotSame;
    }

    /// <summary>Keeps a decision; what was decided of the two meanwhile makes the call run again.</summary>
    public static PersonLinkRow Keep(Call call, LinkedNumber kept, LinkedNumber other, Wire.PersonLinkDecision decision, string reason, Guid? deliveryId)
    {
        var row = new PersonLinkRow
        {
            LinkId = call.NewId(), Jurisdiction = call.Agency.Jurisdiction, KeptIndex = kept.Index, OtherIndex = other.Index, Decision = decision, DecidedAt = call.Now, UnitId = call.Unit.UnitId,
            DecidedByPersonId = deliveryId is null ? call.Context!.Actor.PersonId : "", DeliveryId = deliveryId,
        };
        var content = new Wire.PersonLink { KeptNationalId = kept.NationalId, OtherNationalId = other.NationalId, Reason = reason };
        row.Sealed = call.Vault.SealFacts(row.Jurisdiction, PersonLinkQueries.ContentColumn, row.LinkId, content);
        call.Change.Write(new UndecidedSince(call.Read.LastLink(), kept.Index, other.Index));
        call.Change.Write(new PersonLinkWrite(row));
        return row;
    }

    private static IEnumerable<byte[]> IndexesOf(Call call, LinkedNumber number) => number.Row is { } row ? call.Read.IndexesOf(row.PersonId).DefaultIfEmpty(number.Index) : [number.Index];

    /// <summary>A number that nobody has asked for yet: kept as a person without a name who is the other, so that it is found from now on; see <see cref="SubjectPersons"/> for when the two are parted.</summary>
    private static Guid AddNumber(Call call, KnownRow kept, string nationalId)
    {
        var id = call.NewId();
        var facts = new Wire.HouseholdMember { Person = new Wire.Person { NationalId = nationalId } };
        call.Change.Write(new PersonWrite(new PersonRow
        {
            PersonId = id, Jurisdiction = kept.Jurisdiction, NationalIdIndex = call.Vault.Index.OfNationalId(nationalId), NameIndex = new byte[BlindIndex.SizeBytes],
            Sealed = call.Vault.SealFacts(kept.Jurisdiction, People.FactsColumn, id, facts),
        }, null));
        return id;
    }

    private static void Write(Call call, IEnumerable<IStatementRow> rows)
    {
        foreach (var row in rows) call.Change.Write(row);
    }

    /// <summary>
    /// Every unit that a step tied to either, ended or not: it holds or held the data, as with corrections (R-NTK-17). Who only referred or reported is told of that alone: the exchange's ids of persons would tell it
    /// whether and since when they are known (R-NTK-14).
    /// </summary>
    private static void Tell(Call call, Wire.NoticeKind kind, Guid keptId, Guid otherId)
    {
        var holders = new SortedSet<string>(StringComparer.Ordinal);
        var (referrers, reports) = (new SortedSet<(string UnitId, string Resource)>(), new SortedSet<(string UnitId, string Resource)>());
        foreach (var id in (Guid[])[keptId, otherId])
        {
            foreach (var step in call.Read.StepsOf(id, Standing.IsOpen))
            {
                if (step.Ground == Wire.ViewingGround.ReferralSent) referrers.Add((step.UnitId, step.Resource));
                else holders.Add(step.UnitId);
            }

            using var reader = call.Read.Query("""
                SELECT r.report_id, r.submitted_by_unit_id, r.intake_unit_id, r.lead_unit_id FROM report_subject AS s JOIN report AS r ON r.report_id = s.report_id WHERE s.person_id = $0
                """, id.ToByteArray(true));
            while (reader.Read())
                for (var column = 1; column < 4; column++)
                    if (!reader.IsDBNull(column) && reader.GetString(column) is { Length: > 0 } unitId) reports.Add((unitId, $"report/{reader.GetId(0)}"));
        }

        foreach (var unitId in holders) call.Change.Notify(new NoticeDraft(unitId, kind, null, null, $"person-link/{keptId}/{otherId}"));
        foreach (var (unitId, resource) in referrers.Where(one => !holders.Contains(one.UnitId)))
            call.Change.Notify(new NoticeDraft(unitId, kind, Guid.Parse(resource.AsSpan(resource.IndexOf('/', StringComparison.Ordinal) + 1)), null));
        foreach (var (unitId, resource) in reports.Where(one => !holders.Contains(one.UnitId))) call.Change.Notify(new NoticeDraft(unitId, kind, null, null, resource));
    }
}

/// <summary>A decision as it is kept; in the order of the statements, so that those that come before it are held against what was there.</summary>
internal sealed record PersonLinkWrite(PersonLinkRow Row) : IStatementRow, IFamilyFact
{
    public string Sql => """
        INSERT INTO person_link (link_id, jurisdiction, kept_index, other_index, decision, decided_at, unit_id, decided_by_person_id, delivery_id, sealed)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        """;

    public void Bind(HotStatement statement)
    {
        statement.Bind(1, Row.LinkId);
        statement.Bind(2, (long)Row.Jurisdiction);
        statement.Bind(3, Row.KeptIndex);
        statement.Bind(4, Row.OtherIndex);
        statement.Bind(5, (long)Row.Decision);
        statement.Bind(6, Instants.ToMicros(Row.DecidedAt));
        statement.Bind(7, Row.UnitId);
        statement.Bind(8, Row.DecidedByPersonId);
        statement.Bind(9, Row.DeliveryId);
        statement.Bind(10, Row.Sealed);
    }

    public IEnumerable<Guid> AffectedIds() => [];
}
