namespace Orchestrator.Telemetry.Tests;

/// <summary>Boards and alerts of other people are made of these names: changing one breaks them, so it takes a change here.</summary>
public class InstrumentNamesTests
{
    private const string Frozen = """
        orchestrator_build_info gauge [] version
        orchestrator_coordinator_refusals_total counter [{refusal}]
        orchestrator_coordinator_term gauge []
        orchestrator_metrics_dropped_measurements_total counter [{measurement}]
        orchestrator_metrics_failed_observations_total counter [{observation}]
        orchestrator_run_checkpoint_step gauge [] run
        orchestrator_run_checkpoint_timestamp_seconds gauge [s] run
        orchestrator_run_checkpoints_total counter [{checkpoint}] run result
        orchestrator_run_evaluation_accuracy_ratio gauge [1] run
        orchestrator_run_evaluation_loss gauge [] run
        orchestrator_run_generation gauge [] run
        orchestrator_run_gradient_norm gauge [] run
        orchestrator_run_last_step gauge [] run
        orchestrator_run_learning_rate gauge [] run
        orchestrator_run_loss gauge [] run
        orchestrator_run_samples_per_second gauge [] run
        orchestrator_run_samples_total counter [{sample}] run
        orchestrator_run_state gauge [] run state
        orchestrator_run_step gauge [] run
        orchestrator_run_steps_total counter [{step}] run
        orchestrator_run_workers gauge [] run
        orchestrator_run_workers_desired gauge [] run
        orchestrator_run_workers_lost_total counter [{worker}] run
        orchestrator_worker_all_reduce_sent_bytes_total counter [By]
        orchestrator_worker_checkpoint_seconds histogram [s]
        orchestrator_worker_checkpoint_stall_seconds histogram [s]
        orchestrator_worker_checkpoint_written_bytes_total counter [By]
        orchestrator_worker_checkpoints_total counter [{checkpoint}] result
        orchestrator_worker_generation gauge []
        orchestrator_worker_logical_ranks gauge []
        orchestrator_worker_phase_seconds histogram [s] phase
        orchestrator_worker_refused_coordinators_total counter [{refusal}]
        orchestrator_worker_refused_orders_total counter [{refusal}]
        orchestrator_worker_samples_total counter [{sample}]
        orchestrator_worker_step_seconds histogram [s]
        orchestrator_worker_steps_total counter [{step}]
        orchestrator_workers gauge []
        """;

    [Fact]
    public void All_NamesKindsUnitsAndTags_AreFrozen()
    {
        var specs = InstrumentNames.OfCoordinator.Union(InstrumentNames.OfWorker).Union(InstrumentNames.OfExposition);

        var lines = specs.Select(spec => $"{spec.PrometheusName} {spec.Kind.ToString().ToLowerInvariant()} [{spec.Unit}] {string.Join(' ', spec.Tags)}".TrimEnd())
            .Order(StringComparer.Ordinal);

        Assert.Equal(Frozen, string.Join('\n', lines));
        Assert.Equal(["queued", "running", "paused", "succeeded", "failed", "stopped"], InstrumentNames.RunStates);
        Assert.Equal(["data", "forward_backward", "all_reduce", "optimizer"], InstrumentNames.Phases);
    }

    [Fact]
    public void All_EverySpec_HasAHelpSentenceAndItsNameIsAlreadyThatOfPrometheus()
    {
        foreach (var spec in InstrumentNames.OfCoordinator.Concat(InstrumentNames.OfWorker).Concat(InstrumentNames.OfExposition))
        {
            Assert.EndsWith(".", spec.Help);
            Assert.Equal(spec.PrometheusName, Telemetry.Prometheus.PrometheusText.NameOf(spec.Name, spec.Unit, spec.Kind));
            Assert.Equal(spec.Kind == InstrumentKind.Histogram, spec.Buckets.Length > 0);
            Assert.Equal(spec.Buckets.Order().Distinct(), spec.Buckets);
        }
    }
}
