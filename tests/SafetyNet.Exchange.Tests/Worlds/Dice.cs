namespace SafetyNet.Exchange.Tests.Worlds;

/// <summary>Draws that are the same in every run: SplitMix64 over the number of the world.</summary>
internal sealed class Dice(ulong seed)
{
    private ulong _state = seed * 0x9E3779B97F4A7C15;

    /// <summary>0 to <paramref name="count"/> - 1.</summary>
    public int Next(int count)
    {
        _state += 0x9E3779B97F4A7C15;
        var z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return (int)((z ^ (z >> 31)) % (ulong)count);
    }

    public bool Falls(int percent) => Next(100) < percent;

    public T OneOf<T>(params IReadOnlyList<T> choices) => choices[Next(choices.Count)];

    public IEnumerable<T> Some<T>(IEnumerable<T> choices, int percent) => choices.Where(_ => Falls(percent)).ToList();
}
