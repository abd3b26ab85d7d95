using System.Buffers.Binary;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Server.PersonLinks;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Deliveries;

/// <summary>
/// Takes the rows of one message, one after the other, against one snapshot and what the rows before them in the message have made of it; what they change is one commit. The place of a row in a
/// message changes nothing: the same rows in other messages, after a cut anywhere, end in the same buckets.
/// </summary>
internal sealed class DeliveryBatch(Call call, HouseholdDelivery delivery)
{
    private readonly Dictionary<UInt128, KnownRow> _made = [];
    private readonly Dictionary<Guid, KnownRow> _madeById = [];
    private readonly Dictionary<Guid, Guid> _heads = [];
    private readonly Dictionary<UInt128, List<(Guid ChildId, bool IsFather)>> _waiting = [];

    /// <summary>Persons of the snapshot who were found by an earlier row of the message to be others.</summary>
    private readonly Dictionary<Guid, Guid> _joined = [];

    /// <summary>Takes the rows from the delivery's next line on; those before it have been taken.</summary>
    /// <param name="firstLine">Line of the first row.</param>
    /// <param name="before">Hash of the content before it, as the sender has it.</param>
    /// <param name="rows">The rows.</param>
    /// <exception cref="Refusal">Lines are missing, or what was taken is not what the sender has.</exception>
    public void Take(long firstLine, byte[] before, IReadOnlyList<CheckedRow> rows)
    {
        if (firstLine > delivery.NextLine) throw Refuse(Wire.ErrorReason.DeliveryLineGap);
        var (hash, isSame) = (before, false);
        for (var at = 0; at < rows.Count; at++)
        {
            if (firstLine + at == delivery.NextLine)
            {
                // Every row that was taken hangs in this hash: it says whether the sender goes on with the same content.
                if (!isSame) RequireSame(hash);
                isSame = true;
                TakeRow(delivery.NextLine, rows[at]);
                delivery.NextLine++;
                delivery.ContentHash = hash = DeliveryContent.After(hash, rows[at].Bytes);
            }
            else
            {
                hash = DeliveryContent.After(hash, rows[at].Bytes);
            }
        }

        // All of it was taken before, up to the last row that was.
        if (!isSame && firstLine + rows.Count == delivery.NextLine) RequireSame(hash);
    }

    private void RequireSame(byte[] hash)
    {
        if (!hash.AsSpan().SequenceEqual(delivery.ContentHash)) throw Refuse(Wire.ErrorReason.DeliveryContentDiffers);
    }

    private Refusal Refuse(Wire.ErrorReason reason) =>
        new(reason, ("next_line", delivery.NextLine.ToString(System.Globalization.CultureInfo.InvariantCulture)), ("rule", "R-HH-3"));

    private void TakeRow(long line, CheckedRow row)
    {
        var known = row.Index is { } index ? Find(index) : null;
        if (row.Faults.Count == 0 && FaultOf(row, known, out var children) is var fault)
        {
            if (fault is null)
            {
                delivery.Count(Apply(row, known, children));
                return;
            }

            Reject(line, row, known, [fault.Value]);
            return;
        }

        Reject(line, row, known, row.Faults);
    }

    /// <summary>What is wrong with a row in view of what is registered; null: nothing.</summary>
    /// <param name="children">Children who wait for this person.</param>
    private FieldFault? FaultOf(CheckedRow row, KnownRow? known, out List<(Guid ChildId, bool IsFather)> children)
    {
        children = [];
        // What was decided of two numbers is not for a delivery to change (R-HH-7).
        if (known is { SameAs: not null }) return new FieldFault("national_id", FieldFaultKind.NumberLinked);
        if (known is not null && known.TakenIn == delivery.DeliveryId) return new FieldFault("national_id", FieldFaultKind.TwiceInDelivery);
        if (IsSame(row, known)) return null;
        var isHere = known is { HouseholdId: not null } && known.Jurisdiction == delivery.Jurisdiction;
        if (row.Row.Event != Wire.RegisterEvent.Registered)
        {
            if (!isHere) return new FieldFault("national_id", FieldFaultKind.NotRegisteredHere);
            return row.Day < known!.SinceDay ? new FieldFault("valid_from", FieldFaultKind.EndsBeforeStart) : null;
        }

        if (known is { HouseholdId: not null } && !isHere) return new FieldFault("national_id", FieldFaultKind.RegisteredElsewhere);
        // Whom a delivery left out by mistake comes back as it was; whom the register has ended, by a row, does not come back before that.
        if (row.Day < known?.SinceDay && !WasAbsent(known)) return new FieldFault("valid_from", FieldFaultKind.EndsBeforeStart);
        if (row.Row.Place == 0 && HasOtherHead(row, known)) return new FieldFault("place", FieldFaultKind.SecondHead);
        if (IsNotOlder(row.FatherIndex, row)) return new FieldFault("father_national_id", FieldFaultKind.ParentNotOlder);
        if (IsNotOlder(row.MotherIndex, row)) return new FieldFault("mother_national_id", FieldFaultKind.ParentNotOlder);
        if (FaultOfFormer(row, known) is { } fault) return fault;
        if (known is { IsRegistered: true }) return null;
        children = ChildrenOf(row.Index!);
        foreach (var (childId, _) in children)
            if (!IsBefore(row.Row.BirthDate, BirthDateOf(childId))) return new FieldFault("birth_date", FieldFaultKind.ParentNotOlder);
        return null;
    }

