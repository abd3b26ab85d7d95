using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Misuse;

namespace SafetyNet.Exchange.Tests.Misuse;

/// <summary>The scan reads a record without the inputs of its decisions, and nothing else is lost.</summary>
[Trait("Rule", "R-AUD-7")]
public sealed class ScannedRecordTests
{
    [Fact]
    public void All_that_a_rule_looks_at_is_read_and_the_inputs_are_left()
    {
        var random = new Random(11);
        for (var number = 0; number < 2000; number++)
        {
            var record = new Wire.AuditRecord
            {
                Version = 1, DecisionId = Guid.CreateVersion7().ToString(), DecidedAt = new Timestamp { Seconds = random.Next(), Nanos = random.Next(1000) }, Method = "/safetynet.exchange.v1.HouseholdService/LookUpHousehold",
                CertificateSha256 = ByteString.CopyFrom(new byte[random.Next(40)]), AgencyCode = "dosw", Jurisdiction = Wire.Jurisdiction.Tpe, ActorPersonId = new string('W', random.Next(1, 300)),
                ActorRole = Wire.ActorRole.Worker, Outcome = Wire.AuditOutcome.Permitted, Reason = random.Next(2) == 0 ? "NOT_FOUND" : "", BreakGlass = random.Next(2) == 0, RequestId = "r",
                Subjects = { Enumerable.Range(0, random.Next(20)).Select(i => $"subject-{i}") }, ShownClasses = { Wire.ConfidentialityClass.Identity }, Resources = { "limit/agency-misses" },
            };
            var expected = record.Clone();
            if (random.Next(4) > 0) record.Inputs = new Wire.DecisionInputs { FurtherQuestions = 3, Questions = { new Wire.DecidedQuestion { Rules = { "NTK-1" } } } };
            var written = random.Next(4) > 0;
            if (written) record.PolicyHash = "0123456789abcdef";
            if (record.Inputs is null) expected.PolicyHash = record.PolicyHash;
            Assert.Equal(expected, MisuseChecks.Read(record.ToByteArray()));
        }
    }

    [Fact]
    public void Bytes_that_are_no_record_are_none_whatever_they_are()
    {
        var (random, body) = (new Random(12), new Wire.AuditRecord { Version = 1, DecidedAt = new Timestamp { Seconds = 1 }, Subjects = { "a", "b" }, Inputs = new Wire.DecisionInputs { FurtherQuestions = 1 } }.ToByteArray());
        Assert.Null(MisuseChecks.Read(null));
        Assert.Null(MisuseChecks.Read([]));
        for (var number = 0; number < 20_000; number++)
        {
            var spoilt = random.Next(2) == 0 ? body[..random.Next(body.Length)] : [.. body];
            for (var changes = random.Next(4); changes > 0 && spoilt.Length > 0; changes--) spoilt[random.Next(spoilt.Length)] = (byte)random.Next(256);
            // It reads or it does not; it never throws.
            if (MisuseChecks.Read(spoilt) is { } record) Assert.NotNull(record.DecidedAt);
        }
    }
}
