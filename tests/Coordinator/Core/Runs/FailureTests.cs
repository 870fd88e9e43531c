using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests.Runs;

public sealed class FailureTests
{
    private const string Lost2 = "Worker w-2 (pid 102 on host) was lost at step 57: its stream broke.";

    private static Conversation AtStep57(int workers)
    {
        var talk = Training(workers);
        for (var step = 1; step <= 57; step++)
        {
            for (var worker = 1; worker <= workers; worker++)
            {
                talk.Say(worker, Progress(step));
            }
        }

        return talk;
    }

    private static WorkerMessage.Aborted Aborted(long step) => new(new Generation(1), step);

    private static WorkerMessage.Failed Failed(string reason, FailureKind kind, long step = 57) => new(new Generation(1), step, reason, kind);

    [Fact]
    public void Lost_WhileTraining_TheHighestStepIsSavedAndTheFirstCauseTold()
    {
        var talk = AtStep57(3);

        Assert.Equal(
            ["record WorkerLost w-2 at 57: its stream broke", $"tell w-1 Abort G1: {Lost2}", $"tell w-3 Abort G1: {Lost2}", "timer Abort G1 60 s"], talk.Lose(2));
        Assert.Equal([], talk.Say(1, Aborted(57)));
        Assert.Equal(["tell w-3 SaveCheckpoint G1", "timer Save G1 1800 s"], talk.Say(3, Aborted(58)));
        Assert.Equal(
            [
                "record CheckpointSaved 58 by w-3", "record RunEnded", "tell w-1 Release", "tell w-3 Release",
                $"end Failed 1: {Lost2} Checkpoint step-00000058 has the state of step 58. To go on, type: ./orchestrator run job.yaml --resume /ck/step-58",
            ],
            talk.Say(3, Saved(58)));
    }

    [Fact]
    public void Aborted_SameStep_TheLowestIdSaves()
    {
        var talk = AtStep57(3);
        talk.Lose(2);
        talk.Say(3, Aborted(57));

        Assert.Equal("tell w-1 SaveCheckpoint G1", talk.Say(1, Aborted(57))[0]);
    }

    [Fact]
    public void Lost_TheOnlyWorker_EndsAtTheLastCheckpoint()
    {
        var talk = Training(1);
        talk.Say(1, Progress(1));
        talk.Say(1, Saved(1));
        talk.Say(1, Progress(2));

        Assert.Equal(
            "end Failed 1: Worker w-1 (pid 101 on host) was lost at step 2: its stream broke. Checkpoint step-00000001 has the state of step 1. To go on, type: ./orchestrator run job.yaml --resume /ck/step-1",
            talk.Lose(1)[^1]);
    }

    [Fact]
    public void Lost_BeforeTheFirstStep_NothingIsWorthSaving()
    {
        var talk = Training(2);
        talk.Lose(2);

        Assert.Equal(
            "end Failed 1: Worker w-2 (pid 102 on host) was lost at step 0: its stream broke. There is no checkpoint yet; type the command again to start anew.",
            talk.Say(1, Aborted(0))[^1]);
    }

    [Fact]
    public void Lost_BeforeTheFirstStepOfAResume_NamesTheOldCheckpoint()
    {
        var talk = Training(2, appliedSteps: 40);
        talk.Lose(2);

        Assert.EndsWith("No checkpoint was written since it was resumed; type again: ./orchestrator run job.yaml --resume /old/step", talk.Say(1, Aborted(40))[^1]);
    }

    [Fact]
    public void Lost_TheStepIsOnDiskAlready_NothingIsSavedTwice()
    {
        var talk = AtStep57(2);
        talk.Say(1, Saved(57));
        talk.Lose(2);

        Assert.EndsWith("--resume /ck/step-57", talk.Say(1, Aborted(57))[^1]);
    }

    [Fact]
    public void Lost_EverybodyOneAfterTheOther_EndsWithTheFirstCause()
    {
        var talk = AtStep57(3);
        talk.Lose(2);
        talk.Lose(1);

        Assert.StartsWith($"end Failed 1: {Lost2} There is no checkpoint yet", talk.Lose(3)[^1]);
    }

    [Fact]
    public void Leaving_WhileTraining_EndsTheRunWithACheckpoint()
    {
        var talk = AtStep57(2);

        Assert.Equal("record WorkerLost w-2 at 57: it was told to end (SIGTERM)", talk.Say(2, new WorkerMessage.Leaving("SIGTERM"))[0]);
        Assert.Equal("tell w-1 SaveCheckpoint G1", talk.Say(1, Aborted(57))[0]);
        Assert.Equal(["note: WorkerLost concerns no run."], talk.Lose(2));
    }

    [Fact]
    public void Failed_OwnFault_TheOthersSave()
    {
        var talk = AtStep57(2);

        Assert.Equal(
            [
                "record WorkerFailed w-1 at 57: a bug.", "tell w-2 Abort G1: Worker w-1 (pid 101 on host) failed at step 58: a bug.", "timer Abort G1 60 s",
            ],
            talk.Say(1, Failed("a bug.", FailureKind.Internal)));
        talk.Say(2, Aborted(57));
        Assert.Equal(
            "end Failed 1: Worker w-1 (pid 101 on host) failed at step 58: a bug. Checkpoint step-00000057 has the state of step 57. To go on, type: ./orchestrator run job.yaml --resume /ck/step-57",
            talk.Say(2, Saved(57))[^1]);
    }

