using Orchestrator.Core.Ledger;
using Orchestrator.Core.Messages;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests.Runs;

/// <summary>What members fed is stored with the step's commit, before anybody hears of the step.</summary>
public class LedgerTests
{
    [Fact]
    public void Progress_OfBoth_IsStoredBeforeTheStepIsReported()
    {
        var talk = Training(2, hasLedger: true);

        Assert.Empty(talk.Say(1, Fed(1, 0, 1)));
        Assert.Equal(
            ["ledger step 1 of w-1 in G1: ranks 0 1, step 1 of w-2 in G1: ranks 2 3", "step 1: loss 1, 32 samples, 200 bytes"], talk.Say(2, Fed(1, 2, 3)));
    }

    [Fact]
    public void Progress_OfAnOldGenerationWithARankThatIsMissing_IsStored()
    {
        var talk = Training(1, hasLedger: true);
        talk.Say(1, Fed(1, 0, 1));

        var effects = talk.Say(1, Fed(1, 2) with { Generation = new Orchestrator.Core.Identities.Generation(0) });

        Assert.Equal(["ledger step 1 of w-1 in G0: ranks 2"], effects);
    }

    [Fact]
    public void Progress_TwoWorkersFedOneRankDifferently_TheRunFails()
    {
        var talk = Training(2, hasLedger: true);
        talk.Say(1, Fed(1, 0));
        var other = Progress(1) with { Ledger = [new LedgerEntry(1, 0, 8, new SampleDigest(1, 1))] };

        var effects = talk.Say(2, other);

        Assert.Contains("w-1 (G1) and w-2 (G1) fed different samples to logical rank 0 of step 1", effects[0], StringComparison.Ordinal);
        Assert.StartsWith("tell w-1 Abort G1", effects[0], StringComparison.Ordinal);
        talk.Say(1, new WorkerMessage.Aborted(new(1), 1));
        Assert.StartsWith("end Failed 1: w-1 (G1) and w-2 (G1) fed different samples", talk.Say(2, new WorkerMessage.Aborted(new(1), 1))[^1], StringComparison.Ordinal);
    }

    /// <summary>A worker dies behind the last step: its report is lost, and no step follows in which the others tell what they heard of its ranks.</summary>
    [Fact]
    public void Lost_BehindTheLastStepBeforeItsReport_TheOthersAreAskedWhatItFed()
    {
        var talk = Training(3, hasLedger: true);
        Report(talk, 99, [0, 1], [2, 3, 4], [5, 6, 7]);
        talk.Say(2, Fed(100, 2, 3, 4));
        talk.Say(3, Fed(100, 5, 6, 7));
        talk.Say(2, Saved(100));
        talk.Say(2, Finished(100));
        talk.Say(3, Finished(100));

        Assert.Equal(
            ["record WorkerLost w-1 at 100: its stream broke", "note: The ledger has not all ranks of step 100, and who fed them is gone: w-2 is asked.", "tell w-2 ReportLedger G1 100", "timer Ledger G1 10 s"],
            talk.Lose(1));
        var effects = talk.Say(2, new WorkerMessage.Fed(new(1), Fed(100, 0, 1).Ledger));
        Assert.Contains(effects, line => line.StartsWith("ledger", StringComparison.Ordinal) && line.Contains("step 100 of w-2 in G1: ranks 0 1", StringComparison.Ordinal));
        Assert.StartsWith("end Succeeded", effects[^1], StringComparison.Ordinal);
        Assert.DoesNotContain(effects, line => line.StartsWith("record RunWarned", StringComparison.Ordinal));
    }

    /// <summary>The report of a member's very first step came behind the next generation's start and was ignored: the step was never counted, and its entries not stored.</summary>
    [Fact]
    public void Progress_OfAMembersFirstStepBehindTheNextStart_Counts()
    {
        var talk = Training(2, hasLedger: true);
        talk.Lose(1);
        talk.Say(2, Fenced(2, 1));

        Assert.Contains("step 1: loss 1, 32 samples, 100 bytes", talk.Say(2, Fed(1, 0, 1, 2, 3, 4, 5, 6, 7)));
    }

