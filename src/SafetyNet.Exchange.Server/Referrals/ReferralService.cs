using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Referrals;

/// <summary>The RPCs of referrals: load, decide, change, answer. Identity, access, limits, validation and the record are the pipeline's.</summary>
internal sealed class ReferralService : Wire.ReferralService.ReferralServiceBase, IReactTo<NoticesAcknowledged>, IReactTo<ViewNarrowed>
{
    private static readonly Guid AfterEverything = new("ffffffff-ffff-ffff-ffff-ffffffffffff");

    public override Task<Wire.CreateReferralResponse> CreateReferral(Wire.CreateReferralRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var referral = call.Replayed is { } made ? Load(call, Guid.Parse(made)) : Create(call, request);
        return Task.FromResult(new Wire.CreateReferralResponse { Referral = Show(call, referral, call.DecideOn(referral)) });
    }

    public override Task<Wire.GetReferralResponse> GetReferral(Wire.GetReferralRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var referral = Load(call, Guid.Parse(request.ReferralId));
        return Task.FromResult(new Wire.GetReferralResponse { Referral = Show(call, referral, call.DecideOn(referral)) });
    }

    public override Task<Wire.ListReferralsResponse> ListReferrals(Wire.ListReferralsRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var size = request.PageSize == 0 ? 50 : request.PageSize;
        var found = call.Read.ListReferrals(call.Unit.UnitId, request.State, PageToken.Read(request.PageToken, AfterEverything), size + 1);
        var response = new Wire.ListReferralsResponse();
        foreach (var referral in found.Take(size))
        {
            var decision = call.ConsiderOne(referral);
            if (decision.Allowed) response.Referrals.Add(Show(call, referral, decision));
        }

        if (found.Count > size) response.NextPageToken = PageToken.Of(found[size - 1].ReferralId);
        return Task.FromResult(response);
    }

    public override Task<Wire.MarkReferralSeenResponse> MarkReferralSeen(Wire.MarkReferralSeenRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.MarkReferralSeenResponse
        {
            Referral = Move(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.See),
        });

    public override Task<Wire.AcceptReferralResponse> AcceptReferral(Wire.AcceptReferralRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.AcceptReferralResponse
        {
            Referral = Move(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.Accept, then: ServeInCase),
        });

    public override Task<Wire.ReturnReferralResponse> ReturnReferral(Wire.ReturnReferralRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.ReturnReferralResponse
        {
            Referral = Move(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.Return,
                (_, referral) => referral.Return(request.Missing)),
        });

    public override Task<Wire.ResubmitReferralResponse> ResubmitReferral(Wire.ResubmitReferralRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.ResubmitReferralResponse
        {
            Referral = Move(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.Resubmit,
                then: (call, referral) => Complete(call, referral, request)),
        });

    public override Task<Wire.DeclineReferralResponse> DeclineReferral(Wire.DeclineReferralRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.DeclineReferralResponse
        {
            Referral = Move(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.Decline, (call, referral) =>
            {
                if (request.ProposedUnitId.Length > 0) Addressee.Require(call, request.ProposedUnitId);
                referral.Decline(request.Reason, request.ProposedUnitId);
            }),
        });

    public override Task<Wire.WithdrawReferralResponse> WithdrawReferral(Wire.WithdrawReferralRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.WithdrawReferralResponse
        {
            Referral = Move(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.Withdraw),
        });

    public override Task<Wire.BeginServiceResponse> BeginService(Wire.BeginServiceRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.BeginServiceResponse
        {
            Referral = Move(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.BeginService),
        });

    public override Task<Wire.CloseReferralResponse> CloseReferral(Wire.CloseReferralRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.CloseReferralResponse
        {
            Referral = Move(context, request.ReferralId, request.Etag, request.Remark, Wire.ReferralAction.Close,
                (_, referral) => referral.Close(request.Outcome, request.Remark)),
        });

    /// <summary>The receiver's system has the notice: what was SUBMITTED is DELIVERED, in the same commit as the acknowledgement (R-REF-1).</summary>
    public void React(Call call, NoticesAcknowledged happened)
    {
        foreach (var id in happened.ReferralIds)
        {
            if (call.Read.FindReferral(id) is not { State: Wire.ReferralState.Submitted } referral
                || referral.PartyOf(happened.UnitId) != ReferralParty.Receiver) continue;
            referral.Move(Wire.ReferralAction.Deliver, ReferralParty.Receiver);
            Record(call, referral, Wire.ReferralAction.Deliver, "");
        }
    }

