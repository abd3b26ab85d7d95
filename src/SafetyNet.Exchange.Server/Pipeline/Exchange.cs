using System.Collections.Concurrent;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Clocks;
using SafetyNet.Exchange.Server.Identity;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>What every call works with: policy, store, vault, registry and the features' reactions to each other.</summary>
internal sealed class Exchange(
    PolicyInForce policy, SqliteStore store, Vault vault, Families families, Func<MemberDirectory> members, DomainEvents events, TimeLimits timeLimits)
{
    private readonly ConcurrentDictionary<TokenClaims, ClassSet> _holdable = new(ReferenceEqualityComparer.Instance);

    /// <summary>The policy in force at this instant; a call takes it once.</summary>
    public NeedToKnowPolicy Policy => policy.Current;

    public SqliteStore Store { get; } = store;

    public Vault Vault { get; } = vault;

    public Families Families { get; } = families;

    public MemberDirectory Members => members();

    public DomainEvents Events { get; } = events;

    public TimeLimits TimeLimits { get; } = timeLimits;

    /// <summary>Classes that the caller may hold at all: those of its token, which are never more than the registry's.</summary>
    public ClassSet HoldableBy(CallingMember member)
    {
        if (_holdable.TryGetValue(member.Token, out var classes)) return classes;
        if (_holdable.Count > 10_000) _holdable.Clear();
        return _holdable[member.Token] = ClassSet.Of([.. member.Token.Classes]);
    }
}
