namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>A unit acknowledged its inbox up to a number; the referrals among the notices are delivered by that.</summary>
internal sealed record NoticesAcknowledged(string UnitId, IReadOnlyList<Guid> ReferralIds);

/// <summary>A unit took a referral that was made for a case; it serves in that case from now on, for these persons and services.</summary>
internal sealed record ReferralAcceptedForCase(
    Guid CaseId, string UnitId, IReadOnlyList<Guid> PersonIds, IReadOnlyList<Wire.Article6Service> Services);

/// <summary>What a feature does because of another, in the same commit.</summary>
internal interface IReactTo<in TEvent>
{
    void React(Call call, TEvent happened);
}

/// <summary>Hands an event to every feature that reacts to it, before the call is committed.</summary>
internal sealed class DomainEvents(params IReadOnlyList<object> reactors)
{
    public void Raise<TEvent>(Call call, TEvent happened)
    {
        foreach (var reactor in reactors)
            if (reactor is IReactTo<TEvent> interested) interested.React(call, happened);
    }
}
