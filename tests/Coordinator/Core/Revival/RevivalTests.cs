using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Tests.Revival;

/// <summary>A coordinator is lost at some moment of a run, and another goes on from what was stored.</summary>
public sealed class RevivalTests
{
    [Fact]
    public void Revive_AllMembersComeBackAsTheyWere_NothingIsToldAndTheRunGoesOn()
    {
        var next = Conversation.AtStep(3, workers: 2).Successor(ledger: 3);
        Assert.IsType<RunPhase.Reviving>(next.RunState.Phase);
        Assert.Equal(["admit w-1"], next.Return(1, generation: 1));
        Assert.Equal(["admit w-2", "record RunAdopted"], next.Return(2, generation: 1));
        next.Say(1, Conversation.Progress(4));
        Assert.Equal(["step 4: loss 1, 32 samples, 200 bytes"], next.Say(2, Conversation.Progress(4)));
    }

    /// <summary>A store that is slow while the runs are taken over: the worker is not welcomed in time and opens another stream. It was counted as lost, and the end of its first stream took the second along.</summary>
    [Fact]
    public void Revive_AMemberOpensAnotherStreamBeforeItIsWelcomed_NobodyIsLost()
    {
        var next = Conversation.AtStep(3, workers: 2).Successor(ledger: 3);
        Assert.Equal(["admit w-1"], next.Attach(1, generation: 1));
        Assert.Equal(["admit w-1"], next.Attach(1, generation: 1));
        Assert.Equal(
            ["note: A former stream of w-1 ended: it broke before it was welcomed."],
            next.Send(new Cluster.ClusterEvent.WorkerLost(new WorkerId("w-1"), "it broke before it was welcomed") { Connection = 1 }));
        Assert.Empty(next.Say(1, new WorkerMessage.CaughtUp()));

        Assert.Equal(["admit w-2", "record RunAdopted"], next.Return(2, generation: 1));
        next.Say(1, Conversation.Progress(4));
        Assert.Equal(["step 4: loss 1, 32 samples, 200 bytes"], next.Say(2, Conversation.Progress(4)));
        Assert.Contains("record WorkerLost w-1 at 4: its stream broke", next.Send(new Cluster.ClusterEvent.WorkerLost(new WorkerId("w-1"), "its stream broke") { Connection = 2 }));
    }

    /// <summary>The first of the queue needs all five workers, and the first that came back was given to one that comes behind it: for five were not attached yet.</summary>
    [Fact]
    public void Revive_WorkersAttachOneByOne_NobodyStartsBeforeTheFirstOfTheQueueMeanwhile()
    {
        var talk = Conversation.AtStep(3, workers: 3, Conversation.Job(min: 3, desired: 3));
        talk.Attach();
        talk.Attach();
        talk.Submit(Conversation.Job(min: 5, desired: 5), id: "large");
        talk.Submit(Conversation.Job(min: 1, desired: 1, priority: -1), id: "small");
        Assert.IsType<RunPhase.Queued>(talk.Find("small").Phase);

        var next = new Conversation();
        next.Send(new Cluster.ClusterEvent.RunsAdopted([.. talk.State.Runs.Select(run => new RevivedRun(run.Order, RunSnapshot.Of(run), new LedgerTail(3, 3, [])))], 100));
        next.Attach();
        Assert.IsType<RunPhase.Queued>(next.Find("small").Phase);
        next.Attach();
        next.Return(1, generation: 1);
        next.Return(2, generation: 1);
        next.Return(3, generation: 1);
        Assert.All(["large", "small"], run => Assert.IsType<RunPhase.Queued>(next.Find(run).Phase));
        next.Stop("large");
        Assert.IsType<RunPhase.Preparing>(next.Find("small").Phase);
    }

    /// <summary>The coordinator was lost while a run with its least waited a little for more. The next one found the sentence that it would have said itself, and did not begin that wait: the run waited for ever.</summary>
    [Fact]
    public void Revive_ItWaitedALittleForMoreWorkers_WaitsAgainAndStarts()
    {
        var talk = new Conversation();
        talk.Attach();
        Assert.Contains("timer Grace G0 10 s", talk.Submit(Conversation.Job(min: 1, desired: 3)));
        var next = talk.Successor();
        Assert.Equal(["admit w-101", "timer Grace G0 10 s"], next.AttachAgain(1));
        Assert.Contains("tell w-101 Prepare G1 avx2", next.Fire(RunTimer.Grace, 0));
    }

