using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>How far a run is: steps, loss, speed, checkpoint, held-out result. Its size does not grow with the number of steps.</summary>
public sealed record RunProgress
{
    /// <summary>The loss of a run is the mean of this many last steps: one batch alone is noise.</summary>
    public const int LossWindow = 10;

    public static readonly RunProgress None = new();

    /// <summary>Steps that every computing member has applied.</summary>
    public long Step { get; init; }

    /// <summary>Steps of the checkpoint, or 0, from which the present members, or those whom they joined, have started.</summary>
    public long Base { get; init; }

    public ImmutableArray<double> RecentLosses { get; init; } = [];

    /// <summary>What the same steps took on the slowest member of each.</summary>
    public ImmutableArray<double> RecentSeconds { get; init; } = [];

    /// <summary>Their median: a step that waited for a loss does not count. Null: no step was committed yet.</summary>
    public double? UsualSeconds => RecentSeconds.IsEmpty ? null : RecentSeconds.Sort()[RecentSeconds.Length / 2];

    public RateClock Rate { get; init; } = RateClock.Stopped;

    public CheckpointMark? Checkpoint { get; init; }

    /// <summary>The newest checkpoint that members are known to have come to, whether it is known to be written or not; null: none yet.</summary>
    public DueCheckpoint? Due { get; init; }

    /// <summary>The step whose checkpoint could not be written last, and why.</summary>
    public CheckpointProblem? CheckpointProblem { get; init; }

    public HeldOut? HeldOut { get; init; }

    /// <summary>Steps that some members have applied; members differ by a step, their reports by a few.</summary>
    public ImmutableSortedDictionary<long, PartialStep> Pending { get; init; } = ImmutableSortedDictionary<long, PartialStep>.Empty;

    /// <summary>The last step that each member reported.</summary>
    public ImmutableSortedDictionary<WorkerId, long> ReportedSteps { get; init; } = ImmutableSortedDictionary<WorkerId, long>.Empty;

    /// <summary>The last step that a member has reported. One that has not reported any, has so far applied those that it came in with.</summary>
    public long ReportedBy(WorkerId worker, Crew crew) => ReportedSteps.TryGetValue(worker, out var step) ? step : crew.JoinedAt.GetValueOrDefault(worker, Base);

    /// <summary>The same, counted; null: not yet.</summary>
    public ReportTally? Tally { get; init; }

    /// <summary>Digests of steps for which not every member has sent one.</summary>
    public ImmutableSortedDictionary<long, OpenDigest> Digests { get; init; } = ImmutableSortedDictionary<long, OpenDigest>.Empty;

    public double? Loss => RecentLosses.Length == 0 ? null : RecentLosses.Average();

    /// <summary>When somebody last reported a step that nobody had reported before.</summary>
    public DateTimeOffset RoseAt { get; init; }

    /// <summary>A generation begins to train from a checkpoint or from the initial weights. The steps behind it are taken again, and the clock goes on.</summary>
    public RunProgress Start(long startStep, DateTimeOffset now) => this with
    {
        Step = startStep,
        Base = startStep,
        RecentLosses = RecentLosses.RemoveRange(
            (int)Math.Max(0, RecentLosses.Length - Math.Max(0, Step - startStep)), (int)Math.Min(RecentLosses.Length, Math.Max(0, Step - startStep))),
        Rate = Rate == RateClock.Stopped ? RateClock.Start(startStep, now) : Rate,
        Pending = Pending.Clear(),
        ReportedSteps = ReportedSteps.Clear(),
        Tally = null,
        Digests = Digests.Clear(),
        Due = null,
        RoseAt = now,
    };

    /// <summary>Forgets what those said who are gone; what others wait for is counted by their own reports.</summary>
    public RunProgress KeepOnly(Crew crew) => this with
    {
        ReportedSteps = ReportedSteps.RemoveRange(ReportedSteps.Keys.Where(worker => !crew.Members.ContainsKey(worker))),
        Tally = null,
    };

    /// <summary>Of a run that has ended: what it came to, without what its members reported on the way.</summary>
    public RunProgress LetGo() => this with
    {
        Pending = Pending.Clear(), ReportedSteps = ReportedSteps.Clear(), Tally = null, Digests = Digests.Clear(), Due = null, Rate = Rate with { Recent = [] },
    };

    /// <summary>The highest step that anybody reported: what a person calls the step at which something happened.</summary>
    public long HighestStep => Math.Max(Step, Pending.IsEmpty ? 0 : Pending.Keys.Last());
}

/// <param name="Path">Absolute folder.</param>
public sealed record CheckpointMark(long Step, string Path, string WeightsSha256, DateTimeOffset SavedAt);

public sealed record CheckpointProblem(long Step, string Reason);

/// <summary>A step at which members save.</summary>
/// <param name="Step">The step.</param>
/// <param name="Writer">Who writes the checkpoint and reports it.</param>
public sealed record DueCheckpoint(long Step, WorkerId Writer);

/// <summary>A checkpoint's step of which not every member has sent the hash of its state.</summary>
/// <param name="Known">What was sent.</param>
/// <param name="Missing">Members that had not when the first came.</param>
public sealed record OpenDigest(ImmutableSortedDictionary<WorkerId, string> Known, ImmutableSortedSet<WorkerId> Missing);

public sealed record HeldOut(long Step, double Loss, double? Accuracy);

/// <summary>A step as far as members have reported it.</summary>
public sealed record PartialStep(double Loss, double LearningRate, double GradientNorm, StepSeconds Seconds, long AllReduceBytes)
{
    public static PartialStep From(WorkerMessage.Progress report) =>
        new(report.Loss, report.LearningRate, report.GradientNorm, report.Seconds, report.AllReduceBytes);

    /// <summary>The loss is the same on every member; bytes add up; of the times the slowest counts.</summary>
    public PartialStep With(WorkerMessage.Progress report) => this with
    {
        AllReduceBytes = AllReduceBytes + report.AllReduceBytes,
        Seconds = new StepSeconds(
            Math.Max(Seconds.Step, report.Seconds.Step), Math.Max(Seconds.Data, report.Seconds.Data), Math.Max(Seconds.Compute, report.Seconds.Compute),
            Math.Max(Seconds.AllReduce, report.Seconds.AllReduce), Math.Max(Seconds.Update, report.Seconds.Update)),
    };
}
