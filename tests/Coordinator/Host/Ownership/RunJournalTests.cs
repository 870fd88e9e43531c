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
            journal.Add([new ClusterEffect.ForRun(Run, new RunEffect.ReportStep(new StepReport(new Generation(1), step, 1, 0.1, 1, 32, default(StepSeconds), 0, null)))], state);
            var changes = journal.Changes(step, step);
            journal.Release(step, step);
            stored.AddRange(changes.Runs.Select(change => (change.Samples.Length, change.Version)));
        }

        Assert.Equal([(RunJournal.MostSamples, 1L), (RunJournal.MostSamples, 2L)], stored);
    }

    /// <summary>An owner that died between the two had stored the state and not its second event, which nobody told any more: a worker had left a run, and no event said so.</summary>
    [Fact]
    public void Changes_SeveralEventsComeOfOne_AreOneTransactionAndCarriedOutInOrder()
    {
        var (told, decided) = (new List<ClusterEffect>(), 0);
        var journal = new RunJournal([], () => decided++, TimeProvider.System) { CarryOut = (effect, _, _) => told.Add(effect) };
        ClusterEffect[] effects = [.. new[] { "one", "two" }.Select(text => new ClusterEffect.ForRun(Run, new RunEffect.Record(new RunRecord.RunWarned(new Generation(1), 1, text))))];
        journal.Add([.. effects], Queued());

        Assert.Equal(1, decided);
        var change = Assert.Single(journal.Changes(1, 1).Runs);
        Assert.Equal(["run.warning", "run.warning"], change.Events.Select(line => line.Name));
        Assert.Equal((1L, false), (change.Version, change.IsEnded));
        Assert.Empty(told);
        journal.Release(1, 1);
        Assert.Equal(effects, told);
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
