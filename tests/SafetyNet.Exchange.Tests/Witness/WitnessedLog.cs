using System.Security.Cryptography;
using SafetyNet.Exchange.Protocol.Evidence;

namespace SafetyNet.Exchange.Tests.Witness;

/// <summary>A log made of numbers, that asks a witness to co-sign; it can be forked, as somebody does who has its key and its database.</summary>
internal sealed class WitnessedLog(NoteSigner signer)
{
    private readonly List<MerkleHash> _leaves = [];

    public static NoteSigner NewSigner(string name) => new(name, ECDsa.Create(ECCurve.NamedCurves.nistP256));

    public int Size => _leaves.Count;

    public void Append(int records, int salt)
    {
        for (var i = 0; i < records; i++) _leaves.Add(MerkleTree.LeafHash([.. BitConverter.GetBytes(_leaves.Count), .. BitConverter.GetBytes(salt)]));
    }

    /// <summary>Another history from an entry on.</summary>
    public WitnessedLog ForkAt(int size)
    {
        var fork = new WitnessedLog(signer);
        fork._leaves.AddRange(_leaves[..size]);
        return fork;
    }

    public Checkpoint Head(int size)
    {
        var range = new CompactRange();
        foreach (var leaf in _leaves[..size]) range.Append(leaf);
        return new Checkpoint(signer.Name, size, range.Root());
    }

    /// <summary>The request to sign the head of a size, on top of what the witness is thought to have.</summary>
    public WitnessRequest Ask(int oldSize, int size)
    {
        NodeReader nodes = (level, index) =>
        {
            var range = new CompactRange();
            foreach (var leaf in _leaves.GetRange((int)(index << level), 1 << level)) range.Append(leaf);
            return range.Root();
        };
        var proof = oldSize <= size ? MerkleProof.Consistency(oldSize, size, nodes) : [];
        return new WitnessRequest(oldSize, proof, SignedCheckpoint.Sign(Head(size), signer).Note);
    }
}
