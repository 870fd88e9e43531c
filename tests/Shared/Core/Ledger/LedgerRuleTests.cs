using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;

namespace Orchestrator.Core.Tests.Ledger;

public class LedgerRuleTests
{
    private static readonly WorkerId First = new("w-1");
    private static readonly WorkerId Second = new("w-2");
    private static readonly Generation G1 = new(1);
    private static readonly Generation G2 = new(2);

    [Fact]
    public void Commit_BothHaveReported_StoresOneReportOfEach()
    {
        var book = Add(Add(LedgerBook.Empty, Second, G1, 1, 2, 3), First, G1, 1, 0, 1);

        var turn = LedgerRule.Commit(book, 1);

        Assert.Equal(["step 1 of w-1 in G1: 0 1", "step 1 of w-2 in G1: 2 3"], Words(turn));
        Assert.Empty(LedgerRule.Commit(turn.Book, 1).Stored);
    }

    [Fact]
    public void Add_AnotherWorkerWithTheSameDigestAfterAFailure_TheFirstReportCounts()
    {
        var turn = LedgerRule.Add(Add(LedgerBook.Empty, First, G1, 1, 0, 1), Second, G2, [Entry(1, 0), Entry(1, 1), Entry(1, 2)]);

        Assert.Null(turn.Conflict);
        Assert.Equal(["step 1 of w-1 in G1: 0 1", "step 1 of w-2 in G2: 2"], Words(LedgerRule.Commit(turn.Book, 1)));
    }

    [Fact]
    public void Add_AnotherDigest_IsAConflictThatNamesBoth()
    {
        var other = new LedgerEntry(1, 0, 8, new SampleDigest(1, 2));

        var turn = LedgerRule.Add(Add(LedgerBook.Empty, First, G1, 1, 0), Second, G2, [other]);

        Assert.Equal(
            $"w-1 (G1) and w-2 (G2) fed different samples to logical rank 0 of step 1: 8 with digest {Entry(1, 0).Digest} and 8 with {other.Digest}. "
            + "Reading a sample must give the same bytes on every host, every time; check the data set's Read and the files.", turn.Conflict);
    }

    [Fact]
    public void Add_AnotherDigestOfACommittedStep_IsAConflictToo()
    {
        var book = LedgerRule.Commit(Add(LedgerBook.Empty, First, G1, 1, 0), 1).Book;

        Assert.NotNull(LedgerRule.Add(book, Second, G2, [new LedgerEntry(1, 0, 7, Entry(1, 0).Digest)]).Conflict);
    }

    [Fact]
    public void Add_ARankOfACommittedStepThatWasMissing_IsStoredAtOnce()
    {
        var book = LedgerRule.Commit(Add(LedgerBook.Empty, First, G1, 1, 0), 1).Book;

        var turn = LedgerRule.Add(book, Second, G1, [Entry(1, 0), Entry(1, 1)]);

        Assert.Equal(["step 1 of w-2 in G1: 1"], Words(turn));
    }

    [Fact]
    public void Begin_BehindReportsThatWereNotCommitted_StoresThem()
    {
        var book = Add(Add(LedgerBook.Empty, First, G1, 1, 0), First, G1, 2, 0);

        var turn = LedgerRule.Begin(book, G2, 1);

        Assert.Equal(["step 1 of w-1 in G1: 0"], Words(turn));
        Assert.Equal(["step 2 of w-1 in G1: 0"], Words(LedgerRule.Commit(turn.Book, 2)));
    }

    [Fact]
    public void Begin_BeforeCommittedSteps_TheyAreTakenAgainAndOldReportsCountNoMore()
    {
        var book = Add(LedgerBook.Empty, First, G1, 1, 0);
        book = LedgerRule.Commit(Add(book, First, G1, 2, 0), 2).Book;

        book = LedgerRule.Begin(book, G2, 1).Book;
        book = Add(Add(book, Second, G1, 2, 0), First, G2, 2, 0);

        Assert.Equal(["step 2 of w-1 in G2: 0"], Words(LedgerRule.Commit(book, 2)));
    }

