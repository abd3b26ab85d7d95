using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>Codes of a table in data files, by their names in the contract without the prefix of their enum.</summary>
internal sealed class CodeConverter<T> : JsonConverter<T>
    where T : struct, Enum
{
    private static readonly Dictionary<string, T> Codes = Enum.GetValues<T>()
        .Where(code => Convert.ToInt32(code, CultureInfo.InvariantCulture) != 0).ToDictionary(code => CodeText.Of(code), StringComparer.Ordinal);

    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Codes.TryGetValue(reader.GetString() ?? "", out var code) ? code : throw new JsonException($"an unknown code of {typeof(T).Name}");

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(CodeText.Of(value));
}
