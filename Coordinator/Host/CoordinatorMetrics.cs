using System.Diagnostics.Metrics;
using System.Reflection;
using Orchestrator.Coordinator.Host.Ownership;
using Orchestrator.Telemetry;

namespace Orchestrator.Coordinator.Host;

/// <summary>What a coordinator tells Prometheus: one method for each thing that happens to it or to a run. Thread-safe.</summary>
/// <remarks>
/// A run's series appear with its first event and stay after its end, so that a board shows how it ended; they go when
/// <see cref="MaxRuns"/> younger runs are known. An event of a run that has gone starts its series anew.
/// </remarks>
public sealed class CoordinatorMetrics
{
    /// <summary>Runs with series at one time. A run has about 22 series; this keeps a scrape below 100 KiB.</summary>
    public const int MaxRuns = 32;

    private readonly Lock _lock = new();

    // In order of their first event.
    private readonly List<RunSeries> _runs = [];
    private int _workers;

    /// <param name="meters">Makes the instruments.</param>
    /// <param name="ownership">Null: it has no store, and neither term nor refusals.</param>
    public CoordinatorMetrics(IMeterFactory meters, OwnershipCounts? ownership = null)
    {
        ArgumentNullException.ThrowIfNull(meters);
        var meter = meters.Create(InstrumentNames.Meter);
        var version = typeof(CoordinatorMetrics).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
        InstrumentNames.BuildInfo.CreateGauge(meter, () => [new Measurement<double>(1, new KeyValuePair<string, object?>(InstrumentNames.VersionTag, version))]);
        InstrumentNames.Workers.CreateGauge(meter, () => [new Measurement<double>(Volatile.Read(ref _workers))]);
        InstrumentNames.CoordinatorTerm.CreateGauge(meter, () => [new Measurement<double>(ownership?.Term ?? 0)]);
        InstrumentNames.CoordinatorRefusals.CreateObservableCounter(meter, () => [new Measurement<long>(ownership?.Refusals ?? 0)]);
        InstrumentNames.RunStateGauge.CreateGauge(meter, () => Observe(run => InstrumentNames.RunStates.Select(
            state => Measure<double>(run, run.State == state ? 1 : 0, InstrumentNames.StateTag, state))));
        CreateGauge(meter, InstrumentNames.RunStep, run => run.Step);
        CreateGauge(meter, InstrumentNames.RunLastStep, run => run.LastStep);
        CreateGauge(meter, InstrumentNames.RunSamplesPerSecond, run => run.SamplesPerSecond);
        CreateGauge(meter, InstrumentNames.RunLoss, run => run.Loss);
        CreateGauge(meter, InstrumentNames.RunGradientNorm, run => run.GradientNorm);
        CreateGauge(meter, InstrumentNames.RunLearningRate, run => run.LearningRate);
        CreateGauge(meter, InstrumentNames.RunGeneration, run => run.Generation);
        CreateGauge(meter, InstrumentNames.RunWorkers, run => run.Workers);
        CreateGauge(meter, InstrumentNames.RunWorkersDesired, run => run.WorkersDesired);
        CreateGauge(meter, InstrumentNames.RunCheckpointStep, run => run.CheckpointStep);
        CreateGauge(meter, InstrumentNames.RunCheckpointTimestamp, run => run.CheckpointTimestamp);
        CreateGauge(meter, InstrumentNames.RunEvaluationLoss, run => run.EvaluationLoss);
        CreateGauge(meter, InstrumentNames.RunEvaluationAccuracy, run => run.EvaluationAccuracy);
        CreateCounter(meter, InstrumentNames.RunSteps, run => run.Steps);
        CreateCounter(meter, InstrumentNames.RunSamples, run => run.Samples);
        CreateCounter(meter, InstrumentNames.RunWorkersLost, run => run.WorkersLost);
        InstrumentNames.RunCheckpoints.CreateObservableCounter(meter, () => Observe<long>(run =>
        [
            Measure(run, run.CheckpointsSaved, InstrumentNames.ResultTag, InstrumentNames.Saved),
            Measure(run, run.CheckpointsFailed, InstrumentNames.ResultTag, InstrumentNames.Failed),
        ]));
    }

    /// <summary>Workers connected or left.</summary>
    public void WorkersChanged(int connected) => Volatile.Write(ref _workers, connected);

    /// <summary>A run was accepted, or its state changed.</summary>
    /// <param name="state">One of <see cref="InstrumentNames.RunStates"/>.</param>
    public void RunStateChanged(string runId, string state)
    {
        if (!InstrumentNames.RunStates.Contains(state))
        {
            throw new ArgumentException($"Run {runId} cannot be in the state '{state}'; there are {string.Join(", ", InstrumentNames.RunStates)}.", nameof(state));
        }
        Update(runId, run => run.State = state);
    }

