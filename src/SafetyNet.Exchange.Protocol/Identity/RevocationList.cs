using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace SafetyNet.Exchange.Protocol.Identity;

/// <summary>One authority's list of certificates it has taken back: read, but trusted only after <see cref="IsSignedBy"/>.</summary>
/// <remarks>
/// Only complete lists are read: version 2, with number and next update, without a critical extension we do not know (a delta or partitioned list would
/// otherwise pass for a complete one). A certificate on hold counts as taken back. Source: RFC 5280 5.
/// </remarks>
internal sealed class RevocationList
{
    private const string CrlNumber = "2.5.29.20";
    private const string ReasonCode = "2.5.29.21";
    private const string InvalidityDate = "2.5.29.24";
    private const string AuthorityKeyIdentifier = "2.5.29.35";
    private const string PemLabel = "X509 CRL";

    private readonly byte[] _issuerName;
    private readonly byte[] _signed;
    private readonly byte[] _signature;
    private readonly SignatureAlgorithm _algorithm;

    private RevocationList(byte[] issuerName, byte[] signed, byte[] signature, SignatureAlgorithm algorithm)
    {
        _issuerName = issuerName;
        _signed = signed;
        _signature = signature;
        _algorithm = algorithm;
    }

    /// <summary>Grows with each list of one issuer.</summary>
    public required BigInteger Number { get; init; }

    public required DateTimeOffset ThisUpdate { get; init; }

    /// <summary>From this instant on the list says nothing any more.</summary>
    public required DateTimeOffset NextUpdate { get; init; }

    /// <summary>Serial numbers in the form of <see cref="MemberCertificate.Serial"/>.</summary>
    public required FrozenSet<string> Serials { get; init; }

    /// <summary>Reads a DER or PEM list. False for anything cut short, followed by further bytes, or of another shape.</summary>
    public static bool TryParse(byte[] file, [NotNullWhen(true)] out RevocationList? list)
    {
        try
        {
            list = Parse(FromPem(file) ?? file);
            return true;
        }
        catch (Exception error) when (error is AsnContentException or CryptographicException or FormatException or ArgumentException)
        {
            list = null;
            return false;
        }
    }

    /// <summary>True when the list names this authority as its issuer and the authority's key signed it.</summary>
    public bool IsSignedBy(X509Certificate2 authority) =>
        _issuerName.AsSpan().SequenceEqual(authority.SubjectName.RawData) && _algorithm.Verifies(authority, _signed, _signature);

    private static RevocationList Parse(byte[] der)
    {
        var outer = new AsnReader(der, AsnEncodingRules.DER);
        var fields = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        var signed = fields.PeekEncodedValue();
        var list = fields.ReadSequence();
        var algorithm = fields.ReadEncodedValue();
        var signature = fields.ReadBitString(out var unused);
        fields.ThrowIfNotEmpty();
        if (unused != 0) throw new FormatException("signature is not whole bytes");

        if (!list.TryReadInt32(out var version) || version != 1) throw new FormatException("not a version 2 list");
        if (!list.ReadEncodedValue().Span.SequenceEqual(algorithm.Span)) throw new FormatException("two signature algorithms");
        var issuerName = list.ReadEncodedValue().ToArray();
        var thisUpdate = ReadTime(list);
        var nextUpdate = ReadTime(list);
        var serials = ReadSerials(list);
        var number = ReadNumber(list);
        list.ThrowIfNotEmpty();

        var known = SignatureAlgorithm.Find(algorithm) ?? throw new FormatException("signed in a way the exchange does not trust");
        return new RevocationList(issuerName, signed.ToArray(), signature, known)
        {
            Number = number,
            ThisUpdate = thisUpdate,
            NextUpdate = nextUpdate,
            Serials = serials,
        };
    }

    private static FrozenSet<string> ReadSerials(AsnReader list)
    {
        var serials = new List<string>();
        if (list.HasData && list.PeekTag() == Asn1Tag.Sequence)
        {
            var entries = list.ReadSequence();
            while (entries.HasData)
            {
                var entry = entries.ReadSequence();
                serials.Add(CertificateRules.SerialOf(entry.ReadIntegerBytes().Span));
                ReadTime(entry);
                if (entry.HasData) foreach (var _ in ReadExtensions(entry.ReadSequence(), [ReasonCode, InvalidityDate])) { }
                entry.ThrowIfNotEmpty();
            }
        }
        return serials.ToFrozenSet(StringComparer.Ordinal);
    }

    private static BigInteger ReadNumber(AsnReader list)
    {
        BigInteger? number = null;
        var tag = new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true);
        var wrapped = list.ReadSequence(tag);
        foreach (var (oid, value) in ReadExtensions(wrapped.ReadSequence(), [CrlNumber, AuthorityKeyIdentifier]))
            if (string.Equals(oid, CrlNumber, StringComparison.Ordinal))
                number = new AsnReader(value, AsnEncodingRules.DER).ReadInteger();
        wrapped.ThrowIfNotEmpty();
        return number ?? throw new FormatException("the list has no number");
    }

    private static IEnumerable<(string Oid, byte[] Value)> ReadExtensions(AsnReader extensions, string[] known)
    {
        while (extensions.HasData)
        {
            var extension = extensions.ReadSequence();
            var oid = extension.ReadObjectIdentifier();
            var critical = extension.PeekTag() == Asn1Tag.Boolean && extension.ReadBoolean();
            var value = extension.ReadOctetString();
            extension.ThrowIfNotEmpty();
            if (critical && !known.Contains(oid, StringComparer.Ordinal)) throw new FormatException($"critical extension {oid}");
            yield return (oid, value);
        }
    }

    private static DateTimeOffset ReadTime(AsnReader reader) => reader.PeekTag() == Asn1Tag.UtcTime ? reader.ReadUtcTime() : reader.ReadGeneralizedTime();

    private static byte[]? FromPem(byte[] file)
    {
        if (file.Length == 0 || file[0] != (byte)'-') return null;
        var text = Encoding.ASCII.GetString(file);
        var found = PemEncoding.Find(text);
        return text[found.Label].Equals(PemLabel, StringComparison.Ordinal) ? Convert.FromBase64String(text[found.Base64Data]) : throw new FormatException("not a list");
    }
}