    /// <summary>What is wrong with the number that the person had before; null: nothing, or there was none.</summary>
    private FieldFault? FaultOfFormer(CheckedRow row, KnownRow? known)
    {
        const string field = "former_national_id";
        if (row.FormerIndex is null) return null;
        var former = Find(row.FormerIndex);
        if (former is { SameAs: { } other }) return other == known?.PersonId ? null : new FieldFault(field, FieldFaultKind.NumberLinked);
        if (former?.TakenIn == delivery.DeliveryId) return new FieldFault(field, FieldFaultKind.TwiceInDelivery);
        if (former is { HouseholdId: not null } && former.Jurisdiction != delivery.Jurisdiction) return new FieldFault(field, FieldFaultKind.RegisteredElsewhere);
        return PersonLinking.IsDecidedApart(call, new LinkedNumber(row.NationalId, row.Index!, known), new LinkedNumber(row.FormerNationalId, row.FormerIndex, former))
            ? new FieldFault(field, FieldFaultKind.DecidedNotSame) : null;
    }

    /// <summary>The registration ended because no row of a full delivery named the person.</summary>
    private static bool WasAbsent(KnownRow known) => known is { HouseholdId: null, SinceDay: not null, Fingerprint.Length: 0 };

    /// <summary>The register has said just this of the person before, and nothing else since.</summary>
    private static bool IsSame(CheckedRow row, KnownRow? known) => known is not null && known.Fingerprint.AsSpan().SequenceEqual(row.Fingerprint);

    private Bucket Apply(CheckedRow row, KnownRow? known, List<(Guid ChildId, bool IsFather)> children)
    {
        if (IsSame(row, known))
        {
            call.Change.Write(new EntryAgain(known!.PersonId, delivery.DeliveryId));
            Keep(row.Index!, new KnownRow
            {
                PersonId = known.PersonId, Jurisdiction = known.Jurisdiction, NationalIdIndex = known.NationalIdIndex, NameIndex = known.NameIndex, HouseholdId = known.HouseholdId, District = known.District, Place = known.Place,
                IsProtected = known.IsProtected, Sealed = known.Sealed, TakenIn = delivery.DeliveryId, SinceDay = known.SinceDay, Fingerprint = known.Fingerprint, Facts = known.Facts,
            });
            return Bucket.Unchanged;
        }

        if (row.Row.Event != Wire.RegisterEvent.Registered)
        {
            Keep(row.Index!, RegisterEnds.End(call, known!, delivery.DeliveryId, row.Day, row.Fingerprint));
            return Bucket.Ended;
        }

        var personId = known?.PersonId ?? call.NewId();
        if (known is not null) RegisterEnds.KeepStay(call, known, row.Day);
        var since = known is not null && WasAbsent(known) ? Math.Max(row.Day, known.SinceDay!.Value) : row.Day;
        var former = row.FormerIndex is { } index && Find(index) is var one && one?.SameAs is null ? new LinkedNumber(row.FormerNationalId, index, one) : null;
        var facts = FactsOf(row, known ?? former?.Row);
        var person = People.ToRow(call.Vault, delivery.Jurisdiction, facts, personId, row.HouseholdId, row.Row.District, row.Row.Place, row.Row.Protected);
        call.Change.Write(new PersonWrite(person, known?.HouseholdId));
        call.Change.Write(new EntryWrite(personId, delivery.DeliveryId, since, row.Fingerprint));
        var made = new KnownRow
        {
            PersonId = personId, Jurisdiction = person.Jurisdiction, NationalIdIndex = person.NationalIdIndex, NameIndex = person.NameIndex, HouseholdId = person.HouseholdId, District = person.District,
            Place = person.Place, IsProtected = person.IsProtected, Sealed = person.Sealed, TakenIn = delivery.DeliveryId, SinceDay = since, Fingerprint = row.Fingerprint, Facts = facts,
        };
        Keep(row.Index!, made);
        SetParents(row, known, personId);
        foreach (var (childId, isFather) in children)
        {
            call.Change.Write(new ParentWrite(personId, childId));
            call.Change.Write(new PendingEnd(childId, isFather));
        }

        if (former is not null) Join(made, new LinkedNumber(row.NationalId, row.Index!, known), former, row.Day);
        return known?.HouseholdId is null ? Bucket.Added : Bucket.Changed;
    }

