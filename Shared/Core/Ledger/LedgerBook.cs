using System.Collections.Immutable;
using Orchestrator.Core.Identities;

namespace Orchestrator.Core.Ledger;

/// <summary>What members have reported of steps that are not committed, of the last ones that are, and of those of which ranks are missing. Its size does not grow with the number of steps.</summary>
/// <param name="Steps">By step, then by logical rank.</param>
/// <param name="CommittedStep">The highest step whose entries were handed on to be stored.</param>
/// <param name="FirstGeneration">Of the present lineage: reports of older ones are of steps that were abandoned.</param>
public sealed record LedgerBook(
    ImmutableSortedDictionary<long, ImmutableSortedDictionary<int, LedgerClaim>> Steps, long CommittedStep, Generation FirstGeneration)
{
    public static readonly LedgerBook Empty = new(
        ImmutableSortedDictionary<long, ImmutableSortedDictionary<int, LedgerClaim>>.Empty, 0, Generation.None);

    /// <summary>V; 0: it is not known, and nothing is missing.</summary>
    public int LogicalRanks { get; init; }

    /// <summary>Every rank of the steps behind this one is to be reported; null: no generation has begun.</summary>
    public long? StartStep { get; init; }

    /// <summary>Committed steps, older than those of <see cref="Steps"/>, of which not every rank is known: whoever fed the others was lost before its report, and a member may have heard of them.</summary>
    public ImmutableSortedDictionary<long, ImmutableSortedDictionary<int, LedgerClaim>> Gaps { get; init; } =
        ImmutableSortedDictionary<long, ImmutableSortedDictionary<int, LedgerClaim>>.Empty;
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

    /// <summary>Of which ranks are missing. As many as may be committed at once, when a member is given up that nobody had heard for long.</summary>
    public const int MaxGaps = 20_000;

    public static LedgerTurn Add(LedgerBook book, WorkerId worker, Generation generation, ImmutableArray<LedgerEntry> entries)
    {
        var late = ImmutableArray.CreateBuilder<LedgerClaim>();
        foreach (var entry in entries.Where(_ => generation >= book.FirstGeneration))
        {
            var isOld = entry.Step <= book.CommittedStep - MaxKeptSteps;
            if (!(isOld ? book.Gaps : book.Steps).TryGetValue(entry.Step, out var known))
            {
                if (isOld)
                {
                    // Stored long ago, and forgotten here.
                    continue;
                }

                known = ImmutableSortedDictionary<int, LedgerClaim>.Empty;
            }

            if (known.TryGetValue(entry.LogicalRank, out var former))
            {
                if (former.Entry != entry)
                {
                    return new LedgerTurn(book, [], Differ(former, worker, generation, entry));
                }

                continue;
            }

            var claim = new LedgerClaim(worker, generation, entry);
            var claims = known.Add(entry.LogicalRank, claim);
            book = !isOld ? book with { Steps = book.Steps.SetItem(entry.Step, claims) }
                : book with { Gaps = claims.Count < book.LogicalRanks ? book.Gaps.SetItem(entry.Step, claims) : book.Gaps.Remove(entry.Step) };
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
        return new LedgerTurn(book with { Steps = kept, Gaps = GapsBehind(book, step), CommittedStep = step }, [.. stored], null);
    }

    /// <returns>The first step up to the given one of which not every rank is known; null: there is none. What is forgotten is not looked at.</returns>
    /// <param name="book">With the steps that were committed last.</param>
    /// <param name="step">The last that is decided.</param>
    public static long? FirstGap(LedgerBook book, long step)
    {
        if (book.StartStep is not { } start)
        {
            return null;
        }

        if (!book.Gaps.IsEmpty)
        {
            return book.Gaps.Keys.First();
        }

        for (var each = Math.Max(start, book.CommittedStep - MaxKeptSteps) + 1; each <= step; each++)
        {
            if (!IsWhole(book, each))
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
        book = book with { StartStep = startStep, Gaps = book.Gaps.Clear() };
        return startStep >= book.CommittedStep
            ? Commit(book, startStep)
            : new LedgerTurn(book with { Steps = book.Steps.RemoveRange(book.Steps.Keys.Where(step => step > startStep)), CommittedStep = startStep, FirstGeneration = generation }, [], null);
    }

    /// <summary>Whoever had heard of the steps up to this one has told it: what is missing of them is not waited for any longer.</summary>
    /// <returns>The steps of which ranks are missing, in order.</returns>
    public static (LedgerBook Book, ImmutableArray<long> Lacking) GiveUp(LedgerBook book, long step)
    {
        var lacking = ImmutableArray.CreateBuilder<long>();
        lacking.AddRange(book.Gaps.Keys.TakeWhile(gap => gap <= step));
        var gaps = book.Gaps.RemoveRange(lacking);
        for (var each = Math.Max(book.StartStep ?? step, book.CommittedStep - MaxKeptSteps) + 1; each <= step; each++)
        {
            if (!IsWhole(book, each))
            {
                lacking.Add(each);
            }
        }

        return (book with { Gaps = gaps, StartStep = step }, lacking.ToImmutable());
    }

    private static bool IsWhole(LedgerBook book, long step) => book.Steps.TryGetValue(step, out var claims) && claims.Count >= book.LogicalRanks;

    /// <summary>The gaps of old and those among the steps that are not kept any longer when one is committed.</summary>
    private static ImmutableSortedDictionary<long, ImmutableSortedDictionary<int, LedgerClaim>> GapsBehind(LedgerBook book, long step)
    {
        var gaps = book.Gaps;
        if (book.StartStep is not { } start)
        {
            return gaps;
        }

        for (var old = Math.Max(start, Math.Max(book.CommittedStep, step - MaxGaps) - MaxKeptSteps) + 1; old <= step - MaxKeptSteps; old++)
        {
            gaps = IsWhole(book, old) ? gaps : gaps.Add(old, book.Steps.GetValueOrDefault(old, ImmutableSortedDictionary<int, LedgerClaim>.Empty));
        }

        return gaps.Count > MaxGaps ? gaps.RemoveRange(gaps.Keys.Take(gaps.Count - MaxGaps)) : gaps;
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