    [Fact]
    public void Revive_AMemberDoesNotComeBack_TheOthersAreFencedAndGoOn()
    {
        var next = Conversation.AtStep(3, workers: 2).Successor(ledger: 3);
        next.Return(1, generation: 1);
        var told = next.Fire(RunTimer.Return, 1);
        Assert.Equal("record RunAdopted", told[0]);
        Assert.StartsWith("record WorkerLost w-2 at 3: it did not come back", told[1], StringComparison.Ordinal);
        Assert.StartsWith("tell w-1 Fence G2: A coordinator took the run over, and worker w-2", told[2], StringComparison.Ordinal);
        Assert.Contains(next.Say(1, Conversation.Fenced(2, 3, (0, 4))), line => line.StartsWith("tell w-1 Activate G2 3..100/100: w-1=[0,8)", StringComparison.Ordinal));
    }

    [Fact]
    public void Revive_AMemberKnowsANewerGeneration_AllAreFencedToOneThatNobodyHasHeardOf()
    {
        // The coordinator died when it had told a change of members to one of them.
        var next = Conversation.AtStep(3, workers: 2).Successor(ledger: 3);
        next.Return(1, generation: 5);
        var told = next.Return(2, generation: 1);
        Assert.Equal(["admit w-2", "record RunAdopted", "tell w-1 Fence G6", "tell w-2 Fence G6"], told.Where(line => !line.StartsWith("timer", StringComparison.Ordinal)).Select(line => line.Split(':')[0]));
    }

    [Fact]
    public void Revive_TheCoordinatorDiedWhileItFenced_TheMembersAreFencedAnew()
    {
        var talk = Conversation.AtStep(3, workers: 3, Conversation.Job(desired: 3));
        talk.Lose(3);
        var next = talk.Successor(ledger: 3);
        next.Return(1, generation: 2);
        Assert.Contains(next.Return(2, generation: 2), line => line.StartsWith("tell w-1 Fence G3", StringComparison.Ordinal));
    }

    [Fact]
    public void Revive_NobodyComesBack_WaitsAndThenGoesToTheQueue()
    {
        var talk = Conversation.AtStep(3, workers: 2);
        talk.Say(1, Conversation.Saved(3));
        var next = talk.Successor(ledger: 3);
        for (var wait = 0; wait < 15; wait++)
        {
            Assert.Equal(["timer Return G1 2 s"], next.Fire(RunTimer.Return, 1));
        }

        Assert.Contains(next.Fire(RunTimer.Return, 1), line => line.Contains("goes on from its checkpoint of step 3", StringComparison.Ordinal));
        Assert.IsType<RunPhase.Queued>(next.RunState.Phase);
        Assert.Equal("/ck/step-3", next.RunState.ResumeFrom);

        // Nobody has begun again from there, so whoever comes with what it holds saves the steps behind the checkpoint.
        Assert.Equal(["admit w-1", "timer Return G1 2 s"], next.Return(1, generation: 1));
    }

    /// <summary>The coordinator died when a generation was stored and none of its members had been told: the run waited half a minute for workers that were free.</summary>
    [Fact]
    public void Revive_TheMembersHadNotBegun_TheRunStartsAgainWhenTheLastOfThemIsThere()
    {
        var next = Conversation.Training(workers: 2).Successor();
        Assert.Equal(["admit w-101", "record WorkerLost w-1 at 0: its process had not begun to train, or has dropped the run"], next.Attach());
        var told = next.Attach();
        Assert.Equal(["admit w-102", "record WorkerLost w-2 at 0: its process had not begun to train, or has dropped the run", "record RunAdopted"], told[..3]);
        Assert.StartsWith("record RunPaused: A coordinator took the run over while its members changed. No worker is left; the run waits for others", told[3], StringComparison.Ordinal);
        Assert.Equal(["tell w-101 Prepare G2 avx2", "tell w-102 Prepare G2 avx2"], told.Where(line => line.StartsWith("tell", StringComparison.Ordinal)));
    }

    [Fact]
    public void Revive_OneHadBegunAndOneHadNot_TheFirstGoesOnAtOnceAndTheOtherJoins()
    {
        var next = Conversation.Training(workers: 2).Successor();
        next.Return(1, generation: 1);
        Assert.Contains(next.Attach(), line => line.StartsWith("tell w-1 Fence G2", StringComparison.Ordinal));
        Assert.Contains(next.Say(1, Conversation.Fenced(2, 0, (0, 4))), line => line.StartsWith("tell w-1 Activate G2 0..100/100: w-1=[0,8)", StringComparison.Ordinal));
    }

