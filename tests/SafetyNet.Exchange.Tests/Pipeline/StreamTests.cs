using Grpc.Core;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Pipeline;

public sealed class StreamTests(TestExchange exchange) : WireTests(exchange)
{
    private static readonly Marshaller<byte[]> Raw = Marshallers.Create(bytes => bytes, bytes => bytes);

    [Fact]
    [Trait("Rule", "R-AUD-1")]
    public async Task Bug_a_stream_that_failed_after_its_record_stood_was_recorded_again_and_stopped_the_exchange()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        var reflection = new Method<byte[], byte[]>(MethodType.DuplexStreaming, "grpc.reflection.v1.ServerReflection", "ServerReflectionInfo", Raw, Raw);
        var headers = new Metadata { { "authorization", $"Bearer {own.TokenFor(the.School.System)}" } };
        using (var call = own.WithoutToken(the.School.System).AsyncDuplexStreamingCall(reflection, host: null, new CallOptions(headers)))
        {
            await call.RequestStream.WriteAsync([0xff, 0xff, 0xff]);
            await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        }

        await the.School.RefersAsync(the.Centre);
        Assert.False(own.Composition.Commits.IsBroken);
        Assert.Single(own.RecordsFrom(0), r => r.Method == reflection.FullName);
        ServerOutput.TakeErrors();
    }
}