    /// <summary>The steps before the checkpoint are in the ledger and forgotten here: a run that ended soon behind it asked everybody for them, and warned that the ledger lacks them.</summary>
    [Fact]
    public void FirstGap_SoonBehindStepsThatAreTakenAgain_DoesNotMissWhatWasStoredBefore()
    {
        var book = LedgerRule.Begin(LedgerBook.Empty with { LogicalRanks = 1 }, G1, 0).Book;
        for (var step = 1; step <= 200; step++)
        {
            book = LedgerRule.Commit(Add(book, First, G1, step, 0), step).Book;
        }

        book = LedgerRule.Begin(book, G2, 100).Book;
        Assert.Null(LedgerRule.FirstGap(book, 100));
        book = LedgerRule.Commit(Add(book, First, G2, 101, 0), 101).Book;
        Assert.Null(LedgerRule.FirstGap(book, 101));
        Assert.Equal(102, LedgerRule.FirstGap(book, 103));
    }

    [Fact]
    public void Commit_ManySteps_TheBookStaysSmall()
    {
        var book = LedgerBook.Empty;
        for (var step = 1; step <= 1000; step++)
        {
            book = LedgerRule.Commit(Add(book, First, G1, step, 0), step).Book;
        }

        Assert.Equal(LedgerRule.MaxKeptSteps, book.Steps.Count);
    }

    /// <summary>A member that nobody heard for seconds was given up, and what the others had heard of it came when its steps were no longer kept: it was thrown away.</summary>
    [Fact]
    public void Add_ARankThatIsMissingInAStepOfLongAgo_IsStoredAndNothingIsLeftOfIt()
    {
        const int steps = 1000;
        var book = LedgerRule.Begin(LedgerBook.Empty with { LogicalRanks = 2 }, G1, 0).Book;
        for (var step = 1; step <= steps; step++)
        {
            book = Add(book, First, G1, step, 0);
        }

        book = LedgerRule.Commit(book, steps).Book;
        Assert.Equal(1, LedgerRule.FirstGap(book, steps));
        Assert.Equal(steps - LedgerRule.MaxKeptSteps, book.Gaps.Count);

        var turn = LedgerRule.Add(book, Second, G2, [.. Enumerable.Range(1, steps).Select(step => Entry(step, 1))]);

        Assert.Equal(Enumerable.Range(1, steps).Select(step => $"step {step} of w-2 in G2: 1"), Words(turn));
        Assert.Empty(turn.Book.Gaps);
        Assert.Null(LedgerRule.FirstGap(turn.Book, steps));
        Assert.Empty(LedgerRule.Add(turn.Book, Second, G2, [Entry(1, 1)]).Stored);
    }

    [Fact]
    public void Add_AnotherDigestOfAStepOfLongAgoWithAGap_IsAConflict()
    {
        var book = LedgerRule.Begin(LedgerBook.Empty with { LogicalRanks = 2 }, G1, 0).Book;
        book = LedgerRule.Commit(Add(book, First, G1, 1, 0), 100).Book;

        Assert.NotNull(LedgerRule.Add(book, Second, G2, [new LedgerEntry(1, 0, 7, Entry(1, 0).Digest)]).Conflict);
    }

    [Fact]
    public void Commit_StepsThatNobodyReported_AreGapsUpToABound()
    {
        var book = LedgerRule.Begin(LedgerBook.Empty with { LogicalRanks = 2 }, G1, 0).Book;
        for (var step = 1L; step <= 3 * LedgerRule.MaxGaps; step += LedgerRule.MaxGaps - 1)
        {
            book = LedgerRule.Commit(book, step).Book;
        }

        Assert.Equal(LedgerRule.MaxGaps, book.Gaps.Count);
        Assert.Equal(book.CommittedStep - LedgerRule.MaxKeptSteps, book.Gaps.Keys.Last());
    }

    private static LedgerBook Add(LedgerBook book, WorkerId worker, Generation generation, long step, params int[] ranks)
    {
        var turn = LedgerRule.Add(book, worker, generation, [.. ranks.Select(rank => Entry(step, rank))]);
        Assert.Null(turn.Conflict);
        Assert.Empty(turn.Stored);
        return turn.Book;
    }

    private static LedgerEntry Entry(long step, int rank) => new(step, rank, 8, SampleDigest.Empty.Add((ulong)((step * 100) + rank)));

    private static string[] Words(LedgerTurn turn) =>
        [.. turn.Stored.Select(report => $"step {report.Step} of {report.Worker} in {report.Generation}: {string.Join(" ", report.Entries.Select(entry => entry.LogicalRank))}")];
}
