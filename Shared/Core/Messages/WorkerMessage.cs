using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Ledger;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Core.Messages;

/// <summary>What a worker says to its coordinator. Closed set; the fields are described in Protocol/v1/control.proto.</summary>
public abstract record WorkerMessage
{
    private WorkerMessage() { }

    /// <summary>The run that it is about: a worker that changes runs may have something to say of the former one. Null: of none, or of the one that it serves.</summary>
    public RunId? Run { get; init; }

    public sealed record Hello(
        int Pid, string Host, string CollectiveAddress, string MetricsAddress, string HighestIsa, string Device, string Launcher, string Version)
        : WorkerMessage
    {
        /// <summary>What a person says that it has; runs may ask for it.</summary>
        public ImmutableSortedDictionary<string, string> Labels { get; init; } = LabelRule.None;

        /// <summary>Drawn when the process starts, and kept until it ends: tells it from every other process of any host. Empty: not told.</summary>
        public string Instance { get; init; } = "";

        /// <summary>What it was when it lost its coordinator; null: it serves no run.</summary>
        public MemberIdentity? Member { get; init; }
    }

    public sealed record Prepared(
        Generation Generation, long SampleCount, string DataSha256, ImmutableSortedDictionary<string, string> Fingerprint, string CanarySha256,
        string StateSha256, long AppliedSteps, long ParameterCount, long TargetsPerSample, long BufferBytes) : WorkerMessage;

    public sealed record Refused(Generation Generation, string Reason, FailureKind Kind) : WorkerMessage;

    public sealed record Progress(
        Generation Generation, long Step, double Loss, int Samples, double GradientNorm, double LearningRate, StepSeconds Seconds,
        long AllReduceBytes) : WorkerMessage
    {
        /// <summary>What was fed to the logical ranks that this worker computed, of this step and of earlier ones that are not known to be stored.</summary>
        public ImmutableArray<LedgerEntry> Ledger { get; init; } = [];
    }

    public sealed record Evaluated(Generation Generation, long Step, double Loss, double? Accuracy, long Samples) : WorkerMessage;

    public sealed record StateDigest(Generation Generation, long Step, string Sha256) : WorkerMessage;

    public sealed record CheckpointSaved(
        Generation Generation, long Step, string Path, string WeightsSha256, long Bytes, double Seconds, double StallSeconds, string? Error)
        : WorkerMessage;

    public sealed record Aborted(Generation Generation, long AppliedStep) : WorkerMessage;

    public sealed record Finished(Generation Generation, long Step, string WeightsSha256, long Samples) : WorkerMessage;

    public sealed record Failed(Generation Generation, long Step, string Reason, FailureKind Kind) : WorkerMessage;

    public sealed record Leaving(string Reason, bool Returns = false) : WorkerMessage;

    /// <param name="Held">Logical ranks of step Decided + 1 that it owns, rising.</param>
    public sealed record Fenced(Generation Generation, long Decided, ImmutableArray<RankRange> Held, bool HasReduced) : WorkerMessage;

    public sealed record LinkBroken(Generation Generation, WorkerId Peer, string Reason) : WorkerMessage;

    public sealed record Entered(Generation Generation, long Step) : WorkerMessage;

    public sealed record Left(Generation Generation, long Step) : WorkerMessage;

    /// <param name="Step">-1 while the state is still coming.</param>
    /// <param name="Bytes">Of the state that have come.</param>
    public sealed record Followed(long FeedId, long Step, long Bytes = 0) : WorkerMessage;

    public sealed record FeedBroken(long FeedId, string Reason) : WorkerMessage;

    public sealed record Fed(Generation Generation, ImmutableArray<LedgerEntry> Ledger) : WorkerMessage;

    /// <param name="Work">What its training thread does.</param>
    public sealed record Heartbeat(WorkMark Work = default) : WorkerMessage;

    public sealed record CaughtUp : WorkerMessage;
}

/// <summary>A worker goes on as a member of a run while it has no coordinator.</summary>
/// <param name="Worker">The id that it was given.</param>
/// <param name="Run">What it trains.</param>
/// <param name="Generation">The newest that it was fenced to or has entered.</param>
/// <param name="IsFenced">It was fenced to that generation and not activated in it: it takes no step until it is.</param>
public sealed record MemberIdentity(WorkerId Worker, RunId Run, Generation Generation, bool IsFenced = false);

/// <summary>Seconds of one step and of its phases; the phases may overlap.</summary>
public readonly record struct StepSeconds(double Step, double Data, double Compute, double AllReduce, double Update);

/// <summary>Whose mistake a failure is; it decides the exit code.</summary>
public enum FailureKind
{
    Unspecified = 0,

    /// <summary>The job file or the user's model.</summary>
    Job = 1,

    /// <summary>Data, disk, network or libtorch.</summary>
    Environment = 2,

    /// <summary>Our bug.</summary>
    Internal = 3,
}
