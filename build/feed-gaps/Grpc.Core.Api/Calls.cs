using System.Runtime.CompilerServices;

namespace Grpc.Core;

/// <summary>What every running call has beside its messages; the delegates get <c>state</c>.</summary>
internal readonly struct RunningCall(
    Func<object, Task<Metadata>> headers, Func<object, Status> status, Func<object, Metadata> trailers, Action<object> dispose, object state)
{
    public RunningCall(Task<Metadata> headers, Func<Status> status, Func<Metadata> trailers, Action dispose)
        : this(_ => headers, _ => status(), _ => trailers(), _ => dispose(), null!)
    {
    }

    public Task<Metadata> Headers() => headers(state);

    public Status Status() => status(state);

    public Metadata Trailers() => trailers(state);

    public void Dispose() => dispose(state);
}

/// <summary>A running call with one request and one response. Awaiting it gives the response or throws <see cref="RpcException"/>.</summary>
public sealed class AsyncUnaryCall<TResponse> : IDisposable
{
    private readonly RunningCall call;

    /// <summary>From closures.</summary>
    public AsyncUnaryCall(
        Task<TResponse> responseAsync, Task<Metadata> responseHeadersAsync, Func<Status> getStatusFunc, Func<Metadata> getTrailersFunc, Action disposeAction)
    {
        ResponseAsync = responseAsync;
        call = new RunningCall(responseHeadersAsync, getStatusFunc, getTrailersFunc, disposeAction);
    }

    /// <summary>From functions of a state object.</summary>
    public AsyncUnaryCall(
        Task<TResponse> responseAsync,
        Func<object, Task<Metadata>> responseHeadersAsync,
        Func<object, Status> getStatusFunc,
        Func<object, Metadata> getTrailersFunc,
        Action<object> disposeAction,
        object state)
    {
        ResponseAsync = responseAsync;
        call = new RunningCall(responseHeadersAsync, getStatusFunc, getTrailersFunc, disposeAction, state);
    }

    /// <summary>The response.</summary>
    public Task<TResponse> ResponseAsync { get; }

    /// <summary>The headers, which may arrive before the response.</summary>
    public Task<Metadata> ResponseHeadersAsync => call.Headers();

    /// <summary>The response, awaited.</summary>
    public TaskAwaiter<TResponse> GetAwaiter() => ResponseAsync.GetAwaiter();

    /// <summary>The response, awaited with or without the captured context.</summary>
    public ConfiguredTaskAwaitable<TResponse> ConfigureAwait(bool continueOnCapturedContext) => ResponseAsync.ConfigureAwait(continueOnCapturedContext);

    /// <summary>Only after the call ended.</summary>
    /// <exception cref="InvalidOperationException">it has not</exception>
    public Status GetStatus() => call.Status();

    /// <summary>Only after the call ended.</summary>
    /// <exception cref="InvalidOperationException">it has not</exception>
    public Metadata GetTrailers() => call.Trailers();

    /// <summary>Cancels the call when it still runs.</summary>
    public void Dispose() => call.Dispose();
}

/// <summary>A running call with a stream of requests and one response. Awaiting it gives the response or throws <see cref="RpcException"/>.</summary>
public sealed class AsyncClientStreamingCall<TRequest, TResponse> : IDisposable
{
    private readonly RunningCall call;

    /// <summary>From closures.</summary>
    public AsyncClientStreamingCall(
        IClientStreamWriter<TRequest> requestStream,
        Task<TResponse> responseAsync,
        Task<Metadata> responseHeadersAsync,
        Func<Status> getStatusFunc,
        Func<Metadata> getTrailersFunc,
        Action disposeAction)
    {
        RequestStream = requestStream;
        ResponseAsync = responseAsync;
        call = new RunningCall(responseHeadersAsync, getStatusFunc, getTrailersFunc, disposeAction);
    }

    /// <summary>From functions of a state object.</summary>
    public AsyncClientStreamingCall(
        IClientStreamWriter<TRequest> requestStream,
        Task<TResponse> responseAsync,
        Func<object, Task<Metadata>> responseHeadersAsync,
        Func<object, Status> getStatusFunc,
        Func<object, Metadata> getTrailersFunc,
        Action<object> disposeAction,
        object state)
    {
        RequestStream = requestStream;
        ResponseAsync = responseAsync;
        call = new RunningCall(responseHeadersAsync, getStatusFunc, getTrailersFunc, disposeAction, state);
    }

    /// <summary>Where the requests go; complete it to get the response.</summary>
    public IClientStreamWriter<TRequest> RequestStream { get; }

    /// <summary>The response.</summary>
    public Task<TResponse> ResponseAsync { get; }

    /// <summary>The headers, which may arrive before the response.</summary>
    public Task<Metadata> ResponseHeadersAsync => call.Headers();

