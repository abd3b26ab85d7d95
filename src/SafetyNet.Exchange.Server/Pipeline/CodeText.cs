using System.Collections.Concurrent;
using System.Reflection;
using Google.Protobuf.Reflection;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>Codes as domain.md writes them: <c>SUBMITTED</c>, not <c>REFERRAL_STATE_SUBMITTED</c>.</summary>
internal static class CodeText
{
    private static readonly ConcurrentDictionary<Enum, string> Names = new();

    /// <summary>The name of a code; the number where the table has no such code, which is not kept: callers may send any.</summary>
    public static string Of(Enum code) => !Enum.IsDefined(code.GetType(), code) ? code.ToString() : Names.GetOrAdd(code, static value =>
    {
        var field = value.GetType().GetField(value.ToString());
        if (field?.GetCustomAttribute<OriginalNameAttribute>()?.Name is not { } name) return value.ToString();
        var prefix = PrefixOf(value.GetType());
        return name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name;
    });

    /// <summary>What all codes of a table begin with: the part of UNSPECIFIED before that word.</summary>
    private static string PrefixOf(Type table)
    {
        var zero = table.GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(f => f.GetCustomAttribute<OriginalNameAttribute>()?.Name).FirstOrDefault(n => n?.EndsWith("UNSPECIFIED", StringComparison.Ordinal) == true);
        return zero?[..^"UNSPECIFIED".Length] ?? "";
    }
}
