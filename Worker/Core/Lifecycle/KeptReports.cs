using System.Collections.Immutable;
using Orchestrator.Core.Messages;

namespace Orchestrator.Worker.Core.Lifecycle;

/// <summary>What a member has reported and its coordinator has not recorded yet: told again to the one that takes over.</summary>
/// <param name="Steps">Reports of steps, from old to new.</param>
/// <param name="Count">How many.</param>
public sealed record KeptReports(ImmutableQueue<WorkerMessage.Progress> Steps, int Count)
{
    /// <summary>Some hundred bytes each. The oldest go first; the ledger then has a gap, and its verification says so.</summary>
    public const int MostSteps = 200_000;

    public static readonly KeptReports None = new([], 0);

    /// <summary>The last checkpoint that it wrote.</summary>
    public WorkerMessage.CheckpointSaved? Saved { get; init; }

    public WorkerMessage.Evaluated? Evaluated { get; init; }

    /// <summary>A link that broke in the present generation: the member waits for what the coordinator makes of it.</summary>
    public WorkerMessage.LinkBroken? Broken { get; init; }

    public WorkerMessage.Finished? Finished { get; init; }

    public KeptReports With(WorkerMessage message) => message switch
    {
        WorkerMessage.Progress progress => Count < MostSteps
            ? this with { Steps = Steps.Enqueue(progress), Count = Count + 1 } : this with { Steps = Steps.Dequeue().Enqueue(progress) },
        WorkerMessage.CheckpointSaved saved => this with { Saved = saved },
        WorkerMessage.Evaluated evaluated => this with { Evaluated = evaluated },
        WorkerMessage.LinkBroken broken => this with { Broken = broken },
        WorkerMessage.Entered => this with { Broken = null },
        WorkerMessage.Finished finished => this with { Finished = finished },
        _ => this,
    };

    /// <summary>Reports up to this step are recorded.</summary>
    public KeptReports Behind(long step)
    {
        var (steps, count) = (Steps, Count);
        while (!steps.IsEmpty && steps.Peek().Step <= step)
        {
            (steps, count) = (steps.Dequeue(), count - 1);
        }

        return this with { Steps = steps, Count = count };
    }

    /// <summary>In the order in which a coordinator that has heard none of it can follow.</summary>
    public IEnumerable<WorkerMessage> All()
    {
        IEnumerable<WorkerMessage?> rest = [Evaluated, Saved, Broken, Finished];
        return Steps.Concat<WorkerMessage>(rest.OfType<WorkerMessage>());
    }
}
