namespace Grpc.Core;

/// <summary>Adds what authenticates one call to its headers.</summary>
/// <param name="context">which call</param>
/// <param name="metadata">the headers to add to</param>
public delegate Task AsyncAuthInterceptor(AuthInterceptorContext context, Metadata metadata);

/// <summary>The call that is to be authenticated.</summary>
public class AuthInterceptorContext
{
    /// <summary>Without cancellation.</summary>
    public AuthInterceptorContext(string serviceUrl, string methodName)
        : this(serviceUrl, methodName, CancellationToken.None)
    {
    }

    /// <param name="serviceUrl">scheme, authority and service, without the method</param>
    /// <param name="methodName">the method's name alone</param>
    /// <param name="cancellationToken">cancelled with the call</param>
    public AuthInterceptorContext(string serviceUrl, string methodName, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(serviceUrl);
        ArgumentNullException.ThrowIfNull(methodName);
        ServiceUrl = serviceUrl;
        MethodName = methodName;
        CancellationToken = cancellationToken;
    }

    /// <summary>Scheme, authority and service, without the method.</summary>
    public string ServiceUrl { get; }

    /// <summary>The method's name alone.</summary>
    public string MethodName { get; }

    /// <summary>Cancelled with the call.</summary>
    public CancellationToken CancellationToken { get; }
}

/// <summary>What authenticates a call, as headers added to it.</summary>
public abstract class CallCredentials
{
    /// <summary>Several together, applied in this order. Two or more, none null.</summary>
    public static CallCredentials Compose(params CallCredentials[] credentials) => new Composite(credentials);

    /// <summary>Headers added by code of the caller.</summary>
    public static CallCredentials FromInterceptor(AsyncAuthInterceptor interceptor) => new Intercepted(interceptor);

    /// <summary>For gRPC implementations: tells the configurator what these credentials are.</summary>
    public abstract void InternalPopulateConfiguration(CallCredentialsConfiguratorBase configurator, object? state);

    private sealed class Composite : CallCredentials
    {
        private readonly IReadOnlyList<CallCredentials> parts;

        public Composite(CallCredentials[] credentials)
        {
            ArgumentNullException.ThrowIfNull(credentials);
            if (credentials.Length < 2) throw new ArgumentException("Two or more credentials make a composition.", nameof(credentials));
            foreach (var credential in credentials) ArgumentNullException.ThrowIfNull(credential, nameof(credentials));
            parts = Array.AsReadOnly([.. credentials]);
        }

        public override void InternalPopulateConfiguration(CallCredentialsConfiguratorBase configurator, object? state) =>
            configurator.SetCompositeCredentials(state, parts);
    }

    private sealed class Intercepted : CallCredentials
    {
        private readonly AsyncAuthInterceptor interceptor;

        public Intercepted(AsyncAuthInterceptor interceptor)
        {
            ArgumentNullException.ThrowIfNull(interceptor);
            this.interceptor = interceptor;
        }

        public override void InternalPopulateConfiguration(CallCredentialsConfiguratorBase configurator, object? state) =>
            configurator.SetAsyncAuthInterceptorCredentials(state, interceptor);
    }
}

/// <summary>For gRPC implementations: receives what <see cref="CallCredentials"/> are made of.</summary>
public abstract class CallCredentialsConfiguratorBase
{
    /// <summary>They are several, in order.</summary>
    public abstract void SetCompositeCredentials(object? state, IReadOnlyList<CallCredentials> credentials);

    /// <summary>They are code of the caller.</summary>
    public abstract void SetAsyncAuthInterceptorCredentials(object? state, AsyncAuthInterceptor interceptor);
}

/// <summary>How a channel is secured.</summary>
public abstract class ChannelCredentials
{
    /// <summary>Plain text, nobody authenticated.</summary>
    public static ChannelCredentials Insecure { get; } = new InsecureChannel();

    /// <summary>TLS with the roots of the machine.</summary>
    public static ChannelCredentials SecureSsl { get; } = new SslCredentials();

    /// <summary>A secured channel whose every call carries call credentials. Insecure channels and compositions are refused.</summary>
    public static ChannelCredentials Create(ChannelCredentials channelCredentials, CallCredentials callCredentials) =>
        new Composite(channelCredentials, callCredentials);

    /// <summary>For gRPC implementations: tells the configurator what these credentials are.</summary>
    public abstract void InternalPopulateConfiguration(ChannelCredentialsConfiguratorBase configurator, object? state);

    internal virtual bool IsComposable => false;

    private sealed class InsecureChannel : ChannelCredentials
    {
        public override void InternalPopulateConfiguration(ChannelCredentialsConfiguratorBase configurator, object? state) =>
            configurator.SetInsecureCredentials(state);
    }

    private sealed class Composite : ChannelCredentials
    {
        private readonly ChannelCredentials channel;
        private readonly CallCredentials call;

        public Composite(ChannelCredentials channelCredentials, CallCredentials callCredentials)
        {
            ArgumentNullException.ThrowIfNull(channelCredentials);
            ArgumentNullException.ThrowIfNull(callCredentials);
            if (!channelCredentials.IsComposable)
                throw new ArgumentException("These channel credentials do not take call credentials.", nameof(channelCredentials));
            channel = channelCredentials;
            call = callCredentials;
        }

        public override void InternalPopulateConfiguration(ChannelCredentialsConfiguratorBase configurator, object? state) =>
            configurator.SetCompositeCredentials(state, channel, call);
    }
}

