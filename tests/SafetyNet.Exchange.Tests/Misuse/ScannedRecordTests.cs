using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Misuse;

namespace SafetyNet.Exchange.Tests.Misuse;

/// <summary>The scan sees the same of a record, whether the writer hands it over or its bytes are read.</summary>
[Trait("Rule", "R-AUD-7")]
public sealed class ScannedRecordTests
{
    [Fact]
    public void What_is_read_from_the_bytes_is_what_the_writer_hands_over()
    {
        var (random, lookedAt, passedOver) = (new Random(11), 0, 0);
        for (var number = 0; number < 5000; number++)
        {
            var record = RecordOf(random);
            var (handed, read) = (ScannedRecord.LookedAt(record), ScannedRecord.LookedAt(record.ToByteArray()));
            Assert.Equal(Describe(handed), Describe(read));
            if (handed is null) passedOver++;
            else lookedAt++;
            Assert.Equal(record.Purpose != Wire.Purpose.Audit && (record.Subjects.Count > 0 || record.Reason == "LOOK_UPS_EXHAUSTED"), handed is not null);
            // What no rule looks at may still be a deed on a case.
            Assert.Equal(
                (record.Method, record.Purpose, record.Outcome, record.DecidedAt.ToDateTimeOffset(), string.Join(',', record.Resources)),
                ScannedRecord.Read(record.ToByteArray()) is { } all ? (all.Method, all.Purpose, all.Outcome, all.At, string.Join(',', all.Resources)) : default);
        }

        Assert.True(lookedAt > 1000 && passedOver > 500, $"{lookedAt} and {passedOver}");
    }

    [Fact]
    public void Bytes_that_are_no_record_are_none_whatever_they_are()
    {
        var (random, body) = (new Random(12), new Wire.AuditRecord { Version = 1, DecidedAt = new Timestamp { Seconds = 1 }, Subjects = { "a", "b" }, Inputs = new Wire.DecisionInputs { FurtherQuestions = 1 } }.ToByteArray());
        Assert.NotNull(ScannedRecord.Read(body));
        Assert.Null(ScannedRecord.Read(null));
        Assert.Null(ScannedRecord.Read([]));
        Assert.Null(ScannedRecord.Read(new Wire.AuditRecord { Version = 1, Subjects = { "a" } }.ToByteArray()));
        for (var number = 0; number < 20_000; number++)
        {
            var spoilt = random.Next(2) == 0 ? body[..random.Next(body.Length)] : [.. body];
            for (var changes = random.Next(4); changes > 0 && spoilt.Length > 0; changes--) spoilt[random.Next(spoilt.Length)] = (byte)random.Next(256);
            // It reads or it does not; it never throws, and what is read can be counted with.
            if (ScannedRecord.Read(spoilt) is { } record) Assert.InRange(record.At.AddDays(90).ToOffset(TimeSpan.FromHours(8)).Year, 1970, 9999);
        }
    }

    [Theory]
    [InlineData(long.MaxValue, 0)]
    [InlineData(253_402_300_799, 999_999_999)]
    [InlineData(-62_135_596_800, 0)]
    [InlineData(1_700_000_000, -1)]
    [InlineData(1_700_000_000, 1_000_000_000)]
    public void Bug_A_time_that_no_clock_shows_makes_it_no_record_and_does_not_stop_the_scan(long seconds, int nanos) =>
        Assert.Null(ScannedRecord.Read(new Wire.AuditRecord { Version = 1, DecidedAt = new Timestamp { Seconds = seconds, Nanos = nanos }, Subjects = { "a" } }.ToByteArray()));

    private static Wire.AuditRecord RecordOf(Random random)
    {
        var record = new Wire.AuditRecord
        {
            Version = 1, DecisionId = Guid.CreateVersion7().ToString(), DecidedAt = new Timestamp { Seconds = random.Next(), Nanos = random.Next(3) * 1000 }, Method = "/safetynet.exchange.v1.HouseholdService/LookUpHousehold",
            CertificateSha256 = ByteString.CopyFrom(new byte[random.Next(40)]), AgencyCode = random.Next(5) == 0 ? "" : "dosw", Jurisdiction = (Wire.Jurisdiction)random.Next(4), ActorPersonId = new string('W', random.Next(300)),
            ActorRole = (Wire.ActorRole)random.Next(5), ActorUnitId = random.Next(2) == 0 ? "" : "tpe-central-swc", Purpose = random.Next(4) == 0 ? Wire.Purpose.Audit : (Wire.Purpose)random.Next(5),
            Reference = random.Next(2) == 0 ? "" : "case/1", Outcome = (Wire.AuditOutcome)random.Next(4), Reason = random.Next(4) switch { 0 => "NOT_FOUND", 1 => "LOOK_UPS_EXHAUSTED", _ => "" },
            BreakGlass = random.Next(2) == 0, RequestId = "r", Subjects = { Enumerable.Range(0, random.Next(3) * random.Next(20)).Select(i => $"subject-{i}") },
            Resources = { Enumerable.Range(0, random.Next(3)).Select(i => $"limit/agency-{i}") }, ShownClasses = { Enumerable.Repeat(Wire.ConfidentialityClass.Identity, random.Next(3)) },
        };
        if (random.Next(4) > 0) record.Inputs = new Wire.DecisionInputs { FurtherQuestions = 3, Questions = { new Wire.DecidedQuestion { Rules = { "NTK-1" } } } };
        if (random.Next(4) > 0) record.PolicyHash = "0123456789abcdef";
        return record;
    }

    private static string Describe(ScannedRecord? record) => record is null ? "none" : string.Join('|',
        record.At.ToString("O"), record.Method, record.AgencyCode, record.Jurisdiction, record.ActorPersonId, record.ActorRole, record.ActorUnitId, record.Purpose, record.Reference,
        string.Join(',', record.Subjects), string.Join(',', record.Resources), record.Outcome, record.HasShown, record.BreakGlass, record.Reason, record.IsMiss, record.IsSweep, record.IsLookedAt);
}
