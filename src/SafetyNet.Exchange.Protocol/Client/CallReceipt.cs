using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Evidence;

namespace SafetyNet.Exchange.Protocol.Client;

/// <summary>
/// What a calling system keeps of an answer to prove later that its call is in the log, or to show that it is not (R-AUD-8). It holds no personal content.
/// </summary>
/// <param name="DecisionId">Decision of the call, for <c>AuditService.ExplainDecision</c>. UUIDv7 as text.</param>
/// <param name="Position">Place of the record in the log, from 0.</param>
/// <param name="RecordHash">Leaf hash of the record (RFC 6962).</param>
public sealed record CallReceipt(string DecisionId, long Position, MerkleHash RecordHash)
{
    /// <summary>Trailer of every answer and refusal: position in decimal, a colon, leaf hash in base64url without padding.</summary>
    public const string RecordTrailer = "safetynet-record";

    /// <summary>Trailer of every answer and refusal: id of the decision.</summary>
    public const string DecisionTrailer = "safetynet-decision";

    /// <summary>Reads the receipt from a call's trailers (<c>call.GetTrailers()</c>, or <c>RpcException.Trailers</c>); null where the call never reached the log.</summary>
    public static CallReceipt? Read(Metadata? trailers) =>
        trailers?.GetValue(DecisionTrailer) is { } decision
        && TryParseRecord(trailers.GetValue(RecordTrailer), out var position, out var hash)
            ? new CallReceipt(decision, position, hash)
            : null;

    /// <summary>Reads the text of the record trailer; false for anything but its one form.</summary>
    public static bool TryParseRecord([NotNullWhen(true)] string? text, out long position, out MerkleHash hash)
    {
        position = 0;
        hash = default;
        var colon = text?.IndexOf(':', StringComparison.Ordinal) ?? -1;
        if (colon < 1)
            return false;
        var digits = text.AsSpan(0, colon);
        if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out position) || (digits.Length > 1 && digits[0] == '0'))
            return false;
        Span<byte> bytes = stackalloc byte[MerkleHash.SizeBytes];
        var encoded = text.AsSpan(colon + 1);
        if (encoded.Length != Base64Url.GetEncodedLength(MerkleHash.SizeBytes) || Base64Url.DecodeFromChars(encoded, bytes, out _, out var written) != OperationStatus.Done || written != MerkleHash.SizeBytes)
            return false;
        // The last character of 32 bytes carries two spare bits; a text that sets them is a second spelling of the same hash.
        if (!encoded.SequenceEqual(Base64Url.EncodeToString(bytes)))
            return false;
        hash = new MerkleHash(bytes);
        return true;
    }

    /// <summary>The text of the record trailer.</summary>
    public static string FormatRecord(long position, in MerkleHash hash) =>
        string.Create(CultureInfo.InvariantCulture, $"{position}:{Base64Url.EncodeToString(hash.Bytes)}");
}
