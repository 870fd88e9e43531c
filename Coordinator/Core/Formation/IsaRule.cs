using System.Collections.Immutable;

namespace Orchestrator.Coordinator.Core.Formation;

/// <summary>Which instruction-set level a generation is pinned to: part of the numeric fingerprint, so the same on every member.</summary>
public static class IsaRule
{
    /// <summary>From old to new; each has all that stands before it.</summary>
    public static readonly ImmutableArray<string> Levels = ["default", "avx2", "avx512"];

    /// <summary>The job's setting that leaves the choice to this rule.</summary>
    public const string Auto = "auto";

    /// <returns>Null when the worker can run at the level; else the reason why it cannot.</returns>
    public static string? WhyNot(Candidate candidate, string isa) => isa != Auto && Rank(candidate.Hello.HighestIsa) < Rank(isa)
        ? $"{candidate.Describe()} has {candidate.Hello.HighestIsa} as its newest instruction set and the job asks for {isa}. "
            + "Set workers.isa to auto, or start the worker on a newer processor."
        : null;

    /// <returns>The job's level, or the newest that every candidate has.</returns>
    public static string Choose(string isa, IEnumerable<Candidate> candidates) =>
        isa != Auto ? isa : Levels[candidates.Min(candidate => Rank(candidate.Hello.HighestIsa))];

    /// <summary>A level that this version does not know counts as the oldest: every processor has that.</summary>
    private static int Rank(string level) => Math.Max(0, Levels.IndexOf(level));
}
