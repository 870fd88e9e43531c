using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Core.Scheduling;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Host.Runs;

/// <summary>A run and a worker as the command line is told about them.</summary>
internal static class RunStatusMapping
{
    /// <summary>All runs, newest first; those that wait with their place in the queue.</summary>
    public static IEnumerable<RunStatus> ToWire(this ClusterState cluster)
    {
        var queue = QueueView.Of(cluster);
        return cluster.Runs.Reverse().Select(run => run.ToWire(queue.GetValueOrDefault(run.Id)));
    }

    /// <summary>One run, with its place in the queue when it waits.</summary>
    public static RunStatus ToWire(this Core.Runs.RunState run, ClusterState cluster) =>
        run.ToWire(run.Phase is RunPhase.Queued ? QueueView.Of(cluster).GetValueOrDefault(run.Id) : null);

    public static RunStatus ToWire(this Core.Runs.RunState run, QueueEntry? waiting = null)
    {
        var (progress, outcome) = (run.Progress, (run.Phase as RunPhase.Ended)?.Outcome);
        var status = new RunStatus
        {
            RunId = run.Id.Value,
            Name = run.Order.Job.Name,
            State = Enum.Parse<Protocol.V1.RunState>(RunStates.Of(run), ignoreCase: true),
            Step = progress.Step,
            LastStep = run.LastStep,
            Workers = outcome is null && run.GenerationSize == 0 ? run.Members.Count() : run.GenerationSize,
            Generation = run.Generation.Number,
            Generations = run.FormedGenerations,
            LostLogicalRankSteps = run.LostLogicalRankSteps,
            RunDir = run.Order.RunDir,
            Reason = run.Reason,
            ExitCode = outcome?.ExitCode ?? 0,
            DesiredWorkers = run.Scale.Desired,
            Priority = run.Order.Job.Priority,
            MinWorkers = run.Order.Job.Workers.Min,
            QueuePlace = waiting?.Place ?? 0,
            MissingWorkers = waiting?.Missing ?? 0,
            WaitsFor = waiting?.Why ?? "",
        };
        if (progress.Loss is { } loss)
        {
            status.Loss = loss;
        }

        if ((outcome is null ? progress.Rate.Present : progress.Rate.Overall) is { } rate)
        {
            status.SamplesPerSecond = rate;
        }

        if (progress.Checkpoint is { } checkpoint)
        {
            status.Checkpoint = checkpoint.Path;
            status.CheckpointUnixMillis = checkpoint.SavedAt.ToUnixTimeMilliseconds();
        }

        if (outcome?.WeightsSha256 is { } sha256)
        {
            status.WeightsSha256 = sha256;
        }

        if (progress.HeldOut is { } heldOut)
        {
            status.HeldOutLoss = heldOut.Loss;
            if (heldOut.Accuracy is { } accuracy)
            {
                status.HeldOutAccuracy = accuracy;
            }
        }

        return status;
    }

    public static WorkerStatus ToWire(this Candidate candidate, ClusterState cluster)
    {
        var (hello, run) = (candidate.Hello, cluster.RunOf(candidate.Worker));
        var status = new WorkerStatus
        {
            WorkerId = candidate.Worker.Value, Pid = hello.Pid, Host = hello.Host, Device = hello.Device,
            CollectiveAddress = hello.CollectiveAddress, MetricsAddress = hello.MetricsAddress, RunId = run?.Id.Value ?? "",
            Step = run?.Progress.ReportedSteps.GetValueOrDefault(candidate.Worker) ?? 0, Labels = { hello.Labels }, IsDrained = candidate.IsDrained,
        };
        if (run?.Crew is { } crew && crew.Ranks.TryGetValue(candidate.Worker, out var member))
        {
            status.LogicalRanks.AddRange(Enumerable.Range(member.FirstRank, member.RankCount));
        }

        return status;
    }
}
