using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Core.Messages;

/// <summary>What the coordinator says to a worker. Closed set; the fields are described in Protocol/v1/control.proto.</summary>
public abstract record CoordinatorMessage
{
    private CoordinatorMessage() { }

    public sealed record Welcome(WorkerId Worker) : CoordinatorMessage
    {
        /// <summary>Under which the coordinator owns its runs; 0: it has no store, and is the only one.</summary>
        public long Term { get; init; }

        /// <summary>The membership that the worker named still holds, and its reports up to this step are recorded; null: whatever run it had is over for it.</summary>
        public long? RecordedStep { get; init; }

        /// <summary>A worker that hears nothing for this long looks for the owner; null: it waits for the stream's end.</summary>
        public TimeSpan? Patience { get; init; }
    }

    /// <summary>The coordinator lives and owns its runs.</summary>
    public sealed record Heartbeat(long Term) : CoordinatorMessage;

    public sealed record Prepare(RunId Run, Generation Generation, string JobJson, string Isa, string RunDir, string? ResumeFrom) : CoordinatorMessage;

    /// <param name="Donor">Index of the member that gives the reduced gradient of StartStep to those who are behind; null: nobody is.</param>
    /// <param name="Behind">Indices of the members that hold one step less than StartStep.</param>
    public sealed record Activate(
        Generation Generation, ImmutableArray<Member> Members, long StartStep, long LastStep, long TotalSteps, int? Donor, ImmutableArray<int> Behind)
        : CoordinatorMessage;

    public sealed record Fence(Generation Generation, string Reason) : CoordinatorMessage;

    public sealed record Switch(
        Generation Generation, ImmutableArray<Member> Members, long LastStep, long TotalSteps, string Reason) : CoordinatorMessage;

    public sealed record Feed(long FeedId, WorkerId Joiner, string CollectiveAddress) : CoordinatorMessage;

    public sealed record Follow(long FeedId, long TotalSteps) : CoordinatorMessage;

    public sealed record PrepareEnd(Generation Generation, string Reason) : CoordinatorMessage;

    public sealed record Abort(Generation Generation, string Reason) : CoordinatorMessage;

    public sealed record SaveCheckpoint(Generation Generation) : CoordinatorMessage;

    public sealed record ReportLedger(Generation Generation, long FromStep) : CoordinatorMessage;

    /// <param name="Reason">For the log.</param>
    /// <param name="MayReturn">The run goes on and will take it in again: a worker that ends with its run stays.</param>
    public sealed record Release(string Reason, bool MayReturn = false) : CoordinatorMessage;

    public sealed record Recorded(long Step) : CoordinatorMessage;

    public sealed record StartAfresh(string Reason) : CoordinatorMessage;
}

/// <summary>One member of a generation: its place in the list is its index, and slice i belongs to member i.</summary>
/// <param name="Worker">Who.</param>
/// <param name="CollectiveAddress">host:port.</param>
/// <param name="FirstRank">The first logical rank it owns.</param>
/// <param name="RankCount">How many it owns, from the first on; 0: it stands by.</param>
public sealed record Member(WorkerId Worker, string CollectiveAddress, int FirstRank, int RankCount)
{
    /// <summary>The logical ranks that it owns in the generation's first step only, rising; default: those of all other steps.</summary>
    public ImmutableArray<RankRange> FirstStepRanks { get; init; }
}
