using System.Buffers;
using Google.Protobuf;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>
/// Personal values on their way to and from rows: sealed by jurisdiction and purpose, found by blind index, named by pseudonym in evidence.
/// Data keys lie wrapped in the table data_key; the key that opens them is outside the database.
/// Trust: who reads the database file without that key learns row counts, ids and times, no personal value.
/// </summary>
internal sealed class Vault : IDisposable
{
    private const string Everywhere = "TW";
    private readonly KeyRing _ring;
    private readonly Sealer _sealer;
    private readonly uint[] _personFacts;
    private readonly uint[] _freeText;

    private Vault(KeyRing ring)
    {
        _ring = ring;
        _sealer = new Sealer(ring);
        Index = new BlindIndex(ring, ring.GetCurrent(Everywhere, KeyPurpose.BlindIndex));
        Pseudonyms = new Pseudonymizer(ring, ring.GetCurrent(Everywhere, KeyPurpose.Pseudonym));
        _personFacts = KeysOf(KeyPurpose.PersonFacts);
        _freeText = KeysOf(KeyPurpose.FreeText);
    }

    public BlindIndex Index { get; }

    public Pseudonymizer Pseudonyms { get; }

    /// <summary>Opens the keys of a store, and makes those that are missing, durably before the first use.</summary>
    public static Vault Open(SqliteStore store, KeyEncryptionKey kek)
    {
        using var connection = store.OpenWriter();
        using var select = SqliteStore.Prepare(connection, "SELECT key_id, jurisdiction, purpose, generation, wrapped FROM data_key");
        var rows = new List<WrappedKey>();
        using (var reader = select.ExecuteReader())
        {
            while (reader.Read())
            {
                rows.Add(new WrappedKey((uint)reader.GetInt64(0), reader.GetString(1), (KeyPurpose)reader.GetInt32(2), reader.GetInt32(3),
                    reader.GetFieldValue<byte[]>(4)));
            }
        }

        var ring = KeyRing.Open(kek, rows);
        using var transaction = connection.BeginTransaction(deferred: false);
        foreach (var (jurisdiction, purpose) in Needed())
        {
            if (ring.TryGetCurrent(jurisdiction, purpose, out _)) continue;
            var row = ring.Draft(jurisdiction, purpose);
            Insert(connection, transaction, row);
            ring.Admit(row);
        }

        transaction.Commit();
        return new Vault(ring);
    }

    /// <summary>Seals a message of personal facts for one row.</summary>
    public byte[] SealFacts(Wire.Jurisdiction jurisdiction, SealedColumn column, Guid row, IMessage message) =>
        Seal(_personFacts[(int)jurisdiction], column, row, message);

    /// <summary>Seals text that a worker wrote, for one row.</summary>
    public byte[] SealText(Wire.Jurisdiction jurisdiction, SealedColumn column, Guid row, string text) =>
        _sealer.SealText(_freeText[(int)jurisdiction], column, row, text);

    public string OpenText(SealedColumn column, Guid row, ReadOnlySpan<byte> sealedText) => _sealer.OpenText(column, row, sealedText);

    public T OpenFacts<T>(MessageParser<T> parser, SealedColumn column, Guid row, ReadOnlySpan<byte> sealedFacts)
        where T : IMessage<T>
    {
        Span<byte> binding = stackalloc byte[SealedColumn.BindingBytes];
        column.Bind(row, binding);
        var size = Math.Max(0, sealedFacts.Length - Sealer.OverheadBytes);
        var rented = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            var length = _sealer.Open(sealedFacts, binding, rented);
            return parser.ParseFrom(rented.AsSpan(0, length));
        }
        finally
        {
            rented.AsSpan(0, size).Clear();
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    public void Dispose() => _ring.Dispose();

    private byte[] Seal(uint keyId, SealedColumn column, Guid row, IMessage message)
    {
        Span<byte> binding = stackalloc byte[SealedColumn.BindingBytes];
        column.Bind(row, binding);
        var plain = message.ToByteArray();
        try
        {
            return _sealer.Seal(keyId, plain, binding);
        }
        finally
        {
            plain.AsSpan().Clear();
        }
    }

    private uint[] KeysOf(KeyPurpose purpose)
    {
        var keys = new uint[(int)Enum.GetValues<Wire.Jurisdiction>().Max() + 1];
        foreach (var jurisdiction in Enum.GetValues<Wire.Jurisdiction>().Where(j => j != Wire.Jurisdiction.Unspecified))
            keys[(int)jurisdiction] = _ring.GetCurrent(NameOf(jurisdiction), purpose);
        return keys;
    }

    private static IEnumerable<(string Jurisdiction, KeyPurpose Purpose)> Needed()
    {
        yield return (Everywhere, KeyPurpose.BlindIndex);
        yield return (Everywhere, KeyPurpose.Pseudonym);
        foreach (var jurisdiction in Enum.GetValues<Wire.Jurisdiction>().Where(j => j != Wire.Jurisdiction.Unspecified))
        {
            yield return (NameOf(jurisdiction), KeyPurpose.PersonFacts);
            yield return (NameOf(jurisdiction), KeyPurpose.FreeText);
        }
    }

    private static string NameOf(Wire.Jurisdiction jurisdiction) => jurisdiction.ToString().ToUpperInvariant();

    private static void Insert(SqliteConnection connection, SqliteTransaction transaction, WrappedKey row)
    {
        using var insert = SqliteStore.Prepare(connection,
            "INSERT INTO data_key (key_id, jurisdiction, purpose, generation, wrapped) VALUES ($id, $jurisdiction, $purpose, $generation, $wrapped)",
            "$id", "$jurisdiction", "$purpose", "$generation", "$wrapped");
        insert.Transaction = transaction;
        insert.Parameters[0].Value = (long)row.KeyId;
        insert.Parameters[1].Value = row.Jurisdiction;
        insert.Parameters[2].Value = (int)row.Purpose;
        insert.Parameters[3].Value = row.Generation;
        insert.Parameters[4].Value = row.Wrapped;
        insert.ExecuteNonQuery();
    }
}

/// <summary>A data key as it lies in the database: wrapped, never in the clear.</summary>
internal sealed class DataKeyRow
{
    public long KeyId { get; set; }

    public string Jurisdiction { get; set; } = "";

    public int Purpose { get; set; }

    public int Generation { get; set; }

    public byte[] Wrapped { get; set; } = [];
}

/// <summary>Where data keys lie.</summary>
internal sealed class DataKeyMapping : IEntityTypeConfiguration<DataKeyRow>
{
    public void Configure(EntityTypeBuilder<DataKeyRow> builder)
    {
        builder.ToTable("data_key");
        builder.HasKey(k => k.KeyId);
        builder.Property(k => k.KeyId).ValueGeneratedNever();
        builder.HasIndex(k => new { k.Jurisdiction, k.Purpose, k.Generation }).IsUnique();
    }
}
