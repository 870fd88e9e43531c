namespace Orchestrator.Core.Ledger;

/// <summary>What a worker's loader fed to one logical rank in one step.</summary>
/// <param name="Step">The number of the step: 1 for the first, as in checkpoint step-1.</param>
/// <param name="LogicalRank">In [0, V).</param>
/// <param name="SampleCount">Samples that were fed; 0 for a rank without a share in a short last step.</param>
/// <param name="Digest">Over their ids and bytes, in the order in which they were fed.</param>
public readonly record struct LedgerEntry(long Step, int LogicalRank, int SampleCount, SampleDigest Digest);
