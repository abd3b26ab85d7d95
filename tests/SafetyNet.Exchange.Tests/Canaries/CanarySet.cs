using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Canaries;

/// <summary>
/// Values that stand nowhere but where this test put them: 128 random bits in each sensitive text of a request, found by the labels of the contract, so that a new field
/// is filled without anybody thinking of it. A field with a written form of its own gets a value of that form that nobody else has.
/// </summary>
internal sealed class CanarySet
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    private Needles? _inTexts;
    private Needles? _inBytes;

    /// <summary>Values by the field that they were put into.</summary>
    public IReadOnlyDictionary<string, string> Values => _values;

    public string New(string field, int mostCharacters = 32)
    {
        var value = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))[..Math.Min(32, mostCharacters)];
        _values.Add(value, field);
        return value;
    }

    /// <summary>Requests of a type that hold a canary in every sensitive text: one for each member of a oneof.</summary>
    public IEnumerable<IMessage> Requests(MessageDescriptor type, Wire.AccessContext context, bool isWellFormed)
    {
        var members = Math.Max(1, type.Oneofs.Where(o => !o.IsSynthetic).Select(o => o.Fields.Count).DefaultIfEmpty(1).Max());
        for (var member = 0; member < members; member++)
        {
            var request = type.Parser.ParseFrom([]);
            Fill(request, member, isWellFormed);
            var copy = context.Clone();
            copy.Justification = New($"{type.Name}.context.justification");
            type.FindFieldByName("context").Accessor.SetValue(request, copy);
            yield return request;
        }
    }

    /// <summary>Canaries that stand in a text, in any of the writings that a log or file may have them in.</summary>
    public IEnumerable<string> FoundIn(string text)
    {
        // In one pass whatever letters are large or small, then exactly.
        var needles = _inTexts?.Count == _values.Count ? _inTexts : _inTexts = new Needles(_values.Keys, value => InText(value).Select(w => Encoding.UTF8.GetBytes(w.Writing.ToLowerInvariant())));
        return needles.In(Encoding.UTF8.GetBytes(text.ToLowerInvariant()))
            .Where(value => InText(value).Any(w => text.Contains(w.Writing, w.IgnoringCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal)));
    }

    /// <summary>The same for bytes: UTF-8, UTF-16 either way round, base64 at each offset, hexadecimal.</summary>
    public IEnumerable<string> FoundIn(byte[] bytes)
    {
        var needles = _inBytes?.Count == _values.Count ? _inBytes : _inBytes = new Needles(_values.Keys, InBytes);
        return needles.In(bytes);
    }

    private static IEnumerable<(string Writing, bool IgnoringCase)> InText(string value) =>
        [(value, true), .. Encodings(value).Select(bytes => (Convert.ToHexStringLower(bytes), true)), .. Base64(value).Select(part => (part, false))];

    private static IEnumerable<byte[]> InBytes(string value)
    {
        var writings = Encodings(value).Append(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(Encoding.UTF8.GetBytes(value))))
            .Append(Encoding.ASCII.GetBytes(Convert.ToHexString(Encoding.UTF8.GetBytes(value)))).Concat(Base64(value).Select(Encoding.ASCII.GetBytes));
        // The 128 bits themselves, as one who packed the text would have them.
        return value.Length == 32 && value.All(char.IsAsciiHexDigitLower) ? writings.Append(Convert.FromHexString(value)) : writings;
    }

    private static byte[][] Encodings(string value) => [Encoding.UTF8.GetBytes(value), Encoding.Unicode.GetBytes(value), Encoding.BigEndianUnicode.GetBytes(value)];

    /// <summary>What of the value is the same in base64 wherever it begins in what was encoded.</summary>
    private static IEnumerable<string> Base64(string value)
    {
        var bytes = Encoding.UTF8.GetBytes(value);
        for (var offset = 0; offset < 3; offset++)
        {
            var encoded = Convert.ToBase64String([.. new byte[offset], .. bytes]);
            yield return encoded[(offset == 0 ? 0 : 4)..((offset + bytes.Length) / 3 * 4)];
        }
    }

    private void Fill(IMessage message, int member, bool isWellFormed)
    {
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            if (field.Name is "context" or "page_token" || (field.RealContainingOneof is { } choice && choice.Fields[Math.Min(member, choice.Fields.Count - 1)] != field)) continue;
            var options = field.GetOptions();
            var rules = options?.GetExtension(Wire.OptionsExtensions.Rules) ?? new Wire.FieldRules();
            var isSensitive = options is not null && ((options.HasExtension(Wire.OptionsExtensions.Confidentiality)
                && options.GetExtension(Wire.OptionsExtensions.Confidentiality) is not (Wire.ConfidentialityClass.NotPersonal or Wire.ConfidentialityClass.PublicStatus))
                || options.GetExtension(Wire.OptionsExtensions.ClassField) is { Length: > 0 });
            object? value = field.FieldType switch
            {
                FieldType.String => TextOf(message, field, rules, isSensitive, isWellFormed),
                FieldType.Enum when rules.Required || field.IsRepeated => field.EnumType.FindValueByNumber(field.EnumType.Name == nameof(Wire.ConfidentialityClass) ? (int)Wire.ConfidentialityClass.CaseNote : 1)!.Number,
                FieldType.UInt64 => 1UL,
                FieldType.Bytes when isSensitive => Google.Protobuf.ByteString.CopyFromUtf8(New($"{message.Descriptor.Name}.{field.Name}")),
                FieldType.Message when field.MessageType.File.Package == "safetynet.exchange.v1" => Inner(field, member, isWellFormed),
                _ => null,
            };
            if (value is null) continue;
            if (field.IsRepeated) ((System.Collections.IList)field.Accessor.GetValue(message)).Add(field.FieldType == FieldType.Enum ? Enum.ToObject(field.EnumType.ClrType, value) : value);
            else field.Accessor.SetValue(message, value);
        }
    }

    private IMessage Inner(FieldDescriptor field, int member, bool isWellFormed)
    {
        var inner = field.MessageType.Parser.ParseFrom([]);
        Fill(inner, member, isWellFormed);
        return inner;
    }

    private string? TextOf(IMessage message, FieldDescriptor field, Wire.FieldRules rules, bool isSensitive, bool isWellFormed)
    {
        var name = $"{message.Descriptor.Name}.{field.Name}";
        if (isSensitive && !isWellFormed) return New(name);
        switch (rules.Format)
        {
            case Wire.TextFormat.NationalId:
                var id = Some.StrangersId();
                _values.Add(id, name);
                return id;
            case Wire.TextFormat.Date:
                return "1987-06-05";
            case Wire.TextFormat.Uuid:
                return Some.RequestId();
            case Wire.TextFormat.UnitId:
                return rules.Required ? "tpe-wanhua-swc" : null;
            case Wire.TextFormat.Opaque:
                return null;
            default:
                return isSensitive ? New(name, rules.MaxLength == 0 ? 32 : (int)rules.MaxLength) : null;
        }
    }
}
