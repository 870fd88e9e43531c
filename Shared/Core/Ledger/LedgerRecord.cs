using System.Collections.Immutable;
using Orchestrator.Core.Identities;

namespace Orchestrator.Core.Ledger;

/// <summary>One record of a ledger's file. Closed set.</summary>
public abstract record LedgerRecord
{
    private LedgerRecord() { }

    /// <summary>A run begins, or goes on from a checkpoint: what follows belongs to this lineage, and what earlier ones hold of steps above its start is abandoned.</summary>
    /// <param name="Number">0 for the first of a file; each further one adds 1.</param>
    public sealed record Lineage(int Number, LedgerStart Start) : LedgerRecord;

    /// <summary>What one worker fed in one step.</summary>
    /// <param name="LineageNumber">The lineage that the worker trained in.</param>
    public sealed record Fed(int LineageNumber, FedReport Report) : LedgerRecord;
}

/// <summary>Where a lineage begins, and what its samples are a function of.</summary>
/// <param name="Run">Who trains.</param>
/// <param name="Step">Steps that the state held already; its first entry is of the step after.</param>
/// <param name="Seed">Of the job.</param>
/// <param name="GlobalBatch">Samples of a step.</param>
/// <param name="LogicalRanks">V.</param>
/// <param name="Epochs">Null: the run is measured in steps.</param>
/// <param name="SampleCount">Samples of the training part.</param>
/// <param name="DataSha256">Of the data set, lower-case hex.</param>
public sealed record LedgerStart(
    RunId Run, long Step, long Seed, int GlobalBatch, int LogicalRanks, long? Epochs, long SampleCount, string DataSha256);

/// <summary>Entries of one step that one worker reported.</summary>
/// <param name="Generation">In which it reported them.</param>
/// <param name="Worker">Who reported them: who computed the ranks, or a peer that was told of them when that one is gone.</param>
/// <param name="Entries">At least one, all of the same step, by logical rank.</param>
public sealed record FedReport(Generation Generation, WorkerId Worker, ImmutableArray<LedgerEntry> Entries)
{
    public long Step => Entries[0].Step;
}
