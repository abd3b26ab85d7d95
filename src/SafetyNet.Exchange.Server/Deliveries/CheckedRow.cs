using System.Globalization;
using Google.Protobuf;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Deliveries;

/// <summary>What a row is held against that does not depend on the store.</summary>
/// <param name="Vault">Its keys.</param>
/// <param name="Jurisdiction">Register.</param>
/// <param name="AsOf">Day of the delivery.</param>
/// <param name="Districts">Districts of each jurisdiction.</param>
internal sealed record RowGround(Vault Vault, Wire.Jurisdiction Jurisdiction, DateOnly AsOf, Districts Districts);

/// <summary>A row of a delivery with all that can be said of it by itself: its faults, and where it has none what it is found by. Made beside the flush of the rows before it.</summary>
internal sealed class CheckedRow
{
    private static readonly RequestRules Rules = RequestRules.For(Wire.RegisterRow.Descriptor);

    private CheckedRow(Wire.RegisterRow row) => (Row, Bytes) = (row, row.ToByteArray());

    public Wire.RegisterRow Row { get; }

    /// <summary>The row in wire form, for the hash of the content.</summary>
    public byte[] Bytes { get; }

    /// <summary>What is wrong with it, in the order of its fields.</summary>
    public List<FieldFault> Faults { get; } = [];

    /// <summary>Blind index of the national id; null: there is none.</summary>
    public byte[]? Index { get; private set; }

    /// <summary>National id in canonical form.</summary>
    public string NationalId { get; private set; } = "";

    /// <summary>Household by its number; null: none is named.</summary>
    public Guid? HouseholdId { get; private set; }

    public byte[]? FatherIndex { get; private set; }

    public byte[]? MotherIndex { get; private set; }

    /// <summary>The number before, in canonical form; empty: none.</summary>
    public string FormerNationalId { get; private set; } = "";

    /// <summary>Blind index of the number before; null: none.</summary>
    public byte[]? FormerIndex { get; private set; }

    public DateOnly BirthDate { get; private set; }

    /// <summary>Since when, or when it ended, as <see cref="DateOnly.DayNumber"/>.</summary>
    public int Day { get; private set; }

    /// <summary>By which the same row is known again.</summary>
    public byte[] Fingerprint { get; private set; } = [];

    public static CheckedRow Of(Wire.RegisterRow row, RowGround ground)
    {
        var made = new CheckedRow(row);
        made.Check(ground);
        return made;
    }

    private void Check(RowGround ground)
    {
        if (Row.Unreadable)
        {
            Faults.Add(new FieldFault("", FieldFaultKind.Unreadable));
            return;
        }

        Rules.Check(Row, Faults);
        Require(Row.Event == Wire.RegisterEvent.Unspecified, "event");
        Require(Row.NationalId.Length == 0, "national_id");
        Require(Row.ValidFrom.Length == 0, "valid_from");
        if (Row.Event == Wire.RegisterEvent.Registered)
        {
            Require(string.IsNullOrWhiteSpace(Row.Name), "name");
            Require(Row.Sex == Wire.Sex.Unspecified, "sex");
            Require(Row.BirthDate.Length == 0, "birth_date");
            Require(string.IsNullOrWhiteSpace(Row.HouseholdNumber), "household_number");
            Require(string.IsNullOrWhiteSpace(Row.Role), "role");
            Require(string.IsNullOrWhiteSpace(Row.Address), "address");
            Require(Row.District.Length == 0, "district");
        }

        if (Row.Jurisdiction != Wire.Jurisdiction.Unspecified && Row.Jurisdiction != ground.Jurisdiction) Fault("jurisdiction", FieldFaultKind.OtherJurisdiction);
        if (Row.District.Length > 0 && !ground.Districts.Has(ground.Jurisdiction, Row.District)) Fault("district", FieldFaultKind.UnknownDistrict);
        CheckDates(ground.AsOf);
        CheckIds();
        Find(ground);
    }

    private void CheckDates(DateOnly asOf)
    {
        var hasBirth = TryDate(Row.BirthDate, out var birth);
        var hasDay = TryDate(Row.ValidFrom, out var day);
        (BirthDate, Day) = (birth, day.DayNumber);
        if (hasBirth && birth > asOf) Fault("birth_date", FieldFaultKind.InTheFuture);
        if (!hasDay) return;
        if (day > asOf) Fault("valid_from", FieldFaultKind.AfterAsOf);
        else if (hasBirth && day < birth) Fault("valid_from", FieldFaultKind.BeforeBirth);
    }

    private void CheckIds()
    {
        var (self, father, mother) = (IdOf(Row.NationalId), IdOf(Row.FatherNationalId), IdOf(Row.MotherNationalId));
        if (self is { } id)
        {
            NationalId = id.Canonical;
            if (Row.Event == Wire.RegisterEvent.Registered && Row.Sex is Wire.Sex.Male or Wire.Sex.Female && (int)Row.Sex != (int)id.Sex) Fault("sex", FieldFaultKind.SexContradictsId);
        }

        if (Row.Event == Wire.RegisterEvent.Registered && IdOf(Row.FormerNationalId) is { } former)
        {
            FormerNationalId = former.Canonical;
            if (former == self) Fault("former_national_id", FieldFaultKind.OwnFormerNumber);
        }

        CheckParent("father_national_id", father, self, Sex.Male);
        CheckParent("mother_national_id", mother, self, Sex.Female);
        if (father is not null && father == mother) Fault("mother_national_id", FieldFaultKind.SameParentTwice);
    }

    private void CheckParent(string field, NationalId? parent, NationalId? child, Sex sex)
    {
        if (parent is not { } id) return;
        if (id == child) Fault(field, FieldFaultKind.OwnParent);
        else if (id.Sex != sex) Fault(field, FieldFaultKind.ParentOfOtherSex);
    }

    private void Find(RowGround ground)
    {
        var index = ground.Vault.Index;
        if (NationalId.Length > 0) Index = index.OfNationalId(NationalId);
        if (!string.IsNullOrWhiteSpace(Row.HouseholdNumber)) HouseholdId = index.OfHousehold(ground.Jurisdiction, Row.HouseholdNumber);
        if (Faults.Count > 0) return;
        if (IdOf(Row.FatherNationalId) is { } father) FatherIndex = index.OfNationalId(father.Canonical);
        if (IdOf(Row.MotherNationalId) is { } mother) MotherIndex = index.OfNationalId(mother.Canonical);
        if (FormerNationalId.Length > 0) FormerIndex = index.OfNationalId(FormerNationalId);
        Fingerprint = index.OfRegisterRow(ground.Jurisdiction, Bytes);
    }

    private void Require(bool isMissing, string field)
    {
        if (isMissing) Fault(field, FieldFaultKind.Required);
    }

    /// <summary>One fault a field: the first says what to mend.</summary>
    private void Fault(string field, FieldFaultKind kind)
    {
        if (!Faults.Exists(fault => string.Equals(fault.Path, field, StringComparison.Ordinal))) Faults.Add(new FieldFault(field, kind));
    }

    private static NationalId? IdOf(string text) => Protocol.Identifiers.NationalId.TryParse(text, out var id, out _) ? id : null;

    private static bool TryDate(string text, out DateOnly date) => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out date);
}
