using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>What the contract says a field holds: its <c>(confidentiality)</c> and <c>(class_field)</c> options.</summary>
/// <param name="Class">Class of the field; null: not labelled with one.</param>
/// <param name="ClassField">Name of the sibling that states the class of the text; empty: none.</param>
internal readonly record struct FieldLabel(Wire.ConfidentialityClass? Class, string ClassField)
{
    /// <summary>The package whose fields carry labels; messages of other packages (Timestamp) are leaves.</summary>
    public const string Package = "safetynet.exchange.v1";

    public static FieldLabel Of(FieldDescriptor field)
    {
        var options = field.GetOptions();
        return options is null
            ? new FieldLabel(Class: null, ClassField: "")
            : new FieldLabel(
                options.HasExtension(Wire.OptionsExtensions.Confidentiality) ? options.GetExtension(Wire.OptionsExtensions.Confidentiality) : null,
                options.GetExtension(Wire.OptionsExtensions.ClassField) ?? "");
    }

    /// <summary>The field is a message of the contract itself, so that the fields inside it have labels of their own.</summary>
    public static bool IsOfContract(FieldDescriptor field) =>
        field is { FieldType: FieldType.Message, IsMap: false } && string.Equals(field.MessageType.File.Package, Package, StringComparison.Ordinal);

    /// <summary>The sibling that states a text's class: a single field of the class table. Null: the label names none.</summary>
    public static FieldDescriptor? FindClassField(FieldDescriptor field, string name) =>
        field.ContainingType.FindFieldByName(name) is { FieldType: FieldType.Enum, IsRepeated: false } sibling
        && string.Equals(sibling.EnumType.FullName, $"{Package}.{nameof(Wire.ConfidentialityClass)}", StringComparison.Ordinal)
            ? sibling
            : null;
}
