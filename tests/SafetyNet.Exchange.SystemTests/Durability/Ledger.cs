using System.Collections.Concurrent;
using SafetyNet.Exchange.Protocol.Client;

namespace SafetyNet.Exchange.SystemTests.Durability;

/// <summary>What the exchange told its callers and must never take back: each acknowledged call with its receipt, and how far each referral had come.</summary>
internal sealed class Ledger
{
    private readonly ConcurrentDictionary<string, Wire.ReferralState> _referrals = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Wire.CreateReferralRequest> _creations = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _refused = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<CallReceipt> _receipts = [];
    private readonly ConcurrentBag<string> _broken = [];
    private int _unanswered;

    /// <summary>Furthest acknowledged state, by referral. On the one way that the load takes, states are numbered in their order.</summary>
    public IReadOnlyDictionary<string, Wire.ReferralState> Referrals => _referrals;

    /// <summary>Acknowledged creations, by the referral they made.</summary>
    public IReadOnlyDictionary<string, Wire.CreateReferralRequest> Creations => _creations;

    public IReadOnlyCollection<CallReceipt> Receipts => _receipts;

    /// <summary>Decisions by which a call was refused for its token.</summary>
    public IReadOnlySet<string> Refused => _refused.Keys.ToHashSet(StringComparer.Ordinal);

    /// <summary>Answers that no caller should have got.</summary>
    public IReadOnlyCollection<string> Broken => _broken;

    /// <summary>Calls that ended without an answer, and were made again with the same request_id.</summary>
    public int Unanswered => _unanswered;

    public void Keep(CallReceipt receipt) => _receipts.Add(receipt);

    public void KeepRefused(CallReceipt receipt)
    {
        _refused[receipt.DecisionId] = true;
        Keep(receipt);
    }

    public void Created(Wire.CreateReferralRequest request, Wire.Referral referral)
    {
        if (!_creations.TryAdd(referral.ReferralId, request))
            _broken.Add($"Referral {referral.ReferralId} was given out for two request_ids.");
        Moved(referral);
    }

    public void Moved(Wire.Referral referral) => _referrals[referral.ReferralId] = referral.State;

    public void WentUnanswered() => Interlocked.Increment(ref _unanswered);

    public void Break(string what) => _broken.Add(what);
}
