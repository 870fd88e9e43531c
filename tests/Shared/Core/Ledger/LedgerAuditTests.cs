using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Core.Sampling;
using static Orchestrator.Core.Tests.Ledger.FedRun;

namespace Orchestrator.Core.Tests.Ledger;

public class LedgerAuditTests
{
    // Step 3 takes samples of two epochs: positions 20 to 29 of 23.
    private static readonly ImmutableArray<LedgerRecord> Good = [Lineage(0, 0), .. Steps(1, 8)];

    [Fact]
    public void Good_ThreeEpochsAndAPrefix_IsVerified()
    {
        var audit = Audit(Good, ranSteps: 8);

        Assert.Null(audit.Problem);
        Assert.Equal((8, 80), (audit.StepsVerified, audit.SamplesVerified));
    }

    [Fact]
    public void Good_ReportsOutOfOrder_IsVerified()
    {
        var steps = Good.RemoveAt(0);

        Assert.Null(Audit([Good[0], .. steps.Reverse()], ranSteps: 8).Problem);
    }

    [Fact]
    public void OneSampleDoubled_IsNamed()
    {
        var ids = Ids(3, 1);

        Assert.Equal($"Step 3, logical rank 1 (w-1, G1) was fed sample {ids[1]} twice.", Tampered(Entry(3, 1, [.. ids, ids[1]])));
    }

    [Fact]
    public void OneSampleMissing_IsNamed()
    {
        var ids = Ids(3, 1);

        Assert.Equal($"Step 3, logical rank 1 (w-1, G1) was not fed sample {ids[0]}, which is missing.", Tampered(Entry(3, 1, ids.RemoveAt(0))));
    }

    [Fact]
    public void OneSampleInPlaceOfAnother_BothAreNamed()
    {
        var ids = Ids(3, 1);

        Assert.Equal(
            $"Step 3, logical rank 1 (w-1, G1) was fed sample {ids[0]} twice, and sample {ids[1]} is missing.", Tampered(Entry(3, 1, ids.SetItem(1, ids[0]))));
    }

    [Fact]
    public void SamplesInAnotherOrder_IsFound() => Assert.Equal(
        $"Step 3, logical rank 1 (w-1, G1) was fed its {Ids(3, 1).Length} samples in another order.", Tampered(Entry(3, 1, Ids(3, 1).Reverse())));

    [Fact]
    public void AForeignSample_IsFound()
    {
        var ids = Ids(3, 1);
        var foreign = Entry(3, 1, ids.SetItem(0, 1000));

        Assert.Equal(
            $"Step 3, logical rank 1 (w-1, G1) was fed other samples or other bytes than samples {string.Join(", ", ids)}: its digest is {foreign.Digest}, "
            + $"and {Entry(3, 1).Digest} was expected.", Tampered(foreign));
    }

    [Fact]
    public void OneStepRepeated_IsFound()
    {
        var again = ((LedgerRecord.Fed)Step(5).First()).Report with { Worker = new WorkerId("w-9") };

        Assert.Equal(
            "Step 5, logical rank 0 (w-9, G1) is a repetition: step 5 stands in the ledger already.",
            Audit([.. Good, new LedgerRecord.Fed(0, again)]).Problem);
    }

    [Fact]
    public void OneRankFedByTwoWorkersInAnOpenStep_IsFound()
    {
        var again = ((LedgerRecord.Fed)Step(9).First()).Report with { Worker = new WorkerId("w-9"), Generation = new Generation(2) };

        Assert.Equal(
            "Step 9, logical rank 0 (w-9, G2) is a repetition: w-1 in G1 has fed it already.",
            Audit([.. Good, Step(9).First(), new LedgerRecord.Fed(0, again)]).Problem);
    }

    [Fact]
    public void AStepIsMissing_TheGapIsNamed() =>
        Assert.Equal("Step 4 is missing: the ledger goes on behind it.", Audit([Lineage(0, 0), .. Steps(1, 3), .. Steps(5, 8)]).Problem);

    [Fact]
    public void ARankIsMissing_ItIsNamed()
    {
        var records = Good.Remove(Good.OfType<LedgerRecord.Fed>().Last(fed => fed.Report.Step == 4));

        Assert.Equal("Step 4 lacks logical ranks 2, 3: the ledger goes on behind it.", Audit(records).Problem);
    }

