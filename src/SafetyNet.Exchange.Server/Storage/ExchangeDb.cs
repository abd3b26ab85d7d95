using System.Buffers.Binary;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace SafetyNet.Exchange.Server.Storage;

/// <summary>
/// Everything the exchange keeps, as EF Core sees it. Each feature maps its own rows (<c>*Store.cs</c>); this context only gathers them and says how
/// ids and instants are written. It never saves by itself: see <see cref="CommitQueue"/>.
/// </summary>
internal sealed class ExchangeDb(DbContextOptions<ExchangeDb> options) : DbContext(options)
{
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.ApplyConfigurationsFromAssembly(typeof(ExchangeDb).Assembly);
        foreach (var property in modelBuilder.Model.GetEntityTypes().SelectMany(row => row.GetProperties()))
            property.SetColumnName(ColumnName(property.Name));
    }

    /// <summary>A property's column: <c>ReferralId</c> is <c>referral_id</c>.</summary>
    internal static string ColumnName(string property) => string.Concat(property.Select((c, i) =>
        i > 0 && char.IsUpper(c) ? $"_{char.ToLowerInvariant(c)}" : char.ToLowerInvariant(c).ToString()));

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        configurationBuilder.Properties<Guid>().HaveConversion<GuidBytes>();
        configurationBuilder.Properties<DateTimeOffset>().HaveConversion<InstantMicros>();
    }
}

/// <summary>Ids as 16 bytes in network order, so that UUIDv7 sort by time on every engine.</summary>
internal sealed class GuidBytes() : ValueConverter<Guid, byte[]>(id => id.ToByteArray(true), bytes => new Guid(bytes, true));

/// <summary>Instants as microseconds since 1970-01-01 UTC.</summary>
internal sealed class InstantMicros() : ValueConverter<DateTimeOffset, long>(at => Instants.ToMicros(at), micros => Instants.FromMicros(micros));

/// <summary>Conversion between instants and their stored form.</summary>
internal static class Instants
{
    /// <summary>Last microsecond of the year 9999, after which there are no instants.</summary>
    public const long LastMicros = 253_402_300_799_999_999;

    public static long ToMicros(DateTimeOffset at) => (at.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / TimeSpan.TicksPerMicrosecond;

    /// <summary>The instant as it will be read back, so that an answer tells the same time before and after it is stored.</summary>
    public static DateTimeOffset Whole(DateTimeOffset at) => FromMicros(ToMicros(at));

    public static DateTimeOffset FromMicros(long micros) => DateTimeOffset.UnixEpoch.AddTicks(micros * TimeSpan.TicksPerMicrosecond);
}

/// <summary>A row that several callers may change at once; the version decides who was first.</summary>
internal interface IVersioned
{
    /// <summary>1 when made, one more with every change.</summary>
    int Version { get; set; }
}

/// <summary>Version of a row as a caller sees it (AIP-154): four bytes, base64url.</summary>
internal static class Etag
{
    public static string Of(IVersioned row)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, row.Version);
        return System.Buffers.Text.Base64Url.EncodeToString(bytes);
    }
}
