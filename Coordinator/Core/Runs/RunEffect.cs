using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>What a run wants done. Closed set.</summary>
/// <remarks>Carried out in the order of the array: a record stands BEFORE what is told because of it, so that whoever acts on an
/// order finds it in the run's events.</remarks>
public abstract record RunEffect
{
    private RunEffect() { }

    /// <summary>Send a message to a member. A worker that is gone is reported by WorkerLost, not by this.</summary>
    public sealed record Tell(WorkerId Worker, CoordinatorMessage Message) : RunEffect;

    /// <summary>Append to the run's events before the next effect.</summary>
    public sealed record Record(RunRecord Entry) : RunEffect;

    /// <summary>Append to the run's ledger before the next effect, and say <see cref="RunEvent.LedgerWritten"/> or <see cref="RunEvent.LedgerFailed"/>. What is in the file already is passed over;
    /// when the file has not everything up to <paramref name="After"/>, for that has failed, all of it is passed over without a word.</summary>
    /// <param name="After">The number of the write behind which these follow.</param>
    /// <param name="Writes">At least one, by number.</param>
    public sealed record AppendLedger(long After, ImmutableArray<LedgerWrite> Writes) : RunEffect;

    /// <summary>A step is applied on every member that computes.</summary>
    public sealed record ReportStep(StepReport Report) : RunEffect;

    /// <summary>Close a worker's stream: it is counted as lost already, and attaches anew when it is well.</summary>
    public sealed record Evict(WorkerId Worker, string Reason) : RunEffect
    {
        /// <summary>Its training thread hangs, so it never gets well: tell it to start afresh before its stream is closed.</summary>
        public bool IsHung { get; init; }
    }

    public sealed record StartTimer(RunTimer Timer, Generation Generation, TimeSpan After) : RunEffect;

    /// <summary>The run is over; nothing follows.</summary>
    public sealed record End(RunOutcome Outcome) : RunEffect;

    /// <summary>Something was ignored, and why. For a log at debug level.</summary>
    public sealed record Note(string Sentence) : RunEffect;
}

/// <summary>One step of the whole run.</summary>
/// <param name="Step">Steps applied.</param>
/// <param name="Loss">Mean per target.</param>
/// <param name="Samples">Of all members.</param>
/// <param name="Seconds">Of the slowest member, phase by phase.</param>
/// <param name="AllReduceBytes">Sent by all members.</param>
/// <param name="SamplesPerSecond">Over the last steps; null: too early to say.</param>
public sealed record StepReport(
    Generation Generation, long Step, double Loss, double LearningRate, double GradientNorm, long Samples, StepSeconds Seconds,
    long AllReduceBytes, double? SamplesPerSecond);
