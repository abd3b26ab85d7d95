using System.Text;
using System.Text.RegularExpressions;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Refusals;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Tests.Pipeline;

public sealed partial class RefusalTests
{
    public static TheoryData<Wire.ErrorReason> EveryReason { get; } =
        [.. Enum.GetValues<Wire.ErrorReason>().Where(reason => reason != Wire.ErrorReason.Unspecified)];

    [Theory]
    [MemberData(nameof(EveryReason))]
    public void A_reason_has_a_text_in_both_languages(Wire.ErrorReason reason)
    {
        var text = RefusalTexts.Default.Of(reason);

        Assert.EndsWith(".", text.En, StringComparison.Ordinal);
        Assert.EndsWith("。", text.Zh, StringComparison.Ordinal);
        Assert.All(text.En, character => Assert.True(char.IsAscii(character), $"{text.En} holds {character}"));
        Assert.Equal(Placeholder().Matches(text.En).Select(match => match.Value).Order(), Placeholder().Matches(text.Zh).Select(match => match.Value).Order());
    }

    [Theory]
    [MemberData(nameof(EveryReason))]
    public void A_reason_has_the_status_that_its_comment_in_the_contract_names_first(Wire.ErrorReason reason)
    {
        var comment = CommentOf(reason);

        Assert.StartsWith(UpperSnake(RefusalStatus.CodeOf(reason).ToString()) + ".", comment, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(EveryReason))]
    public void A_text_uses_only_the_metadata_that_the_contract_names(Wire.ErrorReason reason)
    {
        var documented = CommentOf(reason).Split("Metadata: ")[1].Split('.', ';')[0];

        foreach (Match placeholder in Placeholder().Matches(RefusalTexts.Default.Of(reason).En))
            Assert.Matches($@"\b{placeholder.Groups[1].Value}\b", documented);
    }

    [Fact]
    public void The_comments_of_the_contract_name_every_reason() =>
        Assert.Equal(EveryReason.Select(row => RefusalTexts.NameOf(row.Data)), Repository.Reasons().Select(reason => reason.Name));

    [Fact]
    public void A_file_that_lacks_a_text_is_not_loaded_and_says_all_that_is_missing()
    {
        var json = """{"reasons":{"INTERNAL":{"en":"Only English."},"NO_SUCH":{"en":"a","zh-Hant-TW":"b"}},"faults":{}}""";

        var error = Assert.Throws<InvalidOperationException>(() => RefusalTexts.Load(new MemoryStream(Encoding.UTF8.GetBytes(json))));

        Assert.Contains("reasons.INTERNAL lacks", error.Message);
        Assert.Contains("reasons.NOT_FOUND lacks", error.Message);
        Assert.Contains("reasons.NO_SUCH is not known", error.Message);
        Assert.Contains("faults.NotANationalId.WrongChecksum lacks", error.Message);
    }

    [Theory]
    [MemberData(nameof(EveryReason))]
    public void A_refusal_reaches_the_client_whole(Wire.ErrorReason reason)
    {
        var refusal = new Refusal(reason, ("rule", "R-REF-4"), ("field", "remark")) { RetryAfter = TimeSpan.FromMilliseconds(1500) };

        var received = Read(RefusalStatus.ToRpcException(refusal, "decision-1"));

        Assert.Equal(reason, received.Reason);
        Assert.Equal(RefusalTexts.NameOf(reason), received.ReasonName);
        Assert.Equal(RefusalStatus.CodeOf(reason), received.StatusCode);
        Assert.Equal("decision-1", received.DecisionId);
        Assert.Equal("R-REF-4", received.Metadata["rule"]);
        Assert.Equal(reason == Wire.ErrorReason.Internal, received.Metadata.ContainsKey("decision_id"));
        Assert.Equal(TimeSpan.FromMilliseconds(1500), received.RetryAfter);
        Assert.Empty(received.Faults);
        Assert.DoesNotContain('{', received.MessageEn + received.MessageZh);
    }