    [Fact]
    public void Failed_LossNotFiniteEverywhere_TheLastGoodCheckpointIsNamed()
    {
        var talk = AtStep57(2);
        talk.Say(1, Saved(50));
        talk.Say(2, Failed("The loss is NaN.", FailureKind.Job));

        Assert.EndsWith("Checkpoint step-00000050 has the state of step 50. To go on, type: ./orchestrator run job.yaml --resume /ck/step-50", talk.Say(1, Failed("The loss is NaN.", FailureKind.Job))[^1]);
    }

    [Fact]
    public void Failed_BrokenLinkThenThePeersLoss_TheLossIsTheCause()
    {
        // The survivor may see its link break before the coordinator sees the process die.
        var talk = AtStep57(2);

        Assert.Equal("tell w-1 Abort G1: Worker w-1 (pid 101 on host) failed at step 58: the link to w-2 broke.", talk.Say(1, Failed("the link to w-2 broke", FailureKind.Environment))[1]);
        talk.Lose(2);
        Assert.Equal(["tell w-1 SaveCheckpoint G1", "timer Save G1 1800 s"], talk.Say(1, Aborted(57)));
        Assert.StartsWith($"end Failed 1: {Lost2} Checkpoint step-00000057", talk.Say(1, Saved(57))[^1]);
    }

    [Fact]
    public void Failed_BrokenLinkOnBothSides_BothMaySave()
    {
        var talk = AtStep57(2);
        talk.Say(1, Failed("the link to w-2 broke", FailureKind.Environment));

        Assert.Equal(["record WorkerFailed w-2 at 57: the link to w-1 broke"], talk.Say(2, Failed("the link to w-1 broke", FailureKind.Environment)));
        talk.Say(1, Aborted(57));
        Assert.Equal("tell w-2 SaveCheckpoint G1", talk.Say(2, Aborted(58))[0]);
    }

    [Fact]
    public void Abort_OneDoesNotAnswer_TheOthersGoOnWithoutIt()
    {
        var talk = AtStep57(3);
        talk.Lose(2);
        talk.Say(1, Aborted(57));

        Assert.Equal(["tell w-1 SaveCheckpoint G1", "timer Save G1 1800 s"], talk.Fire(RunTimer.Abort, 1));
    }

    [Fact]
    public void Save_TheSaverIsLost_TheNextOneSaves()
    {
        var talk = AtStep57(3);
        talk.Lose(2);
        talk.Say(1, Aborted(57));
        talk.Say(3, Aborted(57));

        Assert.Equal(["record WorkerLost w-1 at 57: its stream broke", "tell w-3 SaveCheckpoint G1", "timer Save G1 1800 s"], talk.Lose(1));
        Assert.StartsWith($"end Failed 1: {Lost2} Checkpoint step-00000057", talk.Say(3, Saved(57))[^1]);
    }

    [Fact]
    public void Save_Fails_BothReasonsAreSaid()
    {
        var talk = AtStep57(2);
        talk.Say(1, Saved(50));
        talk.Lose(2);
        talk.Say(1, Aborted(57));

        Assert.Equal(
            $"end Failed 1: {Lost2} The state of step 57 could not be saved: disk full. Checkpoint step-00000050 has the state of step 50. To go on, type: ./orchestrator run job.yaml --resume /ck/step-50",
            talk.Say(1, Saved(57, "disk full."))[^1]);
    }

    [Fact]
    public void Save_TakesTooLong_SaysSo()
    {
        var talk = AtStep57(2);
        talk.Lose(2);
        talk.Say(1, Aborted(57));

        Assert.Contains("The state of step 57 could not be saved: Worker w-1 did not write it within 1800 s.", talk.Fire(RunTimer.Save, 1)[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Save_AnOlderCheckpointComesInFirst_IsRecordedAndTheOtherAwaited()
    {
        var talk = AtStep57(2);
        talk.Lose(2);
        talk.Say(1, Aborted(57));

        Assert.Equal(["record CheckpointSaved 50 by w-1"], talk.Say(1, Saved(50)));
        Assert.IsType<RunPhase.Saving>(talk.RunState.Phase);
    }

    [Fact]
    public void Lost_AfterItFinished_IsNotMissed()
    {
        var talk = Training(2);
        talk.Say(1, Saved(100));
        talk.Say(1, Finished(100));

        Assert.Equal(["record WorkerLost w-1 at 0: its stream broke"], talk.Lose(1));
        Assert.StartsWith("end Succeeded 0", talk.Say(2, Finished(100))[^1]);
    }

    [Fact]
    public void Lost_LastStepOnDisk_TheRunSucceedsWithoutIt()
    {
        var talk = Training(2);
        talk.Say(1, Saved(100));
        talk.Say(1, Finished(100));

        Assert.Equal("end Succeeded 0: All 100 steps are applied.", talk.Lose(2)[^1]);
    }

    [Fact]
    public void Lost_ALateStepOneFinished_ItsStateIsSaved()
    {
        // The one that finished holds the last step; the checkpoint was the lost one's to write.
        var talk = AtStep57(2);
        talk.Say(2, Finished(100));

        Assert.Equal(
            ["record WorkerLost w-1 at 57: its stream broke", "timer Abort G1 60 s", "tell w-2 SaveCheckpoint G1", "timer Save G1 1800 s"], talk.Lose(1));
    }

    [Fact]
    public void Events_AfterTheEnd_ChangeNothing()
    {
        var talk = Training(1);
        talk.Lose(1);
        var ended = talk.RunState;

        Assert.Equal(["note: TimerFired came after the end of run run."], talk.Fire(RunTimer.Abort, 1));
        Assert.Same(ended, talk.RunState);
    }
}
