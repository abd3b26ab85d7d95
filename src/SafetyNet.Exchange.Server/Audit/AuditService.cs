using Google.Protobuf;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Retention;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Audit;

/// <summary>The RPCs of evidence: the officer's questions, and the proofs for every member. Each of them is a record itself (R-AUD-4).</summary>
internal sealed class AuditService(AuditLog log, SqliteStore store, WitnessWatch witnesses, TimeStampWatch stamps, SearchIndex search, RetentionSettings retention) : Wire.AuditService.AuditServiceBase
{
    private const int RecordsPerMessage = 256;

    public override Task<Wire.ListAccessesResponse> ListAccesses(Wire.ListAccessesRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var pseudonym = request.SubjectCase == Wire.ListAccessesRequest.SubjectOneofCase.NationalId
            ? call.Vault.Pseudonyms.OfNationalId(NationalId.Parse(request.NationalId).Canonical)
            : Pseudonymizer.IsText(request.Pseudonym) ? request.Pseudonym : throw Refusal.InvalidField(new FieldFault("pseudonym", FieldFaultKind.NotOpaque));
        call.ConcernsPseudonym(pseudonym);
        var page = AccessSearch.Page(call, search, new AccessFilter { Pseudonym = pseudonym, Within = call.Agency.Jurisdiction }, PageToken.Read(request.PageToken, log.Size), SizeOf(request.PageSize));
        var response = new Wire.ListAccessesResponse { Pseudonym = pseudonym, NextPageToken = TokenOf(page) };
        response.Entries.Add(page.Found.Select(Entry));
        response.OtherPseudonyms.Add(OtherPseudonyms(call, request.NationalId));
        return Task.FromResult(response);
    }

    public override Task<Wire.SearchAccessesResponse> SearchAccesses(Wire.SearchAccessesRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var pseudonym = request.SubjectCase == Wire.SearchAccessesRequest.SubjectOneofCase.NationalId
            ? call.Vault.Pseudonyms.OfNationalId(NationalId.Parse(request.NationalId).Canonical) : request.Pseudonym;
        if (pseudonym.Length > 0 && !Pseudonymizer.IsText(pseudonym)) throw Refusal.InvalidField(new FieldFault("pseudonym", FieldFaultKind.NotOpaque));
        if (pseudonym.Length > 0) call.ConcernsPseudonym(pseudonym);
        var filter = new AccessFilter
        {
            Pseudonym = pseudonym, ActorPersonId = request.ActorPersonId, ActorUnitId = request.ActorUnitId, AgencyCode = request.AgencyCode, ShownClass = request.ShownClass,
            LegalBasis = request.LegalBasis, Purpose = request.Purpose, Outcome = request.Outcome, Method = FullName(request.Method), Resource = request.Resource,
            BreakGlass = request.BreakGlass, After = request.After?.ToDateTimeOffset() ?? DateTimeOffset.UnixEpoch, Before = request.Before?.ToDateTimeOffset() ?? DateTimeOffset.MaxValue,
            Within = call.Agency.Jurisdiction,
        };
        filter.TellTo(call);
        var page = AccessSearch.Page(call, search, filter, PageToken.Read(request.PageToken, log.Size), SizeOf(request.PageSize));
        var response = new Wire.SearchAccessesResponse { NextPageToken = TokenOf(page) };
        response.Entries.Add(page.Found.Select(Entry));
        response.OtherPseudonyms.Add(OtherPseudonyms(call, request.NationalId));
        return Task.FromResult(response);
    }

