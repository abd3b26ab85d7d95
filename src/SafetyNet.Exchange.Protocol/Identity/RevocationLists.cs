using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace SafetyNet.Exchange.Protocol.Identity;

/// <summary>What the revocation lists say about a certificate now. The default is the answer that refuses.</summary>
public enum RevocationStatus
{
    /// <summary>There is no list of its issuer, or the last good one has run out: refuse until a new one arrives.</summary>
    NoCurrentList = 0,
    Revoked,
    Good,
}

/// <summary>What is wrong with a file in the folder; the lists in force stay as they are.</summary>
public enum RevocationProblem
{
    /// <summary>The file or folder cannot be read.</summary>
    Unreadable,

    /// <summary>Cut short, or not a complete list of RFC 5280 5.</summary>
    Broken,

    /// <summary>No known issuing authority signed it.</summary>
    Foreign,

    /// <summary>Its next update is past.</summary>
    RunOut,

    /// <summary>Its first instant lies ahead.</summary>
    Early,

    /// <summary>The list in force is newer.</summary>
    Older,

    /// <summary>The list in force has run out: every certificate of that issuer is refused from now on.</summary>
    IssuerClosed,

    /// <summary>A file among the issuing authorities is none under the configured roots.</summary>
    NoAuthority,
}

/// <summary>A thing an operator must look at. Raised once for each state of a file, not at each look.</summary>
/// <param name="Subject">File name, or the agency's name for <see cref="RevocationProblem.IssuerClosed"/>.</param>
public sealed record RevocationAlert(RevocationProblem Problem, string Subject);

/// <summary>
/// The exchange's own revocation: signed lists in a watched folder, held in memory, asked on every call. The last good list of an issuer stays in force until its
/// next update, whatever else is put into the folder; after that everything the issuer ever issued is refused (B09).
/// </summary>
/// <remarks>
/// An attacker who can write to the two folders can at most close an agency out (remove its authority) or, after a restart, put an older list back that has
/// not run out yet: he cannot make a list, for the authority's key signs it.
/// </remarks>
public sealed class RevocationLists : IDisposable
{
    /// <summary>How often the folders are looked at even when the system reports no change (network file systems report none).</summary>
    public static readonly TimeSpan PollEvery = TimeSpan.FromSeconds(10);

    private const int LargestListSizeBytes = 64 * 1024 * 1024;
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    private readonly string _listDirectory;
    private readonly string _authorityDirectory;
    private readonly CertificateRules _rules;
    private readonly TimeProvider _clock;
    private readonly Action<RevocationAlert> _alert;
    private readonly Lock _reloading = new();
    private readonly HashSet<(RevocationProblem, string)> _raised = [];
    private readonly Dictionary<string, (DateTime WrittenAt, long SizeBytes)> _seen = new(StringComparer.Ordinal);
    private volatile FrozenDictionary<string, RevocationList> _inForce = FrozenDictionary<string, RevocationList>.Empty;
    private volatile FrozenDictionary<string, (X509Certificate2 Certificate, string Agency)> _authorities = FrozenDictionary<string, (X509Certificate2, string)>.Empty;
    private FileSystemWatcher? _watcher;
    private ITimer? _poll;

    /// <summary>Reads both folders once. Never throws for what lies in them; a folder that cannot be read leaves every certificate refused and raises an alert.</summary>
    /// <param name="listDirectory">Signed lists, DER or PEM, any file name ending in <c>.crl</c> or <c>.pem</c>.</param>
    /// <param name="authorityDirectory">Certificates of the agencies' issuing authorities, PEM, ending in <c>.pem</c>.</param>
    /// <param name="alert">Called on the thread that reloads; must not block.</param>
    public RevocationLists(string listDirectory, string authorityDirectory, CertificateRules rules, TimeProvider clock, Action<RevocationAlert> alert)
    {
        _listDirectory = listDirectory;
        _authorityDirectory = authorityDirectory;
        _rules = rules;
        _clock = clock;
        _alert = alert;
        Reload();
    }

    /// <summary>The issuing authorities of the folder that the roots vouch for: candidates for <see cref="CertificateRules.Decide"/>, needed when a peer or a resumed session sends none.</summary>
    public X509Certificate2Collection Authorities => [.. _authorities.Values.Select(authority => authority.Certificate)];

    /// <summary>Looks at the certificate in memory; takes well below a microsecond and never waits.</summary>
    public RevocationStatus StatusOf(MemberCertificate certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        if (!_inForce.TryGetValue(certificate.IssuerKey, out var list) || _clock.GetUtcNow() >= list.NextUpdate) return RevocationStatus.NoCurrentList;
        return list.Serials.Contains(certificate.Serial) ? RevocationStatus.Revoked : RevocationStatus.Good;
    }

