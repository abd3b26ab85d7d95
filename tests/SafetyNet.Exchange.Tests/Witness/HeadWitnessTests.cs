using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Tests.Worlds;
using SafetyNet.Exchange.Witness;

namespace SafetyNet.Exchange.Tests.Witness;

/// <summary>A witness signs one history of a log and no second one, whatever is asked and wherever it crashes.</summary>
[Trait("Rule", "R-AUD-3")]
public sealed class HeadWitnessTests : IDisposable
{
    private const string Origin = "log.example.tw/taipei";

    private readonly string _folder = Directory.CreateTempSubdirectory("safetynet-witness-").FullName;
    private readonly NoteSigner _log = WitnessedLog.NewSigner(Origin);
    private readonly NoteSigner _own = WitnessedLog.NewSigner("witness.example.tw");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_head_that_adds_to_the_last_one_is_signed_and_remembered_over_a_restart()
    {
        var log = new WitnessedLog(_log);
        log.Append(5, salt: 0);
        using (var book = WitnessBook.Open(_folder))
        {
            var answer = Open(book).Add(log.Ask(0, 3).Encode());
            Assert.Equal(WitnessVerdict.CoSigned, answer.Verdict);
            Assert.True(log.Ask(0, 3).Note.TryAddSignatures(answer.Text, out var note));
            Assert.True(SignedCheckpoint.TryOpen(note.Encode(), _log.ToVerifier(), [_own.ToVerifier()], out var opened, out var problem), problem);
            Assert.Equal(["witness.example.tw"], opened.Witnesses);
        }

        using var again = WitnessBook.Open(_folder);
        Assert.Equal(log.Head(3), again.Find(Origin));
        Assert.Equal(new WitnessAnswer(WitnessVerdict.Conflict, "3\n"), Open(again).Add(log.Ask(0, 5).Encode()));
        Assert.Equal(WitnessVerdict.CoSigned, Open(again).Add(log.Ask(3, 5).Encode()).Verdict);
        Assert.Equal(WitnessVerdict.CoSigned, Open(again).Add(log.Ask(5, 5).Encode()).Verdict);
    }

    [Fact]
    [Trait("Abuse", "B59")]
    [Trait("Abuse", "B60")]
    public void A_rewritten_log_a_fork_and_a_restored_one_are_not_signed()
    {
        var log = new WitnessedLog(_log);
        log.Append(20, salt: 0);
        var fork = log.ForkAt(8);
        fork.Append(20, salt: 1);
        using var book = WitnessBook.Open(_folder);
        var witness = Open(book);
        Assert.Equal(WitnessVerdict.CoSigned, witness.Add(log.Ask(0, 12).Encode()).Verdict);
        // The suffix rewritten, its own proof with it; the same size with another root; yesterday's copy; yesterday's copy that grew on.
        Assert.Equal(WitnessVerdict.Inconsistent, witness.Add(fork.Ask(12, 20).Encode()).Verdict);
        Assert.Equal(new WitnessAnswer(WitnessVerdict.Conflict, "12\n"), witness.Add(fork.Ask(12, 12).Encode()));
        Assert.Equal(WitnessVerdict.Malformed, witness.Add(log.Ask(12, 9).Encode()).Verdict);
        Assert.Equal(new WitnessAnswer(WitnessVerdict.Conflict, "12\n"), witness.Add(fork.Ask(8, 20).Encode()));
        Assert.Equal(log.Head(12), book.Find(Origin));
    }

    [Fact]
    public void What_the_log_did_not_sign_and_logs_that_are_not_watched_are_refused()
    {
        var (strange, other) = (new WitnessedLog(WitnessedLog.NewSigner(Origin)), new WitnessedLog(WitnessedLog.NewSigner("log.example.tw/other")));
        strange.Append(3, 0);
        other.Append(3, 0);
        using var book = WitnessBook.Open(_folder);
        Assert.Equal(WitnessVerdict.NotSigned, Open(book).Add(strange.Ask(0, 3).Encode()).Verdict);
        Assert.Equal(WitnessVerdict.UnknownLog, Open(book).Add(other.Ask(0, 3).Encode()).Verdict);
        Assert.Empty(book.Heads);
    }

    [Theory]
    [InlineData("")]
    [InlineData("old 0")]
    [InlineData("old 00\n\n{note}")]
    [InlineData("old -1\n\n{note}")]
    [InlineData("old +1\n\n{note}")]
    [InlineData("size 0\n\n{note}")]
    [InlineData("old 0\nxxxx\n\n{note}")]
    [InlineData("old 0\n\n")]
    [InlineData("old 0\n\n{note}x")]
    [InlineData("old 0\r\n\n{note}")]
    [InlineData("old 9\n\n{note}")]
    public void Another_form_is_refused(string body)
    {
        var log = new WitnessedLog(_log);
        log.Append(3, salt: 0);
        using var book = WitnessBook.Open(_folder);
        var bytes = Encoding.UTF8.GetBytes(body.Replace("{note}", log.Ask(0, 3).Note.ToString(), StringComparison.Ordinal));
        Assert.Equal(WitnessVerdict.Malformed, Open(book).Add(bytes).Verdict);
        Assert.Empty(book.Heads);
    }