    public override Task<Wire.ExplainDecisionResponse> ExplainDecision(Wire.ExplainDecisionRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        // A decision of others is read and refused; where there is none, the newest record is read in its place, for it must not take less time (R-NTK-14).
        var place = call.Read.FindPlace(Guid.Parse(request.DecisionId));
        var found = call.Read.ReadEntries(place ?? log.Size - 1, long.MaxValue, 1).FirstOrDefault();
        if (found.Body is not { Length: > 0 }) throw new Refusal(Wire.ErrorReason.NotFound);
        var record = Wire.AuditRecord.Parser.ParseFrom(found.Body);
        var officer = call.Context!.Actor.Role == Wire.ActorRole.SecurityOfficer && call.Member!.Token.Scopes.Contains("audit.read");
        var own = record.Jurisdiction == call.Agency.Jurisdiction && string.Equals(record.AgencyCode, call.Agency.Code, StringComparison.Ordinal);
        if (place is null || (!own && !(officer && IsOfficersConcern(call, record)))) throw new Refusal(Wire.ErrorReason.NotFound);
        var response = new Wire.ExplainDecisionResponse { Outcome = record.Outcome, Reason = record.Reason, PolicyRevision = record.PolicyRevision };
        response.Rules.Add(record.Rules.Select(id => Describe(call.Policy, id)));
        response.ShownClasses.Add(record.ShownClasses);
        response.WithheldClasses.Add(record.WithheldClasses);
        var unit = call.Members.FindUnit(record.ActorUnitId);
        response.Withheld.Add(record.WithheldClasses.Select(one => WhatWouldOpen(call.Policy, one, unit)));
        if (officer) response.Entry = Entry(found.Position, found.LeafHash, record);
        return Task.FromResult(response);
    }

    public override Task<Wire.GetCheckpointResponse> GetCheckpoint(Wire.GetCheckpointRequest request, ServerCallContext context)
    {
        var response = new Wire.GetCheckpointResponse
        {
            Note = log.Published is { } head ? System.Text.Encoding.UTF8.GetString(head.Note) : throw new Refusal(Wire.ErrorReason.NotFound),
            VerifierKey = log.VerifierKey,
            WitnessedNote = witnesses.Witnessed is { } witnessed ? System.Text.Encoding.UTF8.GetString(witnessed.Note) : "",
            WitnessLag = Google.Protobuf.WellKnownTypes.Duration.FromTimeSpan(witnesses.Lag),
        };
        response.WitnessKeys.Add(witnesses.Keys);
        response.TimeStampLag = Google.Protobuf.WellKnownTypes.Duration.FromTimeSpan(stamps.Lag);
        if (stamps.Left is { } left) response.TimeStampLeft = Google.Protobuf.WellKnownTypes.Duration.FromTimeSpan(left);
        if (stamps.Newest is { } stamped)
        {
            response.TimeStamp = new Wire.TimeStamp
            {
                Note = System.Text.Encoding.UTF8.GetString(stamped.Note), Token = UnsafeByteOperations.UnsafeWrap(stamped.Token),
                StampedAt = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(stamped.At),
            };
        }

        return Task.FromResult(response);
    }

    public override Task<Wire.GetInclusionProofResponse> GetInclusionProof(Wire.GetInclusionProofRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var (position, size) = (Position(request.Position, "position", log.Size - 1), Position(request.TreeSize, "tree_size", log.Size));
        if (position >= size) throw Refusal.InvalidField(new FieldFault("position", FieldFaultKind.OutOfRange));
        var nodes = call.Read.Nodes();
        var response = new Wire.GetInclusionProofResponse { RecordHash = ToWire(nodes(0, position)) };
        response.Hashes.Add(MerkleProof.Inclusion(position, size, nodes).Select(ToWire));
        return Task.FromResult(response);
    }

    public override Task<Wire.GetConsistencyProofResponse> GetConsistencyProof(Wire.GetConsistencyProofRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var (from, to) = (Position(request.FromSize, "from_size", log.Size), Position(request.ToSize, "to_size", log.Size));
        if (from > to) throw Refusal.InvalidField(new FieldFault("from_size", FieldFaultKind.OutOfRange));
        var response = new Wire.GetConsistencyProofResponse();
        response.Hashes.Add(MerkleProof.Consistency(from, to, call.Read.Nodes()).Select(ToWire));
        return Task.FromResult(response);
    }

