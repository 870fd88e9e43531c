using System.Collections.Immutable;
using System.Globalization;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Liveness;
using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Coordinator.Core.Tests;

/// <summary>A coordinator that is talked to event by event; what it wants done comes back as lines that read like a script.</summary>
internal sealed class Conversation
{
    public static readonly RunId Run = new("run");

    private long _connections;

    public ClusterState State { get; private set; } = new() { Options = new ClusterOptions("1.0", new RunWaits()) };

    public DateTimeOffset Now { get; private set; } = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    public RunState RunState => State.Find(Run)!;

    /// <summary>Events are one second apart.</summary>
    public string[] Send(ClusterEvent @event) => Send(@event, TimeSpan.FromSeconds(1));

    private string[] Send(ClusterEvent @event, TimeSpan after)
    {
        Now += after;
        (State, var effects) = ClusterMachine.Step(State, @event, Now);
        var lines = effects.Where(effect => ShowsLineages || !IsLineage(effect)).Select(Format).ToList();
        if (IsLedgerWritten && effects.Select(effect => (effect as ClusterEffect.ForRun)?.Effect).OfType<RunEffect.AppendLedger>().LastOrDefault() is { } append)
        {
            lines.AddRange(Write(append.Writes[^1].Number));
        }

        return [.. lines];
    }

    /// <summary>What is appended to the ledger is written at once; false: a test says what becomes of it.</summary>
    public bool IsLedgerWritten { get; set; } = true;

    /// <summary>That a lineage of the ledger begins is among the lines: few tests are about it.</summary>
    public bool ShowsLineages { get; set; }

    /// <summary>Members are told what is recorded.</summary>
    public void MakeDurable() => State = State with { Options = State.Options with { IsDurable = true } };

    /// <summary>The ledger's file has everything up to a number.</summary>
    public string[] Write(long number) => Send(new ClusterEvent.LedgerWritten(Run, number), TimeSpan.Zero);

    public string[] FailLedger(long written, string reason = "The disk is full.") => Send(new ClusterEvent.LedgerFailed(Run, written, reason));

    private static bool IsLineage(ClusterEffect effect) => effect is ClusterEffect.ForRun { Effect: RunEffect.AppendLedger { Writes: [{ Start: not null }] } };

    public string[] Attach(string isa = "avx2", string launcher = "", string version = "1.0", string collective = "host:9", string labels = "") => Send(new ClusterEvent.WorkerAttached(
        ++_connections, new WorkerMessage.Hello((int)(100 + _connections), "host", collective, "host:8", isa, "cpu", launcher, version) { Labels = Labels(labels), Instance = InstanceOf((int)_connections) }));

    /// <param name="text">NAME=VALUE, with commas between.</param>
    public static ImmutableSortedDictionary<string, string> Labels(string text) => LabelRule.Read(text.Split(',', StringSplitOptions.RemoveEmptyEntries)).Labels;

    public string[] Submit(JobSpec? job = null, long? stopAfter = null, string? resumeFrom = null, string? launcher = null, string id = "run",
        ImmutableSortedDictionary<string, string>? resumeFingerprint = null) => Send(
        new ClusterEvent.RunSubmitted(new RunOrder
        {
            Id = new RunId(id), Job = job ?? Job(), RunDir = "/runs/run", JobFile = "job.yaml", StopAfter = stopAfter, ResumeFrom = resumeFrom,
            ResumeFingerprint = resumeFingerprint, Launcher = launcher,
        }));

    public string[] Say(int worker, WorkerMessage message) => Send(new ClusterEvent.WorkerSaid(WorkerId.FromNumber(worker), message));

    /// <summary>In the same moment as what was said before.</summary>
    public string[] SayAtOnce(int worker, WorkerMessage message) => Send(new ClusterEvent.WorkerSaid(WorkerId.FromNumber(worker), message), TimeSpan.Zero);

    public string[] Lose(int worker, string how = "its stream broke") => Send(new ClusterEvent.WorkerLost(WorkerId.FromNumber(worker), how));

    public string[] Fire(RunTimer timer, long generation, string run = "run") => Send(new ClusterEvent.TimerFired(new RunId(run), timer, new Generation(generation)));

    public string[] Scale(int desired) => Send(new ClusterEvent.ScaleRequested(Run, desired));

    public string[] Drain(int worker) => Send(new ClusterEvent.DrainRequested(WorkerId.FromNumber(worker)));

    public string[] TakeBack(int worker) => Send(new ClusterEvent.TakeBackRequested(WorkerId.FromNumber(worker)));