/// <summary>For gRPC implementations: receives what <see cref="ChannelCredentials"/> are made of.</summary>
public abstract class ChannelCredentialsConfiguratorBase
{
    /// <summary>Plain text.</summary>
    public abstract void SetInsecureCredentials(object? state);

    /// <summary>TLS; each part null when not given.</summary>
    public abstract void SetSslCredentials(
        object? state, string? rootCertificates, KeyCertificatePair? keyCertificatePair, VerifyPeerCallback? verifyPeerCallback);

    /// <summary>A channel with call credentials on every call.</summary>
    public abstract void SetCompositeCredentials(object? state, ChannelCredentials channelCredentials, CallCredentials callCredentials);
}

/// <summary>TLS by PEM text. The .NET client takes only the parameterless form; certificates go into its HTTP handler.</summary>
public sealed class SslCredentials : ChannelCredentials
{
    private readonly VerifyPeerCallback? verifyPeerCallback;

    /// <summary>With the roots of the machine.</summary>
    public SslCredentials()
        : this(null, null, null)
    {
    }

    /// <summary>With roots of one's own.</summary>
    public SslCredentials(string rootCertificates)
        : this(rootCertificates, null, null)
    {
    }

    /// <summary>With roots and a client certificate.</summary>
    public SslCredentials(string? rootCertificates, KeyCertificatePair? keyCertificatePair)
        : this(rootCertificates, keyCertificatePair, null)
    {
    }

    /// <summary>With roots, a client certificate and a further check of the server's.</summary>
    public SslCredentials(string? rootCertificates, KeyCertificatePair? keyCertificatePair, VerifyPeerCallback? verifyPeerCallback)
    {
        RootCertificates = rootCertificates;
        KeyCertificatePair = keyCertificatePair;
        this.verifyPeerCallback = verifyPeerCallback;
    }

    /// <summary>PEM; null for those of the machine.</summary>
    public string? RootCertificates { get; }

    /// <summary>Null for none.</summary>
    public KeyCertificatePair? KeyCertificatePair { get; }

    internal override bool IsComposable => true;

    /// <inheritdoc/>
    public override void InternalPopulateConfiguration(ChannelCredentialsConfiguratorBase configurator, object? state) =>
        configurator.SetSslCredentials(state, RootCertificates, KeyCertificatePair, verifyPeerCallback);
}

/// <summary>A certificate chain and its key, both PEM.</summary>
public sealed class KeyCertificatePair
{
    /// <summary>Neither may be null.</summary>
    public KeyCertificatePair(string certificateChain, string privateKey)
    {
        ArgumentNullException.ThrowIfNull(certificateChain);
        ArgumentNullException.ThrowIfNull(privateKey);
        CertificateChain = certificateChain;
        PrivateKey = privateKey;
    }

    /// <summary>PEM, leaf first.</summary>
    public string CertificateChain { get; }

    /// <summary>PEM.</summary>
    public string PrivateKey { get; }
}

/// <summary>A further check of the server's certificate, after the usual ones passed. False refuses the connection.</summary>
public delegate bool VerifyPeerCallback(VerifyPeerContext context);

/// <summary>The server being checked.</summary>
public class VerifyPeerContext
{
    /// <summary>The name dialled and the certificate shown, PEM.</summary>
    public VerifyPeerContext(string targetName, string peerPem)
    {
        TargetName = targetName;
        PeerPem = peerPem;
    }

    /// <summary>The name dialled.</summary>
    public string TargetName { get; }

    /// <summary>The certificate shown, PEM.</summary>
    public string PeerPem { get; }
}

/// <summary>What the transport knows of the peer.</summary>
public class AuthContext
{
    private readonly Dictionary<string, List<AuthProperty>> properties;

    /// <param name="peerIdentityPropertyName">the property that identifies the peer; null when it is not authenticated</param>
    /// <param name="properties">by name</param>
    public AuthContext(string? peerIdentityPropertyName, Dictionary<string, List<AuthProperty>> properties)
    {
        ArgumentNullException.ThrowIfNull(properties);
        PeerIdentityPropertyName = peerIdentityPropertyName;
        this.properties = properties;
    }

    /// <summary>True when the transport authenticated the peer.</summary>
    public bool IsPeerAuthenticated => PeerIdentityPropertyName is not null;

    /// <summary>The property that identifies the peer; null when it is not authenticated.</summary>
    public string? PeerIdentityPropertyName { get; }

    /// <summary>The peer's identities; empty when it is not authenticated.</summary>
    public IEnumerable<AuthProperty> PeerIdentity => PeerIdentityPropertyName is null ? [] : FindPropertiesByName(PeerIdentityPropertyName);

    /// <summary>Everything known.</summary>
    public IEnumerable<AuthProperty> Properties => properties.Values.SelectMany(values => values);

    /// <summary>The properties of this name; empty when there are none.</summary>
    public IEnumerable<AuthProperty> FindPropertiesByName(string propertyName) =>
        properties.TryGetValue(propertyName, out var found) ? found.AsReadOnly() : [];
}

/// <summary>One fact about the peer.</summary>
public class AuthProperty
{
    private readonly byte[] valueBytes;

    private AuthProperty(string name, byte[] valueBytes)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(valueBytes);
        Name = name;
        this.valueBytes = valueBytes.AsSpan().ToArray();
    }

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>The bytes read as UTF-8.</summary>
    public string Value => System.Text.Encoding.UTF8.GetString(valueBytes);

    /// <summary>A copy.</summary>
    public byte[] ValueBytes => valueBytes.AsSpan().ToArray();

    /// <summary>The bytes are copied.</summary>
    public static AuthProperty Create(string name, byte[] valueBytes) => new(name, valueBytes);
}