    /// <summary>The number that the person had before is this person's from now on (R-HH-7); if it is registered here, that ends.</summary>
    private void Join(KnownRow made, LinkedNumber kept, LinkedNumber former, int day)
    {
        if (former.Row is { HouseholdId: not null } registered) RegisterEnds.End(call, registered, delivery.DeliveryId, Math.Max(day, registered.SinceDay ?? 0), []);
        var formerId = PersonLinking.Join(call, made, former);
        PersonLinking.Keep(call, kept, former, Wire.PersonLinkDecision.Same, "", delivery.DeliveryId);
        _joined[formerId] = made.PersonId;
        Keep(former.Index, new KnownRow { PersonId = formerId, Jurisdiction = made.Jurisdiction, NationalIdIndex = former.Index, NameIndex = made.NameIndex, SameAs = made.PersonId });
    }

    /// <summary>What the register says; a phone that it does not have stays.</summary>
    private Wire.HouseholdMember FactsOf(CheckedRow row, KnownRow? known)
    {
        var from = row.Row;
        var phone = from.Phone.Length > 0 || known is null ? from.Phone : known.Open(call.Vault).Person.Phone;
        return new Wire.HouseholdMember
        {
            Role = from.Role,
            Person = new Wire.Person
            {
                NationalId = row.NationalId, Name = from.Name, RomanizedName = from.RomanizedName, Sex = from.Sex, BirthDate = from.BirthDate, Address = from.Address, Phone = phone,
            },
        };
    }

    private void SetParents(CheckedRow row, KnownRow? known, Guid childId)
    {
        var (father, mother) = (row.FatherIndex is { } f ? FindKept(f) : null, row.MotherIndex is { } m ? FindKept(m) : null);
        if (known is not null)
        {
            foreach (var stored in call.Read.ParentsOf(childId))
            {
                var parentId = _joined.GetValueOrDefault(stored, stored);
                if (parentId == father?.PersonId || parentId == mother?.PersonId) continue;
                var sex = (_madeById.GetValueOrDefault(parentId)?.Facts ?? call.Read.FindPerson(call.Vault, parentId)?.Facts)?.Person.Sex;
                if ((sex == Wire.Sex.Male && row.FatherIndex is not null) || (sex == Wire.Sex.Female && row.MotherIndex is not null)) call.Change.Write(new ParentEnd(parentId, childId));
            }

            if (row.FatherIndex is not null) call.Change.Write(new PendingEnd(childId, IsFather: true));
            if (row.MotherIndex is not null) call.Change.Write(new PendingEnd(childId, IsFather: false));
        }

        SetParent(row.FatherIndex, father, childId, isFather: true);
        SetParent(row.MotherIndex, mother, childId, isFather: false);
    }

    private void SetParent(byte[]? index, KnownRow? parent, Guid childId, bool isFather)
    {
        if (index is null) return;
        if (parent is not null)
        {
            call.Change.Write(new ParentWrite(parent.PersonId, childId));
            // Whom no register has brought yet may turn out to be younger: asked when it comes.
            if (parent.IsRegistered) return;
        }

        call.Change.Write(new PendingWrite(childId, isFather, index));
        if (!_waiting.TryGetValue(KeyOf(index), out var children)) _waiting.Add(KeyOf(index), children = []);
        children.Add((childId, isFather));
    }

    private List<(Guid ChildId, bool IsFather)> ChildrenOf(byte[] index)
    {
        var children = call.Read.ChildrenWaitingFor(index);
        if (_waiting.TryGetValue(KeyOf(index), out var waiting)) children.AddRange(waiting.Where(one => !children.Contains(one)));
        return children;
    }

    private bool HasOtherHead(CheckedRow row, KnownRow? known)
    {
        var household = row.HouseholdId!.Value;
        return _heads.TryGetValue(household, out var head) ? head != known?.PersonId : call.Read.HasOtherHead(household, delivery.DeliveryId, known?.PersonId);
    }

