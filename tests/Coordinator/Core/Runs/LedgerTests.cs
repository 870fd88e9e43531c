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
        var talk = Training(2);

        Assert.Empty(talk.Say(1, Fed(1, 0, 1)));
        Assert.Equal(
            ["ledger step 1 of w-1 in G1: ranks 0 1, step 1 of w-2 in G1: ranks 2 3", "step 1: loss 1, 32 samples, 200 bytes"], talk.Say(2, Fed(1, 2, 3)));
    }

    [Fact]
    public void Progress_OfAnOldGenerationWithARankThatIsMissing_IsStored()
    {
        var talk = Training(1);
        talk.Say(1, Fed(1, 0, 1));

        var effects = talk.Say(1, Fed(1, 2) with { Generation = new Orchestrator.Core.Identities.Generation(0) });

        Assert.Equal(["ledger step 1 of w-1 in G0: ranks 2"], effects);
    }

    [Fact]
    public void Progress_TwoWorkersFedOneRankDifferently_TheRunFails()
    {
        var talk = Training(2);
        talk.Say(1, Fed(1, 0));
        var other = Progress(1) with { Ledger = [new LedgerEntry(1, 0, 8, new SampleDigest(1, 1))] };

        var effects = talk.Say(2, other);

        Assert.Contains("w-1 (G1) and w-2 (G1) fed different samples to logical rank 0 of step 1", effects[0], StringComparison.Ordinal);
        Assert.StartsWith("tell w-1 Abort G1", effects[0], StringComparison.Ordinal);
        talk.Say(1, new WorkerMessage.Aborted(new(1), 1));
        Assert.StartsWith("end Failed 1: w-1 (G1) and w-2 (G1) fed different samples", talk.Say(2, new WorkerMessage.Aborted(new(1), 1))[^1], StringComparison.Ordinal);
    }

    private static WorkerMessage.Progress Fed(long step, params int[] ranks) =>
        Progress(step) with { Ledger = [.. ranks.Select(rank => new LedgerEntry(step, rank, 8, new SampleDigest((ulong)rank, (ulong)step)))] };
}