    /// <summary>The coordinator died when a generation after a loss was stored and its members had not been told: they waited for its Activate for ever.</summary>
    [Fact]
    public void Revive_MembersAreFencedToTheGenerationThatWasStored_AreFencedAnewAndGoOn()
    {
        var talk = Conversation.AtStep(3, workers: 3, Conversation.Job(desired: 3));
        talk.Lose(3);
        talk.Say(1, Conversation.Fenced(2, 3, (0, 4)));
        Assert.Contains(talk.Say(2, Conversation.Fenced(2, 3, (4, 8))), line => line.StartsWith("tell w-1 Activate G2", StringComparison.Ordinal));
        var next = talk.Successor(ledger: 3);
        next.Return(1, generation: 2, isFenced: true);
        Assert.Contains(next.Return(2, generation: 2), line => line.StartsWith("tell w-1 Fence G3", StringComparison.Ordinal));
    }

    [Fact]
    public void Revive_AStrangerAttaches_TheMembersAreAwaitedAsBefore()
    {
        var next = Conversation.AtStep(3, workers: 2).Successor(ledger: 3);
        Assert.Equal(["admit w-101"], next.Attach(collective: "host:77"));
        Assert.Equal(2, Assert.IsType<RunPhase.Reviving>(next.RunState.Phase).Crew.Members.Count);
    }

    [Fact]
    public void Revive_WhatThoseWhoAreBackSaidMeanwhile_IsHeardWhenAllAre()
    {
        var next = Conversation.AtStep(3, workers: 2).Successor(ledger: 3);
        next.Return(1, generation: 1);
        next.Say(1, Conversation.Progress(4));
        Assert.Empty(next.Say(1, new WorkerMessage.LinkBroken(new Generation(1), WorkerId.FromNumber(2), "reset")));
        Assert.Contains(next.Return(2, generation: 1), line => line.StartsWith("timer Link G1", StringComparison.Ordinal));
    }

    /// <summary>Steps that one member alone had told of were counted before the other had told of them, and the ledger lacked its ranks for ever.</summary>
    [Fact]
    public void Revive_TheRanksMovedAndOneMemberTellsFirst_TheLedgerHasTheRanksOfBoth()
    {
        // w-2 has no rank in the generation in which the coordinator was lost, but a report of the one before was on its way.
        var talk = Conversation.AtStep(3, workers: 2);
        var crew = talk.RunState.Crew!;
        var moved = RunSnapshot.Of(talk.RunState) with
        {
            Crew = SnapshotCrew.Of(crew with { Ranks = crew.Ranks.ToImmutableSortedDictionary(entry => entry.Key, entry => entry.Value with { FirstRank = 0, RankCount = entry.Key == crew.Ranks.Keys.First() ? 8 : 0 }) }),
        };
        var next = talk.Successor(ledger: 3, moved);
        next.Attach(1, generation: 1);
        next.Attach(2, generation: 1);
        for (var step = 4; step <= 300; step++)
        {
            Assert.Empty(next.SayAtOnce(1, Conversation.Progress(step) with { Ledger = [.. Enumerable.Range(0, step == 4 ? 4 : 8).Select(rank => new LedgerEntry(step, rank, 4, default))] }));
        }

        Assert.Empty(next.Say(1, new WorkerMessage.CaughtUp()));
        next.Say(2, Conversation.Progress(4) with { Ledger = [.. Enumerable.Range(4, 4).Select(rank => new LedgerEntry(4, rank, 4, default))] });
        var lines = next.Say(2, new WorkerMessage.CaughtUp());
        Assert.Equal("record RunAdopted", lines[0]);
        Assert.Contains(lines, line => line.Contains("step 4 of w-2 in G1: ranks 4 5 6 7", StringComparison.Ordinal));
        Assert.Equal(300, next.RunState.Progress.Step);
    }

    [Fact]
    public void Revive_MembersTellOfManyStepsAtOnce_TheSpeedIsThatOfTheStepsAfterThem()
    {
        var next = Conversation.AtStep(3, workers: 2).Successor(ledger: 3);
        next.Attach(1, generation: 1);
        next.Attach(2, generation: 1);
        for (var step = 4; step <= 400; step++)
        {
            next.SayAtOnce(1, Conversation.Progress(step));
            next.SayAtOnce(2, Conversation.Progress(step));
        }

        next.Say(1, new WorkerMessage.CaughtUp());
        next.Say(2, new WorkerMessage.CaughtUp());
        Assert.Null(next.RunState.Progress.Rate.Present);
        // Two events of one second each make a step.
        for (var step = 401; step <= 410; step++)
        {
            next.Say(1, Conversation.Progress(step));
            next.Say(2, Conversation.Progress(step));
        }

        Assert.Equal(next.RunState.Order.Job.Training.GlobalBatch / 2.0, next.RunState.Progress.Rate.Present);
        Assert.Equal(next.RunState.Order.Job.Training.GlobalBatch / 2.0, next.RunState.Progress.Rate.Overall);
    }

