using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>
/// Lists that very many answers and records have in common, each made once and kept by what it is made of. Kept are those asked for lately: two generations, of which
/// the older is let go when the younger is full. Far more lists are possible than are ever worth keeping, and no caller fills the memory with them for good.
/// </summary>
/// <param name="most">Lists of one generation, 1 or more; at most twice as many are kept, and one more for each thread that adds at that moment.</param>
internal sealed class KeptLists<TKey, TElement>(int most)
    where TKey : struct, IEquatable<TKey>
{
    private volatile Generations _kept = new([]);

    /// <summary>How many are kept; for tests, as counting holds everyone up.</summary>
    public int Count => _kept.Young.Count + _kept.Old.Count;

    public bool TryFind(TKey key, [MaybeNullWhen(false)] out IReadOnlyList<TElement> list)
    {
        var kept = _kept;
        if (kept.Young.TryGetValue(key, out list)) return true;
        if (!kept.Old.TryGetValue(key, out list)) return false;
        Keep(key, list);
        return true;
    }

    public void Keep(TKey key, IReadOnlyList<TElement> list)
    {
        var kept = _kept;
        if (!kept.Young.TryAdd(key, list) || Interlocked.Increment(ref kept.Added) < most) return;
#pragma warning disable CS0420 // An exchange is as volatile as can be.
        Interlocked.CompareExchange(ref _kept, new Generations(kept.Young), kept);
#pragma warning restore CS0420
    }

    private sealed class Generations(ConcurrentDictionary<TKey, IReadOnlyList<TElement>> old)
    {
        public int Added;

        public ConcurrentDictionary<TKey, IReadOnlyList<TElement>> Young { get; } = [];

        public ConcurrentDictionary<TKey, IReadOnlyList<TElement>> Old { get; } = old;
    }
}