    [Fact]
    public void Lost_BehindTheLastStepAndNobodyHeardOfIt_TheRunSaysWhatTheLedgerLacks()
    {
        var talk = Training(2, hasLedger: true);
        Report(talk, 99, [0, 1, 2, 3], [4, 5, 6, 7]);
        talk.Say(2, Fed(100, 4, 5, 6, 7));
        talk.Say(2, Saved(100));
        talk.Say(2, Finished(100));
        talk.Lose(1);

        Assert.Contains(talk.Fire(Orchestrator.Coordinator.Core.Runs.RunTimer.Ledger, 1), line => line.StartsWith("record RunWarned: The ledger lacks ranks of step 100", StringComparison.Ordinal));
    }

    /// <summary>The lost worker had not reported for more than a step: only the last one was asked for.</summary>
    [Fact]
    public void Lost_WithReportsOfSeveralStepsOnTheWay_TheOthersAreAskedFromTheFirstOfThemOn()
    {
        var talk = Training(2, hasLedger: true);
        Report(talk, 97, [0, 1, 2, 3], [4, 5, 6, 7]);
        for (var step = 98; step <= 100; step++)
        {
            talk.Say(2, Fed(step, step == 99 ? [] : [4, 5, 6, 7]));
        }

        talk.Say(2, Saved(100));
        talk.Say(2, Finished(100));

        Assert.Contains("tell w-2 ReportLedger G1 98", talk.Lose(1));
    }

    /// <summary>The only one that had reported was lost: the coordinator knew of no rank, and asked nobody.</summary>
    [Fact]
    public void Lost_AndNobodyElseHasReported_TheOthersAreAskedFromTheStartOn()
    {
        var talk = Training(2, hasLedger: true);
        talk.Say(2, Saved(100));
        talk.Say(2, Finished(100));

        Assert.Contains("tell w-2 ReportLedger G1 1", talk.Lose(1));
    }

    /// <summary>A run that had ended kept what was fed in its last 64 steps for as long as it was shown: 60 KB of each with four logical ranks.</summary>
    [Fact]
    public void End_OfARun_LeavesNothingThatGrowsWithRanksStepsOrMembers()
    {
        var talk = Training(2, hasLedger: true);
        Report(talk, 100, [0, 1, 2, 3], [4, 5, 6, 7]);
        Assert.Equal(LedgerRule.MaxKeptSteps, talk.RunState.Ledger.Steps.Count);
        talk.Say(1, Saved(100));
        talk.Say(1, Finished(100));
        talk.Say(2, Finished(100));

        var run = talk.RunState;
        Assert.IsType<Orchestrator.Coordinator.Core.Runs.RunPhase.Ended>(run.Phase);
        Assert.Equal((0, 0, 0, 0), (run.Ledger.Steps.Count, run.Progress.ReportedSteps.Count, run.Progress.Pending.Count, run.Paces.Count));
        Assert.Null(run.Agreement);
        Assert.True(run.Progress is { Step: 100, Loss: 1, Checkpoint.Step: 100, Rate.Overall: > 0 });

        var next = talk.Successor().RunState;
        Assert.Equal((0, 100), (next.Ledger.Steps.Count, next.Progress.Step));
    }

    /// <summary>Behind a thousand open steps the oldest were counted without the member that was not heard, and its entries were forgotten when they came.</summary>
    [Fact]
    public void Progress_OfAMemberThatIsCutOffForTenSecondsOfShortSteps_IsStillStored()
    {
        const int steps = 6700;
        var talk = Training(2, Job(steps: steps), hasLedger: true);
        for (var step = 1; step <= steps; step++)
        {
            Assert.Empty(talk.Say(1, Fed(step, 0, 1, 2, 3)));
        }

        for (var step = 1; step <= steps; step++)
        {
            Assert.Equal($"ledger step {step} of w-1 in G1: ranks 0 1 2 3, step {step} of w-2 in G1: ranks 4 5 6 7", talk.Say(2, Fed(step, 4, 5, 6, 7))[0]);
        }
    }