    [Fact]
    public void Revive_AMemberTellsBeforeTheOtherIsBack_NothingOfItIsForgotten()
    {
        var next = Conversation.AtStep(3, workers: 2).Successor(ledger: 3);
        next.Attach(1, generation: 1);
        for (var step = 4; step <= 400; step++)
        {
            Assert.Empty(next.SayAtOnce(1, Fed(step, 0)));
        }

        next.Pass(1, 1);
        next.Attach(2, generation: 1);
        for (var step = 4; step <= 400; step++)
        {
            next.SayAtOnce(2, Fed(step, 4));
        }

        next.Say(1, new WorkerMessage.CaughtUp());
        var ledger = string.Join('\n', next.Say(2, new WorkerMessage.CaughtUp()).Where(line => line.StartsWith("ledger", StringComparison.Ordinal)));
        for (var step = 4; step <= 400; step++)
        {
            Assert.Contains($"step {step} of w-1 in G1: ranks 0 1 2 3", ledger, StringComparison.Ordinal);
            Assert.Contains($"step {step} of w-2 in G1: ranks 4 5 6 7", ledger, StringComparison.Ordinal);
        }

        static WorkerMessage.Progress Fed(long step, int firstRank) =>
            Conversation.Progress(step) with { Ledger = [.. Enumerable.Range(firstRank, 4).Select(rank => new LedgerEntry(step, rank, 4, default))] };
    }

    /// <summary>All that was decided before was copied for each report that came: after minutes without an owner the next one was busy for minutes.</summary>
    [Fact]
    public void Revive_TwiceAsManyKeptReports_TakeTwiceAsMuchMemory()
    {
        Measure(1000);
        var (some, twice) = (Measure(4000), Measure(8000));
        Assert.InRange(twice, some, some * 3);

        static long Measure(int steps)
        {
            var next = Conversation.AtStep(3, workers: 2).Successor(ledger: 3);
            next.Attach(1, generation: 1);
            next.Attach(2, generation: 1);
            for (var step = 4; step < 4 + steps; step++)
            {
                next.SayAtOnce(1, Conversation.Progress(step));
                next.SayAtOnce(2, Conversation.Progress(step));
            }

            next.Say(1, new WorkerMessage.CaughtUp());
            var before = GC.GetAllocatedBytesForCurrentThread();
            next.Say(2, new WorkerMessage.CaughtUp());
            Assert.Equal(3 + steps, next.RunState.Progress.Step);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    [Fact]
    public void Revive_QueuedStoppingAndEndedRuns_AreAsTheyWere()
    {
        var queued = new Conversation();
        queued.Submit();
        Assert.Equal(queued.RunState.Reason, queued.Successor().RunState.Reason);
        Assert.IsType<RunPhase.Queued>(queued.Successor().RunState.Phase);

        var stopping = Conversation.AtStep(3, workers: 1, Conversation.Job(desired: 1));
        stopping.Stop();
        var next = stopping.Successor(ledger: 3);
        next.Return(1, generation: 1);
        Assert.Contains(next.Say(1, Conversation.Progress(4)), line => line == "tell w-1 PrepareEnd G1");

        var ended = new Conversation();
        ended.Submit();
        ended.Stop();
        Assert.Equal(ended.RunState.Phase, ended.Successor().RunState.Phase);
    }

    [Fact]
    public void LedgerTail_TornInTheMiddleOfAStep_IsCompleteUpToTheStepBefore()
    {
        var tail = LedgerTail.Of(2, 10, [Fed(11, 0, 1), Fed(12, 0), Fed(12, 1), Fed(13, 1)]);
        Assert.Equal((13, 12), (tail.HighestStep, tail.CompleteStep));
        Assert.Equal((10, 10), (LedgerTail.Of(2, 10, []).HighestStep, LedgerTail.Of(2, 10, []).CompleteStep));
    }

    private static FedReport Fed(long step, params int[] ranks) =>
        new(new Generation(1), new WorkerId("w-1"), [.. ranks.Select(rank => new LedgerEntry(step, rank, 1, default))]);
}
