namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>Whether the exchange serves now, as its parts decide it and health checks tell it. Starts as not serving.</summary>
internal sealed class ServingState
{
    private readonly Lock gate = new();
    private volatile Moment now = new(IsServing: false, IsOver: false);

    public bool IsServing => now.IsServing;

    /// <summary>The state now, and what completes when it is no longer.</summary>
    public Moment Now => now;

    public void Set(bool serving) => Move(serving, over: false);

    /// <summary>The server stops: not serving, for good; whoever watches is told and let go.</summary>
    public void Stop() => Move(serving: false, over: true);

    private void Move(bool serving, bool over)
    {
        Moment before;
        lock (gate)
        {
            before = now;
            if (before.IsOver || (before.IsServing == serving && !over))
                return;
            now = new Moment(serving, over);
        }

        before.End();
    }

    /// <summary>One state from its beginning to its end.</summary>
    internal sealed record Moment(bool IsServing, bool IsOver)
    {
        private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Completes when the next state begins.</summary>
        public Task Ended => ended.Task;

        internal void End() => ended.SetResult();
    }
}
