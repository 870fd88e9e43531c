using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests.Runs;

/// <summary>What fails a run: a job that is wrong, and members that disagree. The last state is saved and the first cause told.</summary>
public sealed class FailureTests
{
    private const string Bad2 = "Worker w-2 (pid 102 on host) failed at step 58: The loss is NaN.";

    private static WorkerMessage.Aborted Aborted(long step) => new(new Generation(1), step);

    private static WorkerMessage.Failed Failed(string reason = "The loss is NaN.", FailureKind kind = FailureKind.Job, long step = 57) =>
        new(new Generation(1), step, reason, kind);

    [Fact]
    public void Failed_JobIsWrong_TheHighestStepIsSavedAndTheFirstCauseTold()
    {
        var talk = AtStep(57, 3);

        Assert.Equal(
            ["record WorkerFailed w-2 at 57: The loss is NaN.", $"tell w-1 Abort G1: {Bad2}", $"tell w-3 Abort G1: {Bad2}", "timer Abort G1 60 s"],
            talk.Say(2, Failed()));
        Assert.Equal([], talk.Say(1, Aborted(57)));
        Assert.Equal(["tell w-3 SaveCheckpoint G1", "timer Save G1 1800 s"], talk.Say(3, Aborted(58)));
        Assert.Equal(
            [
                "record CheckpointSaved 58 by w-3", "record RunEnded", "tell w-1 Release", "tell w-2 Release", "tell w-3 Release",
                $"end Failed 1: {Bad2} Checkpoint step-00000058 has the state of step 58. To go on, type: ./orchestrator run job.yaml --resume /ck/step-58",
            ],
            talk.Say(3, Saved(58)));
    }

    [Fact]
    public void Aborted_SameStep_TheLowestIdSaves()
    {
        var talk = AtStep(57, 3);
        talk.Say(2, Failed());
        talk.Say(3, Aborted(57));

        Assert.Equal("tell w-1 SaveCheckpoint G1", talk.Say(1, Aborted(57))[0]);
    }

    [Fact]
    public void Failed_BeforeTheFirstStep_NothingIsWorthSaving()
    {
        var talk = Training(2);
        talk.Say(2, Failed(step: 0));

        Assert.Equal(
            "end Failed 1: Worker w-2 (pid 102 on host) failed at step 1: The loss is NaN. There is no checkpoint yet; type the command again to start anew.",
            talk.Say(1, Aborted(0))[^1]);
    }

    [Fact]
    public void Failed_BeforeTheFirstStepOfAResume_NamesTheOldCheckpoint()
    {
        var talk = Training(2, appliedSteps: 40);
        talk.Say(2, Failed(step: 40));

        Assert.EndsWith("No checkpoint was written since it was resumed; type again: ./orchestrator run job.yaml --resume /old/step", talk.Say(1, Aborted(40))[^1]);
    }

    [Fact]
    public void Failed_TheStepIsOnDiskAlready_NothingIsSavedTwice()
    {
        var talk = AtStep(57, 2);
        talk.Say(1, Saved(57));
        talk.Say(2, Failed());

        Assert.EndsWith("--resume /ck/step-57", talk.Say(1, Aborted(57))[^1]);
    }

    [Fact]
    public void Lost_EverybodyAfterAFailure_EndsWithTheFirstCause()
    {
        var talk = AtStep(57, 3);
        talk.Say(2, Failed());
        talk.Lose(1);

        Assert.StartsWith($"end Failed 1: {Bad2} There is no checkpoint yet", talk.Lose(3)[^1]);
    }

    [Fact]
    public void Failed_LossNotFiniteEverywhere_TheLastGoodCheckpointIsNamed()
    {
        var talk = AtStep(57, 2);
        talk.Say(1, Saved(50));
        talk.Say(2, Failed());

        Assert.EndsWith("Checkpoint step-00000050 has the state of step 50. To go on, type: ./orchestrator run job.yaml --resume /ck/step-50", talk.Say(1, Failed())[^1]);
    }

    [Fact]
    public void Abort_OneDoesNotAnswer_TheOthersGoOnWithoutIt()
    {
        var talk = AtStep(57, 3);
        talk.Say(2, Failed());
        talk.Say(1, Aborted(57));

        Assert.Equal(["tell w-1 SaveCheckpoint G1", "timer Save G1 1800 s"], talk.Fire(RunTimer.Abort, 1));
    }

    [Fact]
    public void Save_TheSaverIsLost_TheNextOneSaves()
    {
        var talk = AtStep(57, 3);
        talk.Say(2, Failed());
        talk.Say(1, Aborted(57));
        talk.Say(3, Aborted(57));

        Assert.Equal(["record WorkerLost w-1 at 57: its stream broke", "tell w-3 SaveCheckpoint G1", "timer Save G1 1800 s"], talk.Lose(1));
        Assert.StartsWith($"end Failed 1: {Bad2} Checkpoint step-00000057", talk.Say(3, Saved(57))[^1]);
    }

