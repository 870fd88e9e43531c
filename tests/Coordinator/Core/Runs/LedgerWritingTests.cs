using System.Globalization;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Ledger;
using Orchestrator.Core.Messages;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests.Runs;

/// <summary>A ledger that could not be written lost what it was to have, and the members were told all the same that it was recorded.</summary>
public class LedgerWritingTests
{
    private const string Again = "timer LedgerAgain G1 1 s";

    /// <summary>Entries of one step: four such steps are one try.</summary>
    private const int Many = LedgerBacklog.MaxEntriesAtOnce / 4;

    [Fact]
    public void Tick_AStepIsNotWrittenYet_IsNotToldAsRecorded()
    {
        var talk = Unwritten();
        talk.Say(1, Fed(1));
        Assert.Empty(talk.Pass(1, 1));

        talk.Say(1, Fed(2));
        talk.Write(2);
        Assert.Equal(["tell w-1 Recorded"], talk.Pass(1, 1));
        Assert.Equal(1, talk.RunState.ToldStep);

        talk.Write(3);
        Assert.Equal(["tell w-1 Recorded"], talk.Pass(1, 1));
        Assert.Equal(2, talk.RunState.ToldStep);
    }

    [Fact]
    public void LedgerFailed_SaysSoKeepsWhatComesAndWritesItAllWhenThereIsRoom()
    {
        var talk = Unwritten();
        talk.Say(1, Fed(1));

        var failed = talk.FailLedger(1, "Writing the ledger /r/ledger failed: the disk is full. Free some room on that disk.");
        Assert.Equal(
        [
            "record LedgerFailed: Writing the ledger /r/ledger failed: the disk is full. Free some room on that disk. The run trains on: what is fed from step 1 on is kept in memory, "
            + "500000 entries at the most, and written as soon as that can be; it is tried again every 1 s.", Again,
        ], failed);

        // The run trains on, nothing is appended behind the gap, and nothing is told.
        Assert.Equal(["step 2: loss 1, 32 samples, 100 bytes"], talk.Say(1, Fed(2)));
        Assert.Empty(talk.Pass(1, 1));
        Assert.Equal(["ledger step 1 of w-1 in G1: ranks 0 1 2 3 4 5 6 7, step 2 of w-1 in G1: ranks 0 1 2 3 4 5 6 7"], talk.Fire(RunTimer.LedgerAgain, 1));
        Assert.Equal([Again], talk.FailLedger(1));
        talk.Say(1, Fed(3));
        Assert.Single(talk.Fire(RunTimer.LedgerAgain, 1));

        var mended = talk.Write(4);
        Assert.StartsWith("record LedgerMended: The ledger is written again, and has what was fed up to step 3. It could not be written for ", Assert.Single(mended), StringComparison.Ordinal);
        Assert.Equal(["tell w-1 Recorded"], talk.Pass(1, 1));
        Assert.Equal(3, talk.RunState.ToldStep);
        Assert.StartsWith("ledger step 4", talk.Say(1, Fed(4))[0], StringComparison.Ordinal);
    }

    /// <summary>A part of what waits goes in, and the rest follows at once.</summary>
    [Fact]
    public void LedgerFailed_MoreWaitsThanOneTryTakes_IsWrittenPieceByPiece()
    {
        var talk = Unwritten();
        for (var step = 1; step <= 10; step++)
        {
            talk.Say(1, Fed(step, Many));
        }

        talk.FailLedger(1);
        Assert.Equal(["1", "2", "3", "4"], Steps(talk.Fire(RunTimer.LedgerAgain, 1)));
        Assert.Equal(["5", "6", "7", "8"], Steps(talk.Write(5)));
        Assert.Equal([Again], talk.FailLedger(7));
        Assert.Equal(["7", "8", "9", "10"], Steps(talk.Fire(RunTimer.LedgerAgain, 1)));
        Assert.StartsWith("record LedgerMended", talk.Write(11)[0], StringComparison.Ordinal);

        static string[] Steps(string[] effects) => [.. Assert.Single(effects)["ledger ".Length..].Split(", ").Select(report => report.Split(' ')[1])];
    }