    public override async Task ReadLog(Wire.ReadLogRequest request, IServerStreamWriter<Wire.ReadLogResponse> responseStream, ServerCallContext context)
    {
        var call = Call.Of(context);
        // The record of this call stands already: what lies beyond the log is an empty stretch of it, not a refusal.
        var size = log.Size;
        var start = (long)Math.Min(request.Start, (ulong)size);
        var end = request.End == 0 ? size : (long)Math.Min(request.End, (ulong)size);
        while (start < end)
        {
            List<(long Position, byte[] LeafHash, byte[] Body)> records;
            using (var read = store.Read()) records = [.. read.ReadEntries(start, end, RecordsPerMessage)];
            if (records.Count == 0) return;
            var message = new Wire.ReadLogResponse { Position = (ulong)start };
            for (var at = 0; at < records.Count; at++)
            {
                var isGiven = IsGiven(call, records[at].LeafHash, records[at].Body);
                message.Records.Add(isGiven ? UnsafeByteOperations.UnsafeWrap(records[at].Body) : ByteString.Empty);
                if (!isGiven) message.Withheld.Add((uint)at);
            }

            message.RecordHashes.Add(records.Select(r => UnsafeByteOperations.UnsafeWrap(r.LeafHash)));
            call.RequireActive();
            await responseStream.WriteAsync(message, context.CancellationToken);
            start += records.Count;
        }
    }

    public override Task<Wire.ReportAccessesResponse> ReportAccesses(Wire.ReportAccessesRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var pseudonym = request.SubjectCase == Wire.ReportAccessesRequest.SubjectOneofCase.NationalId
            ? call.Vault.Pseudonyms.OfNationalId(NationalId.Parse(request.NationalId).Canonical)
            : Pseudonymizer.IsText(request.Pseudonym) ? request.Pseudonym : throw Refusal.InvalidField(new FieldFault("pseudonym", FieldFaultKind.NotOpaque));
        call.ConcernsPseudonym(pseudonym);
        var (after, before) = IntervalOf(request.After, request.Before);
        var filter = new AccessFilter { Pseudonym = pseudonym, Within = call.Agency.Jurisdiction, After = after, Before = before };
        var report = new AccessReport(call, SuppressionRules.Default);
        var response = report.Page(search, filter, PageToken.Read(request.PageToken, log.Size), SizeOf(request.PageSize), retention, request.ForOfficer);
        response.OtherPseudonyms.Add(OtherPseudonyms(call, request.NationalId));
        return Task.FromResult(response);
    }

    public override Task<Wire.ListPossibleViewersResponse> ListPossibleViewers(Wire.ListPossibleViewersRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var nationalId = NationalId.Parse(request.NationalId).Canonical;
        call.Concerns(nationalId);
        var (after, before) = IntervalOf(request.After, request.Before);
        return Task.FromResult(new PossibleViewers(call, search, after, before)
            .List(call.Read.FindPerson(call.Vault, nationalId), call.Vault.Pseudonyms.OfNationalId(nationalId), OtherPseudonyms(call, nationalId), log.Size));
    }

    /// <summary>Of a person who was asked for by number; the exchange tells no number by a pseudonym.</summary>
    private static List<string> OtherPseudonyms(Call call, string nationalId) =>
        nationalId.Length == 0 ? [] : call.Read.OtherPseudonyms(call.Vault, call.Vault.Index.OfNationalId(NationalId.Parse(nationalId).Canonical), call.Agency.Jurisdiction);

    private static (DateTimeOffset After, DateTimeOffset Before) IntervalOf(
        Google.Protobuf.WellKnownTypes.Timestamp? from, Google.Protobuf.WellKnownTypes.Timestamp? to)
    {
        var (after, before) = (from?.ToDateTimeOffset() ?? DateTimeOffset.UnixEpoch, to?.ToDateTimeOffset() ?? DateTimeOffset.MaxValue);
        return after < before ? (after, before) : throw Refusal.InvalidField(new FieldFault("before", FieldFaultKind.NotAfter, "after"));
    }