    [Fact]
    public void TheEndIsMissing_TheStepsAreNamed() => Assert.Equal("Steps 9 to 12 are missing: the run ended after step 12.", Audit(Good, ranSteps: 12).Problem);

    [Fact]
    public void Resumed_WhatWasAbandonedIsTakenAgain_IsVerified()
    {
        var audit = Audit([Lineage(0, 0), .. Steps(1, 8), Lineage(1, 5), .. Steps(6, 7, 1), Lineage(2, 6), .. Steps(7, 9, 2)], ranSteps: 9);

        Assert.Null(audit.Problem);
        Assert.Equal((9, 90), (audit.StepsVerified, audit.SamplesVerified));
    }

    [Fact]
    public void Resumed_AnEntryOfTheAbandonedLineageIsUsed_IsFound() => Assert.Equal(
        "Step 6, logical rank 0 (w-1, G1) is of lineage 0, which was abandoned above step 5 when lineage 1 began; it may not be used.",
        Audit([Lineage(0, 0), .. Steps(1, 5), Lineage(1, 5), .. Step(6, 0), .. Steps(7, 8, 1)]).Problem);

    [Fact]
    public void Resumed_TheNewLineageLacksWhatTheOldOneHad_IsAGap() => Assert.Equal(
        "Step 6 is missing: the ledger goes on behind it.",
        Audit([Lineage(0, 0), .. Steps(1, 8), Lineage(1, 5), .. Steps(7, 9, 1)]).Problem);

    [Fact]
    public void Resumed_BehindAHole_IsAGap() => Assert.Equal(
        "Steps 4 to 5 are missing: lineage 1 starts behind step 5.", Audit([Lineage(0, 0), .. Steps(1, 3), Lineage(1, 5), .. Steps(6, 8, 1)]).Problem);

    [Fact]
    public void Resumed_AnotherDataSet_IsFound() => Assert.Equal(
        "Lineage 1 has another seed, batch, number of logical ranks or data set than lineage 0.",
        Audit([Lineage(0, 0), .. Steps(1, 3), new LedgerRecord.Lineage(1, Start with { Step = 3, DataSha256 = "efgh" })]).Problem);

    [Fact]
    public void ALedgerThatBeginsInTheMiddle_ProvesItsOwnSteps()
    {
        var audit = Audit([Lineage(0, 4), .. Steps(5, 8)], ranSteps: 8);

        Assert.Null(audit.Problem);
        Assert.Equal((4, 4, 40), (audit.FirstStep, audit.StepsVerified, audit.SamplesVerified));
    }

    [Fact]
    public void Epochs_TheShortLastStepHasEmptyShares_IsVerified()
    {
        // Two epochs of 23 in steps of 15 leave one sample for the four ranks of the last step.
        var start = Start with { GlobalBatch = 15, Epochs = 2 };
        var order = new SampleOrder(start.Seed, start.SampleCount, start.GlobalBatch, start.LogicalRanks, start.Epochs);
        var records = Enumerable.Range(1, 4).Select(step => (LedgerRecord)new LedgerRecord.Fed(0, new FedReport(
            new Generation(1), new WorkerId("w-1"),
            [
                .. Enumerable.Range(0, LogicalRanks).Select(rank => (Rank: rank, Share: order.Share(step - 1, rank))).Select(
                    rank => Entry(step, rank.Rank, Enumerable.Range(0, rank.Share.Count).Select(i => order.SampleAt(rank.Share.First + i)))),
            ])));

        var audit = Audit([new LedgerRecord.Lineage(0, start), .. records], ranSteps: 4);

        Assert.Null(audit.Problem);
        Assert.Equal((4, 46), (audit.StepsVerified, audit.SamplesVerified));
        Assert.Contains(((LedgerRecord.Fed)records.Last()).Report.Entries, entry => entry.SampleCount == 0);
    }

    [Fact]
    public void Nothing_IsNoProof() => Assert.Equal("The ledger is empty: no run has begun in it.", Audit([]).Problem);

    /// <summary>The good ledger with one other entry in place of the true one.</summary>
    private static string? Tampered(LedgerEntry entry) => Audit(Good.Select(record => record is LedgerRecord.Fed fed && fed.Report.Step == entry.Step
        ? fed with { Report = fed.Report with { Entries = [.. fed.Report.Entries.Select(true_ => true_.LogicalRank == entry.LogicalRank ? entry : true_)] } }
        : record)).Problem;
}