    [Fact]
    public void LedgerFailed_ForSoLongThatTooMuchWaits_DropsTheOldestAndSaysWhatTheLedgerLacks()
    {
        var (talk, most) = (Unwritten(), LedgerBacklog.MaxEntries / Many);
        talk.Say(1, Fed(1, Many));
        talk.FailLedger(1);
        for (var step = 2; step <= most; step++)
        {
            Assert.Single(talk.Say(1, Fed(step, Many)));
        }

        var passed = talk.Say(1, Fed(most + 1, Many));
        Assert.StartsWith("record RunWarned: More than 500000 entries wait for the ledger. From step 1 on the oldest are dropped", passed[0], StringComparison.Ordinal);
        Assert.Single(talk.Say(1, Fed(most + 2, Many)));
        Assert.InRange(talk.RunState.Backlog.EntryCount, 1, LedgerBacklog.MaxEntries);

        var effects = new List<string>();
        var last = talk.RunState.Backlog.LastNumber;
        for (var again = talk.Fire(RunTimer.LedgerAgain, 1); again.Length > 0; again = talk.Write(Math.Min(last, talk.RunState.Backlog.Next().Writes[^1].Number)))
        {
            effects.AddRange(again);
            if (talk.RunState.Backlog.Writes.IsEmpty)
            {
                break;
            }
        }

        Assert.Contains("record RunWarned: The ledger lacks entries of steps 1 to 2, and `ledger verify` will name them. The disk is full.", effects);
        Assert.StartsWith("ledger step 3 of w-1", effects[0], StringComparison.Ordinal);
    }

    /// <summary>The members have what the coordinator may lose, so they stay until the ledger is written.</summary>
    [Fact]
    public void End_TheLedgerIsNotWritten_WaitsForIt()
    {
        var talk = AtTheEnd();
        Assert.StartsWith("record LedgerMended", talk.Write(101)[0], StringComparison.Ordinal);
        Assert.IsType<RunPhase.Ended>(talk.RunState.Phase);
        Assert.Equal(RunResult.Succeeded, ((RunPhase.Ended)talk.RunState.Phase).Outcome.Result);
    }

