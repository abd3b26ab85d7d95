using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Tests.Cases;
using SafetyNet.Exchange.Tests.Conferences;
using SafetyNet.Exchange.Tests.Deliveries;
using SafetyNet.Exchange.Tests.Disputes;
using SafetyNet.Exchange.Tests.Grants;
using SafetyNet.Exchange.Tests.Hosting;
using SafetyNet.Exchange.Tests.Misuse;
using SafetyNet.Exchange.Tests.PersonLinks;
using SafetyNet.Exchange.Tests.Reports;
using SafetyNet.Exchange.Tests.Retention;
using SafetyNet.Exchange.Tests.Visits;

namespace SafetyNet.Exchange.Tests.Audit;

public sealed class EvidenceWireTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    [Trait("Rule", "R-AUD-1")]
    [Trait("Rule", "R-AUD-4")]
    public async Task Every_call_of_the_contract_leaves_one_record_whether_it_is_permitted_or_refused()
    {
        var requests = await PermittedRequestsAsync();
        Assert.Equal(
            Calls.Select(m => m.Name).Order(StringComparer.Ordinal), requests.Keys.Order(StringComparer.Ordinal));
        foreach (var method in Calls)
        {
            var (party, request) = requests[method.Name];
            var path = $"/{method.Service.FullName}/{method.Name}";

            var refusedRequest = Clone(request);
            var context = (Wire.AccessContext)method.InputType.FindFieldByName("context").Accessor.GetValue(refusedRequest);
            context.Purpose = Wire.Purpose.Statistics;
            var refused = await AssertRefusedAloneAsync(Wire.ErrorReason.PurposeNotAllowed, () => CallAsync(party, method, refusedRequest));
            AssertIsOf(party, path, Exchange.RecordOf(refused.Receipt!));

            // Each key of a batch has a record of its own, before that of the batch.
            var before = Exchange.RecordCount() + (request is Wire.BatchLookUpHouseholdsRequest { Keys.Count: var keys } ? keys : 0);
            var receipt = await CallAsync(party, method, request);
            var record = Assert.Single(Exchange.RecordsFrom(before));
            Assert.Equal(Wire.AuditOutcome.Permitted, record.Outcome);
            Assert.Empty(record.Reason);
            AssertIsOf(party, path, record);
            if (receipt is not null) Assert.Equal((before, record.DecisionId), (receipt.Position, receipt.DecisionId));
        }
    }

    [Fact]
    [Trait("Rule", "R-AUD-3")]
    [Trait("Rule", "R-AUD-8")]
    public async Task A_caller_proves_from_its_receipt_that_its_call_is_in_the_signed_log()
    {
        var answer = await The.School.AnswerAsync(to => to.Referrals.CreateReferralAsync(Some.Referral(The.School, The.Centre.UnitId)));
        var refused = await Refused.ByAsync(() => The.Police.ReadsAsync(The.NobodysUuid));
        var first = Head(await The.School.AwaitsCheckpointOverAsync(Exchange, refused.Receipt!.Position));
        foreach (var receipt in (CallReceipt[])[answer.Receipt, refused.Receipt])
        {
            var proof = await The.School.AskAsync(to => to.Audit.GetInclusionProofAsync(new()
            {
                Context = The.School.Context(), Position = (ulong)receipt.Position, TreeSize = (ulong)first.Size,
            }));
            var hashes = proof.Hashes.Select(h => new MerkleHash(h.Span)).ToArray();
            Assert.Equal(ProofVerdict.Valid, MerkleProof.VerifyInclusion(receipt.RecordHash, receipt.Position, first.Size, hashes, first.Root));
            Assert.NotEqual(ProofVerdict.Valid, MerkleProof.VerifyInclusion(receipt.RecordHash, receipt.Position - 1, first.Size, hashes, first.Root));
            Assert.Equal(receipt.RecordHash, MerkleTree.LeafHash(Exchange.RecordOf(receipt).ToByteArray()));
        }

        var later = await The.School.AnswerAsync(to => to.Members.GetSelfAsync(new() { Context = The.School.Context() }));
        var second = Head(await The.School.AwaitsCheckpointOverAsync(Exchange, later.Receipt.Position));
        Assert.True(second.Size > first.Size);
        var consistency = await The.School.AskAsync(to => to.Audit.GetConsistencyProofAsync(new()
        {
            Context = The.School.Context(), FromSize = (ulong)first.Size, ToSize = (ulong)second.Size,
        }));
        var between = consistency.Hashes.Select(h => new MerkleHash(h.Span)).ToArray();
        Assert.Equal(ProofVerdict.Valid, MerkleProof.VerifyConsistency(first.Size, first.Root, second.Size, second.Root, between));
        Assert.NotEqual(ProofVerdict.Valid, MerkleProof.VerifyConsistency(first.Size, second.Root, second.Size, first.Root, between));
    }

    [Fact]
    [Trait("Rule", "R-AUD-3")]
    public async Task The_log_read_by_an_officer_verifies_against_its_signed_head()
    {
        var made = await The.School.AnswerAsync(to => to.Referrals.CreateReferralAsync(Some.Referral(The.School, The.Centre.UnitId)));
        var checkpoint = await The.Officer.AwaitsCheckpointOverAsync(Exchange, made.Receipt.Position);
        var (signed, entries) = (Signed(checkpoint), new List<LogEntry>());
        using var reading = The.Officer.Channel.Audit.ReadLog(new() { Context = The.Officer.Context(), End = (ulong)signed.Checkpoint.Size });
        while (await reading.ResponseStream.MoveNext(CancellationToken.None)) entries.AddRange(reading.ResponseStream.Current.Entries());

        Assert.True(Verdict(signed, entries).IsIntact);
        var own = entries.FindIndex(e => e.Record is not null);
        var record = Wire.AuditRecord.Parser.ParseFrom(entries[own].Record!.Value.Span);
        record.ActorPersonId = "X0000";
        var (changed, rehashed) = (entries.ToList(), entries.ToList());
        changed[own] = entries[own] with { Record = record.ToByteArray() };
        rehashed[own] = changed[own] with { LeafHash = MerkleTree.LeafHash(record.ToByteArray()) };
        Assert.Equal((LogFault.RecordChanged, own), (Verdict(signed, changed).Fault, (int)Verdict(signed, changed).FirstBadIndex!.Value));
        Assert.Equal(LogFault.Rewritten, Verdict(signed, rehashed).Fault);
        Assert.Equal(LogFault.Missing, Verdict(signed, [.. entries.Take(5), .. entries.Skip(6)]).Fault);
        Assert.Equal(LogFault.Truncated, Verdict(signed, [.. entries.SkipLast(1)]).Fault);
        Assert.Equal(LogFault.Missing, Verdict(signed, [entries[1], entries[0], .. entries.Skip(2)]).Fault);
    }

    [Fact]
    [Trait("Rule", "R-NTK-15")]
    public async Task A_decision_is_explained_to_its_caller_and_to_an_officer_and_to_nobody_else()
    {
        var family = Some.Family();
        var referral = await The.Centre.TakesInAsync(The.School, Some.SubjectOf(family.Child));
        var found = await The.Centre.LooksUpAsync(family.Child.NationalId.Canonical, referral: referral.ReferralId);
        Wire.ExplainDecisionRequest Ask(Party by) => new() { Context = by.Context(), DecisionId = found.Disclosure.DecisionId };

        var told = await The.Centre.AskAsync(to => to.Audit.ExplainDecisionAsync(Ask(The.Centre)));
        Assert.Equal(found.Disclosure.ShownClasses, told.ShownClasses);
        Assert.Equal(found.Disclosure.WithheldClasses, told.WithheldClasses);
        Assert.NotEmpty(told.Rules);
        Assert.All(told.Rules, rule => Assert.True(rule.RuleId.Length > 0 && rule.TextEn.Length > 0 && rule.TextZh.Length > 0 && rule.Source.Length > 0));
        Assert.Null(told.Entry);

        var officer = await The.Officer.AskAsync(to => to.Audit.ExplainDecisionAsync(Ask(The.Officer)));
        Assert.Equal($"referral/{referral.ReferralId}", officer.Entry.Record.Reference);
        foreach (var stranger in (Party[])[The.Police, The.CentreOfTaoyuan, The.OfficerOfTaoyuan])
            Assert.Equal(Wire.ErrorReason.NotFound, (await stranger.AskInVainAsync(to => to.Audit.ExplainDecisionAsync(Ask(stranger)))).Reason);
    }

    /// <summary>Of a stream of the client each message leaves a record, and the stream one: a test of its own counts them (ReportWireTests).</summary>
    private static IEnumerable<MethodDescriptor> Calls => ContractMethods.All.Where(method => !method.IsClientStreaming);

    private static Task<CallReceipt?> CallAsync(Party party, MethodDescriptor method, IMessage request) => method.IsServerStreaming
        ? OpenAsync(party, method, request)
        : AnswerAsync(party, method, request);

    private static async Task<CallReceipt?> AnswerAsync(Party party, MethodDescriptor method, IMessage request)
    {
        using var call = party.Channel.Invoker.AsyncUnaryCall(ContractMethods.ToGrpc(method), host: null, default, request);
        await call;
        return CallReceipt.Read(call.GetTrailers());
    }

    /// <summary>Takes one message of a stream and leaves.</summary>
    private static async Task<CallReceipt?> OpenAsync(Party party, MethodDescriptor method, IMessage request)
    {
        using var leaving = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var call = party.Channel.Invoker.AsyncServerStreamingCall(ContractMethods.ToGrpc(method), host: null, new CallOptions(cancellationToken: leaving.Token), request);
        Assert.True(await call.ResponseStream.MoveNext(leaving.Token));
        return null;
    }

    private static void AssertIsOf(Party party, string path, Wire.AuditRecord record) => Assert.Equal(
        (path, party.System.Uri, party.UnitId, party.PersonId, 32), (record.Method, record.System, record.ActorUnitId, record.ActorPersonId, record.CertificateSha256.Length));

    private static IMessage Clone(IMessage request) => request.Descriptor.Parser.ParseFrom(request.ToByteArray());

    /// <summary>An officer of a county may prove the whole log, and reads its own county's part of it (R-NTK-13).</summary>
    [Fact]
    [Trait("Rule", "R-NTK-13")]
    [Trait("Abuse", "B45")]
    public async Task An_officer_reads_the_records_of_its_own_county_and_of_the_others_the_hash()
    {
        await The.School.AnswerAsync(to => to.Members.GetSelfAsync(new() { Context = The.School.Context() }));
        var made = await The.CentreOfTaoyuan.AnswerAsync(to => to.Members.GetSelfAsync(new() { Context = The.CentreOfTaoyuan.Context() }));
        var signed = Signed(await The.Officer.AwaitsCheckpointOverAsync(Exchange, made.Receipt.Position));
        var stored = Exchange.Query("SELECT body, leaf_hash FROM audit_record ORDER BY position", r => (Body: r.GetFieldValue<byte[]>(0), Hash: r.GetFieldValue<byte[]>(1)));
        foreach (var (officer, own) in ((Party, Wire.Jurisdiction)[])[(The.Officer, Wire.Jurisdiction.Tpe), (The.OfficerOfTaoyuan, Wire.Jurisdiction.Tao)])
        {
            var verifier = new LogVerifier([signed]);
            using var reading = officer.Channel.Audit.ReadLog(new() { Context = officer.Context(), End = (ulong)signed.Checkpoint.Size });
            while (await reading.ResponseStream.MoveNext(CancellationToken.None))
            {
                foreach (var entry in reading.ResponseStream.Current.Entries())
                {
                    var (body, hash) = stored[(int)entry.Index];
                    Assert.Equal(hash, entry.LeafHash.ToArray());
                    if (Wire.AuditRecord.Parser.ParseFrom(body).Jurisdiction == own) Assert.Equal(body, entry.Record!.Value.ToArray());
                    else Assert.Null(entry.Record);
                    Assert.True(verifier.Add(entry));
                }
            }

            var verdict = verifier.Finish();
            Assert.True(verdict.IsIntact, verdict.Explanation);
            Assert.InRange(verdict.WithheldRecords, 1, verdict.Size - 1);
            Assert.Contains("of which only the hash was given", verdict.Explanation, StringComparison.Ordinal);
        }
    }

    private static LogVerdict Verdict(SignedCheckpoint signed, List<LogEntry> entries)
    {
        var verifier = new LogVerifier([signed]);
        foreach (var entry in entries)
            if (!verifier.Add(entry)) break;
        return verifier.Finish();
    }

    private static Checkpoint Head(Wire.GetCheckpointResponse answer) => Signed(answer).Checkpoint;

    private static SignedCheckpoint Signed(Wire.GetCheckpointResponse answer)
    {
        Assert.True(NoteVerifier.TryParse(answer.VerifierKey, out var verifier, out _));
        Assert.True(SignedCheckpoint.TryOpen(System.Text.Encoding.UTF8.GetBytes(answer.Note), verifier, [], out var signed, out var problem), problem);
        return signed;
    }

    /// <summary>One call of each kind that will be permitted, made so that none stands in another's way.</summary>
    private static readonly Wire.ReferralAction[] Accepted = [Wire.ReferralAction.See, Wire.ReferralAction.Accept];

    private async Task<Dictionary<string, (Party, IMessage)>> PermittedRequestsAsync()
    {
        var (school, centre, health, officer) = (The.School, The.WanhuaCentre, The.MentalHealthCentre, The.Officer);
        async Task<string> Referral(params Wire.ReferralAction[] moves)
        {
            var id = (await school.RefersAsync(centre)).ReferralId;
            await centre.MovesAsync(id, moves);
            return id;
        }

        async Task<string> AskedBack()
        {
            var id = await Referral(Accepted);
            await school.MovesAsync(Wire.ReferralAction.RequestWithdrawal, id);
            return id;
        }

        var family = Some.Family();
        var taken = (await centre.TakesInAsync(school, Some.SubjectOf(family.Child))).ReferralId;
        var opened = (await centre.OpensCaseAsync(taken)).CaseId;
        var invited = (await centre.OpensCaseAsync(await Referral(Wire.ReferralAction.See, Wire.ReferralAction.Accept))).CaseId;
        await centre.AsksInAsync(invited, health, Wire.Article6Service.MentalHealth);
        var joined = (await centre.OpensCaseAsync(await Referral(Wire.ReferralAction.See, Wire.ReferralAction.Accept))).CaseId;
        await centre.AsksInAsync(joined, health, Wire.Article6Service.MentalHealth);
        await health.JoinsAsync(joined);
        var decision = (await school.AnswerAsync(to => to.Members.GetSelfAsync(new() { Context = school.Context() }))).Receipt.DecisionId;
        var size = (ulong)Exchange.Composition.Log.Size;
        await school.RefersAsync(The.HealthStation, service: Wire.Article6Service.MedicalCare);
        var waiting = Exchange.Query("SELECT last_sequence FROM inbox WHERE unit_id = $0", r => (ulong)r.GetInt64(0), The.HealthStation.UnitId)[0];
        var second = officer.Colleague("S0008");
        var proposed = await officer.ProposesAsync(PolicyText.BuiltIn.Next(Exchange));
        var ahead = Exchange.Clock.GetUtcNow().AddDays(3);
        var met = (await centre.ConvenesAsync(centre.Conference(opened, ahead, [The.Police], Wire.ConfidentialityClass.Identity))).ConferenceId;
        var correction = (await school.CorrectsAsync(
            Wire.DisclosureStep.Referral, taken, family.Child.NationalId.Canonical, Wire.ConfidentialityClass.Identity)).CorrectionId;
        var duty = The.Police.As(Wire.ActorRole.DutyOfficer, "P2001");
        async Task<string> Applied() => (await The.Police.AppliesAsync(The.Police.Application(Exchange, family.Child.NationalId.Canonical, Wire.ConfidentialityClass.Identity))).GrantId;
        async Task<string> Granted() => (await centre.GrantsAsync(await Applied())).GrantId;
        Wire.BreakGlassRequest Breaking()
        {
            var breaking = new Wire.BreakGlassRequest
            {
                Context = duty.Context(Wire.Purpose.CrisisResponse, Wire.LegalBasis.ImminentDanger), RequestId = Some.RequestId(), NationalId = Some.StrangersId(),
            };
            breaking.Context.Justification = GrantMoves.Why;
            return breaking;
        }

        var broken = (await duty.AskAsync(to => to.BreakGlass.BreakGlassAsync(Breaking()))).Opened.BreakGlassId;
        var pseudonym = (await officer.AskAsync(to => to.Audit.ListAccessesAsync(new() { Context = officer.Context(), NationalId = family.Child.NationalId.Canonical }))).Pseudonym;
        var approved = (await officer.RequestsRevealAsync(pseudonym)).RevealId;
        await second.DecidesRevealAsync(approved);
        var (planted, decoy) = (await officer.PlantsAsync(Some.StrangersId()), Some.StrangersId());
        await officer.PlantsAsync(decoy);
        await Refused.ByAsync(() => centre.LooksUpAsync(decoy, inCase: The.NobodysUuid));
        var finding = (await officer.FindsAsync(Exchange, Wire.MisuseRuleId.Canary))[0].FindingId;
        var desk = The.Intake;
        async Task<string> Reported() => (await school.ReportsAsync()).ReportId;
        async Task<string> Classed() => (await desk.ScreensAsync(await Reported())).ReportId;
        async Task<Wire.Report> Offered() => await desk.DispatchesAsync(desk.Dispatch(await Classed(), centre));
        async Task<string> TakenOn() => (await centre.AcceptsOfferAsync(await Offered())).ReferralId;
        async Task<Wire.LeadDispute> Disputed() => await centre.DisputesAsync((await The.LedByAsync(centre)).ReportId, The.Centre);
        var ruled = await Disputed();
        await The.Intake.RulesAsync(ruled.DisputeId, centre);
        await Exchange.ChangeRegistryAsync(registry => registry.Units.Single(u => u.UnitId == The.Intake.UnitId).SupervisorUnitId = The.ProtectionCentre.UnitId);
        var visited = await The.VisitedAsync();
        async Task<string> Followed() => (await health.StartsAsync(await The.VisitedAsync())).RunId;
        async Task<string> Planned() => (await health.PlansAsync(health.Plan(visited, Exchange.Clock.GetUtcNow().DayIn(2)))).VisitId;
        Wire.AccessContext InCase(Party by, string id) => by.Context(Wire.Purpose.CaseCoordination, inCase: id);
        var requests = new Dictionary<string, (Party, IMessage)>(StringComparer.Ordinal)
        {
            ["ApplyForGrant"] = (The.Police, The.Police.Application(Exchange, family.Mother.NationalId.Canonical, Wire.ConfidentialityClass.Identity)),
            ["DecideGrant"] = (centre, centre.Decision(await Applied())),
            ["NarrowGrant"] = (centre, new Wire.NarrowGrantRequest { Context = centre.Context(), RequestId = Some.RequestId(), GrantId = await Granted() }),
            ["RevokeGrant"] = (centre, centre.Revocation(await Granted())),
            ["GetGrant"] = (centre, new Wire.GetGrantRequest { Context = centre.Context(), GrantId = await Applied() }),
            ["ListGrants"] = (The.Police, new Wire.ListGrantsRequest { Context = The.Police.Context(), Side = Wire.GrantSide.Made }),
            ["BreakGlass"] = (duty, Breaking()),
            ["ListBreakGlassReviews"] = (officer, new Wire.ListBreakGlassReviewsRequest { Context = officer.Context() }),
            ["ReviewBreakGlass"] = (officer, new Wire.ReviewBreakGlassRequest
            {
                Context = officer.Context(), RequestId = Some.RequestId(), BreakGlassId = broken, Verdict = Wire.BreakGlassVerdict.Justified, Reason = GrantMoves.Why,
            }),
            ["RequestReveal"] = (officer, RevealMoves.Requesting(officer, pseudonym)),
            ["DecideReveal"] = (second, RevealMoves.Deciding(second, (await officer.RequestsRevealAsync(pseudonym)).RevealId)),
            ["GetReveal"] = (officer, new Wire.GetRevealRequest { Context = officer.Context(), RevealId = approved }),
            ["ListReveals"] = (officer, new Wire.ListRevealsRequest { Context = officer.Context() }),
            ["RegisterStaff"] = (officer, new Wire.RegisterStaffRequest
            {
                Context = officer.Context(), RequestId = Some.RequestId(), AgencyCode = "dosw", StaffNumber = "W7777", NationalId = Some.StrangersId(),
            }),
            ["PlantCanary"] = (officer, new Wire.PlantCanaryRequest { Context = officer.Context(), RequestId = Some.RequestId(), NationalId = Some.StrangersId() }),
            ["WithdrawCanary"] = (officer, new Wire.WithdrawCanaryRequest { Context = officer.Context(), RequestId = Some.RequestId(), CanaryId = planted }),
            ["ListFindings"] = (officer, new Wire.ListFindingsRequest { Context = officer.Context() }),
            ["GetFinding"] = (officer, new Wire.GetFindingRequest { Context = officer.Context(), FindingId = finding }),
            ["DisposeFinding"] = (officer, MisuseMoves.Disposing(officer, finding, Wire.FindingState.FalseAlarm)),
            ["ListMisuseRules"] = (officer, new Wire.ListMisuseRulesRequest { Context = officer.Context() }),
            ["GetSelf"] = (school, new Wire.GetSelfRequest { Context = school.Context() }),
            ["ListUnits"] = (school, new Wire.ListUnitsRequest { Context = school.Context() }),
            ["CreateReferral"] = (school, Some.Referral(school, centre.UnitId)),
            ["GetReferral"] = (centre, new Wire.GetReferralRequest { Context = centre.Context(), ReferralId = taken }),
            ["ListReferrals"] = (centre, new Wire.ListReferralsRequest { Context = centre.Context() }),
            ["MarkReferralSeen"] = (centre, new Wire.MarkReferralSeenRequest { Context = centre.Context(), RequestId = Some.RequestId(), ReferralId = await Referral(Wire.ReferralAction.Deliver) }),
            ["AcceptReferral"] = (centre, new Wire.AcceptReferralRequest
            {
                Context = centre.Context(), RequestId = Some.RequestId(), ReferralId = await Referral(Wire.ReferralAction.See),
            }),
            ["ReturnReferral"] = (centre, new Wire.ReturnReferralRequest
            {
                Context = centre.Context(), RequestId = Some.RequestId(), ReferralId = await Referral(Wire.ReferralAction.See), Missing = { Wire.MissingPart.Contact },
            }),
            ["ResubmitReferral"] = (school, new Wire.ResubmitReferralRequest
            {
                Context = school.Context(), RequestId = Some.RequestId(), ReferralId = await Referral(Wire.ReferralAction.See, Wire.ReferralAction.Return),
            }),
            ["DeclineReferral"] = (centre, new Wire.DeclineReferralRequest
            {
                Context = centre.Context(), RequestId = Some.RequestId(), ReferralId = await Referral(Wire.ReferralAction.See), Reason = Wire.DeclineReason.NeedAlreadyMet,
            }),
            ["WithdrawReferral"] = (school, new Wire.WithdrawReferralRequest { Context = school.Context(), RequestId = Some.RequestId(), ReferralId = await Referral() }),
            ["BeginService"] = (centre, new Wire.BeginServiceRequest
            {
                Context = centre.Context(), RequestId = Some.RequestId(), ReferralId = await Referral(Wire.ReferralAction.See, Wire.ReferralAction.Accept),
            }),
            ["CloseReferral"] = (centre, new Wire.CloseReferralRequest
            {
                Context = centre.Context(), RequestId = Some.RequestId(), Outcome = Wire.ReferralOutcome.GoalsMet,
                ReferralId = await Referral(Wire.ReferralAction.See, Wire.ReferralAction.Accept, Wire.ReferralAction.BeginService),
            }),
            ["RequestWithdrawal"] = (school, new Wire.RequestWithdrawalRequest { Context = school.Context(), RequestId = Some.RequestId(), ReferralId = await Referral(Accepted) }),
            ["ConfirmWithdrawal"] = (centre, new Wire.ConfirmWithdrawalRequest { Context = centre.Context(), RequestId = Some.RequestId(), ReferralId = await AskedBack() }),
            ["RefuseWithdrawal"] = (centre, new Wire.RefuseWithdrawalRequest { Context = centre.Context(), RequestId = Some.RequestId(), ReferralId = await AskedBack() }),
            ["ProposeTransfer"] = (centre, centre.Transfer(await Referral(Accepted), The.Centre.UnitId)),
            ["AssignReferral"] = (centre, new Wire.AssignReferralRequest
            {
                Context = centre.Context(), RequestId = Some.RequestId(), ReferralId = await Referral(Accepted), AssignedPersonId = "W0777",
            }),
            ["RecordPersuasion"] = (centre, centre.Persuasion(await centre.ReadsAsync(await Referral(Accepted)), Wire.PersuasionResult.Unwilling)),
            ["RecordSearchStep"] = (centre, new Wire.RecordSearchStepRequest
            {
                Context = centre.Context(), RequestId = Some.RequestId(), ReferralId = await Referral(Accepted), Kind = Wire.SearchStepKind.HomeVisit, MadeAt = new Google.Protobuf.WellKnownTypes.Timestamp { Seconds = 1 },
            }),
            ["OpenCase"] = (centre, new Wire.OpenCaseRequest
            {
                Context = centre.Context(), RequestId = Some.RequestId(), ReferralId = await Referral(Wire.ReferralAction.See, Wire.ReferralAction.Accept),
            }),
            ["GetCase"] = (centre, new Wire.GetCaseRequest { Context = InCase(centre, opened), CaseId = opened }),
            ["InviteUnit"] = (centre, new Wire.InviteUnitRequest
            {
                Context = InCase(centre, opened), RequestId = Some.RequestId(), CaseId = opened, UnitId = The.Labor.UnitId, Services = { Wire.Article6Service.EmploymentGuidance },
            }),
            ["JoinCase"] = (health, new Wire.JoinCaseRequest { Context = InCase(health, invited), RequestId = Some.RequestId(), CaseId = invited }),
            ["CreateNote"] = (centre, centre.Note(opened, Wire.ConfidentialityClass.CaseNote, "家訪一次")),
            ["ListNotes"] = (centre, new Wire.ListNotesRequest { Context = InCase(centre, opened), CaseId = opened }),
            ["SearchNotes"] = (centre, new Wire.SearchNotesRequest { Context = InCase(centre, opened), CaseId = opened, Text = "家訪" }),
            ["AmendNote"] = (centre, centre.Amendment(opened, await centre.WritesAsync(centre.Note(opened, Wire.ConfidentialityClass.CaseNote, "家訪")), "家訪兩次")),
            ["ShareNotes"] = (health, health.Sharing(joined, new() { UnitId = centre.UnitId, LegalBasis = Wire.LegalBasis.SubjectWaiver },
                await health.WritesAsync(health.Note(joined, Wire.ConfidentialityClass.MentalHealth, "晤談")))),
            ["ListNoteVersions"] = (centre, new Wire.ListNoteVersionsRequest
            {
                Context = InCase(centre, opened), CaseId = opened, NoteId = (await centre.WritesAsync(centre.Note(opened, Wire.ConfidentialityClass.CaseNote, "家訪"))).NoteId,
            }),
            ["LookUpHousehold"] = (centre, centre.LookUp(family.Child.NationalId.Canonical, inCase: opened)),
            ["BatchLookUpHouseholds"] = (centre, centre.LookUpAll(InCase(centre, opened), new Wire.LookUpKey { NationalId = family.Child.NationalId.Canonical }, new Wire.LookUpKey { NationalId = Some.StrangersId() })),
            ["ListNotices"] = (school, new Wire.ListNoticesRequest { Context = school.Context() }),
            ["ListParkedNotices"] = (school, new Wire.ListParkedNoticesRequest { Context = school.Context() }),
            ["ListClocks"] = (centre, new Wire.ListClocksRequest { Context = centre.Context() }),
            ["WatchCases"] = (centre, new Wire.WatchCasesRequest { Context = centre.Context() }),
            ["WatchInbox"] = (The.HealthStation, new Wire.WatchInboxRequest { Context = The.HealthStation.Context(), AfterSequence = waiting - 1 }),
            ["AcknowledgeNotices"] = (The.HealthStation, new Wire.AcknowledgeNoticesRequest
            {
                Context = The.HealthStation.Context(), RequestId = Some.RequestId(), UpToSequence = waiting,
            }),
            ["SearchAccesses"] = (officer, new Wire.SearchAccessesRequest { Context = officer.Context(), NationalId = family.Child.NationalId.Canonical }),
            ["ListAccesses"] = (officer, new Wire.ListAccessesRequest { Context = officer.Context(), NationalId = family.Child.NationalId.Canonical }),
            ["ExplainDecision"] = (school, new Wire.ExplainDecisionRequest { Context = school.Context(), DecisionId = decision }),
            ["GetCheckpoint"] = (school, new Wire.GetCheckpointRequest { Context = school.Context() }),
            ["GetInclusionProof"] = (school, new Wire.GetInclusionProofRequest { Context = school.Context(), Position = 0, TreeSize = size }),
            ["GetConsistencyProof"] = (school, new Wire.GetConsistencyProofRequest { Context = school.Context(), FromSize = 1, ToSize = size }),
            ["ProposePolicy"] = (officer, officer.Proposal(PolicyText.BuiltIn.Next(Exchange))),
            ["ActivatePolicy"] = (second, second.Activation(proposed)),
            ["GetPolicy"] = (school, new Wire.GetPolicyRequest { Context = school.Context() }),
            ["ListExpiringBases"] = (officer, new Wire.ListExpiringBasesRequest { Context = officer.Context() }),
            ["ReportAccesses"] = (officer, new Wire.ReportAccessesRequest { Context = officer.Context(), NationalId = family.Child.NationalId.Canonical }),
            ["ListPossibleViewers"] = (officer, new Wire.ListPossibleViewersRequest { Context = officer.Context(), NationalId = family.Child.NationalId.Canonical }),
            ["PlaceLegalHold"] = (officer, officer.Holding(Some.StrangersId())),
            ["ReleaseLegalHold"] = (second, second.Releasing((await officer.HoldsAsync(officer.Holding(Some.StrangersId()))).HoldId)),
            ["ListLegalHolds"] = (officer, new Wire.ListLegalHoldsRequest { Context = officer.Context() }),
            ["GetRetention"] = (officer, new Wire.GetRetentionRequest { Context = officer.Context() }),
            ["ReadLog"] = (officer, new Wire.ReadLogRequest { Context = officer.Context(), End = 3 }),
            ["SetProtectiveScope"] = (centre, new Wire.SetProtectiveScopeRequest
            {
                Context = InCase(centre, invited), RequestId = Some.RequestId(), CaseId = invited, UnitId = health.UnitId,
            }),
            ["MarkOtherParty"] = (centre, new Wire.MarkOtherPartyRequest
            {
                Context = InCase(centre, opened), RequestId = Some.RequestId(), CaseId = opened, NationalId = Some.StrangersId(), Reason = "保護令之相對人",
            }),
            ["ProtectWhereabouts"] = (centre, new Wire.ProtectWhereaboutsRequest
            {
                Context = InCase(centre, opened), RequestId = Some.RequestId(), NationalId = family.Child.NationalId.Canonical, Reason = "保護令核發中",
            }),
            ["ConveneConference"] = (centre, centre.Conference(opened, ahead, [The.Police], Wire.ConfidentialityClass.Identity)),
            ["AmendConference"] = (centre, new Wire.AmendConferenceRequest
            {
                Context = centre.AtConference(met), RequestId = Some.RequestId(), ConferenceId = met, Agenda = { Wire.ConfidentialityClass.Identity },
            }),
            ["InviteToConference"] = (centre, new Wire.InviteToConferenceRequest
            {
                Context = centre.AtConference(met), RequestId = Some.RequestId(), ConferenceId = met, UnitIds = { The.Borough.UnitId },
            }),
            ["WithdrawInvitation"] = (centre, new Wire.WithdrawInvitationRequest
            {
                Context = centre.AtConference(met), RequestId = Some.RequestId(), ConferenceId = met, UnitId = The.Police.UnitId,
            }),
            ["GetConference"] = (centre, new Wire.GetConferenceRequest { Context = centre.AtConference(met), ConferenceId = met }),
            ["ListConferences"] = (centre, new Wire.ListConferencesRequest { Context = centre.AtConference() }),
            ["ListDisclosures"] = (centre, new Wire.ListDisclosuresRequest { Context = centre.Context(), NationalId = family.Child.NationalId.Canonical }),
            ["NarrowDisclosure"] = (school, new Wire.NarrowDisclosureRequest
            {
                Context = school.Context(), RequestId = Some.RequestId(), Step = Wire.DisclosureStep.Referral, StepId = taken, ToUnitId = centre.UnitId,
                Classes = { Wire.ConfidentialityClass.Contact },
            }),
            ["CorrectSharedData"] = (school, new Wire.CorrectSharedDataRequest
            {
                Context = school.Context(), RequestId = Some.RequestId(), Step = Wire.DisclosureStep.Referral, StepId = taken,
                NationalId = family.Child.NationalId.Canonical, ConfidentialityClass = Wire.ConfidentialityClass.Identity, Wrong = "舊名", Right = "新名",
            }),
            ["GetCorrection"] = (centre, new Wire.GetCorrectionRequest { Context = centre.Context(), CorrectionId = correction }),
            ["ListCorrections"] = (centre, new Wire.ListCorrectionsRequest { Context = centre.Context() }),
            ["AcknowledgeCorrection"] = (centre, new Wire.AcknowledgeCorrectionRequest
            {
                Context = centre.Context(), RequestId = Some.RequestId(), CorrectionId = correction,
            }),
            ["SubmitReport"] = (school, school.Report()),
            ["GetReport"] = (school, new Wire.GetReportRequest { Context = school.Context(), ReportId = await Reported() }),
            ["ListReports"] = (school, new Wire.ListReportsRequest { Context = school.Context() }),
            ["GetScreening"] = (desk, new Wire.GetScreeningRequest { Context = desk.Screening(), ReportId = await Reported() }),
            ["ScreenReport"] = (desk, desk.Class(await Reported(), Wire.ReportClass.New)),
            ["DispatchReport"] = (desk, desk.Dispatch(await Classed(), centre)),
            ["RecallReport"] = (desk, new Wire.RecallReportRequest { Context = desk.Screening(), RequestId = Some.RequestId(), ReportId = (await Offered()).ReportId }),
            ["RecordFirstContact"] = (centre, new Wire.RecordFirstContactRequest
            {
                Context = centre.Context(), RequestId = Some.RequestId(), ReferralId = await TakenOn(), ContactedAt = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(Exchange.Clock.GetUtcNow()),
            }),
            ["CloseReport"] = (desk, new Wire.CloseReportRequest
            {
                Context = desk.Screening(), RequestId = Some.RequestId(), ReportId = await Classed(), Reason = Wire.NotOpenedReason.NeedAlreadyMet,
            }),
            ["StateCapacity"] = (The.HealthStation, new Wire.StateCapacityRequest
            {
                Context = The.HealthStation.Context(), RequestId = Some.RequestId(), Capacities = { new Wire.ServiceCapacity { Service = Wire.Article6Service.MedicalCare, OpenPlaces = 2 } },
            }),
            ["ListProtocols"] = (school, new Wire.ListProtocolsRequest { Context = school.Context() }),
            ["ListSourceSystems"] = (school, new Wire.ListSourceSystemsRequest { Context = school.Context() }),
            ["OpenLeadDispute"] = (centre, centre.Disputing((await The.LedByAsync(centre)).ReportId, The.Centre)),
            ["DecideLeadDispute"] = (The.Intake, The.Intake.Ruling((await Disputed()).DisputeId, The.Centre)),
            ["AppealLeadDispute"] = (centre, centre.Appealing(ruled.DisputeId)),
            ["GetLeadDispute"] = (centre, new Wire.GetLeadDisputeRequest { Context = centre.Context(), DisputeId = ruled.DisputeId }),
            ["ListLeadDisputes"] = (centre, new Wire.ListLeadDisputesRequest { Context = centre.Context() }),
            ["StartProtocol"] = (health, health.Protocol(visited)),
            ["PlanVisit"] = (health, health.Plan(visited, Exchange.Clock.GetUtcNow().DayIn(1))),
            ["RecordVisit"] = (health, health.Visit(await Planned(), Exchange.Clock.GetUtcNow())),
            ["RecordAttempt"] = (health, health.Attempt(await Planned(), Exchange.Clock.GetUtcNow())),
            ["RescheduleVisit"] = (health, health.Reschedule(await Planned(), Exchange.Clock.GetUtcNow().DayIn(5))),
            ["CancelVisit"] = (health, health.Cancel(await Planned())),
            ["EndProtocol"] = (health, health.Ending(await Followed(), VisitMoves.Why)),
            ["GetProtocol"] = (health, new Wire.GetProtocolRequest { Context = health.Context(), RunId = await Followed() }),
            ["ListVisits"] = (health, new Wire.ListVisitsRequest { Context = health.Context(), CaseId = visited.CaseId }),
            ["SearchPrecedents"] = (school, new Wire.SearchPrecedentsRequest { Context = school.Context() }),
        };
        foreach (var (method, asked) in await The.CaseLifeRequestsAsync()) requests.Add(method, asked);
        foreach (var (method, asked) in await The.DeliveryRequestsAsync()) requests.Add(method, asked);
        requests.Add("DecidePersonLink", (The.Register, The.Register.Link(Some.Family().Mother.NationalId.Canonical, Some.StrangersId())));
        requests.Add("ListPersonLinks", (The.Register, new Wire.ListPersonLinksRequest { Context = The.Register.Context(), NationalId = Some.StrangersId() }));
        foreach (var (method, asked) in await The.MeetingRequestsAsync(Exchange)) requests.Add(method, asked);
        return requests;
    }
}