    /// <summary>The sender takes classes out of its view; the receiver sees them no more from this commit on.</summary>
    public void React(Call call, ViewNarrowed happened)
    {
        if (happened.Step.Kind != Wire.DisclosureStep.Referral || call.Read.FindReferral(happened.Step.Id) is not { } referral) return;
        referral.ViewClasses &= ~happened.Classes.Bits;
        call.Change.Update(referral);
        call.Touches("referral", referral.ReferralId);
        happened.IsDone = true;
    }

    private static Referral Create(Call call, Wire.CreateReferralRequest request)
    {
        foreach (var subject in request.Subjects) call.Concerns(NationalId.Parse(subject.NationalId).Canonical);
        // A referral gives its receiver a relationship to the person: nobody gives it to oneself (R-NTK-3).
        if (string.Equals(request.ToUnitId, call.Unit.UnitId, StringComparison.Ordinal))
            throw Refusal.InvalidField(new FieldFault("to_unit_id", FieldFaultKind.NotAllowedHere));
        RequireDistinct(request.Subjects);
        var caseId = request.CaseId.Length == 0 ? (Guid?)null : Guid.Parse(request.CaseId);
        if (caseId is { } id) RequireCase(call, id, request.Subjects);
        var receiver = Addressee.Require(call, request.ToUnitId, request.Services);
        var view = ClassSet.Of([.. request.View.Classes]);
        ReferralPolicy.RequireView(call, receiver, view, request.View.Until?.ToDateTimeOffset(), request.Facts);
        var referral = new Referral
        {
            ReferralId = call.NewId(), FromUnitId = call.Unit.UnitId, ToUnitId = receiver.UnitId, Jurisdiction = call.Agency.Jurisdiction,
            State = Wire.ReferralState.Submitted, CaseId = caseId, IsProtective = request.Protective, CreatedAt = call.Now,
            ViewClasses = view.Bits, ViewUntil = request.View.Until?.ToDateTimeOffset(), Version = 1,
        };
        var content = new Wire.Referral { SourceSystem = request.SourceSystem };
        content.Services.Add(request.Services);
        content.Facts.Add(request.Facts);
        foreach (var subject in request.Subjects) content.Subjects.Add(Resolve(call, referral, subject));
        Disclose(call, referral, content);
        referral.Sealed = call.Vault.SealFacts(referral.Jurisdiction, ReferralQueries.ContentColumn, referral.ReferralId, content);
        call.Change.Add(referral);
        Record(call, referral, Wire.ReferralAction.Submit, "");
        call.Change.Key!.Outcome = referral.ReferralId.ToString();
        return referral;
    }

