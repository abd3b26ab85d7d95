using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>Whether the contract says of every field what it holds and of every method who may call it; where it does not, the server does not start.</summary>
internal static class ContractLabels
{
    /// <summary>Defines the labels; its own messages are options, never data.</summary>
    private const string LabelFile = "safetynet/exchange/v1/options.proto";

    private const string ContextType = FieldLabel.Package + "." + nameof(Wire.AccessContext);
    private const string DisclosureType = FieldLabel.Package + "." + nameof(Wire.Disclosure);

    /// <summary>Every missing or wrong label of the contract's files, by full name: <c>safetynet.exchange.v1.Person.phone: ...</c>. Files of other packages are left
    /// alone. Empty: the contract is whole.</summary>
    public static IReadOnlyList<string> Problems(IEnumerable<FileDescriptor> files)
    {
        List<string> problems = [];
        foreach (var file in files.Where(f => string.Equals(f.Package, FieldLabel.Package, StringComparison.Ordinal)))
        {
            if (!string.Equals(file.Name, LabelFile, StringComparison.Ordinal))
            {
                foreach (var message in file.MessageTypes)
                    CheckMessage(message, problems);
            }

            foreach (var method in file.Services.SelectMany(s => s.Methods))
                CheckMethod(method, problems);
        }

        return problems;
    }

    private static void CheckMessage(MessageDescriptor message, List<string> problems)
    {
        foreach (var field in message.Fields.InDeclarationOrder())
            CheckField(field, problems);
        foreach (var nested in message.NestedTypes)
            CheckMessage(nested, problems);
    }

    private static void CheckField(FieldDescriptor field, List<string> problems)
    {
        var label = FieldLabel.Of(field);
        if (field.IsMap)
        {
            Report("a map: its keys and values cannot be labelled; use a list of messages");
            return;
        }

        if (label.Class is { } one && CodeTable.Classes.BitOf((int)one) == 0)
            Report($"(confidentiality) is {one}, which is never shown");
        if (label.ClassField.Length != 0)
        {
            if (field.FieldType != FieldType.String || field.IsRepeated)
                Report("(class_field) is for a single text");
            if (FieldLabel.FindClassField(field, label.ClassField) is null)
                Report($"(class_field) names '{label.ClassField}', which is no single ConfidentialityClass beside it");
        }
        else if (label.Class is null && !FieldLabel.IsOfContract(field))
        {
            Report("no (confidentiality)");
        }

        void Report(string what) => problems.Add($"{field.FullName}: {what}");
    }

    private static void CheckMethod(MethodDescriptor method, List<string> problems)
    {
        var options = method.GetOptions();
        if (options is null || !options.HasExtension(Wire.OptionsExtensions.Access))
        {
            Report("no (access)");
            return;
        }

        var access = options.GetExtension(Wire.OptionsExtensions.Access);
        if (string.IsNullOrWhiteSpace(access.Scope))
            Report("(access) without scope");
        if (access.Purposes.Count == 0)
            Report("(access) without purposes: nobody may call it");
        if (access.Purposes.Any(p => CodeTable.Purposes.BitOf((int)p) == 0))
            Report("(access) with an unspecified or unknown purpose");
        if (access.Relationships.Any(r => CodeTable.Relationships.BitOf((int)r) == 0))
            Report("(access) with an unspecified or unknown relationship");
        if (access is { PersonalData: true, ChangesState: false, Relationships.Count: 0 })
            Report("reads personal data without naming relationships (R-NTK-2)");
        if (access is { BreakGlass: true, PersonalData: false })
            Report("break_glass without personal_data");
        if (access is { ReferenceRequired: true, PersonalData: false })
            Report("reference_required without personal_data");
        if (access.PersonalData && !method.OutputType.Fields.InDeclarationOrder().Any(f => IsMessage(f, DisclosureType)))
            Report($"touches personal data, but {method.OutputType.Name} has no Disclosure (R-NTK-2)");

        var context = method.InputType.FindFieldByName("context");
        if (context is null || !IsMessage(context, ContextType) || !IsRequired(context))
            Report($"{method.InputType.Name} has no required context of AccessContext (R-NTK-1)");
        var requestId = method.InputType.FindFieldByName("request_id");
        if (access.ChangesState && (requestId is not { FieldType: FieldType.String, IsRepeated: false } || !IsRequired(requestId)))
            Report($"changes state, but {method.InputType.Name} has no required request_id");

        void Report(string what) => problems.Add($"{method.FullName}: {what}");
    }

    private static bool IsMessage(FieldDescriptor field, string type) =>
        field is { FieldType: FieldType.Message, IsRepeated: false } && string.Equals(field.MessageType.FullName, type, StringComparison.Ordinal);

    private static bool IsRequired(FieldDescriptor field) =>
        field.GetOptions()?.GetExtension(Wire.OptionsExtensions.Rules) is { Required: true };
}
