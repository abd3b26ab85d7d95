namespace SafetyNet.Exchange.Server.Storage;

/// <summary>
/// The right to order and sign the log of a database: one process at a time has it, however many could (design.md 8). It is a lock of the operating system on a file beside
/// the database, so it ends with its process, by whatever that ends, and at no other time: nobody goes on writing after it was lost, and no clock is asked.
/// </summary>
internal sealed class StoreLease : IAsyncDisposable, IDisposable
{
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(100);

    private readonly FileStream _held;

    private StoreLease(FileStream held) => _held = held;

    /// <summary>Takes it.</summary>
    /// <param name="path">The database.</param>
    /// <exception cref="StartRefusedException">Another process has it.</exception>
    public static StoreLease Take(string path) => TryTake(path)
        ?? throw new StartRefusedException([$"Storage:Path: {path} is in use by another exchange; two would give two orders to one log. Stop the other one, or set Exchange:Standby=true to take its place when it ends"]);

    /// <summary>Waits as long as another process has it; that is not served meanwhile.</summary>
    /// <param name="path">The database.</param>
    public static async Task<StoreLease> TakeWhenFreeAsync(string path)
    {
        if (TryTake(path) is { } free) return free;
        ServerLog.StandingBy();
        while (true)
        {
            await Task.Delay(Between);
            if (TryTake(path) is not { } held) continue;
            ServerLog.TakingOver();
            return held;
        }
    }

    public void Dispose() => _held.Dispose();

    public ValueTask DisposeAsync() => _held.DisposeAsync();

    private static StoreLease? TryTake(string path)
    {
        try
        {
            return new StoreLease(new FileStream(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException) when (File.Exists(path + ".lock"))
        {
            return null;
        }
    }
}
