namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>What a person reads of a run's events, whether the run is directed here or elsewhere.</summary>
internal static class RunSentences
{
    public static string Unsaved(long step, long lastStep, string reason) =>
        $"the checkpoint of step {step} could not be written; {(step < lastStep ? "the training goes on" : "the workers keep the weights and try again every few seconds")}. {reason}";

    public static string Joining(string worker, int pid, string host, long step) => $"{worker} (pid {pid} on {host}) joins: it loads, and follows from step {step} on.";

    public static string Resumed(long step, double seconds) => $"The run goes on at step {step} after {Quantities.Time(TimeSpan.FromSeconds(seconds))} of waiting.";

    public static string Scaled(int desired) => $"The run wants {Quantities.Workers(desired)} now.";
}
