using System.Collections.Immutable;
using Orchestrator.Core.Identities;

namespace Orchestrator.Core.Ledger;

/// <summary>What members have reported of steps that are not committed, and of the last ones that are. Its size does not grow with the number of steps.</summary>
/// <param name="Steps">By step, then by logical rank.</param>
/// <param name="CommittedStep">The highest step whose entries were handed on to be stored.</param>
/// <param name="FirstGeneration">Of the present lineage: reports of older ones are of steps that were abandoned.</param>
public sealed record LedgerBook(
    ImmutableSortedDictionary<long, ImmutableSortedDictionary<int, LedgerClaim>> Steps, long CommittedStep, Generation FirstGeneration)
{
    public static readonly LedgerBook Empty = new(
        ImmutableSortedDictionary<long, ImmutableSortedDictionary<int, LedgerClaim>>.Empty, 0, Generation.None);

    /// <summary>Every rank of the steps behind this one is to be reported; null: no generation has begun.</summary>
    public long? StartStep { get; init; }
}

/// <summary>The first report of what was fed to a rank.</summary>
public sealed record LedgerClaim(WorkerId Worker, Generation Generation, LedgerEntry Entry);

/// <summary>What a report or a commit changes.</summary>
/// <param name="Book">From now on.</param>
/// <param name="Stored">To append to the ledger's file, in order.</param>
/// <param name="Conflict">Set when two workers fed different samples to one rank: the sentence.</param>
public readonly record struct LedgerTurn(LedgerBook Book, ImmutableArray<FedReport> Stored, string? Conflict);

/// <summary>Puts the members' reports of what they fed together, so that each rank of a committed step is stored once.</summary>
/// <remarks>
/// The first report of a rank counts. After a failure another worker may report the same rank again: with the same digest that is as it should
/// be; with another one the two fed different samples, and the run must not go on. A member applies only decided steps, so a report is a
/// fact, of whatever generation it is.
/// </remarks>
public static class LedgerRule
{
    /// <summary>Committed steps of which the claims are kept, to compare late reports with. Members differ by a step, their reports by a few.</summary>
    public const int MaxKeptSteps = 64;

    public static LedgerTurn Add(LedgerBook book, WorkerId worker, Generation generation, ImmutableArray<LedgerEntry> entries)
    {
        var late = ImmutableArray.CreateBuilder<LedgerClaim>();
        foreach (var entry in entries.Where(_ => generation >= book.FirstGeneration))
        {
            if (entry.Step <= book.CommittedStep - MaxKeptSteps)
            {
                // Stored long ago, and forgotten here.
                continue;
            }

            var known = book.Steps.GetValueOrDefault(entry.Step, ImmutableSortedDictionary<int, LedgerClaim>.Empty);
            if (known.TryGetValue(entry.LogicalRank, out var former))
            {
                if (former.Entry != entry)
                {
                    return new LedgerTurn(book, [], Differ(former, worker, generation, entry));
                }

                continue;
            }

            var claim = new LedgerClaim(worker, generation, entry);
            book = book with { Steps = book.Steps.SetItem(entry.Step, known.Add(entry.LogicalRank, claim)) };
            if (entry.Step <= book.CommittedStep)
            {
                late.Add(claim);
            }
        }

        return new LedgerTurn(book, Reports(late.ToImmutable()), null);
    }

    /// <summary>A step is committed: its entries are handed on.</summary>
    public static LedgerTurn Commit(LedgerBook book, long step)
    {
        if (step <= book.CommittedStep)
        {
            return new LedgerTurn(book, [], null);
        }

        // Sorted: what is open behind the step is not looked at.
        var stored = book.Steps.TakeWhile(entry => entry.Key <= step).Where(entry => entry.Key > book.CommittedStep).SelectMany(entry => Reports([.. entry.Value.Values]));
        var kept = book.Steps.RemoveRange(book.Steps.Keys.TakeWhile(old => old <= step - MaxKeptSteps));
        return new LedgerTurn(book with { Steps = kept, CommittedStep = step }, [.. stored], null);
    }

    /// <returns>The first step up to the given one of which not every rank is known; null: there is none. What is forgotten is not looked at.</returns>
    /// <param name="book">With the steps that were committed last.</param>
    /// <param name="logicalRanks">V.</param>
    /// <param name="step">The last that is decided.</param>
    public static long? FirstGap(LedgerBook book, int logicalRanks, long step)
    {
        if (book.StartStep is not { } start)
        {
            return null;
        }

        for (var each = Math.Max(start, book.CommittedStep - MaxKeptSteps) + 1; each <= step; each++)
        {
            if (!book.Steps.TryGetValue(each, out var claims) || claims.Count < logicalRanks)
            {
                return each;
            }
        }

        return null;
    }

    /// <summary>A generation begins behind a step, so the steps before it are committed. When some behind it were already, they are abandoned and taken again.</summary>
    public static LedgerTurn Begin(LedgerBook book, Generation generation, long startStep)
    {
        // Everybody is gone who could report what is missing of the steps before it, and what was handed on of them may be forgotten here.
        book = book with { StartStep = startStep };
        return startStep >= book.CommittedStep
            ? Commit(book, startStep)
            : new LedgerTurn(book with { Steps = book.Steps.RemoveRange(book.Steps.Keys.Where(step => step > startStep)), CommittedStep = startStep, FirstGeneration = generation }, [], null);
    }

    /// <summary>Claims of one step by who made them, in runs of at most a record's size.</summary>
    private static ImmutableArray<FedReport> Reports(ImmutableArray<LedgerClaim> claims) =>
    [
        .. claims.GroupBy(claim => (claim.Entry.Step, claim.Generation, claim.Worker))
            .SelectMany(group => group.Chunk(LedgerCodec.MaxEntries).Select(
                chunk => new FedReport(group.Key.Generation, group.Key.Worker, [.. chunk.Select(claim => claim.Entry)]))),
    ];

    private static string Differ(LedgerClaim former, WorkerId worker, Generation generation, LedgerEntry entry) =>
        $"{former.Worker} ({former.Generation}) and {worker} ({generation}) fed different samples to logical rank {entry.LogicalRank} of step {entry.Step}: "
        + $"{former.Entry.SampleCount} with digest {former.Entry.Digest} and {entry.SampleCount} with {entry.Digest}. "
        + "Reading a sample must give the same bytes on every host, every time; check the data set's Read and the files.";
}
