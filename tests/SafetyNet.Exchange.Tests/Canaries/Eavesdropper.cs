using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Canaries;

/// <summary>Hears whatever leaves the process besides permitted answers: refusals with their trailers, traces, metrics, and what lies in files.</summary>
internal sealed class Eavesdropper : IDisposable
{
    private readonly ConcurrentQueue<(string Where, string Text)> _heard = [];
    private readonly ActivityListener _traces;
    private readonly MeterListener _metrics = new();
    private int _answered;

    public Eavesdropper()
    {
        _traces = new ActivityListener
        {
            ShouldListenTo = _ => true, Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => Hear("trace", $"{activity.OperationName} {activity.DisplayName} {activity.StatusDescription} "
                + string.Join(' ', activity.TagObjects.Select(t => $"{t.Key}={t.Value}").Concat(activity.Baggage.Select(b => $"{b.Key}={b.Value}"))
                    .Concat(activity.Events.SelectMany(e => e.Tags.Select(t => $"{e.Name} {t.Key}={t.Value}"))))),
        };
        ActivitySource.AddActivityListener(_traces);
        _metrics.InstrumentPublished = (instrument, listener) => listener.EnableMeasurementEvents(instrument);
        _metrics.SetMeasurementEventCallback<long>((instrument, _, tags, _) => HearTags(instrument, tags));
        _metrics.SetMeasurementEventCallback<double>((instrument, _, tags, _) => HearTags(instrument, tags));
        _metrics.Start();
    }

    public IReadOnlyCollection<(string Where, string Text)> Heard => _heard;

    public int Answered => _answered;

    public int Refused => _heard.Count(h => h.Where == "refusal");

    /// <summary>Makes a call whatever comes of it; a permitted answer is not listened to.</summary>
    public async Task CallAsync(Party by, string method, IMessage request)
    {
        var descriptor = ContractMethods.Find(method)!;
        using var ends = new CancellationTokenSource(TimeSpan.FromSeconds(descriptor.IsServerStreaming ? 1 : 30));
        try
        {
            if (descriptor.IsServerStreaming)
            {
                using var stream = by.Channel.Invoker.AsyncServerStreamingCall(ContractMethods.ToGrpc(descriptor), host: null, new CallOptions(cancellationToken: ends.Token), request);
                await stream.ResponseStream.MoveNext(ends.Token);
            }
            else
            {
                using var call = by.Channel.Invoker.AsyncUnaryCall(ContractMethods.ToGrpc(descriptor), host: null, new CallOptions(cancellationToken: ends.Token), request);
                await call;
                HearTrailers("trailers of an answer", call.GetTrailers());
            }

            Interlocked.Increment(ref _answered);
        }
        catch (RpcException error)
        {
            Hear("refusal", $"{method} {error.StatusCode} {error.Status.Detail}");
            HearTrailers("trailers of a refusal", error.Trailers);
        }
    }

    /// <summary>Everything that lies in a folder.</summary>
    public static IEnumerable<(string File, byte[] Bytes)> Files(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            // The lock of the running server is empty, and nobody may open it.
            if (file.EndsWith(".lock", StringComparison.Ordinal) && new FileInfo(file).Length == 0) continue;
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            yield return (file, bytes);
        }
    }

    public void Dispose()
    {
        _traces.Dispose();
        _metrics.Dispose();
    }

    private void HearTrailers(string where, Metadata trailers)
    {
        foreach (var trailer in trailers) Hear(where, trailer.IsBinary ? $"{trailer.Key} {Encoding.UTF8.GetString(trailer.ValueBytes)}" : $"{trailer.Key} {trailer.Value}");
    }

    private void HearTags(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var text = new StringBuilder(instrument.Name);
        foreach (var tag in tags) text.Append(' ').Append(tag.Key).Append('=').Append(tag.Value);
        Hear("metric", text.ToString());
    }

    private void Hear(string where, string text) => _heard.Enqueue((where, text));
}