    /// <summary>Time goes by in ticks; the workers named beat at each.</summary>
    public string[] Pass(double seconds, params int[] beating)
    {
        var effects = new List<string>();
        for (var left = TimeSpan.FromSeconds(seconds); left > TimeSpan.Zero; left -= LivenessRule.TickInterval)
        {
            foreach (var worker in beating)
            {
                effects.AddRange(Send(new ClusterEvent.WorkerSaid(WorkerId.FromNumber(worker), new WorkerMessage.Heartbeat()), TimeSpan.Zero));
            }

            effects.AddRange(Send(new ClusterEvent.Tick(), LivenessRule.TickInterval));
        }

        return [.. effects];
    }

    /// <summary>Time goes by in ticks; at each the workers say of their training threads what is given.</summary>
    public string[] PassAtWork(double seconds, params (int Worker, WorkMark Work)[] beating)
    {
        var effects = new List<string>();
        for (var left = TimeSpan.FromSeconds(seconds); left > TimeSpan.Zero; left -= LivenessRule.TickInterval)
        {
            foreach (var (worker, work) in beating)
            {
                effects.AddRange(Send(new ClusterEvent.WorkerSaid(WorkerId.FromNumber(worker), new WorkerMessage.Heartbeat(work)), TimeSpan.Zero));
            }

            effects.AddRange(Send(new ClusterEvent.Tick(), LivenessRule.TickInterval));
        }

        return [.. effects];
    }

    /// <summary>Another coordinator, which knows only what was stored; its workers get numbers from 101 on.</summary>
    /// <param name="ledger">The last step of which the ledger on disk has everything.</param>
    /// <param name="snapshot">Null: as it is now.</param>
    public Conversation Successor(long ledger = 0, RunSnapshot? snapshot = null)
    {
        var next = new Conversation { Now = Now, IsLedgerWritten = IsLedgerWritten, State = new ClusterState { Options = State.Options } };
        var runs = State.Find(Run) is { } run ? ImmutableArray.Create(new RevivedRun(run.Order, snapshot ?? RunSnapshot.Of(run), new LedgerTail(ledger, ledger, []) { IsBegun = ledger > 0 })) : [];
        next.Send(new ClusterEvent.RunsAdopted(runs, 100) { Pool = PoolSnapshot.Of(State) });
        return next;
    }

    /// <summary>A member that trained on without a coordinator attaches, and has told everything.</summary>
    public string[] Return(int worker, long generation, bool isFenced = false) => [.. Attach(worker, generation, isFenced), .. Say(worker, new WorkerMessage.CaughtUp())];

    /// <summary>It attaches, and has more to tell.</summary>
    public string[] Attach(int worker, long generation, bool isFenced = false) => Send(new ClusterEvent.WorkerAttached(
        ++_connections, new WorkerMessage.Hello(100 + worker, "host", "host:9", "host:8", "avx2", "cpu", "", "1.0")
        {
            Member = new MemberIdentity(WorkerId.FromNumber(worker), Run, new Generation(generation), isFenced), Instance = InstanceOf(worker),
        }));

    /// <summary>The process of a worker that was a member of no run attaches again, here or to the next coordinator.</summary>
    public string[] AttachAgain(int worker) => Send(new ClusterEvent.WorkerAttached(
        ++_connections, new WorkerMessage.Hello(100 + worker, "host", "host:9", "host:8", "avx2", "cpu", "", "1.0") { Instance = InstanceOf(worker) }));

    private static string InstanceOf(int worker) => $"process-{worker}";

    public string[] Stop(string run = "run") => Send(new ClusterEvent.StopRequested(new RunId(run), "Stopped by a test."));

    public RunState Find(string run) => State.Find(new RunId(run))!;

    /// <summary>Attaches workers, submits, prepares them all: the run trains.</summary>
    /// <param name="hasLedger">Whether the members are to report what they fed; else nobody misses it.</param>
    public static Conversation Training(
        int workers, JobSpec? job = null, long? stopAfter = null, string? launcher = null, long appliedSteps = 0, bool hasLedger = false)
    {
        var talk = new Conversation();
        for (var i = 0; i < workers; i++)
        {
            talk.Attach(launcher: launcher ?? "");
        }

        talk.Submit(job ?? Job(desired: workers), stopAfter, appliedSteps == 0 ? null : "/old/step", launcher);
        for (var i = 1; i <= workers; i++)
        {
            talk.Say(i, Prepared(appliedSteps: appliedSteps));
        }

        Assert.IsType<RunPhase.Running>(talk.RunState.Phase);
        if (!hasLedger)
        {
            talk.MissNoLedger();
        }

        return talk;
    }

