using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Liveness;
using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;
using Orchestrator.Simulation.Faults;
using Orchestrator.Worker.Core.Lifecycle;
using Orchestrator.Worker.Core.Membership;

namespace Orchestrator.Simulation.Tests;

/// <summary>Mistakes of one line each, made in what a machine decides. Each must be caught by the promises.</summary>
internal static class PlantedBugs
{
    /// <summary>With a member that is silent while others hold the state; the most that it can be.</summary>
    private static readonly TimeSpan MostPatience = TimeSpan.FromSeconds(2.5);

    public static readonly Bug[] All =
    [
        new MemberBug("a fence is answered without cutting the exchange off", effect => effect is MemberEffect.CloseExchange ? null : effect),
        new TellBug("a fenced member claims a step that is not decided", message => message is WorkerMessage.Fenced fenced ? fenced with { Decided = fenced.Decided + 1 } : message),
        new TellBug("a fenced member hides its last decided step", message => message is WorkerMessage.Fenced { Decided: > 0 } fenced ? fenced with { Decided = fenced.Decided - 1 } : message),
        new TellBug("a fenced member claims ranks that it does not own", message => message is WorkerMessage.Fenced fenced ? fenced with { Held = fenced.Held.Add(new RankRange(0, 1)) } : message),
        new TellBug("a fenced member claims no rank", message => message is WorkerMessage.Fenced fenced ? fenced with { Held = [] } : message),
        new StateBug("a partial that is held is dropped at a fence", (_, @event, after) => @event is MemberEvent.Ordered { Order: CoordinatorMessage.Fence } && after.Pass is { } pass
            ? after with { Pass = pass with { Held = [] } } : after),
        new StateBug("a gained rank is forgotten", (before, @event, after) => @event is MemberEvent.Ordered { Order: CoordinatorMessage.Activate } && before.Pass is { } pass && after.Pass?.Step == pass.Step
            ? after with { Pass = after.Pass with { Owned = pass.Owned } } : after),
        new StateBug("a step is applied before it is decided", (_, @event, after) => @event is MemberEvent.WorkDone { Work: MemberWork.Compute } && after is { Work: null, Pass.Missing: null, Exchange: not null }
            && after.Decided == after.Applied ? after with { Decided = after.Decided + 1 } : after),
        new MemberBug("the gift to a member that is behind is not sent", effect => effect is MemberEffect.Give ? null : effect),
        new StateBug("a member that is behind takes its old step for the new one", (_, @event, after) => @event is MemberEvent.Ordered { Order: CoordinatorMessage.Activate activate } && after.Decided < activate.StartStep
            ? after with { Decided = activate.StartStep } : after),
        new MemberBug("the reduced gradient is not kept behind its step", effect => effect is MemberEffect.BeginStep begin ? begin with { Step = begin.Step + 1 } : effect),
        new MemberBug("a bucket is handed over before the ones before it", effect => effect is MemberEffect.HandOver ready ? ready with { Bucket = 1 - ready.Bucket } : effect),
        new MemberBug("the retired exchange is closed at once", effect => effect is MemberEffect.RetireExchange retire ? new MemberEffect.ForgetExchange(retire.Generation) : effect),
        new MemberBug("a joiner is told that the feed ends one step early", effect => effect is MemberEffect.EndFeed end ? end with { Step = end.Step - 1 } : effect),
        new MemberBug("a gradient is left out of the feed", effect => effect is MemberEffect.PushGradient { Step: var step } && step % 3 == 0 ? null : effect),
        new StateBug("a joiner enters before it has applied the last step", (_, @event, after) => @event is MemberEvent.FeedEnded ended && after.Taking is { } taking
            ? after with { Taking = taking with { End = (after.Applied, ended.Generation) } } : after),
        new ClusterBug("a late heartbeat alone evicts", (state, @event) => @event is ClusterEvent.Tick
            ? state.Pulses.Where(pulse => pulse.Value.Silence > LivenessRule.TickInterval / 3 && state.RunOf(pulse.Key)?.Crew?.Members.ContainsKey(pulse.Key) == true).Select(pulse => pulse.Key).FirstOrDefault() : default),
        new ClusterBug("those who are all that is left of the state are given up as soon as others", (state, @event) => @event is ClusterEvent.Tick
            ? state.Pulses.Where(pulse => pulse.Value.Silence > MostPatience && state.RunOf(pulse.Key)?.Crew?.Members.ContainsKey(pulse.Key) == true).Select(pulse => pulse.Key).FirstOrDefault() : default),
        new ActivateBug("ranks of a lost worker are dealt out to nobody", activate => activate with { Members = [.. activate.Members.Select((member, i) => i == 0 && !member.FirstStepRanks.IsDefault && member.FirstStepRanks.Length > 1
            ? member with { FirstStepRanks = member.FirstStepRanks.RemoveAt(member.FirstStepRanks.Length - 1) } : member)] }),
        new ActivateBug("a generation starts one step late", activate => activate with { StartStep = activate.StartStep + 1 }),
        new ReportBug("a member forgets what it fed in one step", report => report.Step % 4 == 0 ? report with { Ledger = [] } : report),
        new ReportBug("a rank is entered into the ledger under another step", report => report with { Ledger = [.. report.Ledger.Select(entry => entry with { Step = entry.Step + (entry.LogicalRank == 3 ? 1 : 0) })] }),
        new DiskBug("a checkpoint is reported before its commit") { IsEarly = true },
        new DiskBug("a torn checkpoint is taken for whole") { IsTrusting = true },
        new DiskBug("a checkpoint is committed before it is synced") { IsUnsynced = true },
        new MemoryBug("a donor writes again to what it has lent to a joiner that it gave up"),
        new ActivateBug("no donor is named", activate => activate with { Donor = null }),
        new HeartbeatBug("heartbeats do not say at what the training thread is", _ => default),
        new ClusterBug("a member that computes is taken for one that hangs", (state, @event) => @event is ClusterEvent.Tick
            ? state.Pulses.Where(pulse => pulse.Value.Work.Kind == WorkKind.Computing && state.RunOf(pulse.Key)?.Crew?.Members.ContainsKey(pulse.Key) == true).Select(pulse => pulse.Key).FirstOrDefault() : default) { IsHung = true },
    ];

