using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Host.Ownership;
using Orchestrator.Coordinator.Tests.Jobs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Tests.Ownership;

public sealed class RunJournalTests
{
    private static readonly RunId Run = new("sampled");

    /// <summary>Samples waited for the run's next change: of one that trained for a day without a checkpoint they were a transaction of minutes, under the lock of the lease.</summary>
    [Fact]
    public void Changes_ARunTrainsForLongWithoutAChange_SamplesAreStoredAMinuteAtATime()
    {
        var (time, state) = (new SecondByStep(), Queued());
        var journal = new RunJournal([], () => { }, time) { CarryOut = (_, _, _) => { } };
        var stored = new List<(int Samples, long Version)>();
        for (var step = 1; step <= 150; step++)
        {
            journal.Add(new ClusterEffect.ForRun(Run, new RunEffect.ReportStep(new StepReport(new Generation(1), step, 1, 0.1, 1, 32, default(StepSeconds), 0, null))), state);
            var changes = journal.Changes(step, step);
            journal.Release(step, step);
            stored.AddRange(changes.Runs.Select(change => (change.Samples.Length, change.Version)));
        }

        Assert.Equal([(RunJournal.MostSamples, 1L), (RunJournal.MostSamples, 2L)], stored);
    }

    private static ClusterState Queued() => ClusterMachine.Step(
        new ClusterState { Options = new ClusterOptions("1", new RunWaits()) },
        new ClusterEvent.RunSubmitted(new RunOrder { Id = Run, Job = JobText.Read(JobText.Smallest), RunDir = "/runs/sampled", JobFile = "job.yaml" }), DateTimeOffset.UnixEpoch).State;

    /// <summary>A second later at each look.</summary>
    private sealed class SecondByStep : TimeProvider
    {
        private DateTimeOffset _now = DateTimeOffset.UnixEpoch;

        public override DateTimeOffset GetUtcNow() => _now += TimeSpan.FromSeconds(1);
    }
}