    [Fact]
    public void The_values_of_the_metadata_stand_in_the_text_of_both_languages()
    {
        var refusal = new Refusal(Wire.ErrorReason.ServiceNotOffered, ("service", "MEDICAL_CARE"), ("unit_id", "tpe-wanhua-swc"), ("offered", "CARE_VISIT"));

        var received = Read(RefusalStatus.ToRpcException(refusal, "d"));

        Assert.Equal("Unit tpe-wanhua-swc does not offer service MEDICAL_CARE. It offers: CARE_VISIT.", received.MessageEn);
        Assert.Equal("單位 tpe-wanhua-swc 未提供服務 MEDICAL_CARE。該單位提供的服務：CARE_VISIT。", received.MessageZh);
    }

    [Fact]
    public void A_text_whose_metadata_is_missing_says_so_and_is_no_error()
    {
        var received = Read(RefusalStatus.ToRpcException(new Refusal(Wire.ErrorReason.ScopeMissing), "d"));

        Assert.Contains("(not stated)", received.MessageEn);
        Assert.Contains("（未載明）", received.MessageZh);
        Assert.Null(received.RetryAfter);
    }

    [Fact]
    public void Each_fault_names_its_field_in_both_languages()
    {
        var refusal = Refusal.InvalidField(
            new FieldFault("subjects[1].national_id", FieldFaultKind.NotANationalId, "WrongChecksum"),
            new FieldFault("remark", FieldFaultKind.TooLong, "1000"));

        var received = Read(RefusalStatus.ToRpcException(refusal, "d"));

        Assert.Equal("subjects[1].national_id", received.Metadata["field"]);
        Assert.Equal(
            [
                new ReceivedFault("subjects[1].national_id", "The check digit of the national id is wrong: most likely mistyped.", "身分證統一編號或統一證號的檢查碼錯誤，請確認是否誤植。"),
                new ReceivedFault("remark", "At most 1000 characters; shorten it.", "長度不得超過 1000 個字元，請縮短。"),
            ],
            received.Faults);
    }

    [Fact]
    public void The_trailers_of_the_longest_refusal_stay_within_what_strict_clients_take()
    {
        var faults = Enumerable.Range(0, Refusal.MaximumFaults)
            .Select(index => new FieldFault($"subjects[{index}].name", FieldFaultKind.ControlCharacter)).ToArray();

        var exception = RefusalStatus.ToRpcException(Refusal.InvalidField(faults), Contract.AnyUuid);

        var received = Read(exception);
        var onTheWire = exception.Trailers.Sum(entry => entry.Key.Length + (entry.ValueBytes.Length + 2) / 3 * 4) + Uri.EscapeDataString(exception.Status.Detail).Length;
        Assert.InRange(onTheWire, 1, 7_500);
        Assert.InRange(received.Faults.Count, 10, Refusal.MaximumFaults);
        Assert.Equal("subjects[0].name", received.Faults[0].Field);
    }

    [Fact]
    public void Somebody_elses_failure_is_not_read_as_a_refusal()
    {
        Assert.False(RefusalReader.TryRead(new RpcException(new Status(StatusCode.Unavailable, "no connection")), out _));
        Assert.False(RefusalReader.TryRead(
            new RpcException(new Status(StatusCode.Internal, ""), new Metadata { { "grpc-status-details-bin", [0xFF, 0xFF, 0xFF] } }), out _));
        Assert.False(RefusalReader.TryRead(
            new RpcException(new Status(StatusCode.Internal, ""), new Metadata { { "grpc-status-details-bin", [] } }), out _));
    }

    [Fact]
    public void Metadata_that_names_a_key_twice_is_a_mistake_of_ours() =>
        Assert.Throws<ArgumentException>(() => new Refusal(Wire.ErrorReason.NotFound, ("rule", "1"), ("rule", "2")));

    private static ReceivedRefusal Read(RpcException exception)
    {
        Assert.True(RefusalReader.TryRead(exception, out var refusal));
        return refusal;
    }

    private static string CommentOf(Wire.ErrorReason reason) => Repository.Reasons().Single(row => row.Name == RefusalTexts.NameOf(reason)).Comment;

    private static string UpperSnake(string name) => WordStart().Replace(name, "_$0").ToUpperInvariant();

    [GeneratedRegex("(?<!^)[A-Z]")]
    private static partial Regex WordStart();

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex Placeholder();
}
