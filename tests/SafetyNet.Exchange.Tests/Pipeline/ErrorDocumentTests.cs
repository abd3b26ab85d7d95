using System.Text;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Tests.Pipeline;

/// <summary>docs/errors.md: the comments of error_reason.proto beside the texts a caller receives.</summary>
public sealed class ErrorDocumentTests
{
    private const string Head =
        """
        # Refusals

        Generated from `error_reason.proto` and `refusals.json`; do not edit. A test compares it and says how to regenerate it.

        A refused call ends with a gRPC status and `google.rpc.Status` in the trailer `grpc-status-details-bin`. Its details are `ErrorInfo` (reason, domain
        `safetynet.gov.tw`, metadata), `RequestInfo` (the decision id, for `AuditService.ExplainDecision`), `LocalizedMessage` in `en` and in `zh-Hant-TW`, `RetryInfo`
        where waiting helps, and `BadRequest` where fields are at fault: the path in the names of the .proto, then the fault in English and, on a second line,
        in Chinese. At most 20 faults are named. In .NET, `RefusalReader.TryRead` of the Protocol package reads all of it.

        No refusal carries a personal value. Reasons stand in order of precedence: the first that applies is the answer.

        ## Reasons


        """;

    [Fact]
    public void The_errors_in_docs_are_those_of_the_contract() => GeneratedDocument.AssertCurrent("errors.md", Render());

    private static string Render()
    {
        var text = new StringBuilder(Head.ReplaceLineEndings("\n"));
        foreach (var reason in Enum.GetValues<Wire.ErrorReason>().Where(reason => reason != Wire.ErrorReason.Unspecified))
        {
            var (name, comment) = Repository.Reasons().Single(row => row.Name == RefusalTexts.NameOf(reason));
            var (status, rest) = (comment[..comment.IndexOf('.', StringComparison.Ordinal)], comment[(comment.IndexOf('.', StringComparison.Ordinal) + 2)..]);
            var words = RefusalTexts.Default.Of(reason);
            text.Append($"### {name}\n\nStatus `{status}`. {rest}\n\n- {words.En}\n- {words.Zh}\n\n");
        }

        text.Append("## Faults of a field\n\n| Fault | English | 中文 |\n|---|---|---|\n");
        foreach (var kind in Enum.GetValues<FieldFaultKind>())
        {
            var words = RefusalTexts.Default.Of(new FieldFault("field", kind, "N"));
            text.Append($"| {kind} | {words.En} | {words.Zh} |\n");
        }

        return text.ToString();
    }
}
