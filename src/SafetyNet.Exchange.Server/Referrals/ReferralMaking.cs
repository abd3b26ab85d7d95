using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Referrals;

/// <summary>Makes referrals: those that a unit asks for, and those by which it hands one on.</summary>
internal static class ReferralMaking
{
    public static Referral Create(Call call, Wire.CreateReferralRequest request)
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
        var referral = Begin(call, receiver, view, request.View, request.Protective, caseId);
        var content = new Wire.Referral { SourceSystem = request.SourceSystem };
        content.Services.Add(request.Services);
        content.Facts.Add(request.Facts);
        foreach (var subject in request.Subjects) content.Subjects.Add(Resolve(call, referral, subject));
        Submit(call, referral, content);
        call.Change.Key!.Outcome = referral.ReferralId.ToString();
        return referral;
    }

    /// <summary>
    /// The referral to the next unit, about the same persons (R-REF-6). The proposer hands on what it may see itself and no more; phone and address only where the view
    /// names CONTACT too.
    /// </summary>
    public static Referral Onward(Call call, Referral old, Decision decision, Wire.ProposeTransferRequest request)
    {
        var subjects = ReferralSteps.Open(call, old).Subjects;
        if (string.Equals(request.ToUnitId, call.Unit.UnitId, StringComparison.Ordinal))
            throw Refusal.InvalidField(new FieldFault("to_unit_id", FieldFaultKind.NotAllowedHere));
        var isNamed = request.CaseId.Length > 0;
        var caseId = isNamed ? Guid.Parse(request.CaseId) : old.CaseId;
        if (isNamed) RequireCase(call, caseId!.Value, subjects);
        var receiver = Addressee.Require(call, request.ToUnitId, request.Services);
        var view = ClassSet.Of([.. request.View.Classes]);
        foreach (var shown in (view | ClassSet.Of(Wire.ConfidentialityClass.Identity)).InTableOrder())
        {
            if (!decision.Visible.Contains(shown))
                throw new Refusal(Wire.ErrorReason.ViewNotPermitted, ("class", CodeText.Of(shown)), ("unit_id", call.Unit.UnitId), ("rule", "R-NTK-17"));
        }

        ReferralPolicy.RequireView(call, receiver, view, request.View.Until?.ToDateTimeOffset(), request.Facts);
        var onward = Begin(call, receiver, view, request.View, old.IsProtective, caseId);
        onward.TransferredFromId = old.ReferralId;
        onward.PassesCasePart = isNamed || (caseId is { } id && ServesIn(call, id, subjects));
        var content = new Wire.Referral();
        content.Services.Add(request.Services);
        content.Facts.Add(request.Facts);
        foreach (var subject in subjects)
        {
            var sent = subject.Clone();
            if (!view.Contains(Wire.ConfidentialityClass.Contact)) (sent.Phone, sent.Address) = ("", "");
            content.Subjects.Add(sent);
            AddSubject(call, onward, Guid.Parse(subject.PersonId));
        }

        Submit(call, onward, content);
        return onward;
    }

    /// <summary>
    /// The referral to the unit that a ruling names (R-INT-9), from the same referrer and with what the interim lead's own view opens, as far as the unit may hold it; by itself
    /// the interim lead could hand on no more.
    /// </summary>
    /// <param name="call">The call that rules.</param>
    /// <param name="old">The interim lead's referral.</param>
    /// <param name="toUnitId">The unit named.</param>
    /// <param name="isTransfer">The interim lead's referral ends when this one is accepted.</param>
    public static Referral ByRuling(Call call, Referral old, string toUnitId, bool isTransfer)
    {
        var before = ReferralSteps.Open(call, old);
        var receiver = Addressee.Require(call, toUnitId, before.Services);
        ReferralPolicy.RequireView(call, receiver, ClassSet.Of(Wire.ConfidentialityClass.Identity), null, []);
        var held = new ClassSet(old.ViewClasses).InTableOrder().Where(one => call.MayHold(receiver, call.Context!.LegalBasis, one, RelationshipSet.Of(Wire.Relationship.ReferredTo)));
        var onward = new Referral
        {
            ReferralId = call.NewId(), FromUnitId = old.FromUnitId, ToUnitId = receiver.UnitId, Jurisdiction = old.Jurisdiction, State = Wire.ReferralState.Submitted, CaseId = old.CaseId,
            IsProtective = old.IsProtective, CreatedAt = call.Now, ViewClasses = ClassSet.Of([.. held]).Bits, ViewUntil = old.ViewUntil, Version = 1,
            TransferredFromId = isTransfer ? old.ReferralId : null,
        };
        var view = new ClassSet(onward.ViewClasses);
        var content = new Wire.Referral { SourceSystem = before.SourceSystem };
        content.Services.Add(before.Services);
        content.Facts.Add(before.Facts.Where(fact => view.Contains(fact.ConfidentialityClass)));
        foreach (var subject in before.Subjects)
        {
            var sent = subject.Clone();
            if (!view.Contains(Wire.ConfidentialityClass.Contact)) (sent.Phone, sent.Address) = ("", "");
            content.Subjects.Add(sent);
            AddSubject(call, onward, Guid.Parse(subject.PersonId));
        }

        Submit(call, onward, content, old.FromUnitId);
        return onward;
    }

    /// <summary>Takes in what a returned referral lacked.</summary>
    public static void Complete(Call call, Referral referral, Wire.ResubmitReferralRequest request)
    {
        if (request.View is { } next)
            (referral.ViewClasses, referral.ViewUntil) = (ClassSet.Of([.. next.Classes]).Bits, next.Until?.ToDateTimeOffset());
        ReferralPolicy.RequireView(call, Addressee.Require(call, referral.ToUnitId), new ClassSet(referral.ViewClasses), request.View?.Until?.ToDateTimeOffset(), request.Facts);
        referral.MissingParts = 0;
        var content = ReferralSteps.OpenAsWritten(call, referral);
        content.Facts.Add(request.Facts);
        referral.Sealed = call.Vault.SealFacts(referral.Jurisdiction, ReferralQueries.ContentColumn, referral.ReferralId, content);
        Disclose(call, referral, ReferralSteps.Open(call, referral));
    }

    private static Referral Begin(Call call, Protocol.Identity.Unit receiver, ClassSet view, Wire.SenderView sent, bool isProtective, Guid? caseId) => new()
    {
        ReferralId = call.NewId(), FromUnitId = call.Unit.UnitId, ToUnitId = receiver.UnitId, Jurisdiction = call.Agency.Jurisdiction,
        State = Wire.ReferralState.Submitted, CaseId = caseId, IsProtective = isProtective, CreatedAt = call.Now,
        ViewClasses = view.Bits, ViewUntil = sent.Until?.ToDateTimeOffset(), Version = 1,
    };

    private static void Submit(Call call, Referral referral, Wire.Referral content, string? inNameOf = null)
    {
        Disclose(call, referral, content);
        referral.Sealed = call.Vault.SealFacts(referral.Jurisdiction, ReferralQueries.ContentColumn, referral.ReferralId, content);
        call.Change.Add(referral);
        ReferralSteps.Record(call, referral, Wire.ReferralAction.Submit, "", inNameOf);
    }

    /// <summary>The acting unit serves in the case, and is not its primary.</summary>
    private static bool ServesIn(Call call, Guid caseId, IEnumerable<Wire.ReferralSubject> subjects) => subjects.Any(subject =>
        Links.OfPerson(call.Read, Guid.Parse(subject.PersonId)).Cases.Any(link => link.CaseId == caseId && link.Role == Wire.ParticipantRole.Serving
            && string.Equals(link.UnitId, call.Unit.UnitId, StringComparison.Ordinal)));

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
        var personId = call.PersonOf(call.Agency.Jurisdiction, nationalId, subject.Name, subject.BirthDate);
        AddSubject(call, referral, personId);
        var sent = subject.Clone();
        sent.NationalId = nationalId;
        sent.PersonId = personId.ToString();
        return sent;
    }

    /// <summary>Two numbers may be one person's (R-HH-7); the words on both stay as they were sent.</summary>
    private static void AddSubject(Call call, Referral referral, Guid personId)
    {
        if (call.Change.Added.OfType<ReferralSubjectRow>().Any(row => row.ReferralId == referral.ReferralId && row.PersonId == personId)) return;
        call.Change.Add(new ReferralSubjectRow { ReferralId = referral.ReferralId, PersonId = personId });
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

    /// <summary>The sender's view of the subjects goes to the receiver (R-NTK-17).</summary>
    private static void Disclose(Call call, Referral referral, Wire.Referral content) => call.Disclose(ReferralSteps.StepOf(referral),
        content.Subjects.Select(s => Guid.Parse(s.PersonId)).Distinct(), referral.ToUnitId, new ClassSet(referral.ViewClasses), call.Context!.LegalBasis, referral.ViewUntil);
}
