namespace SafetyNet.Exchange.Server.Policy;

/// <summary>
/// The different questions that one call decided, with what came of them: what its record tells a security officer (R-NTK-15). An answer with a hundred
/// persons asks few different ones, since a question holds facts and no person.
/// </summary>
internal sealed class DecidedQuestions
{
    /// <summary>Questions that are kept; the others are counted.</summary>
    private const int Most = 16;

    private NeedToKnowQuestion _first;
    private Decision? _firstDecision;
    private List<(NeedToKnowQuestion Question, Decision Decision)>? _others;
    private uint _further;

    public void Add(in NeedToKnowQuestion question, Decision decision)
    {
        if (_firstDecision is null)
        {
            (_first, _firstDecision) = (question, decision);
            return;
        }

        if (question == _first) return;
        _others ??= [];
        foreach (var (known, _) in _others)
            if (known == question) return;
        if (_others.Count < Most - 1) _others.Add((question, decision));
        else _further++;
    }

    public void Clear()
    {
        _firstDecision = null;
        _others = null;
        _further = 0;
    }

    /// <summary>As the record carries them; null: nothing was decided.</summary>
    /// <param name="holdable">Classes that the caller may hold at all.</param>
    public Wire.DecisionInputs? ToWire(ClassSet holdable)
    {
        if (_firstDecision is null) return null;
        var inputs = new Wire.DecisionInputs { AgencyKind = _first.AgencyKind, UnitKind = _first.UnitKind, FurtherQuestions = _further };
        if (!holdable.ContainsAll(ClassSet.Personal)) inputs.NotHoldableClasses.Add(ClassSet.Personal.Without(holdable).InTableOrder());
        inputs.Questions.Add(ToWire(_first, _firstDecision, holdable));
        if (_others is null) return inputs;
        // The rules of one question are those of the record: they stand there.
        inputs.Questions[0].Rules.Add(_firstDecision.Rules);
        foreach (var (question, decision) in _others)
        {
            var wire = ToWire(question, decision, holdable);
            wire.Rules.Add(decision.Rules);
            inputs.Questions.Add(wire);
        }

        return inputs;
    }

    private static Wire.DecidedQuestion ToWire(in NeedToKnowQuestion question, Decision decision, ClassSet holdable)
    {
        var wire = new Wire.DecidedQuestion
        {
            ResourceJurisdiction = question.ResourceJurisdiction, ShareBasis = question.SharedWithCaller ? question.ShareBasis : Wire.LegalBasis.Unspecified,
            Ended = question.Holdable.IsEmpty && !holdable.IsEmpty,
        };
        wire.Relationships.Add(question.Relationships.InTableOrder());
        AddFacts(wire.Facts, question);
        Add(wire.SentClasses, question.Sent);
        Add(wire.SuppliedClasses, question.Supplied);
        Add(wire.AgendaClasses, question.Agenda);
        Add(wire.SharedClasses, question.Shared);
        Add(wire.ScopeClasses, question.ServiceScope);
        Add(wire.GrantedClasses, question.Granted);
        Add(wire.RevealedClasses, question.Revealed);
        Add(wire.VisibleClasses, decision.Visible.Without(Wire.ConfidentialityClass.NotPersonal));
        return wire;
    }

    private static void Add(Google.Protobuf.Collections.RepeatedField<Wire.ConfidentialityClass> list, ClassSet classes)
    {
        if (!classes.IsEmpty) list.Add(classes.InTableOrder());
    }

    private static void AddFacts(Google.Protobuf.Collections.RepeatedField<Wire.DecisionFact> facts, in NeedToKnowQuestion question)
    {
        if (question.ProtectedAddress) facts.Add(Wire.DecisionFact.ProtectedAddress);
        if (question.ServesOtherParty) facts.Add(Wire.DecisionFact.ServesOtherParty);
        if (question.Screening) facts.Add(Wire.DecisionFact.Screening);
        if (question.HoldsCase) facts.Add(Wire.DecisionFact.HoldsCase);
        if (question.OwnUnit) facts.Add(Wire.DecisionFact.OwnRecord);
        if (question.SharedWithCaller) facts.Add(Wire.DecisionFact.SharedWithCaller);
        if (question.BreakGlass) facts.Add(Wire.DecisionFact.BreakGlass);
    }
}