    [Fact]
    public void End_TheLedgerIsNotWrittenAndAPersonStops_EndsAndSaysWhatItLacks()
    {
        var effects = AtTheEnd().Stop();
        Assert.Equal("record RunWarned: The ledger lacks entries of step 100, and `ledger verify` will name them. The disk is full.", effects[0]);
        Assert.StartsWith("end Succeeded", effects[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void End_TheLedgerIsNotWrittenForAnHour_EndsAndSaysWhatItLacks()
    {
        var talk = AtTheEnd();
        var effects = Array.Empty<string>();
        for (var tries = 3; tries <= 3600; tries++)
        {
            Assert.IsType<RunPhase.Running>(talk.RunState.Phase);
            effects = talk.FailLedger(100);
        }

        Assert.Contains(effects, line => line.StartsWith("record RunWarned: The ledger lacks entries of step 100", StringComparison.Ordinal));
        Assert.StartsWith("end Succeeded", effects[^1], StringComparison.Ordinal);
    }

    /// <summary>The last member that could tell the next owner is gone: nothing is gained by waiting.</summary>
    [Fact]
    public void End_TheLedgerIsNotWrittenAndTheLastMemberIsLost_Ends()
    {
        var effects = AtTheEnd().Lose(1);
        Assert.Contains(effects, line => line.StartsWith("record RunWarned: The ledger lacks entries of step 100", StringComparison.Ordinal));
        Assert.StartsWith("end Succeeded", effects[^1], StringComparison.Ordinal);
    }

    /// <summary>The next owner knows from the store that ten steps were committed; the ledger has five. What it has is all that need not be told again.</summary>
    [Fact]
    public void Revive_TheLedgerIsBehindTheStore_MembersTellAgainAndItIsWritten()
    {
        var talk = Unwritten();
        for (var step = 1; step <= 10; step++)
        {
            talk.Say(1, Fed(step));
        }

        var next = talk.Successor(ledger: 5);
        Assert.Contains("admit w-1", next.Attach(1, generation: 1));
        Assert.Equal(5, ((RunPhase.Reviving)next.RunState.Phase).RecordedStep);
        for (var step = 6; step <= 10; step++)
        {
            next.Say(1, Fed(step));
        }

        var ledger = Assert.Single(next.Say(1, new WorkerMessage.CaughtUp()), line => line.StartsWith("ledger", StringComparison.Ordinal));
        Assert.Equal([6, 7, 8, 9, 10], ledger["ledger ".Length..].Split(", ").Select(report => int.Parse(report.Split(' ')[1], CultureInfo.InvariantCulture)));
        Assert.Equal(["tell w-1 Recorded"], next.Pass(0.25, 1));
        Assert.Equal(5, next.RunState.ToldStep);
        next.Write(1);
        Assert.Equal(["tell w-1 Recorded"], next.Pass(0.25, 1));
        Assert.Equal(10, next.RunState.ToldStep);
    }

    /// <summary>Its owner died before the lineage was in the file: the next one begins it, or the file's reports would be of none.</summary>
    [Fact]
    public void Revive_TheLineageIsNotWritten_BeginsItAgain()
    {
        var talk = new Conversation { IsLedgerWritten = false, ShowsLineages = true };
        talk.Attach();
        talk.Submit(Job(desired: 1));
        Assert.Contains("ledger lineage from 0", talk.Say(1, Prepared()));

        Assert.Equal(0L, talk.Successor().RunState.Backlog.UnwrittenStart?.Step);
        Assert.Null(talk.Successor(ledger: 1).RunState.Backlog.UnwrittenStart);
    }

    /// <summary>A planned change is recorded when all have entered; its first step may be committed by then, and once was taken for abandoned.</summary>
    [Fact]
    public void Lose_TheOthersGoOnFromWhatTheyHold_BeginsNoLineage()
    {
        var talk = Training(2, hasLedger: true);
        talk.ShowsLineages = true;
        talk.Lose(1);
        Assert.DoesNotContain(talk.Say(2, Fenced(2, 0)), line => line.Contains("lineage", StringComparison.Ordinal));
    }

    /// <summary>A member died, and the coordinator that had heard its reports died before they were written: whoever is left remembers the last steps only.</summary>
    [Fact]
    public void Commit_NobodyHasReportedARankForSoLongThatNobodyRemembersIt_IsSaidOnce()
    {
        var talk = Training(1, hasLedger: true);
        talk.Say(1, Progress(1) with { Ledger = [Entry(1, 0)] });
        var effects = new List<string>();
        for (var step = 2; step <= 90; step++)
        {
            effects.AddRange(talk.Say(1, Fed(step)));
        }

        Assert.StartsWith("record RunWarned: The ledger lacks ranks of step 1:", Assert.Single(effects, line => line.StartsWith("record", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    /// <summary>The checkpoint is further than the ledger, and whoever could have told the rest is gone: the run went on from there and said nothing.</summary>
    [Fact]
    public void Begin_FromACheckpointBehindWhatTheLedgerHas_IsSaid()
    {
        var talk = Unwritten();
        for (var step = 1; step <= 3; step++)
        {
            talk.Say(1, Fed(step));
        }

        talk.Say(1, Saved(3));
        talk.Lose(1);
        Assert.IsType<RunPhase.Queued>(talk.RunState.Phase);

        var next = talk.Successor(ledger: 1);
        next.Attach();
        Assert.Contains(next.Say(101, Prepared(generation: 2, appliedSteps: 3)), line => line.StartsWith("record RunWarned: The ledger lacks ranks of 2 of steps 2 to 3", StringComparison.Ordinal));

        // The owner that had heard of them has them still.
        talk.Attach();
        Assert.DoesNotContain(talk.Say(2, Prepared(generation: 2, appliedSteps: 3)), line => line.StartsWith("record RunWarned", StringComparison.Ordinal));
    }

    /// <summary>A durable run of one member whose lineage is in the ledger; what comes of further writes is told by the test.</summary>
    private static Conversation Unwritten()
    {
        var talk = Training(1, Job(desired: 1, steps: 100_000), hasLedger: true);
        talk.MakeDurable();
        talk.IsLedgerWritten = false;
        talk.Pass(0.25, 1);
        return talk;
    }

    /// <summary>All steps are taken, and the last one is not in the ledger.</summary>
    private static Conversation AtTheEnd()
    {
        var talk = Training(1, Job(desired: 1), hasLedger: true);
        for (var step = 1; step <= 99; step++)
        {
            talk.Say(1, Fed(step));
        }

        talk.IsLedgerWritten = false;
        talk.Say(1, Fed(100));
        talk.FailLedger(100);
        talk.Say(1, Saved(100));
        Assert.DoesNotContain(talk.Say(1, Finished(100)), line => line.StartsWith("end", StringComparison.Ordinal));
        Assert.Single(talk.Fire(RunTimer.LedgerAgain, 1));
        Assert.Equal([Again], talk.FailLedger(100));
        return talk;
    }

    private static WorkerMessage.Progress Fed(long step, int ranks = 8) => Progress(step) with { Ledger = [.. Enumerable.Range(0, ranks).Select(rank => Entry(step, rank))] };

    private static LedgerEntry Entry(long step, int rank) => new(step, rank, 8, new SampleDigest((ulong)rank, (ulong)step));
}