    /// <summary>In what outlives a coordinator. Caught where owners die.</summary>
    public static readonly Bug[] OfOwners =
    [
        new OwnerBug("orders go out before what they rest on is stored") { IsEarly = true },
        new OwnerBug("the store takes a write of an old term") { IsOpen = true },
        new RecordedBug("members are told that a step is recorded before the ledger is written"),
        new OwnerBug("a member forgets what it reported while nobody owned its run") { OfWorker = (before, @event, after) => after with { Kept = KeptReports.None } },
        new OwnerBug("the next owner does not know the newest generation") { OfStore = snapshot => snapshot with { LastGeneration = new Generation(Math.Max(0, snapshot.LastGeneration.Number - 1)) } },
        new OwnerBug("the next owner does not know that the members were changing") { OfStore = snapshot => snapshot with { IsChanging = false } },
        new OwnerBug("the next owner forgets a member") { OfStore = snapshot => snapshot.Crew is { Members.Length: > 1 } crew ? snapshot with { Crew = crew with { Members = crew.Members.RemoveAt(0) } } : snapshot },
    ];

    private sealed record OwnerBug(string Name) : Bug(Name)
    {
        public bool IsEarly { get; init; }

        public bool IsOpen { get; init; }

        public Func<WorkerState, WorkerEvent, WorkerState, WorkerState> OfWorker { get; init; } = (_, _, after) => after;

        public Func<RunSnapshot, RunSnapshot> OfStore { get; init; } = snapshot => snapshot;

        public override bool TellsBeforeStored => IsEarly;

        public override bool StoreTakesAnyTerm => IsOpen;

        public override (WorkerState State, ImmutableArray<WorkerEffect> Effects) Worker(
            WorkerState before, WorkerEvent @event, WorkerState after, ImmutableArray<WorkerEffect> effects) => (OfWorker(before, @event, after), effects);

        public override RunSnapshot Stored(RunSnapshot snapshot) => OfStore(snapshot);
    }

