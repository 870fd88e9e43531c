using System.Diagnostics.Metrics;
using System.Reflection;
using Orchestrator.Core.Messages;
using Orchestrator.Telemetry;

namespace Orchestrator.Worker.Host;

/// <summary>What a worker tells Prometheus: one method for each thing that happens to it. Thread-safe.</summary>
/// <remarks>Which worker and run the series belong to is added by the scrape (see <see cref="InstrumentNames"/>).</remarks>
public sealed class WorkerMetrics
{
    private readonly Counter<long> _steps;
    private readonly Counter<long> _samples;
    private readonly Counter<long> _allReduceBytes;
    private readonly Counter<long> _checkpoints;
    private readonly Counter<long> _checkpointBytes;
    private readonly Histogram<double> _stepSeconds;
    private readonly Histogram<double> _phaseSeconds;
    private readonly Histogram<double> _checkpointSeconds;
    private readonly Histogram<double> _stallSeconds;
    private long _refusedCoordinators;
    private long _refusedOrders;
    private long _generation;
    private int _logicalRanks;

    public WorkerMetrics(IMeterFactory meters)
    {
        ArgumentNullException.ThrowIfNull(meters);
        var meter = meters.Create(InstrumentNames.Meter);
        _steps = InstrumentNames.WorkerSteps.CreateCounter(meter);
        _samples = InstrumentNames.WorkerSamples.CreateCounter(meter);
        _allReduceBytes = InstrumentNames.WorkerAllReduceBytes.CreateCounter(meter);
        _checkpoints = InstrumentNames.WorkerCheckpoints.CreateCounter(meter);
        _checkpointBytes = InstrumentNames.WorkerCheckpointBytes.CreateCounter(meter);
        _stepSeconds = InstrumentNames.WorkerStepSeconds.CreateHistogram(meter);
        _phaseSeconds = InstrumentNames.WorkerPhaseSeconds.CreateHistogram(meter);
        _checkpointSeconds = InstrumentNames.WorkerCheckpointSeconds.CreateHistogram(meter);
        _stallSeconds = InstrumentNames.WorkerCheckpointStallSeconds.CreateHistogram(meter);
        var version = typeof(WorkerMetrics).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
        InstrumentNames.BuildInfo.CreateGauge(meter, () => [new Measurement<double>(1, new KeyValuePair<string, object?>(InstrumentNames.VersionTag, version))]);
        // Also while there were none: a board says 0, not nothing.
        InstrumentNames.WorkerRefusedCoordinators.CreateObservableCounter(meter, () => [new Measurement<long>(Interlocked.Read(ref _refusedCoordinators))]);
        InstrumentNames.WorkerRefusedOrders.CreateObservableCounter(meter, () => [new Measurement<long>(Interlocked.Read(ref _refusedOrders))]);
        InstrumentNames.WorkerGeneration.CreateGauge(meter, () => [new Measurement<double>(Interlocked.Read(ref _generation))]);
        InstrumentNames.WorkerLogicalRanks.CreateGauge(meter, () => [new Measurement<double>(Volatile.Read(ref _logicalRanks))]);
    }

    /// <summary>The worker became a member of a generation.</summary>
    public void GenerationEntered(long generation, int logicalRanks)
    {
        Interlocked.Exchange(ref _generation, generation);
        Volatile.Write(ref _logicalRanks, logicalRanks);
    }

    /// <summary>The worker has no run any more.</summary>
    public void Released() => GenerationEntered(0, 0);

    /// <summary>The worker applied a step.</summary>
    /// <param name="samples">Whose gradient this worker computed for the step.</param>
    /// <param name="allReduceBytes">Sent to its peers for the step.</param>
    public void StepCompleted(StepSeconds seconds, int samples, long allReduceBytes)
    {
        _steps.Add(1);
        _samples.Add(samples);
        _allReduceBytes.Add(allReduceBytes);
        _stepSeconds.Record(seconds.Step);
        RecordPhase(InstrumentNames.DataPhase, seconds.Data);
        RecordPhase(InstrumentNames.ForwardBackwardPhase, seconds.Compute);
        RecordPhase(InstrumentNames.AllReducePhase, seconds.AllReduce);
        RecordPhase(InstrumentNames.OptimizerPhase, seconds.Update);
    }

    /// <summary>A coordinator had an older term than the newest that the worker saw.</summary>
    public void CoordinatorRefused() => Interlocked.Increment(ref _refusedCoordinators);

    /// <summary>An order came from a coordinator that the worker had left.</summary>
    public void OrderRefused() => Interlocked.Increment(ref _refusedOrders);

    /// <summary>The worker committed a checkpoint.</summary>
    /// <param name="duration">From the snapshot to the commit.</param>
    /// <param name="stall">How long training stood still for the snapshot.</param>
    public void CheckpointSaved(TimeSpan duration, TimeSpan stall, long bytes)
    {
        CountCheckpoint(InstrumentNames.Saved);
        _checkpointBytes.Add(bytes);
        _checkpointSeconds.Record(duration.TotalSeconds);
        _stallSeconds.Record(stall.TotalSeconds);
    }

    /// <summary>A checkpoint could not be written.</summary>
    public void CheckpointFailed() => CountCheckpoint(InstrumentNames.Failed);

    private void RecordPhase(string phase, double seconds) =>
        _phaseSeconds.Record(seconds, new KeyValuePair<string, object?>(InstrumentNames.PhaseTag, phase));

    private void CountCheckpoint(string result) =>
        _checkpoints.Add(1, new KeyValuePair<string, object?>(InstrumentNames.ResultTag, result));
}
