using System.Collections.Immutable;

namespace Orchestrator.Telemetry;

/// <summary>Every instrument of coordinator and workers. The board in deploy/ is made of these, and a test freezes them.</summary>
/// <remarks>
/// No tag names a step or an address. Which worker and which run a worker's series belong to is said by the scrape, not by the worker:
/// the coordinator's /targets gives each worker the labels <c>worker</c> and <c>run</c> (<see cref="Prometheus.PrometheusTarget"/>).
/// </remarks>
public static class InstrumentNames
{
    /// <summary>Only meters of this name are served.</summary>
    public const string Meter = "Orchestrator";

    public const string RunTag = "run";
    public const string StateTag = "state";
    public const string PhaseTag = "phase";
    public const string ResultTag = "result";
    public const string VersionTag = "version";

    /// <summary>Values of <see cref="StateTag"/>: those of the command line.</summary>
    public static readonly ImmutableArray<string> RunStates = ["queued", "running", "paused", "succeeded", "failed", "stopped"];

    /// <summary>Values of <see cref="PhaseTag"/>. Phases of one step may overlap.</summary>
    public static readonly ImmutableArray<string> Phases = [DataPhase, ForwardBackwardPhase, AllReducePhase, OptimizerPhase];

    public const string DataPhase = "data";
    public const string ForwardBackwardPhase = "forward_backward";
    public const string AllReducePhase = "all_reduce";
    public const string OptimizerPhase = "optimizer";

    /// <summary>Values of <see cref="ResultTag"/>.</summary>
    public const string Saved = "saved";
    public const string Failed = "failed";

