using System.Text;
using Google.Protobuf.Reflection;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>docs/access-table.md: every RPC with who may call it and for what, as the labels in the .proto files say.</summary>
internal static class AccessTable
{
    /// <summary>The file's text in Markdown, lines ended by a line feed. The same contract gives the same text.</summary>
    public static string Render(ContractMethods methods)
    {
        var text = new StringBuilder();
        text.Append(
            """
            # Who may call what

            Generated from the `(access)` labels in `protos/`; do not edit. A test compares it with the contract and says how to regenerate it.

            - **Scope**: what the token must hold. **Purposes**, **roles**, **unit kinds**: what the access context may say; `any` leaves it to the code table.
            - **Relationship**: of these the caller must hold one to the person or case, found in live rows at each call; absent and forbidden look alike (R-NTK-14). `-`: none is needed.
            - **Personal data**: the answer is decided per class and redacted. **Reference**: the context must name the referral, case, conference or report.
            - **Changes state**: the request carries a `request_id` and happens once. **Break-glass**: R-NTK-11 may open it.

            """.ReplaceLineEndings("\n"));
        foreach (var service in methods.All.GroupBy(rule => rule.Service, StringComparer.Ordinal))
        {
            text.Append("\n## ").Append(service.Key).Append('\n').Append('\n')
                .Append("| RPC | Scope | Purposes | Roles | Unit kinds | Relationship | Personal data | Reference | Changes state | Break-glass |\n")
                .Append("|---|---|---|---|---|---|---|---|---|---|\n");
            foreach (var rule in service)
            {
                text.Append("| ").AppendJoin(
                    " | ",
                    rule.Name,
                    $"`{rule.Scope}`",
                    Codes(rule.Purposes, "any"),
                    Codes(rule.Roles, "any"),
                    Codes(rule.UnitKinds, "any"),
                    Codes(rule.Relationships.InTableOrder(), "-"),
                    YesOrNo(rule.PersonalData),
                    rule.ReferenceRequired ? "required" : "-",
                    YesOrNo(rule.ChangesState),
                    YesOrNo(rule.BreakGlass)).Append(" |\n");
            }
        }

        return text.ToString();
    }

    private static string YesOrNo(bool value) => value ? "yes" : "-";

    private static string Codes<TCode>(IReadOnlyList<TCode> codes, string none) where TCode : struct, Enum =>
        codes.Count == 0 ? none : string.Join(", ", codes.Select(CodeName));

    /// <summary>The code as domain.md writes it: its name in the .proto without the prefix of its table.</summary>
    private static string CodeName<TCode>(TCode code) where TCode : struct, Enum
    {
        var values = Wire.CodesReflection.Descriptor.FindTypeByName<EnumDescriptor>(typeof(TCode).Name).Values;
        var prefix = values.Single(value => value.Number == 0).Name.Length - "UNSPECIFIED".Length;
        return values.Single(value => value.Number == Convert.ToInt32(code, null)).Name[prefix..];
    }
}
