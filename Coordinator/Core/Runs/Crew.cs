using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>The members of a generation, which logical ranks each owns, and from where to where it trains.</summary>
/// <param name="Generation">Its number.</param>
/// <param name="Members">By id; those that are still there.</param>
/// <param name="Ranks">What each owns, of those who are gone as well.</param>
/// <param name="StartStep">Steps that were decided before this generation.</param>
/// <param name="LastStep">The run ends when this many are applied.</param>
/// <param name="TotalSteps">Steps of the whole job.</param>
/// <param name="Batches">Samples of a step.</param>
public sealed record Crew(
    Generation Generation, ImmutableSortedDictionary<WorkerId, Candidate> Members, ImmutableSortedDictionary<WorkerId, Member> Ranks,
    long StartStep, long LastStep, long TotalSteps, BatchSizes Batches)
{
    /// <summary>Steps that were decided when each came in; absent: it was there from the first generation on.</summary>
    public ImmutableSortedDictionary<WorkerId, long> JoinedAt { get; init; } = ImmutableSortedDictionary<WorkerId, long>.Empty;

    public Crew Without(WorkerId worker) => this with { Members = Members.Remove(worker) };

    /// <summary>Whether it takes part in a step's sum; the others stand by.</summary>
    public bool Computes(WorkerId worker) => Ranks.TryGetValue(worker, out var member) && member.RankCount > 0;

    /// <returns>Samples of a step, over all members.</returns>
    public long SamplesOf(long step) => step == TotalSteps ? Batches.Last : Batches.Each;

    /// <summary>The logical ranks that a worker owns in a step of this generation; of none when it is no member.</summary>
    public IEnumerable<int> RanksOf(WorkerId worker, long step) => !Ranks.TryGetValue(worker, out var member) ? []
        : step == StartStep + 1 && !member.FirstStepRanks.IsDefault
            ? member.FirstStepRanks.SelectMany(range => Enumerable.Range(range.First, range.Count))
            : Enumerable.Range(member.FirstRank, member.RankCount);
}

/// <summary>Samples of a step: of each, and of the job's last, which may be short.</summary>
public readonly record struct BatchSizes(long Each, long Last);

/// <summary>Why a generation is formed anew.</summary>
/// <param name="Sentence">With the workers, the step and the values; ends with a full stop.</param>
/// <param name="Since">When the first of the losses was seen.</param>
public sealed record RegroupCause(string Sentence, DateTimeOffset Since)
{
    /// <summary>Losses that a sentence names; a storm of them must not make it endless.</summary>
    private const int MaxLength = 600;

    /// <summary>Another loss before the first was made good.</summary>
    public RegroupCause And(string sentence) => Sentence.Length > MaxLength ? this : this with { Sentence = $"{Sentence} {sentence}" };
}

/// <summary>Two members between whom a link broke, the lower id first.</summary>
public sealed record BrokenLink(WorkerId Lower, WorkerId Higher) : IComparable<BrokenLink>
{
    public ImmutableArray<WorkerId> Ends => [Lower, Higher];

    public static BrokenLink Between(WorkerId one, WorkerId other) => one.CompareTo(other) < 0 ? new(one, other) : new(other, one);

    public int CompareTo(BrokenLink? other) => other is null ? 1
        : Lower.CompareTo(other.Lower) is not 0 and var byLower ? byLower : Higher.CompareTo(other.Higher);
}
