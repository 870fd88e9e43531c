using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Host.Runs;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>Tells a person on standard error what happens in a run, while it happens.</summary>
internal sealed class RunPrinter(Screen screen, TimeProvider time)
{
    public void Show(RunNews news)
    {
        if (news.Record is null)
        {
            // The last step is shown whenever it comes: a log must end with it.
            screen.Progress(() => ProgressLine.Of(news.State, time.GetUtcNow()), news.State.Progress.Step >= news.State.LastStep);
            return;
        }

        switch (news.Record)
        {
            case RunRecord.GenerationPreparing r:
                screen.Line($"Loading model and data on {Quantities.Workers(r.Workers.Length)} ({string.Join(", ", r.Workers)}); instruction set {r.Isa}.");
                break;
            case RunRecord.GenerationFormed r when news.State.FormedGenerations <= 1:
                screen.Line(Describe(news.State, r.Formed));
                break;
            case RunRecord.GenerationFormed { Formed.SecondsSinceLoss: { } seconds } r:
                screen.Warning($"{r.Formed.Why} That took {Quantities.Millis(seconds)}.");
                break;
            case RunRecord.GenerationFormed r:
                screen.Line($"{r.Generation}: {r.Formed.Why}");
                break;
            case RunRecord.Evaluated r:
                screen.Line($"step {r.Step}: held-out loss {Quantities.Loss(r.Loss)}{(r.Accuracy is { } accuracy ? $", accuracy {accuracy:P2}" : "")} on {r.Samples} samples");
                break;
            case RunRecord.CheckpointFailed r:
                screen.Warning(RunSentences.Unsaved(r.Step, news.State.LastStep, r.Reason));
                break;
            case RunRecord.WorkerRefused r when !news.State.Order.IsEmbedded:
                screen.Warning($"{r.Worker} is not a member: {r.Reason}");
                break;
            case RunRecord.WorkerLost when news.State.Phase is RunPhase.Regrouping or RunPhase.Paused or RunPhase.Queued:
                // The line of the new generation, or of the pause, tells it with what became of it.
                break;
            case RunRecord.WorkerLost r:
                screen.Warning($"{r.Worker} (pid {r.Pid}) was lost at step {r.Step}: {r.Reason}");
                break;
            case RunRecord.WorkerFailed r:
                screen.Warning($"{r.Worker} (pid {r.Pid}) failed: {r.Reason}");
                break;
            case RunRecord.LedgerFailed r:
                screen.Warning(r.Reason);
                break;
            case RunRecord.LedgerMended r:
                screen.Line(r.Reason);
                break;
            case RunRecord.RunWarned r:
                screen.Warning(r.Reason);
                break;
            case RunRecord.WorkerJoining r:
                screen.Line(RunSentences.Joining(r.Worker.Value, r.Pid, r.Host, r.Step));
                break;
            case RunRecord.RunPaused r:
                screen.Warning(r.Reason);
                break;
            case RunRecord.MembersSilent r:
                screen.Warning(r.Reason);
                break;
            case RunRecord.StepsLost r:
                screen.Warning(r.Reason);
                break;
            case RunRecord.RunAdopted r:
                screen.Line(r.Reason);
                break;
            case RunRecord.RunResumed r:
                screen.Line(RunSentences.Resumed(r.Step, r.Seconds));
                break;
            case RunRecord.RunScaled r:
                screen.Line(RunSentences.Scaled(r.Desired));
                break;
            case RunRecord.ShareLowered r:
                screen.Line(r.Reason);
                break;
            case RunRecord.RunStopping r:
                screen.Line($"{r.Reason} It ends after a step, with a checkpoint.");
                break;
            case RunRecord.RunEnded:
                screen.KeepLive();
                break;
        }
    }

    private static string Describe(RunState run, Formed formed)
    {
        var steps = formed.StartStep == 0 ? $"{formed.LastStep} steps" : $"steps {formed.StartStep + 1} to {formed.LastStep}";
        return $"Training {run.Order.Job.Name}: {Quantities.Count(formed.ParameterCount)} parameters, {Quantities.Count(formed.SampleCount)} samples, {steps} of {run.Order.Job.Training.GlobalBatch} samples; "
            + $"{Quantities.Workers(formed.Workers.Length)}, {formed.LogicalRanks} logical ranks, {Quantities.Bytes(formed.BufferBytes)} of flat buffers each, instruction set {formed.Isa}.";
    }
}