    // From a small CNN's step on a fast processor to a large model's on a slow one.
    private static readonly ImmutableArray<double> StepBuckets =
        [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    // From a megabyte on a local disk to hundreds of gigabytes on a shared one.
    private static readonly ImmutableArray<double> CheckpointBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

    public static readonly InstrumentSpec BuildInfo = Gauge("orchestrator_build_info", "", "Always 1; the version of the program is its label.", VersionTag);

    // Workers, one run at a time.
    public static readonly InstrumentSpec WorkerGeneration = Gauge("orchestrator_worker_generation", "", "Generation that the worker is a member of; 0 when it has no run.");
    public static readonly InstrumentSpec WorkerLogicalRanks = Gauge("orchestrator_worker_logical_ranks", "", "Logical ranks that the worker owns.");
    public static readonly InstrumentSpec WorkerSteps = Counter("orchestrator_worker_steps", "{step}", "Steps that the worker has applied.");
    public static readonly InstrumentSpec WorkerSamples = Counter("orchestrator_worker_samples", "{sample}", "Samples whose gradient this worker has computed.");
    public static readonly InstrumentSpec WorkerStepSeconds = Histogram("orchestrator_worker_step_seconds", StepBuckets, "Duration of a whole step on this worker.");
    public static readonly InstrumentSpec WorkerPhaseSeconds =
        Histogram("orchestrator_worker_phase_seconds", StepBuckets, "Duration of one phase of a step on this worker; phases may overlap.", PhaseTag);
    public static readonly InstrumentSpec WorkerAllReduceBytes =
        Counter("orchestrator_worker_all_reduce_sent_bytes", "By", "Bytes that this worker has sent to its peers in all-reduces.");
    public static readonly InstrumentSpec WorkerCheckpoints = Counter("orchestrator_worker_checkpoints", "{checkpoint}", "Checkpoints that this worker has written, by result.", ResultTag);
    public static readonly InstrumentSpec WorkerCheckpointBytes = Counter("orchestrator_worker_checkpoint_written_bytes", "By", "Bytes of the checkpoints that this worker has committed.");
    public static readonly InstrumentSpec WorkerCheckpointSeconds =
        Histogram("orchestrator_worker_checkpoint_seconds", CheckpointBuckets, "From the snapshot to the commit of a checkpoint, in the background.");
    public static readonly InstrumentSpec WorkerCheckpointStallSeconds =
        Histogram("orchestrator_worker_checkpoint_stall_seconds", StepBuckets, "How long training stood still for the snapshot of a checkpoint.");

    public static readonly InstrumentSpec WorkerRefusedCoordinators = Counter(
        "orchestrator_worker_refused_coordinators", "{refusal}", "Coordinators whose orders this worker refused, because it had seen a newer term than theirs.");

    public static readonly InstrumentSpec WorkerRefusedOrders = Counter(
        "orchestrator_worker_refused_orders", "{refusal}", "Orders that this worker refused, because they came from a coordinator that it had left.");

    // The coordinator.
    public static readonly InstrumentSpec CoordinatorTerm = Gauge("orchestrator_coordinator_term", "", "Term under which this coordinator owns the runs; 0 while it stands by.");
    public static readonly InstrumentSpec CoordinatorRefusals = Counter(
        "orchestrator_coordinator_refusals", "{refusal}", "Changes, orders and renewals of this coordinator that were refused, because its lease was over or another's.");
    public static readonly InstrumentSpec Workers = Gauge("orchestrator_workers", "", "Workers that are connected to the coordinator, busy or idle.");
    public static readonly InstrumentSpec RunStateGauge = Gauge("orchestrator_run_state", "", "1 for the state that the run is in, 0 for the others.", RunTag, StateTag);
    public static readonly InstrumentSpec RunStep = Gauge("orchestrator_run_step", "", "Steps that the run's state holds, those before a resume included.", RunTag);
    public static readonly InstrumentSpec RunLastStep = Gauge("orchestrator_run_last_step", "", "Steps that the run is to reach; absent while that is not known.", RunTag);
    public static readonly InstrumentSpec RunSteps = Counter("orchestrator_run_steps", "{step}", "Steps committed since this coordinator has the run.", RunTag);
    public static readonly InstrumentSpec RunSamples = Counter("orchestrator_run_samples", "{sample}", "Samples of the steps committed since this coordinator has the run.", RunTag);
    public static readonly InstrumentSpec RunSamplesPerSecond = Gauge("orchestrator_run_samples_per_second", "", "Samples per second over the last steps.", RunTag);
    public static readonly InstrumentSpec RunLoss = Gauge("orchestrator_run_loss", "", "Mean loss of the last step's batch per target; nats for cross entropy.", RunTag);
    public static readonly InstrumentSpec RunGradientNorm = Gauge("orchestrator_run_gradient_norm", "", "Global norm of the last step's gradient before clipping; 0 when the job does not clip.", RunTag);
    public static readonly InstrumentSpec RunLearningRate = Gauge("orchestrator_run_learning_rate", "", "Learning rate of the last step.", RunTag);
    public static readonly InstrumentSpec RunGeneration = Gauge("orchestrator_run_generation", "", "The run's present generation.", RunTag);
    public static readonly InstrumentSpec RunWorkers = Gauge("orchestrator_run_workers", "", "Members of the run's present generation.", RunTag);
    public static readonly InstrumentSpec RunWorkersDesired = Gauge("orchestrator_run_workers_desired", "", "Workers that the run wants.", RunTag);
    public static readonly InstrumentSpec RunWorkersLost = Counter("orchestrator_run_workers_lost", "{worker}", "Members that the run has lost.", RunTag);
    public static readonly InstrumentSpec RunCheckpoints = Counter("orchestrator_run_checkpoints", "{checkpoint}", "Checkpoints of the run, by result.", RunTag, ResultTag);
    public static readonly InstrumentSpec RunCheckpointStep = Gauge("orchestrator_run_checkpoint_step", "", "Step of the newest committed checkpoint.", RunTag);
    public static readonly InstrumentSpec RunCheckpointTimestamp =
        Gauge("orchestrator_run_checkpoint_timestamp_seconds", "s", "Unix time of the newest commit; time() minus this is the checkpoint's age.", RunTag);
    public static readonly InstrumentSpec RunEvaluationLoss = Gauge("orchestrator_run_evaluation_loss", "", "Mean held-out loss per target at the last evaluation.", RunTag);
    public static readonly InstrumentSpec RunEvaluationAccuracy =
        Gauge("orchestrator_run_evaluation_accuracy_ratio", "1", "Share of right answers on the held-out part at the last evaluation; absent where the task has no such notion.", RunTag);

    // The exposition itself.
    public static readonly InstrumentSpec DroppedMeasurements = Counter(
        "orchestrator_metrics_dropped_measurements", "{measurement}", "Measurements that no series took: the instrument is at its limit of series, or its name is taken by another kind.");
    public static readonly InstrumentSpec FailedObservations = Counter(
        "orchestrator_metrics_failed_observations", "{observation}", "Observable instruments that threw while they were scraped.");

    public static ImmutableArray<InstrumentSpec> OfWorker { get; } =
    [
        BuildInfo, WorkerGeneration, WorkerLogicalRanks, WorkerSteps, WorkerSamples, WorkerStepSeconds, WorkerPhaseSeconds, WorkerAllReduceBytes,
        WorkerCheckpoints, WorkerCheckpointBytes, WorkerCheckpointSeconds, WorkerCheckpointStallSeconds, WorkerRefusedCoordinators, WorkerRefusedOrders,
    ];

    public static ImmutableArray<InstrumentSpec> OfCoordinator { get; } =
    [
        BuildInfo, Workers, RunStateGauge, RunStep, RunLastStep, RunSteps, RunSamples, RunSamplesPerSecond, RunLoss, RunGradientNorm, RunLearningRate,
        RunGeneration, RunWorkers, RunWorkersDesired, RunWorkersLost, RunCheckpoints, RunCheckpointStep, RunCheckpointTimestamp, RunEvaluationLoss,
        RunEvaluationAccuracy, CoordinatorTerm, CoordinatorRefusals,
    ];

    /// <summary>Written by the exposition, not recorded by anybody.</summary>
    public static ImmutableArray<InstrumentSpec> OfExposition { get; } = [DroppedMeasurements, FailedObservations];

    private static InstrumentSpec Counter(string name, string unit, string help, params ImmutableArray<string> tags) =>
        new(name, InstrumentKind.Counter, unit, help, tags, []);

    private static InstrumentSpec Gauge(string name, string unit, string help, params ImmutableArray<string> tags) =>
        new(name, InstrumentKind.Gauge, unit, help, tags, []);

    private static InstrumentSpec Histogram(string name, ImmutableArray<double> buckets, string help, params ImmutableArray<string> tags) =>
        new(name, InstrumentKind.Histogram, "s", help, tags, buckets);
}
