using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>
/// Step 5: a call that changes something happens once per request_id. A replay goes through every step anew and answers from what the first call made;
/// a request_id used for another request is refused without telling the first answer (B52).
/// </summary>
internal static class IdempotencyStep
{
    public static void Find(Call call, object request)
    {
        if (!call.Rule.ChangesState) return;
        var message = (IMessage)request;
        call.RequestId = call.Rule.RequestIdOf(message);
        call.Replayed = null;
        var key = new RequestKey(KeyOf(call), SHA256.HashData(message.ToByteArray()));
        using (var reader = call.Read.Query("SELECT request_hash, outcome FROM request_key WHERE key = $0", key.Key))
        {
            if (reader.Read())
            {
                if (!key.RequestHash.AsSpan().SequenceEqual(reader.GetFieldValue<byte[]>(0)))
                    throw new Refusal(Wire.ErrorReason.IdempotencyMismatch, ("request_id", call.RequestId));
                call.Replayed = reader.GetString(1);
                return;
            }
        }

        call.Change.Key = key;
    }

    private static byte[] KeyOf(Call call)
    {
        var agency = call.Agency;
        return SHA256.HashData(Encoding.UTF8.GetBytes(
            $"{agency.Jurisdiction}\n{agency.Code}\n{call.Context!.Actor.PersonId}\n{call.Method}\n{call.RequestId}"));
    }
}

/// <summary>A request_id that was used, in stored form.</summary>
internal sealed class RequestKeyRow
{
    public byte[] Key { get; set; } = [];

    public byte[] RequestHash { get; set; } = [];

    public string Outcome { get; set; } = "";

    public DateTimeOffset At { get; set; }
}

/// <summary>Where request keys lie.</summary>
internal sealed class RequestKeyMapping : IEntityTypeConfiguration<RequestKeyRow>
{
    public void Configure(EntityTypeBuilder<RequestKeyRow> builder)
    {
        builder.ToTable("request_key");
        builder.HasKey(k => k.Key);
    }
}
