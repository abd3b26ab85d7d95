using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Server.Deliveries;

/// <summary>Faults of fields as faults of rows, and their texts back from what is kept.</summary>
internal static class RegisterFaults
{
    private static readonly (Wire.RegisterFault Fault, FieldFaultKind Kind)[] Table =
    [
        (Wire.RegisterFault.Required, FieldFaultKind.Required), (Wire.RegisterFault.NationalIdForm, FieldFaultKind.NotANationalId), (Wire.RegisterFault.NationalIdChecksum, FieldFaultKind.NotANationalId),
        (Wire.RegisterFault.NotADate, FieldFaultKind.NotADate), (Wire.RegisterFault.InTheFuture, FieldFaultKind.InTheFuture), (Wire.RegisterFault.UnknownCode, FieldFaultKind.UnknownCode),
        (Wire.RegisterFault.SexContradictsId, FieldFaultKind.SexContradictsId), (Wire.RegisterFault.UnknownDistrict, FieldFaultKind.UnknownDistrict),
        (Wire.RegisterFault.OtherJurisdiction, FieldFaultKind.OtherJurisdiction), (Wire.RegisterFault.TwiceInDelivery, FieldFaultKind.TwiceInDelivery),
        (Wire.RegisterFault.SecondHead, FieldFaultKind.SecondHead), (Wire.RegisterFault.OwnParent, FieldFaultKind.OwnParent), (Wire.RegisterFault.SameParentTwice, FieldFaultKind.SameParentTwice),
        (Wire.RegisterFault.ParentOfOtherSex, FieldFaultKind.ParentOfOtherSex), (Wire.RegisterFault.ParentNotOlder, FieldFaultKind.ParentNotOlder),
        (Wire.RegisterFault.AfterAsOf, FieldFaultKind.AfterAsOf), (Wire.RegisterFault.BeforeBirth, FieldFaultKind.BeforeBirth), (Wire.RegisterFault.EndsBeforeStart, FieldFaultKind.EndsBeforeStart),
        (Wire.RegisterFault.TooLong, FieldFaultKind.TooLong), (Wire.RegisterFault.ControlCharacter, FieldFaultKind.ControlCharacter), (Wire.RegisterFault.BrokenText, FieldFaultKind.BrokenText),
        (Wire.RegisterFault.OutOfRange, FieldFaultKind.OutOfRange), (Wire.RegisterFault.NotRegisteredHere, FieldFaultKind.NotRegisteredHere),
        (Wire.RegisterFault.RegisteredElsewhere, FieldFaultKind.RegisteredElsewhere), (Wire.RegisterFault.Unreadable, FieldFaultKind.Unreadable),
        (Wire.RegisterFault.NumberLinked, FieldFaultKind.NumberLinked), (Wire.RegisterFault.DecidedNotSame, FieldFaultKind.DecidedNotSame), (Wire.RegisterFault.OwnFormerNumber, FieldFaultKind.OwnFormerNumber),
    ];

    /// <summary>A national id whose form is right is most likely mistyped; the other ways in which a text is none are one.</summary>
    public static Wire.RegisterFault Of(FieldFault fault) =>
        fault.Kind == FieldFaultKind.NotANationalId && string.Equals(fault.Argument, nameof(NationalIdFault.WrongChecksum), StringComparison.Ordinal)
            ? Wire.RegisterFault.NationalIdChecksum
            : Table.First(pair => pair.Kind == fault.Kind).Fault;

    public static RefusalText TextOf(DeliveryRejection rejection) => RefusalTexts.Default.Of(
        new FieldFault(rejection.Field, Table.First(pair => pair.Fault == rejection.Fault).Kind, rejection.Argument.Length > 0 ? rejection.Argument : null));
}