    /// <summary>Nobody misses what the members do not report of what they fed.</summary>
    public void MissNoLedger()
    {
        var run = RunState with { Ledger = RunState.Ledger with { StartStep = int.MaxValue } };
        State = State with { Runs = State.Runs.Replace(RunState, run) };
    }

    /// <summary>The run trains and every member has reported every step so far.</summary>
    public static Conversation AtStep(long step, int workers, JobSpec? job = null, string? launcher = null)
    {
        var talk = Training(workers, job, launcher: launcher);
        for (var done = 1L; done <= step; done++)
        {
            for (var worker = 1; worker <= workers; worker++)
            {
                talk.Say(worker, Progress(done));
            }
        }

        return talk;
    }

    public static JobSpec Job(
        int min = 1, int desired = 2, int max = 8, long? steps = 100, long? epochs = null, string isa = "auto", int logicalRanks = 8, int batch = 32, int priority = 0, string labels = "") => new()
    {
        Name = "job", Priority = priority, ProjectRoot = "/", Model = new MlpSpec(), Data = new CsvDataSpec("/t.csv", "y"),
        Training = new TrainingSpec { Steps = steps, Epochs = epochs, LogicalRanks = logicalRanks, GlobalBatch = batch },
        Workers = new WorkersSpec { Min = min, Desired = desired, Max = max, Isa = isa, Labels = Labels(labels) },
    };

    public static WorkerMessage.Prepared Prepared(
        long generation = 1, long samples = 1000, string data = "d", string canary = "c", string state = "s", long appliedSteps = 0, string libtorch = "1.13") => new(
        new Generation(generation), samples, data, ImmutableSortedDictionary<string, string>.Empty.Add("libtorch", libtorch), canary, state, appliedSteps, 10, 1, 4096);

    public static WorkerMessage.Progress Progress(long step, double loss = 1, int samples = 16, long generation = 1) =>
        new(new Generation(generation), step, loss, samples, 0.5, 0.001, new StepSeconds(1, 0.1, 0.5, 0.3, 0.1), 100);

    public static WorkerMessage.CheckpointSaved Saved(long step, string? error = null, long generation = 1) =>
        new(new Generation(generation), step, $"/ck/step-{step}", $"w{step}", 1000, 0.5, 0.01, error);

    /// <param name="held">As [first,end) pairs.</param>
    public static WorkerMessage.Fenced Fenced(long generation, long decided, params (int First, int End)[] held) =>
        new(new Generation(generation), decided, [.. held.Select(range => new RankRange(range.First, range.End - range.First))], true);

    public static WorkerMessage.Entered Entered(long generation, long step) => new(new Generation(generation), step);

    public static WorkerMessage.Finished Finished(long step, string? weights = null, long generation = 1) => new(new Generation(generation), step, weights ?? $"w{step}", 16 * step);

    private static string Format(ClusterEffect effect) => effect switch
    {
        ClusterEffect.Admit e => $"admit {e.Worker}",
        ClusterEffect.Reject e => $"reject: {e.Reason}",
        ClusterEffect.Dismiss e => $"dismiss {e.Worker}: {e.Reason}",
        ClusterEffect.Note e => $"note: {e.Sentence}",
        ClusterEffect.Answer e => $"answer {e.Asker}",
        ClusterEffect.StorePool => "store pool",
        ClusterEffect.ForRun { Effect: RunEffect.Tell e } => $"tell {e.Worker} {Format(e.Message)}",
        ClusterEffect.ForRun { Effect: RunEffect.Record e } => $"record {Format(e.Entry)}",
        ClusterEffect.ForRun { Effect: RunEffect.ReportStep e } => Invariant($"step {e.Report.Step}: loss {e.Report.Loss}, {e.Report.Samples} samples, {e.Report.AllReduceBytes} bytes"),
        ClusterEffect.ForRun { Effect: RunEffect.AppendLedger e } => $"ledger {string.Join(", ", e.Writes.SelectMany(Format))}",
        ClusterEffect.ForRun { Effect: RunEffect.StartTimer e } => Invariant($"timer {e.Timer} {e.Generation} {e.After.TotalSeconds} s"),
        ClusterEffect.ForRun { Effect: RunEffect.Evict e } => $"evict {e.Worker}{(e.IsHung ? " to start afresh" : "")}: {e.Reason}",
        ClusterEffect.ForRun { Effect: RunEffect.End e } => $"end {e.Outcome.Result} {e.Outcome.ExitCode}: {e.Outcome.Reason}",
        _ => throw new ArgumentOutOfRangeException(nameof(effect), effect, "Give it words."),
    };