    /// <summary>Nobody is named twice, in whatever spelling of the national id.</summary>
    private static void RequireDistinct(Google.Protobuf.Collections.RepeatedField<Wire.ReferralSubject> subjects)
    {
        var named = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < subjects.Count; i++)
        {
            if (!named.Add(NationalId.Parse(subjects[i].NationalId).Canonical))
                throw Refusal.InvalidField(new FieldFault($"subjects[{i}].national_id", FieldFaultKind.Duplicate));
        }
    }

    /// <summary>
    /// The subject as the sender knows it, tied to the person of that national id; of a person whom no register knows the identity is kept, and nothing that
    /// is the sender's to show or to withhold.
    /// The answer has one shape for both, and shows the sender nothing but its own words.
    /// </summary>
    private static Wire.ReferralSubject Resolve(Call call, Referral referral, Wire.ReferralSubject subject)
    {
        var nationalId = NationalId.Parse(subject.NationalId).Canonical;
        var known = call.Read.FindPerson(call.Vault, nationalId);
        var personId = known?.Id ?? call.NewId();
        if (known is null)
        {
            var facts = new Wire.HouseholdMember
            {
                Person = new Wire.Person { NationalId = nationalId, Name = subject.Name, BirthDate = subject.BirthDate },
            };
            call.Change.Add(People.ToRow(call.Vault, call.Agency.Jurisdiction, facts, personId, null, "", 0, isProtected: false));
        }

        call.Change.Add(new ReferralSubjectRow { ReferralId = referral.ReferralId, PersonId = personId });
        var sent = subject.Clone();
        sent.NationalId = nationalId;
        sent.PersonId = personId.ToString();
        return sent;
    }

    /// <summary>A referral for a case is made by one of its participants, about its subjects within the participant's scope.</summary>
    private static void RequireCase(Call call, Guid caseId, IEnumerable<Wire.ReferralSubject> subjects)
    {
        foreach (var subject in subjects)
        {
            var person = call.Read.FindPerson(call.Vault, NationalId.Parse(subject.NationalId).Canonical);
            if (person is null || !Links.OfPerson(call.Read, person.Id).Cases.Any(link => link.CaseId == caseId && link.IsInScope
                && Standing.OfParticipant(link.Role) != RelationshipSet.None && string.Equals(link.UnitId, call.Unit.UnitId, StringComparison.Ordinal)))
                throw new Refusal(Wire.ErrorReason.NotFound);
        }
    }

    private static Wire.Referral Move(ServerCallContext context, string referralId, string etag, string remark, Wire.ReferralAction action,
        Action<Call, Referral>? move = null, Action<Call, Referral>? then = null)
    {
        var call = Call.Of(context);
        var referral = Load(call, Guid.Parse(referralId));
        var decision = call.DecideOn(referral);
        if (call.Replayed is not null) return Show(call, referral, decision);
        var (current, state) = (Etag.Of(referral), referral.State);
        if (move is null) referral.Move(action, referral.PartyOf(call.Unit.UnitId)!.Value);
        else move(call, RequireReceiver(call, referral));
        if (etag.Length > 0 && !string.Equals(etag, current, StringComparison.Ordinal))
            throw new Refusal(Wire.ErrorReason.ConcurrentChange, ("etag", current), ("state", CodeText.Of(state)));
        then?.Invoke(call, referral);
        Record(call, referral, action, remark);
        call.Change.Key!.Outcome = referral.ReferralId.ToString();
        return Show(call, referral, decision);
    }

    private static Referral RequireReceiver(Call call, Referral referral) =>
        referral.PartyOf(call.Unit.UnitId) == ReferralParty.Receiver ? referral : throw new Refusal(Wire.ErrorReason.NotYourMove, ("party", "receiver"));

    private static void ServeInCase(Call call, Referral referral)
    {
        if (referral.CaseId is not { } caseId) return;
        var content = Open(call, referral);
        call.Raise(new ReferralAcceptedForCase(caseId, referral.FromUnitId, referral.ToUnitId, [.. content.Subjects.Select(s => Guid.Parse(s.PersonId))],
            [.. content.Services], new ClassSet(referral.ViewClasses)));
    }

    private static void Complete(Call call, Referral referral, Wire.ResubmitReferralRequest request)
    {
        if (request.View is { } next)
            (referral.ViewClasses, referral.ViewUntil) = (ClassSet.Of([.. next.Classes]).Bits, next.Until?.ToDateTimeOffset());
        ReferralPolicy.RequireView(call, Addressee.Require(call, referral.ToUnitId), new ClassSet(referral.ViewClasses), request.View?.Until?.ToDateTimeOffset(), request.Facts);
        referral.MissingParts = 0;
        var content = Open(call, referral);
        content.Facts.Add(request.Facts);
        referral.Sealed = call.Vault.SealFacts(referral.Jurisdiction, ReferralQueries.ContentColumn, referral.ReferralId, content);
        Disclose(call, referral, content);
    }

    private static SharingStep StepOf(Referral referral) => new(Wire.DisclosureStep.Referral, referral.ReferralId, referral.CaseId);

    /// <summary>The sender's view of the subjects goes to the receiver (R-NTK-17).</summary>
    private static void Disclose(Call call, Referral referral, Wire.Referral content) => call.Disclose(StepOf(referral),
        content.Subjects.Select(s => Guid.Parse(s.PersonId)), referral.ToUnitId, new ClassSet(referral.ViewClasses), call.Context!.LegalBasis, referral.ViewUntil);

    /// <summary>The move with who, when and why, and the other side's notice of it (R-REF-2).</summary>
    private static void Record(Call call, Referral referral, Wire.ReferralAction action, string remark)
    {
        call.Touches("referral", referral.ReferralId);
        if (action != Wire.ReferralAction.Submit) call.Change.Update(referral);
        if (!Standing.IsOpen(referral.State)) call.EndDisclosures(StepOf(referral));
        var moveId = call.NewId();
        call.Change.Add(new ReferralMoveRow
        {
            MoveId = moveId, Number = referral.Version, ReferralId = referral.ReferralId, Action = action, State = referral.State, MovedAt = call.Now, UnitId = call.Unit.UnitId,
            PersonId = call.Context!.Actor.PersonId,
            Remark = remark.Length == 0 ? [] : call.Vault.SealText(referral.Jurisdiction, ReferralQueries.RemarkColumn, moveId, remark),
        });
        var receives = action is Wire.ReferralAction.Submit or Wire.ReferralAction.Resubmit or Wire.ReferralAction.Withdraw;
        call.Change.Notify(new NoticeDraft(
            receives ? referral.ToUnitId : referral.FromUnitId,
            action is Wire.ReferralAction.Submit or Wire.ReferralAction.Resubmit ? Wire.NoticeKind.ReferralReceived : Wire.NoticeKind.ReferralMoved,
            referral.ReferralId, referral.CaseId));
        call.Raise(new ReferralMoved(referral.ReferralId, referral.FromUnitId, referral.ToUnitId, referral.IsProtective, referral.State, action));
    }

    private static Referral Load(Call call, Guid referralId)
    {
        call.Touches("referral", referralId);
        // Asked first, by an index that begins with the unit: a referral of others costs what none costs (R-NTK-14).
        if (!Reach.IsEndOf(call.Read, referralId, call.Unit.UnitId)) throw new Refusal(Wire.ErrorReason.NotFound);
        return call.Read.FindReferral(referralId) ?? throw new Refusal(Wire.ErrorReason.NotFound);
    }

    private static Wire.Referral Open(Call call, Referral referral) =>
        call.Vault.OpenFacts(Wire.Referral.Parser, ReferralQueries.ContentColumn, referral.ReferralId, referral.Sealed);

    private static Wire.Referral Show(Call call, Referral referral, Decision decision)
    {
        var wire = Open(call, referral);
        call.Touches("referral", referral.ReferralId);
        // The referrer is shown its own words only: our id of the person would tell it whether the person was known before (R-NTK-14).
        var isReferrer = referral.PartyOf(call.Unit.UnitId) == ReferralParty.Referrer;
        foreach (var subject in wire.Subjects)
        {
            call.Concerns(subject.NationalId);
            if (isReferrer) subject.PersonId = "";
        }

        wire.ReferralId = referral.ReferralId.ToString();
        wire.State = referral.State;
        wire.FromUnitId = referral.FromUnitId;
        wire.ToUnitId = referral.ToUnitId;
        wire.CaseId = referral.CaseId?.ToString() ?? "";
        wire.Protective = referral.IsProtective;
        wire.CreatedAt = Timestamp.FromDateTimeOffset(referral.CreatedAt);
        wire.DeclineReason = referral.DeclineReason;
        wire.ProposedUnitId = referral.ProposedUnitId;
        wire.Missing.Add(referral.Missing);
        wire.Outcome = referral.Outcome;
        wire.Etag = Etag.Of(referral);
        foreach (var move in call.Read.MovesOf(referral.ReferralId).Concat(call.Change.Added.OfType<ReferralMoveRow>()))
            if (move.ReferralId == referral.ReferralId) wire.Moves.Add(ToWire(call, move));
        var plan = RedactionPlan.For(Wire.Referral.Descriptor);
        var told = plan.TextClasses(wire);
        plan.Redact(wire, decision.Visible);
        call.Withhold(told.Without(plan.TextClasses(wire)));
        return wire;
    }

    private static Wire.ReferralMove ToWire(Call call, ReferralMoveRow move) => new()
    {
        Action = move.Action, State = move.State, MovedAt = Timestamp.FromDateTimeOffset(move.MovedAt), UnitId = move.UnitId, PersonId = move.PersonId,
        Remark = move.Remark.Length == 0 ? "" : call.Vault.OpenText(ReferralQueries.RemarkColumn, move.MoveId, move.Remark),
    };
}
