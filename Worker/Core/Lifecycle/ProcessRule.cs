namespace Orchestrator.Worker.Core.Lifecycle;

/// <summary>What a run asks of a worker's process and what cannot be changed in it afterwards.</summary>
/// <param name="Isa">The instruction-set level that libtorch is pinned to.</param>
/// <param name="Threads">Intra-op threads that it is pinned to.</param>
/// <param name="TaskAssembly">The user's assembly that it loads; null: none.</param>
public sealed record ProcessUse(string Isa, int Threads, string? TaskAssembly);

/// <summary>Whether a standing worker can serve another run in the same process, or must start afresh for it.</summary>
public static class ProcessRule
{
    /// <param name="former">What the last run left behind; null: the process is fresh.</param>
    /// <param name="wanted">What the next run asks for.</param>
    /// <returns>Null when the process will do; else the reason.</returns>
    public static string? WhyFresh(ProcessUse? former, ProcessUse wanted)
    {
        if (former is null)
        {
            return null;
        }

        if ((former.Isa, former.Threads) != (wanted.Isa, wanted.Threads))
        {
            return $"libtorch is pinned to {former.Isa} with {Count(former.Threads)} and the run asks for {wanted.Isa} with {Count(wanted.Threads)}: a process takes these once.";
        }

        // The file may have been built anew since; whoever trains must not train with the code of yesterday.
        return former.TaskAssembly is { } loaded ? $"{loaded} is loaded and may have changed since: a process loads it once." : null;
    }

    private static string Count(int threads) => threads == 1 ? "1 thread" : $"{threads} threads";
}