    /// <summary>A run's generation was formed.</summary>
    public void GenerationFormed(string runId, long generation, int workers, int workersDesired) => Update(runId, run =>
    {
        run.Generation = generation;
        run.Workers = workers;
        run.WorkersDesired = workersDesired;
    });

    /// <summary>A run lost a member.</summary>
    /// <param name="workersLeft">Members that remain.</param>
    public void WorkerLost(string runId, int workersLeft) => Update(runId, run =>
    {
        run.WorkersLost++;
        run.Workers = workersLeft;
    });

    /// <summary>Every member has applied a step.</summary>
    /// <param name="step">Steps that the run's state holds now.</param>
    /// <param name="lastStep">Steps that it is to reach; null: not known yet.</param>
    /// <param name="samples">Of the step, over all workers.</param>
    /// <param name="samplesPerSecond">Over the last steps; null: too early to say.</param>
    public void StepCompleted(
        string runId, long step, long? lastStep, int samples, double loss, double gradientNorm, double learningRate, double? samplesPerSecond) => Update(runId, run =>
    {
        run.Step = step;
        run.LastStep = lastStep;
        run.Steps++;
        run.Samples += samples;
        run.Loss = loss;
        run.GradientNorm = gradientNorm;
        run.LearningRate = learningRate;
        run.SamplesPerSecond = samplesPerSecond;
    });

    /// <summary>A checkpoint was committed.</summary>
    public void CheckpointSaved(string runId, long step, DateTimeOffset at) => Update(runId, run =>
    {
        run.CheckpointsSaved++;
        run.CheckpointStep = step;
        run.CheckpointTimestamp = at.ToUnixTimeMilliseconds() / 1000.0;
    });

    /// <summary>A checkpoint could not be written.</summary>
    public void CheckpointFailed(string runId) => Update(runId, run => run.CheckpointsFailed++);

    /// <summary>The model was measured on the held-out part.</summary>
    /// <param name="accuracy">Null: the task has no such notion.</param>
    public void Evaluated(string runId, double loss, double? accuracy) => Update(runId, run =>
    {
        run.EvaluationLoss = loss;
        run.EvaluationAccuracy = accuracy;
    });

    private void Update(string runId, Action<RunSeries> change)
    {
        lock (_lock)
        {
            var run = _runs.Find(item => item.RunId == runId);
            if (run is null)
            {
                run = new RunSeries(runId);
                _runs.Add(run);
                if (_runs.Count > MaxRuns)
                {
                    _runs.RemoveAt(0);
                }
            }
            change(run);
        }
    }

    private void CreateGauge(Meter meter, InstrumentSpec spec, Func<RunSeries, double?> value) =>
        spec.CreateGauge(meter, () => Observe<double>(run => value(run) is { } known ? [Measure(run, known)] : []));

    private void CreateCounter(Meter meter, InstrumentSpec spec, Func<RunSeries, long> value) =>
        spec.CreateObservableCounter(meter, () => Observe<long>(run => [Measure(run, value(run))]));

    private List<Measurement<T>> Observe<T>(Func<RunSeries, IEnumerable<Measurement<T>>> measure)
        where T : struct
    {
        lock (_lock)
        {
            return [.. _runs.SelectMany(measure)];
        }
    }

    private static Measurement<T> Measure<T>(RunSeries run, T value)
        where T : struct => new(value, new KeyValuePair<string, object?>(InstrumentNames.RunTag, run.RunId));

    private static Measurement<T> Measure<T>(RunSeries run, T value, string tag, string tagValue)
        where T : struct => new(
            value, new KeyValuePair<string, object?>(InstrumentNames.RunTag, run.RunId), new KeyValuePair<string, object?>(tag, tagValue));

    /// <summary>The last known values of one run; null: nothing is known yet, and no series is shown.</summary>
    private sealed class RunSeries(string runId)
    {
        public string RunId { get; } = runId;
        public string State { get; set; } = "queued";
        public double? Step { get; set; }
        public double? LastStep { get; set; }
        public double? Loss { get; set; }
        public double? GradientNorm { get; set; }
        public double? LearningRate { get; set; }
        public double? SamplesPerSecond { get; set; }
        public double? Generation { get; set; }
        public double? Workers { get; set; }
        public double? WorkersDesired { get; set; }
        public double? CheckpointStep { get; set; }
        public double? CheckpointTimestamp { get; set; }
        public double? EvaluationLoss { get; set; }
        public double? EvaluationAccuracy { get; set; }
        public long Steps { get; set; }
        public long Samples { get; set; }
        public long WorkersLost { get; set; }
        public long CheckpointsSaved { get; set; }
        public long CheckpointsFailed { get; set; }
    }
}
