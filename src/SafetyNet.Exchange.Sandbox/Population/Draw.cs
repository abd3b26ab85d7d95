namespace SafetyNet.Exchange.Sandbox.Population;

/// <summary>
/// A stream of chance that is the same on every machine and runtime (SplitMix64: Steele, Lea, Flood 2014). Not for secrets.
/// </summary>
internal sealed class Draw(ulong state)
{
    private ulong state = state;

    /// <summary>A stream of its own for each index under one seed.</summary>
    public static Draw For(int seed, int index) => new(Mix(Mix((uint)seed) ^ (uint)index));

    /// <summary>Spreads 64 bits over 64 bits, one to one.</summary>
    public static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    /// <summary>0 to <paramref name="bound"/>, exclusive.</summary>
    public int Below(int bound) => (int)(((Next() >> 32) * (uint)bound) >> 32);

    /// <summary>Both ends inclusive.</summary>
    public int Between(int from, int to) => from + Below(to - from + 1);

    /// <summary>True in that many cases of a thousand.</summary>
    public bool Chance(int perMille) => Below(1000) < perMille;

    public T Pick<T>(IReadOnlyList<T> from) => from[Below(from.Count)];

    public char Pick(string from) => from[Below(from.Length)];

    /// <summary>A day from <paramref name="first"/> to <paramref name="last"/>, both inclusive; the first when they are the wrong way round.</summary>
    public DateOnly Day(DateOnly first, DateOnly last) =>
        first.AddDays(Below(Math.Max(0, last.DayNumber - first.DayNumber) + 1));

    private ulong Next()
    {
        var value = Mix(state);
        state += 0x9E3779B97F4A7C15;
        return value;
    }
}

/// <summary>Things to draw from, each as often as its weight says.</summary>
internal sealed class Weighted<T>
{
    private readonly T[] items;
    private readonly int[] upTo;

    public Weighted(IEnumerable<(T Item, int Weight)> source)
    {
        var pairs = source.ToArray();
        items = [.. pairs.Select(pair => pair.Item)];
        upTo = new int[pairs.Length];
        var sum = 0;
        for (var i = 0; i < pairs.Length; i++)
            upTo[i] = sum += pairs[i].Weight;
    }

    public IReadOnlyList<T> Items => items;

    public T Draw(Draw draw)
    {
        var index = Array.BinarySearch(upTo, draw.Below(upTo[^1]) + 1);
        return items[index >= 0 ? index : ~index];
    }
}