    /// <summary>Follows the folders from now on: at once where the system reports changes, within <see cref="PollEvery"/> anywhere.</summary>
    public void Watch()
    {
        _poll = _clock.CreateTimer(_ => Reload(), null, PollEvery, PollEvery);
        try
        {
            _watcher = new FileSystemWatcher(_listDirectory) { NotifyFilter = NotifyFilters.FileName | NotifyFilters.LastWrite | NotifyFilters.Size };
            _watcher.Created += (_, _) => Reload();
            _watcher.Changed += (_, _) => Reload();
            _watcher.Renamed += (_, _) => Reload();
            _watcher.EnableRaisingEvents = true;
        }
        catch (Exception error) when (error is IOException or ArgumentException)
        {
            // No events here (no such folder yet, or out of watches): the poll alone follows it.
            Raise(RevocationProblem.Unreadable, _listDirectory);
        }
    }

    /// <summary>Looks at both folders now.</summary>
    public void Reload()
    {
        lock (_reloading)
        {
            var now = _clock.GetUtcNow();
            if (LoadAuthorities(now)) _seen.Clear();
            LoadLists(now);
            foreach (var (key, (_, agency)) in _authorities)
                if (!_inForce.TryGetValue(key, out var list) || now >= list.NextUpdate)
                    Raise(RevocationProblem.IssuerClosed, agency);
                else
                    _raised.Remove((RevocationProblem.IssuerClosed, agency));
        }
    }

    public void Dispose()
    {
        _watcher?.Dispose();
        _poll?.Dispose();
    }

    /// <summary>True when the set of authorities is another than before, so that lists refused as foreign deserve a second look.</summary>
    private bool LoadAuthorities(DateTimeOffset now)
    {
        var found = new Dictionary<string, (X509Certificate2 Certificate, string Agency)>(StringComparer.Ordinal);
        foreach (var file in FilesOf(_authorityDirectory, ".pem"))
        {
            try
            {
                var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(file));
                if (_rules.FindAgencyOfAuthority(certificate, now) is { } agency) found[CertificateRules.KeyOf(certificate)] = (certificate, agency);
                else Raise(RevocationProblem.NoAuthority, Path.GetFileName(file));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
            {
                Raise(RevocationProblem.Unreadable, Path.GetFileName(file));
            }
        }
        if (found.Count == _authorities.Count && found.Keys.All(_authorities.ContainsKey)) return false;
        _authorities = found.ToFrozenDictionary(StringComparer.Ordinal);
        _inForce = _inForce.Where(entry => found.ContainsKey(entry.Key)).ToFrozenDictionary(StringComparer.Ordinal);
        return true;
    }

    private void LoadLists(DateTimeOffset now)
    {
        var next = new Dictionary<string, RevocationList>(_inForce, StringComparer.Ordinal);
        foreach (var file in FilesOf(_listDirectory, ".crl", ".pem"))
        {
            try
            {
                var state = new FileInfo(file);
                var stamp = (state.LastWriteTimeUtc, state.Length);
                var unchanged = _seen.TryGetValue(file, out var seen) && seen == stamp;
                // A list whose first instant lay ahead may have come of age without the file changing.
                if (unchanged && !_raised.Contains((RevocationProblem.Early, Path.GetFileName(file)))) continue;
                if (!unchanged) foreach (var past in Enum.GetValues<RevocationProblem>()) _raised.Remove((past, Path.GetFileName(file)));
                if (state.Length > LargestListSizeBytes) Raise(RevocationProblem.Broken, Path.GetFileName(file));
                else if (Consider(File.ReadAllBytes(file), next, now) is { } problem) Raise(problem, Path.GetFileName(file));
                _seen[file] = stamp;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                Raise(RevocationProblem.Unreadable, Path.GetFileName(file));
            }
        }
        _inForce = next.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private RevocationProblem? Consider(byte[] file, Dictionary<string, RevocationList> next, DateTimeOffset now)
    {
        if (!RevocationList.TryParse(file, out var list)) return RevocationProblem.Broken;
        var issuer = _authorities.FirstOrDefault(authority => list.IsSignedBy(authority.Value.Certificate)).Key;
        if (issuer is null) return RevocationProblem.Foreign;
        if (now >= list.NextUpdate) return RevocationProblem.RunOut;
        if (list.ThisUpdate > now + ClockSkew) return RevocationProblem.Early;
        if (next.TryGetValue(issuer, out var inForce))
        {
            if (list.Number < inForce.Number || list.ThisUpdate < inForce.ThisUpdate) return RevocationProblem.Older;
            // The same number with other content is not a newer list, and nothing it leaves out is given back.
            if (list.Number == inForce.Number && !inForce.Serials.IsSubsetOf(list.Serials)) return RevocationProblem.Older;
        }
        next[issuer] = list;
        return null;
    }

    private List<string> FilesOf(string directory, params string[] endings)
    {
        try
        {
            var files = Directory.EnumerateFiles(directory).Where(file => endings.Contains(Path.GetExtension(file), StringComparer.Ordinal)).Order(StringComparer.Ordinal).ToList();
            _raised.Remove((RevocationProblem.Unreadable, directory));
            return files;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Raise(RevocationProblem.Unreadable, directory);
            return [];
        }
    }

    private void Raise(RevocationProblem problem, string subject)
    {
        if (_raised.Add((problem, subject))) _alert(new RevocationAlert(problem, subject));
    }
}
