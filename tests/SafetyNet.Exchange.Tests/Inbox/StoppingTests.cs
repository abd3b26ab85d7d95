using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Inbox;

public sealed class StoppingTests(TestExchange exchange) : WireTests(exchange)
{
    [Fact]
    [Trait("Rule", "R-NOT-1")]
    public async Task Bug_an_open_watch_held_up_the_stop_of_the_server()
    {
        await using var own = await TestExchange.StartAsync();
        var the = new The(own);
        using var watch = the.Centre.Channel.Inbox.WatchInbox(new Wire.WatchInboxRequest { Context = the.Centre.Context() });
        await the.School.RefersAsync(the.Centre);
        Assert.True(await watch.ResponseStream.MoveNext(TestContext.Current.CancellationToken));

        own.Composition.EndStreams();
        Assert.False(await watch.ResponseStream.MoveNext(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
    }
}
