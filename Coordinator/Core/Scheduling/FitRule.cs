using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Core.Scheduling;

/// <summary>Whether a run could use a worker, as far as the coordinator can tell before the worker has loaded the job.</summary>
public static class FitRule
{
    public static bool IsFit(RunState run, Candidate candidate) =>
        JoinGrantRule.MayServe(candidate, run.Id) && !run.Refused.ContainsKey(candidate.Worker) && IsOurs(run, candidate) && HasWhatItNeeds(run, candidate)
        && IsaRule.WhyNot(candidate, run.Agreement?.Isa ?? run.Order.Job.Workers.Isa) is null;

    /// <summary>What another launcher started belongs to another run; what a person started may join a run that trains.</summary>
    public static bool IsOurs(RunState run, Candidate candidate) => !run.Order.IsEmbedded || candidate.Hello.Launcher == run.Order.Launcher
        || (candidate.Hello.Launcher.Length == 0 && run.Phase is not RunPhase.Queued);

    /// <summary>The device and the labels that the job asks for.</summary>
    public static bool HasWhatItNeeds(RunState run, Candidate candidate) => HasDevice(run, candidate) && HasLabels(run, candidate);

    /// <summary>A launcher's own workers have no labels, and its run is meant for them.</summary>
    public static bool HasLabels(RunState run, Candidate candidate) =>
        (run.Order.IsEmbedded && candidate.Hello.Launcher == run.Order.Launcher) || LabelRule.Has(candidate.Hello.Labels, run.Order.Job.Workers.Labels);

    /// <summary>A job for a GPU does not wait for workers without one. Which of a host's GPUs a worker has is its own choice; a launcher's workers say themselves what they lack.</summary>
    private static bool HasDevice(RunState run, Candidate candidate) =>
        run.Order.IsEmbedded || !run.Order.Job.Workers.Device.StartsWith("cuda", StringComparison.Ordinal) || candidate.Hello.Device.StartsWith("cuda", StringComparison.Ordinal);
}