    /// <summary>Sixty-four steps are a tenth of a second of a small model: of what the others had heard of a member that nobody heard for longer, the rest was thrown away.</summary>
    [Fact]
    public void Lost_AfterTenSecondsInWhichNobodyHeardIt_WhatTheOthersHeardOfItIsStored()
    {
        var talk = AfterAThousandStepsOfOne();

        var effects = talk.Say(1, Fed(1001, 0, 1, 2, 3, 4, 5, 6, 7) with
        {
            Generation = new(2), Ledger = [.. Enumerable.Range(1, 1000).SelectMany(step => Fed(step, 4, 5, 6, 7).Ledger), .. Fed(1001, 0, 1, 2, 3, 4, 5, 6, 7).Ledger],
        });

        var ledger = string.Join(", ", effects.Where(line => line.StartsWith("ledger", StringComparison.Ordinal)));
        Assert.Equal(1000, Enumerable.Range(1, 1000).Count(step => ledger.Contains($"step {step} of w-1 in G2: ranks 4 5 6 7", StringComparison.Ordinal)));
        Assert.DoesNotContain(effects, line => line.StartsWith("record RunWarned", StringComparison.Ordinal));
        Assert.Equal(1001, talk.RunState.RecordedStep);
    }

    [Fact]
    public void Lost_AfterTenSecondsInWhichNobodyHeardIt_WhatNobodyKnowsIsNamedOnce()
    {
        var talk = AfterAThousandStepsOfOne();
        Assert.Equal(0, talk.RunState.RecordedStep);

        var effects = talk.Say(1, Fed(1001, 0, 1, 2, 3, 4, 5, 6, 7) with { Generation = new(2) });

        Assert.Contains(effects, line => line.StartsWith("record RunWarned: The ledger lacks ranks of 1000 of steps 1 to 1000:", StringComparison.Ordinal));
        Assert.Equal(1001, talk.RunState.RecordedStep);
        Assert.Equal(["ledger step 1002 of w-1 in G2: ranks 0 1 2 3 4 5 6 7", "step 1002: loss 1, 32 samples, 100 bytes"], talk.Say(1, Fed(1002, 0, 1, 2, 3, 4, 5, 6, 7) with { Generation = new(2) }));
    }

    /// <summary>The second of two members is not heard and is given up; the first goes on alone.</summary>
    private static Conversation AfterAThousandStepsOfOne()
    {
        var talk = Training(2, Job(steps: 2000), hasLedger: true);
        for (var step = 1; step <= 1000; step++)
        {
            Assert.Empty(talk.Say(1, Fed(step, 0, 1, 2, 3)));
        }

        talk.Lose(2);
        Assert.Contains("ledger step 1 of w-1 in G1: ranks 0 1 2 3", string.Join("\n", talk.Say(1, Fenced(2, 1000))), StringComparison.Ordinal);
        return talk;
    }

    /// <summary>Steps 1 to the given one, each member its ranks.</summary>
    private static void Report(Conversation talk, long steps, params int[][] ranks)
    {
        for (var step = 1L; step <= steps; step++)
        {
            for (var member = 0; member < ranks.Length; member++)
            {
                talk.Say(member + 1, Fed(step, ranks[member]));
            }
        }
    }

    private static WorkerMessage.Progress Fed(long step, params int[] ranks) =>
        Progress(step) with { Ledger = [.. ranks.Select(rank => new LedgerEntry(step, rank, 8, new SampleDigest((ulong)rank, (ulong)step)))] };
}