    /// <summary>An officer reads the records of its own jurisdiction, one of the central level all.</summary>
    private static bool IsOfficersConcern(Call call, Wire.AuditRecord record) =>
        call.Agency.Jurisdiction is Wire.Jurisdiction.Tw || record.Jurisdiction == call.Agency.Jurisdiction || IsOfRetention(record);

    /// <summary>What was purged is every reader's concern: without these records one that is gone cannot be told from one that was taken.</summary>
    private static bool IsOfRetention(Wire.AuditRecord record) => string.Equals(record.Method, PurgedRecords.Method, StringComparison.Ordinal);

    /// <summary>Records of the officer's concern, those that are gone, and bytes that are no record of ours: that somebody changed one in the store is every officer's concern.</summary>
    private static bool IsGiven(Call call, byte[] leafHash, byte[] body)
    {
        if (!MerkleTree.LeafHash(body).Bytes.SequenceEqual(leafHash)) return true;
        try
        {
            return IsOfficersConcern(call, Wire.AuditRecord.Parser.ParseFrom(body));
        }
        catch (InvalidProtocolBufferException)
        {
            return true;
        }
    }

    private static Wire.DecidingRule Describe(NeedToKnowPolicy policy, string ruleId) =>
        policy.FindRule(ruleId) is { } rule
            ? new Wire.DecidingRule { RuleId = ruleId, TextEn = rule.TextEn, TextZh = rule.TextZh, Source = rule.Source }
            : new Wire.DecidingRule { RuleId = ruleId };

    /// <summary>By the policy and the registry alone: nothing that is stored of a person has a part in it. A unit that is registered no longer is told nothing.</summary>
    private static Wire.WithheldClass WhatWouldOpen(NeedToKnowPolicy policy, Wire.ConfidentialityClass one, Protocol.Identity.Unit? unit)
    {
        var withheld = new Wire.WithheldClass { ConfidentialityClass = one, NotHoldable = unit?.Agency.Classes.Contains(one) == false };
        if (unit is null || withheld.NotHoldable) return withheld;
        foreach (var rule in Openings.Of(policy.Contents.Rules, unit.Agency.Kind, unit.Kind, one))
        {
            var opening = new Wire.OpeningRule { Rule = Describe(policy, rule.Id) };
            opening.Relationships.Add(Openings.Codes<Wire.Relationship>(CodeTable.Relationships, rule.When.Relationships));
            opening.Purposes.Add(Openings.Codes<Wire.Purpose>(CodeTable.Purposes, rule.When.Purposes));
            opening.Bases.Add(Openings.Codes<Wire.LegalBasis>(CodeTable.Bases, rule.When.Bases));
            opening.Limits.Add(Openings.LimitsOf(rule.When.Limits));
            opening.Facts.Add(Openings.FactsOf(rule.When.Requires));
            withheld.Openings.Add(opening);
        }

        return withheld;
    }

    private static int SizeOf(int asked) => asked == 0 ? 100 : asked;

    private static string TokenOf(AccessPage page) => page.GoOnBelow is { } position ? PageToken.Of(position) : "";

    /// <summary>Records name a method in full; people by service and method.</summary>
    private static string FullName(string method) => method.Length == 0 ? "" : $"/{Wire.AuditService.Descriptor.File.Package}.{method}";

    private static Wire.AccessEntry Entry(FoundAccess found) => Entry(found.Position, found.LeafHash, found.Record);

    private static Wire.AccessEntry Entry(long position, byte[] leaf, Wire.AuditRecord record) =>
        new() { Position = (ulong)position, Record = record, RecordHash = UnsafeByteOperations.UnsafeWrap(leaf) };

    private static ByteString ToWire(MerkleHash hash) => ByteString.CopyFrom(hash.Bytes);

    private static long Position(ulong value, string field, long most) =>
        value <= (ulong)Math.Max(0, most) ? (long)value : throw Refusal.InvalidField(new FieldFault(field, FieldFaultKind.OutOfRange));
}