    [Fact]
    public void Save_Fails_BothReasonsAreSaid()
    {
        var talk = AtStep(57, 2);
        talk.Say(1, Saved(50));
        talk.Say(2, Failed());
        talk.Say(1, Aborted(57));

        Assert.Equal(
            $"end Failed 1: {Bad2} The state of step 57 could not be saved: disk full. Checkpoint step-00000050 has the state of step 50. To go on, type: ./orchestrator run job.yaml --resume /ck/step-50",
            talk.Say(1, Saved(57, "disk full."))[^1]);
    }

    [Fact]
    public void Save_TakesTooLong_SaysSo()
    {
        var talk = AtStep(57, 2);
        talk.Say(2, Failed());
        talk.Say(1, Aborted(57));

        Assert.Contains("The state of step 57 could not be saved: Worker w-1 did not write it within 1800 s.", talk.Fire(RunTimer.Save, 1)[^1], StringComparison.Ordinal);
    }

    /// <summary>The lead commits a checkpoint and dies before it says so: nobody knew of it, and a later loss of all took the run back behind it.</summary>
    [Fact]
    public void Lost_TheLeadBeforeItReportsACheckpoint_TheNextOneWritesOne()
    {
        var talk = AtStep(10, 3);
        talk.Say(2, new WorkerMessage.StateDigest(new Generation(1), 10, "h"));
        talk.Lose(1);
        talk.Say(2, Fenced(2, 10, (3, 6)));
        Assert.Equal("tell w-2 SaveCheckpoint G2", talk.Say(3, Fenced(2, 10, (6, 8)))[^1]);

        // It is lost as well, before it has written.
        talk.Lose(2);
        Assert.Equal("tell w-3 SaveCheckpoint G3", talk.Say(3, Fenced(3, 10, (6, 8)))[^1]);
        talk.Say(3, Saved(10, generation: 3));
        Assert.Equal(10, talk.RunState.Progress.Checkpoint!.Step);
    }

    [Fact]
    public void Lost_TheLeadBehindItsReport_NobodyWritesAgain()
    {
        var talk = AtStep(10, 3);
        talk.Say(2, new WorkerMessage.StateDigest(new Generation(1), 10, "h"));
        talk.Say(1, Saved(10));
        talk.Lose(1);
        talk.Say(2, Fenced(2, 10, (3, 6)));
        Assert.DoesNotContain(talk.Say(3, Fenced(2, 10, (6, 8))), line => line.Contains("SaveCheckpoint", StringComparison.Ordinal));
    }

    /// <summary>Members had agreed to end behind step 10, and their generation was given up: one was still saving, and its word counted in the next one.</summary>
    [Fact]
    public void Finished_OfAGenerationThatWasGivenUp_IsNoEnd()
    {
        var talk = AtStep(10, 3);
        talk.Lose(1);
        talk.Say(2, Fenced(2, 10, (3, 6)));
        talk.Say(3, Fenced(2, 10, (6, 8)));
        talk.Say(2, Finished(10));

        Assert.Empty(((RunPhase.Running)talk.RunState.Phase).Finished);
    }

    [Fact]
    public void Save_AnOlderCheckpointComesInFirst_IsRecordedAndTheOtherAwaited()
    {
        var talk = AtStep(57, 2);
        talk.Say(2, Failed());
        talk.Say(1, Aborted(57));

        Assert.Equal(["record CheckpointSaved 50 by w-1"], talk.Say(1, Saved(50)));
        Assert.IsType<RunPhase.Saving>(talk.RunState.Phase);
    }

    [Fact]
    public void Failed_ALateStepOneFinished_ItsStateIsSaved()
    {
        // The one that finished holds the last step; the checkpoint was the failed one's to write.
        var talk = AtStep(57, 2);
        talk.Say(2, Finished(100));

        Assert.Equal(
            [
                "record WorkerFailed w-1 at 57: The loss is NaN.", "timer Abort G1 60 s", "tell w-2 SaveCheckpoint G1", "timer Save G1 1800 s",
            ],
            talk.Say(1, Failed()));
    }

    [Fact]
    public void Failed_WhileRegrouping_AbortsWithTheNewestNumber()
    {
        var talk = AtStep(57, 3);
        talk.Lose(3);

        Assert.Equal("tell w-1 Abort G2: " + Bad2, talk.Say(2, Failed())[1]);
        Assert.Equal("tell w-1 SaveCheckpoint G2", talk.Say(1, new WorkerMessage.Aborted(new Generation(2), 57))[0]);
    }

    [Fact]
    public void Events_AfterTheEnd_ChangeNothing()
    {
        var talk = Training(1);
        talk.Say(1, Saved(100));
        talk.Say(1, Finished(100));
        var ended = talk.RunState;

        Assert.Equal(["note: TimerFired came after the end of run run."], talk.Fire(RunTimer.Abort, 1));
        Assert.Same(ended, talk.RunState);
    }
}
