using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>The place a sealed value belongs to. A value copied to another row or column does not open.</summary>
/// <remarks>Associated data, 32 bytes: the first 16 of SHA-256(table, 0x00, column) and the row's id in big-endian order. Both names are
/// stored by their
/// hash in every sealed value of the column: renaming one means sealing its values anew.</remarks>
internal sealed class SealedColumn
{
    /// <summary>32 bytes of associated data.</summary>
    public const int BindingBytes = 32;

    private readonly byte[] _place;

    /// <param name="table">As in the database; part of the binding.</param>
    /// <param name="column">As in the database; part of the binding.</param>
    public SealedColumn(string table, string column)
    {
        ArgumentException.ThrowIfNullOrEmpty(table);
        ArgumentException.ThrowIfNullOrEmpty(column);
        Name = $"{table}.{column}";
        _place = SHA256.HashData(Encoding.UTF8.GetBytes($"{table}\0{column}"))[..16];
    }

    /// <summary>For messages.</summary>
    public string Name { get; }

    public override string ToString() => Name;

    /// <summary>Writes the associated data for a row with a UUID.</summary>
    public void Bind(Guid row, Span<byte> binding)
    {
        _place.CopyTo(binding);
        row.TryWriteBytes(binding[16..], bigEndian: true, out _);
    }

    /// <summary>Writes the associated data for a row with a number.</summary>
    public void Bind(long row, Span<byte> binding)
    {
        _place.CopyTo(binding);
        binding.Slice(16, 8).Clear();
        BinaryPrimitives.WriteInt64BigEndian(binding[24..], row);
    }
}
