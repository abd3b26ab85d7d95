namespace SafetyNet.Exchange.Protocol.Identity;

/// <summary>
/// The member registry as it stands in a file, followed while the process runs, so that a suspension takes effect without a restart. A file that cannot be used leaves the
/// last good registry in force and raises an alert; at start it stops the start.
/// </summary>
public sealed class MemberDirectoryFile : IDisposable
{
    /// <summary>How often the file is looked at.</summary>
    public static readonly TimeSpan PollEvery = TimeSpan.FromSeconds(5);

    private readonly string _path;
    private readonly Action<Exception> _alert;
    private readonly Lock _reloading = new();
    private readonly ITimer _poll;
    private volatile MemberDirectory _current;
    private (DateTime WrittenAt, long SizeBytes) _seen;

    /// <summary>Reads the file. Refuses one that cannot be used with <see cref="MemberRegistryException"/> or <see cref="IOException"/>.</summary>
    /// <param name="alert">Told once for each state of the file that cannot be used.</param>
    public MemberDirectoryFile(string path, TimeProvider clock, Action<Exception> alert)
    {
        ArgumentNullException.ThrowIfNull(clock);
        _path = path;
        _alert = alert;
        _seen = StateOf(path);
        _current = MemberDirectory.Load(path);
        _poll = clock.CreateTimer(_ => Reload(), null, PollEvery, PollEvery);
    }

    /// <summary>The last good registry. Take it once per call.</summary>
    public MemberDirectory Current => _current;

    /// <summary>Looks at the file now.</summary>
    public void Reload()
    {
        lock (_reloading)
        {
            try
            {
                var state = StateOf(_path);
                if (state == _seen) return;
                _seen = state;
                _current = MemberDirectory.Load(_path);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or MemberRegistryException)
            {
                _alert(error);
            }
        }
    }

    public void Dispose() => _poll.Dispose();

    // A file that is away for a moment has a state of its own (size -1), so that its return is seen.
    private static (DateTime, long) StateOf(string path)
    {
        var file = new FileInfo(path);
        return file.Exists ? (file.LastWriteTimeUtc, file.Length) : (default, -1);
    }
}
