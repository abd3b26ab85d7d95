using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Protocol.Identity;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Audit;

/// <summary>Asks one witness to co-sign heads (C2SP tlog-witness).</summary>
internal sealed class WitnessClient : IDisposable
{
    /// <summary>A witness that has forgotten, or another copy of the exchange, makes one further turn necessary.</summary>
    private const int MostTurns = 3;

    private readonly HttpClient _http;
    private readonly Uri _address;
    private readonly SqliteStore _store;

    /// <summary>Size of the head that the witness is known to have signed last.</summary>
    private long _size;

    public WitnessClient(WitnessPeer peer, SqliteStore store, long size)
    {
        Key = NoteVerifier.TryParse(peer.Key, out var key, out var problem) ? key : throw new StartRefusedException([problem]);
        (_store, _size) = (store, size);
        _address = new Uri(peer.Address.EndsWith('/') ? peer.Address + WitnessRequest.Path : $"{peer.Address}/{WitnessRequest.Path}");
        var tls = new SslClientAuthenticationOptions();
        if (peer.RootsPath.Length > 0)
        {
            tls.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            tls.CertificateChainPolicy.CustomTrustStore.AddRange(MemberTls.LoadRoots(peer.RootsPath));
        }

        _http = new HttpClient(new SocketsHttpHandler { SslOptions = tls, AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = TimeSpan.FromSeconds(5) })
        {
            Timeout = TimeSpan.FromSeconds(10), MaxResponseContentBufferSize = SignedNote.MaxSizeBytes,
        };
    }

    public NoteVerifier Key { get; }

    /// <summary>The witness's signature lines over a head; null: it cannot be reached or did not sign, and may be asked again.</summary>
    /// <exception cref="EvidenceException">The witness holds a head that this log does not contain.</exception>
    public async Task<string?> CoSignAsync(LogHead head, CancellationToken cancellation)
    {
        if (!SignedNote.TryParse(head.Note, out var note, out var problem)) throw new EvidenceException($"The head of {head.Size} entries cannot be read. {problem}");
        for (var turn = 1; turn <= MostTurns; turn++)
        {
            if (_size > head.Size) throw Behind(_size, head.Size);
            var asked = new WitnessRequest(_size, ProofTo(head.Size), note);
            try
            {
                using var content = new ByteArrayContent(asked.Encode());
                using var response = await _http.PostAsync(_address, content, cancellation);
                var text = await response.Content.ReadAsStringAsync(cancellation);
                switch (response.StatusCode)
                {
                    case HttpStatusCode.OK:
                        if (!note.TryAddSignatures(text, out var signed) || !signed.TryVerify([Key], out _, out _)) return null;
                        _size = head.Size;
                        return text;
                    case HttpStatusCode.Conflict when WitnessRequest.TryParseSize(text.AsSpan().TrimEnd('\n'), out var size):
                        if (size == _size) throw Forked(size);
                        _size = size;
                        continue;
                    case HttpStatusCode.UnprocessableEntity:
                        throw Forked(_size);
                    default:
                        ServerLog.WitnessRefused(Key.Name, (int)response.StatusCode);
                        return null;
                }
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !cancellation.IsCancellationRequested)
            {
                return null;
            }
        }

        return null;
    }

    public void Dispose()
    {
        _http.Dispose();
        Key.Dispose();
    }

    private MerkleHash[] ProofTo(long size)
    {
        using var session = _store.Read();
        return MerkleProof.Consistency(_size, size, session.Nodes());
    }

    private EvidenceException Behind(long witnessed, long size) => new(string.Create(CultureInfo.InvariantCulture,
        $"The witness {Key.Name} has signed a head of {witnessed} entries, and this log has only {size}: the database was restored from an old copy, or another copy of the exchange runs."));

    private EvidenceException Forked(long witnessed) => new(string.Create(CultureInfo.InvariantCulture,
        $"The witness {Key.Name} has signed a head of {witnessed} entries that is not the beginning of this log: it was rewritten, or another copy of the exchange runs."));
}