    private static IEnumerable<string> Format(LedgerWrite write) => write.Start is { } start ? [Invariant($"lineage from {start.Step}")]
        : write.Reports.Select(report => Invariant($"step {report.Step} of {report.Worker} in {report.Generation}: ranks {string.Join(" ", report.Entries.Select(entry => entry.LogicalRank))}"));

    private static string Format(CoordinatorMessage message) => message switch
    {
        CoordinatorMessage.Prepare m => $"Prepare {m.Generation} {m.Isa}{(m.ResumeFrom is null ? "" : $" from {m.ResumeFrom}")}",
        CoordinatorMessage.Activate m => $"Activate {m.Generation} {m.StartStep}..{m.LastStep}/{m.TotalSteps}: {string.Join(" ", m.Members.Select(Format))}{(m.Donor is { } donor ? $"; {donor} gives to {string.Join(",", m.Behind)}" : "")}",
        CoordinatorMessage.Fence m => $"Fence {m.Generation}: {m.Reason}",
        CoordinatorMessage.Switch m => $"Switch {m.Generation}: {string.Join(" ", m.Members.Select(Format))}",
        CoordinatorMessage.Feed m => $"Feed {m.FeedId} to {m.Joiner}",
        CoordinatorMessage.Follow m => $"Follow {m.FeedId}",
        CoordinatorMessage.PrepareEnd m => $"PrepareEnd {m.Generation}",
        CoordinatorMessage.Abort m => $"Abort {m.Generation}: {m.Reason}",
        CoordinatorMessage.SaveCheckpoint m => $"SaveCheckpoint {m.Generation}",
        CoordinatorMessage.ReportLedger m => $"ReportLedger {m.Generation} {m.FromStep}",
        CoordinatorMessage.Release => "Release",
        _ => message.GetType().Name,
    };

    private static string Format(Member member)
    {
        var first = member.FirstStepRanks.IsDefault ? "" : $"({string.Join("+", member.FirstStepRanks.Select(range => $"{range.First}-{range.End - 1}"))})";
        return $"{member.Worker}=[{member.FirstRank},{member.FirstRank + member.RankCount}){first}";
    }

    private static string Format(RunRecord record) => record switch
    {
        RunRecord.WorkerReady r => $"WorkerReady {r.Worker} [{string.Join(",", r.LogicalRanks)}]",
        RunRecord.WorkerRefused r => $"WorkerRefused {r.Worker}: {r.Reason}",
        RunRecord.WorkerLost r => $"WorkerLost {r.Worker} at {r.Step}: {r.Reason}",
        RunRecord.WorkerFailed r => $"WorkerFailed {r.Worker} at {r.Step}: {r.Reason}",
        RunRecord.CheckpointSaved r => $"CheckpointSaved {r.Step} by {r.Worker}",
        RunRecord.CheckpointFailed r => $"CheckpointFailed {r.Step}: {r.Reason}",
        RunRecord.StateCompared r => $"StateCompared {r.Step} {r.Sha256}",
        RunRecord.RunWarned r => $"RunWarned: {r.Reason}",
        RunRecord.LedgerFailed r => $"LedgerFailed: {r.Reason}",
        RunRecord.LedgerMended r => $"LedgerMended: {r.Reason}",
        RunRecord.RunPaused r => $"RunPaused: {r.Reason}",
        RunRecord.MembersSilent r => $"MembersSilent: {r.Reason}",
        RunRecord.StepsLost r => $"StepsLost {r.LostSteps} behind {r.Step}: {r.Reason}",
        RunRecord.RunResumed r => Invariant($"RunResumed after {r.Seconds} s"),
        RunRecord.WorkerJoining r => $"WorkerJoining {r.Worker} at {r.Step}",
        RunRecord.WorkerLeft r => $"WorkerLeft {r.Worker} at {r.Step}: {r.Reason}",
        RunRecord.RunScaled r => $"RunScaled {r.Desired}",
        RunRecord.RunPassed r => $"RunPassed by {r.By}, {r.Times} of {r.Most}",
        RunRecord.ShareLowered r => $"ShareLowered {r.Workers}: {r.Reason}",
        RunRecord.RunWaiting r => $"RunWaiting: {r.Reason}",
        RunRecord.GenerationFormed r => $"GenerationFormed {r.Generation} {r.Formed.StartStep}..{r.Formed.LastStep}",
        _ => record.GetType().Name,
    };

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
