using SafetyNet.Exchange.Protocol.Evidence;

namespace SafetyNet.Exchange.Tests.Evidence;

/// <summary>Keeps every node the log hands over, level by level, as a database of nodes would.</summary>
internal sealed class NodeStore
{
    private readonly List<List<MerkleHash>> _levels = [];

    public CompactRange Range { get; } = new();

    public int Reads { get; private set; }

    public void Append(MerkleHash leaf) => Range.Append(leaf, Write);

    public MerkleHash Read(int level, long index)
    {
        Reads++;
        return _levels[level][(int)index];
    }

    private void Write(int level, long index, in MerkleHash hash)
    {
        if (_levels.Count == level)
            _levels.Add([]);
        if (_levels[level].Count != index)
            Assert.Fail($"Level {level}: node {index} came where {_levels[level].Count} was due.");
        _levels[level].Add(hash);
    }
}
