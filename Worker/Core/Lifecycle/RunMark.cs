using System.Collections.Immutable;

namespace Orchestrator.Worker.Core.Lifecycle;

/// <summary>Names the run in what a worker says: it may be released by one run and asked by the next while its words of the first are on their way.</summary>
public static class RunMark
{
    /// <param name="before">The worker when the event came.</param>
    /// <param name="after">The worker behind it: it may have dropped its run.</param>
    /// <param name="effects">What it wants done.</param>
    public static ImmutableArray<WorkerEffect> Put(WorkerState before, WorkerState after, ImmutableArray<WorkerEffect> effects)
    {
        if ((after.Run ?? before.Run) is not { } run || !effects.Any(effect => effect is WorkerEffect.Send))
        {
            return effects;
        }

        return [.. effects.Select(effect => effect is WorkerEffect.Send { Message.Run: null } send ? new WorkerEffect.Send(send.Message with { Run = run }) : effect)];
    }
}