    private sealed record RecordedBug(string Name) : Bug(Name)
    {
        public override ImmutableArray<ClusterEffect> Cluster(ClusterState before, ClusterEvent @event, ClusterState after, ImmutableArray<ClusterEffect> effects) => @event is not ClusterEvent.Tick ? effects :
        [
            .. effects,
            .. after.Runs.Where(run => run.Phase is RunPhase.Running).SelectMany(run => run.Crew!.Members.Keys.Select(
                worker => new ClusterEffect.ForRun(run.Id, new RunEffect.Tell(worker, new CoordinatorMessage.Recorded(run.Progress.Step))))),
        ];
    }

    private sealed record ReportBug(string Name, Func<WorkerMessage.Progress, WorkerMessage.Progress> Change) : Bug(Name)
    {
        public override WorkerMessage Report(WorkerMessage message) => message is WorkerMessage.Progress progress ? Change(progress) : message;
    }

    private sealed record HeartbeatBug(string Name, Func<WorkMark, WorkMark> Change) : Bug(Name)
    {
        public override WorkerMessage Report(WorkerMessage message) => message is WorkerMessage.Heartbeat heartbeat ? new WorkerMessage.Heartbeat(Change(heartbeat.Work)) : message;
    }

    private sealed record DiskBug(string Name) : Bug(Name)
    {
        public bool IsEarly { get; init; }

        public bool IsTrusting { get; init; }

        public bool IsUnsynced { get; init; }

        public override bool ReportsBeforeCommit => IsEarly;

        public override bool TrustsTornCheckpoints => IsTrusting;

        public override bool SkipsSync => IsUnsynced;
    }

    private sealed record MemoryBug(string Name) : Bug(Name)
    {
        public override bool ReusesLentMemory => true;
    }

    private sealed record MemberBug(string Name, Func<MemberEffect, MemberEffect?> Change) : Bug(Name)
    {
        public override (MemberState State, ImmutableArray<MemberEffect> Effects) Member(
            MemberState before, MemberEvent @event, MemberState after, ImmutableArray<MemberEffect> effects) => (after, [.. effects.Select(Change).OfType<MemberEffect>()]);
    }

    private sealed record TellBug(string Name, Func<WorkerMessage, WorkerMessage> Change) : Bug(Name)
    {
        public override (MemberState State, ImmutableArray<MemberEffect> Effects) Member(
            MemberState before, MemberEvent @event, MemberState after, ImmutableArray<MemberEffect> effects) =>
            (after, [.. effects.Select(effect => effect is MemberEffect.Tell tell ? new MemberEffect.Tell(Change(tell.Message)) : effect)]);
    }

    private sealed record StateBug(string Name, Func<MemberState, MemberEvent, MemberState, MemberState> Change) : Bug(Name)
    {
        public override (MemberState State, ImmutableArray<MemberEffect> Effects) Member(
            MemberState before, MemberEvent @event, MemberState after, ImmutableArray<MemberEffect> effects) => (Change(before, @event, after), effects);
    }

    private sealed record ActivateBug(string Name, Func<CoordinatorMessage.Activate, CoordinatorMessage.Activate> Change) : Bug(Name)
    {
        public override ImmutableArray<ClusterEffect> Cluster(ClusterState before, ClusterEvent @event, ClusterState after, ImmutableArray<ClusterEffect> effects) =>
        [
            .. effects.Select(effect => effect is ClusterEffect.ForRun { Effect: RunEffect.Tell { Message: CoordinatorMessage.Activate activate } tell } of && activate.Generation > new Generation(1)
                ? of with { Effect = tell with { Message = Change(activate) } } : effect),
        ];
    }

    private sealed record ClusterBug(string Name, Func<ClusterState, ClusterEvent, WorkerId> Victim) : Bug(Name)
    {
        public bool IsHung { get; init; }

        public override ImmutableArray<ClusterEffect> Cluster(ClusterState before, ClusterEvent @event, ClusterState after, ImmutableArray<ClusterEffect> effects) =>
            Victim(after, @event) is { Value: not null } victim && after.RunOf(victim) is { } run ? effects.Add(new ClusterEffect.ForRun(run.Id, new RunEffect.Evict(victim, "late") { IsHung = IsHung })) : effects;
    }
}
