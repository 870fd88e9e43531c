using Orchestrator.Coordinator.Core.Runs;

namespace Orchestrator.Coordinator.Core.Scheduling;

/// <summary>How often runs behind one that waits may start before it.</summary>
public static class PassRule
{
    /// <summary>Small runs need not stop for a large one, and the large one waits for four of them at most besides those that had started.</summary>
    public const int Most = 4;

    public static int LeftTo(RunState run) => Math.Max(0, Most - run.Passed);
}