    /// <summary>The response, awaited.</summary>
    public TaskAwaiter<TResponse> GetAwaiter() => ResponseAsync.GetAwaiter();

    /// <summary>The response, awaited with or without the captured context.</summary>
    public ConfiguredTaskAwaitable<TResponse> ConfigureAwait(bool continueOnCapturedContext) => ResponseAsync.ConfigureAwait(continueOnCapturedContext);

    /// <summary>Only after the call ended.</summary>
    /// <exception cref="InvalidOperationException">it has not</exception>
    public Status GetStatus() => call.Status();

    /// <summary>Only after the call ended.</summary>
    /// <exception cref="InvalidOperationException">it has not</exception>
    public Metadata GetTrailers() => call.Trailers();

    /// <summary>Cancels the call when it still runs.</summary>
    public void Dispose() => call.Dispose();
}

/// <summary>A running call with one request and a stream of responses.</summary>
public sealed class AsyncServerStreamingCall<TResponse> : IDisposable
{
    private readonly RunningCall call;

    /// <summary>From closures.</summary>
    public AsyncServerStreamingCall(
        IAsyncStreamReader<TResponse> responseStream,
        Task<Metadata> responseHeadersAsync,
        Func<Status> getStatusFunc,
        Func<Metadata> getTrailersFunc,
        Action disposeAction)
    {
        ResponseStream = responseStream;
        call = new RunningCall(responseHeadersAsync, getStatusFunc, getTrailersFunc, disposeAction);
    }

    /// <summary>From functions of a state object.</summary>
    public AsyncServerStreamingCall(
        IAsyncStreamReader<TResponse> responseStream,
        Func<object, Task<Metadata>> responseHeadersAsync,
        Func<object, Status> getStatusFunc,
        Func<object, Metadata> getTrailersFunc,
        Action<object> disposeAction,
        object state)
    {
        ResponseStream = responseStream;
        call = new RunningCall(responseHeadersAsync, getStatusFunc, getTrailersFunc, disposeAction, state);
    }

    /// <summary>Where the responses come from.</summary>
    public IAsyncStreamReader<TResponse> ResponseStream { get; }

    /// <summary>The headers, which may arrive before the first response.</summary>
    public Task<Metadata> ResponseHeadersAsync => call.Headers();

    /// <summary>Only after the call ended.</summary>
    /// <exception cref="InvalidOperationException">it has not</exception>
    public Status GetStatus() => call.Status();

    /// <summary>Only after the call ended.</summary>
    /// <exception cref="InvalidOperationException">it has not</exception>
    public Metadata GetTrailers() => call.Trailers();

    /// <summary>Cancels the call when it still runs.</summary>
    public void Dispose() => call.Dispose();
}

/// <summary>A running call with two streams.</summary>
public sealed class AsyncDuplexStreamingCall<TRequest, TResponse> : IDisposable
{
    private readonly RunningCall call;

    /// <summary>From closures.</summary>
    public AsyncDuplexStreamingCall(
        IClientStreamWriter<TRequest> requestStream,
        IAsyncStreamReader<TResponse> responseStream,
        Task<Metadata> responseHeadersAsync,
        Func<Status> getStatusFunc,
        Func<Metadata> getTrailersFunc,
        Action disposeAction)
    {
        RequestStream = requestStream;
        ResponseStream = responseStream;
        call = new RunningCall(responseHeadersAsync, getStatusFunc, getTrailersFunc, disposeAction);
    }

    /// <summary>From functions of a state object.</summary>
    public AsyncDuplexStreamingCall(
        IClientStreamWriter<TRequest> requestStream,
        IAsyncStreamReader<TResponse> responseStream,
        Func<object, Task<Metadata>> responseHeadersAsync,
        Func<object, Status> getStatusFunc,
        Func<object, Metadata> getTrailersFunc,
        Action<object> disposeAction,
        object state)
    {
        RequestStream = requestStream;
        ResponseStream = responseStream;
        call = new RunningCall(responseHeadersAsync, getStatusFunc, getTrailersFunc, disposeAction, state);
    }

    /// <summary>Where the requests go.</summary>
    public IClientStreamWriter<TRequest> RequestStream { get; }

    /// <summary>Where the responses come from.</summary>
    public IAsyncStreamReader<TResponse> ResponseStream { get; }

    /// <summary>The headers, which may arrive before the first response.</summary>
    public Task<Metadata> ResponseHeadersAsync => call.Headers();

    /// <summary>Only after the call ended.</summary>
    /// <exception cref="InvalidOperationException">it has not</exception>
    public Status GetStatus() => call.Status();

    /// <summary>Only after the call ended.</summary>
    /// <exception cref="InvalidOperationException">it has not</exception>
    public Metadata GetTrailers() => call.Trailers();

    /// <summary>Cancels the call when it still runs.</summary>
    public void Dispose() => call.Dispose();
}