    /// <summary>A parent whom a register has brought is not born before the child.</summary>
    private bool IsNotOlder(byte[]? index, CheckedRow child) =>
        index is not null && FindKept(index) is { IsRegistered: true } parent && !IsBefore(parent.Open(call.Vault).Person.BirthDate, child.Row.BirthDate);

    private string BirthDateOf(Guid personId) =>
        (_madeById.TryGetValue(personId, out var made) ? made.Open(call.Vault) : call.Read.FindPerson(call.Vault, personId)!.Facts).Person.BirthDate;

    /// <summary>Dates as <c>YYYY-MM-DD</c> stand in their order as texts.</summary>
    private static bool IsBefore(string date, string other) => string.CompareOrdinal(date, other) < 0;

    private KnownRow? Find(byte[] index) => _made.TryGetValue(KeyOf(index), out var made) ? made : call.Read.FindKnown(index);

    /// <summary>The person of a number, or whoever that one was found to be.</summary>
    private KnownRow? FindKept(byte[] index)
    {
        var found = Find(index);
        return found is { SameAs: { } kept } ? _madeById.GetValueOrDefault(kept) ?? call.Read.FindKnown(kept) : found;
    }

    private void Keep(byte[] index, KnownRow row)
    {
        _made[KeyOf(index)] = row;
        _madeById[row.PersonId] = row;
        if (row is { Place: 0, HouseholdId: { } household }) _heads[household] = row.PersonId;
    }

    private void Reject(long line, CheckedRow row, KnownRow? known, List<FieldFault> faults)
    {
        for (var at = 0; at < faults.Count; at++)
            call.Change.Write(new RejectionWrite(delivery.DeliveryId, line, at, faults[at].Path, RegisterFaults.Of(faults[at]), faults[at].Argument ?? "", row.Index is null ? row.HouseholdId : null));
        // Who is in a delivery of another register is that one's to say.
        if (known?.Jurisdiction == delivery.Jurisdiction) call.Change.Write(new EntrySeen(known.PersonId, delivery.DeliveryId));
        delivery.Count(Bucket.Rejected);
    }

    /// <summary>Half of a blind index is enough to tell the persons of a message apart: 128 bits of a keyed hash.</summary>
    private static UInt128 KeyOf(byte[] index) => BinaryPrimitives.ReadUInt128BigEndian(index);
}

/// <summary>How a registration ends.</summary>
internal static class RegisterEnds
{
    /// <summary>Keeps what is registered now as a stay that ends on a day; nothing where there is none, or where it began on that day and was never so.</summary>
    public static void KeepStay(Call call, KnownRow known, int untilDay)
    {
        if (known.HouseholdId is not { } household || untilDay <= (known.SinceDay ?? 0)) return;
        var stayId = call.NewId();
        var facts = call.Vault.SealFacts(known.Jurisdiction, EndedStay.FactsColumn, stayId, known.Open(call.Vault));
        call.Change.Write(new EndedStay(stayId, known.PersonId, household, known.SinceDay ?? 0, untilDay, known.District, known.Place, facts));
    }

    /// <summary>Ends the registration of a person, whose id and parenthood stay. The protection of whereabouts stays too: who has moved out is not easier to find.</summary>
    /// <param name="fingerprint">Of the row that says so; empty: none does.</param>
    public static KnownRow End(Call call, KnownRow known, Guid deliveryId, int day, byte[] fingerprint)
    {
        KeepStay(call, known, day);
        var facts = known.Open(call.Vault).Clone();
        (facts.Role, facts.Person.Address) = ("", "");
        var row = new PersonRow
        {
            PersonId = known.PersonId, Jurisdiction = known.Jurisdiction, NationalIdIndex = known.NationalIdIndex, NameIndex = known.NameIndex, IsProtected = known.IsProtected,
            Sealed = call.Vault.SealFacts(known.Jurisdiction, People.FactsColumn, known.PersonId, facts),
        };
        call.Change.Write(new PersonWrite(row, known.HouseholdId));
        call.Change.Write(new EntryWrite(known.PersonId, deliveryId, day, fingerprint));
        return new KnownRow
        {
            PersonId = known.PersonId, Jurisdiction = known.Jurisdiction, NationalIdIndex = known.NationalIdIndex, NameIndex = known.NameIndex, IsProtected = known.IsProtected, Sealed = row.Sealed,
            TakenIn = deliveryId, SinceDay = day, Fingerprint = fingerprint, Facts = facts,
        };
    }
}
