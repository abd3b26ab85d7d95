using System.IO.Compression;

namespace Grpc.Net.Compression;

/// <summary>A message encoding, both directions.</summary>
public interface ICompressionProvider
{
    /// <summary>As in <c>grpc-encoding</c>.</summary>
    string EncodingName { get; }

    /// <summary>Compresses into <paramref name="stream"/>, which stays open.</summary>
    /// <param name="stream">where the compressed bytes go</param>
    /// <param name="compressionLevel">null for the provider's own</param>
    Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel);

    /// <summary>Reads what <paramref name="stream"/> holds compressed.</summary>
    Stream CreateDecompressionStream(Stream stream);
}

/// <summary><c>gzip</c>, RFC 1952.</summary>
public sealed class GzipCompressionProvider : ICompressionProvider
{
    private readonly CompressionLevel defaultCompressionLevel;

    /// <param name="defaultCompressionLevel">used where a call does not say</param>
    public GzipCompressionProvider(CompressionLevel defaultCompressionLevel) => this.defaultCompressionLevel = defaultCompressionLevel;

    /// <inheritdoc/>
    public string EncodingName => "gzip";

    /// <inheritdoc/>
    public Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel) =>
        new GZipStream(stream, compressionLevel ?? defaultCompressionLevel, leaveOpen: true);

    /// <inheritdoc/>
    public Stream CreateDecompressionStream(Stream stream) => new GZipStream(stream, CompressionMode.Decompress);
}

/// <summary><c>deflate</c>, which on the wire is the zlib format of RFC 1950.</summary>
public sealed class DeflateCompressionProvider : ICompressionProvider
{
    private readonly CompressionLevel defaultCompressionLevel;

    /// <param name="defaultCompressionLevel">used where a call does not say</param>
    public DeflateCompressionProvider(CompressionLevel defaultCompressionLevel) => this.defaultCompressionLevel = defaultCompressionLevel;

    /// <inheritdoc/>
    public string EncodingName => "deflate";

    /// <inheritdoc/>
    public Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel) =>
        new ZLibStream(stream, compressionLevel ?? defaultCompressionLevel, leaveOpen: true);

    /// <inheritdoc/>
    public Stream CreateDecompressionStream(Stream stream) => new ZLibStream(stream, CompressionMode.Decompress);
}
