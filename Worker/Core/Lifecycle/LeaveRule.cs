using System.Collections.Immutable;
using Orchestrator.Core.Messages;

namespace Orchestrator.Worker.Core.Lifecycle;

/// <summary>A worker leaves its coordinator: from then on nothing of that stream is an order, whatever was under way.</summary>
/// <remarks>
/// The stream's end comes later than the decision to close it. An owner that was frozen has orders behind its Welcome or its heartbeat, and those of an older
/// term must not take effect while the end is on its way. To the coordinator it is as if the stream had broken a moment earlier.
/// </remarks>
internal static class LeaveRule
{
    /// <param name="state">Of the worker.</param>
    /// <param name="reason">In a sentence.</param>
    /// <param name="isRefusal">The coordinator's term is older than the newest that was seen.</param>
    public static (WorkerState, ImmutableArray<WorkerEffect>) HangUp(WorkerState state, string reason, bool isRefusal) =>
        (state with { Patience = null, SilentBeats = 0, HasHungUp = true }, [new WorkerEffect.HangUp(reason, isRefusal)]);

    /// <summary>What the coordinator says behind that. What asks for nothing is no order.</summary>
    public static ImmutableArray<WorkerEffect> Answer(CoordinatorMessage message) => message is CoordinatorMessage.Heartbeat or CoordinatorMessage.Recorded ? []
        : [new WorkerEffect.Refuse($"{message.GetType().Name} came from a coordinator that this worker has left: refused.")];
}