    /// <summary>
    /// Two histories that part somewhere take turns with one witness, which crashes between remembering and answering, and while it writes; what it has ever signed is
    /// of one history. 10 000 such interleavings on demand and in CI.
    /// </summary>
    [Fact]
    public void Over_10_000_interleavings_with_crashes_no_two_signed_heads_contradict_each_other()
    {
        var signed = 0;
        for (var round = 0; round < 200; round++)
        {
            var folder = Path.Combine(_folder, round.ToString(CultureInfo.InvariantCulture));
            var dice = new Dice((ulong)round);
            var honest = new WitnessedLog(_log);
            honest.Append(2 + dice.Next(10), salt: 0);
            var rival = honest.ForkAt(dice.Next(honest.Size));
            rival.Append(1 + dice.Next(10), salt: 1);
            var heads = new List<(WitnessedLog Log, int Size, MerkleHash Root)>();
            var book = WitnessBook.Open(folder);
            for (var step = 0; step < 50; step++)
            {
                var log = dice.Falls(50) ? honest : rival;
                log.Append(dice.Next(3), salt: ReferenceEquals(log, honest) ? 0 : 1);
                var known = (int)(book.Find(Origin)?.Size ?? 0);
                var old = dice.Falls(25) ? dice.Next(log.Size + 1) : Math.Min(known, log.Size);
                var size = old + dice.Next(log.Size - old + 1);
                var answer = Open(book).Add(log.Ask(old, size).Encode());
                // Crash after it was remembered: nobody gets the answer, but it might have got out.
                if (answer.Verdict == WitnessVerdict.CoSigned) heads.Add((log, size, log.Head(size).Root));
                if (dice.Falls(40)) continue;
                book.Dispose();
                if (dice.Falls(40)) CutAWrite(folder, dice);
                book = WitnessBook.Open(folder);
            }

            book.Dispose();
            signed += heads.Count;
            foreach (var (first, second) in heads.Zip(heads.Skip(1)))
            {
                Assert.True(first.Size <= second.Size, $"round {round}: {second.Size} was signed after {first.Size}");
                Assert.Equal(first.Root, second.Log.Head(first.Size).Root);
            }
        }

        Assert.True(signed > 1000, $"only {signed} heads were signed: the others say little");
    }

    [Fact]
    public void A_book_that_was_changed_is_not_opened()
    {
        var log = new WitnessedLog(_log);
        log.Append(5, salt: 0);
        using (var book = WitnessBook.Open(_folder))
        {
            for (var size = 1; size <= 3; size++) Assert.Equal(WitnessVerdict.CoSigned, Open(book).Add(log.Ask(size - 1, size).Encode()).Verdict);
        }

        var path = Assert.Single(Directory.GetFiles(_folder, "*.head"));
        var bytes = File.ReadAllBytes(path);
        bytes[100]++;
        bytes[WitnessBook.SlotBytes + 100]++;
        File.WriteAllBytes(path, bytes);
        Assert.Contains("must not sign", Assert.Throws<IOException>(() => WitnessBook.Open(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_book_is_open_in_one_place()
    {
        using var book = WitnessBook.Open(_folder);
        Assert.Contains("another process", Assert.Throws<IOException>(() => WitnessBook.Open(_folder)).Message, StringComparison.Ordinal);
    }

    private HeadWitness Open(WitnessBook book) => new(_own, [_log.ToVerifier()], book);

    /// <summary>A further head was being written when the machine stopped: any part of its slot is there.</summary>
    private static void CutAWrite(string folder, Dice dice)
    {
        foreach (var path in Directory.GetFiles(folder, "*.head"))
        {
            var bytes = File.ReadAllBytes(path);
            if (bytes.Length < 2 * WitnessBook.SlotBytes) continue;
            // The next write goes to the slot that does not hold the newest head; that one is whole and not touched.
            var newest = new[] { 0, 1 }.Where(slot => IsWhole(bytes, slot)).MaxBy(slot => BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan((slot * WitnessBook.SlotBytes) + 32)));
            var older = 1 - newest;
            var cut = dice.Next(WitnessBook.SlotBytes);
            for (var at = 0; at < cut; at++) bytes[(older * WitnessBook.SlotBytes) + at] = (byte)dice.Next(256);
            File.WriteAllBytes(path, bytes);
        }
    }

    private static bool IsWhole(byte[] file, int slot) =>
        SHA256.HashData(file.AsSpan((slot * WitnessBook.SlotBytes) + 32, WitnessBook.SlotBytes - 32)).AsSpan().SequenceEqual(file.AsSpan(slot * WitnessBook.SlotBytes, 32));
}
