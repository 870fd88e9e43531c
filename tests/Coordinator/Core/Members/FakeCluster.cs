using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Liveness;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Tests.Members;

/// <summary>A coordinator's core and fake members, event by event in an order that a seed decides. After every event it checks what must always hold.</summary>
internal sealed class FakeCluster
{
    private readonly Dictionary<WorkerId, FakeMember> _members = [];
    private readonly Queue<ClusterEvent> _said = new();
    private readonly Dictionary<(Generation, long), Dictionary<WorkerId, (ImmutableArray<int> Ranks, Generation Prepared, bool Ends)>> _exchanges = [];
    private readonly List<(RunTimer Timer, Generation Generation, DateTimeOffset At)> _timers = [];
    private readonly Random _random;
    private readonly int _logicalRanks;
    private DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private long _connections;

    public FakeCluster(int seed, int workers, JobSpec job)
    {
        (_random, _logicalRanks) = (new Random(seed), job.Training.LogicalRanks);
        for (var i = 0; i < workers; i++)
        {
            Attach();
        }

        Hear(new ClusterEvent.RunSubmitted(new RunOrder { Id = Conversation.Run, Job = job, RunDir = "/r", JobFile = "j" }));
    }

    public ClusterState State { get; private set; } = new() { Options = new ClusterOptions("1.0", new RunWaits()) };

    public RunState Run => State.Find(Conversation.Run)!;

    /// <summary>Readable, for a test that fails.</summary>
    public List<object> Trace { get; } = [];

    /// <summary>Who decided each step, and in which generation.</summary>
    public SortedDictionary<long, List<(Generation Generation, FakeMember By)>> DecidedIn { get; } = [];

    public List<RunRecord> Records { get; } = [];

    public IEnumerable<FakeMember> Alive => _members.Values.Where(member => member.IsAlive);

    public FakeMember? Find(WorkerId id) => _members.GetValueOrDefault(id);

    public void Attach() => Hear(new ClusterEvent.WorkerAttached(++_connections, new WorkerMessage.Hello((int)_connections, "h", $"h:{_connections}", "", "avx2", "cpu", "", "1.0")));

    public void Say(FakeMember member, WorkerMessage message) => _said.Enqueue(new ClusterEvent.WorkerSaid(member.Id, message));

    public void Push(WorkerId joiner, (long Feed, long Step, Generation? Enter) item) => _members.GetValueOrDefault(joiner)?.Pushed.Enqueue(item);

    /// <summary>The process dies; its stream's end comes behind what it had said.</summary>
    public void Kill(WorkerId worker)
    {
        Trace.Add($"kill {worker}");
        _members[worker].IsAlive = false;
        _said.Enqueue(new ClusterEvent.WorkerLost(worker, "its stream broke"));
    }

    public void Hear(ClusterEvent @event)
    {
        _now += TimeSpan.FromMilliseconds(1);
        if (@event is not (ClusterEvent.Tick or ClusterEvent.WorkerSaid { Message: WorkerMessage.Heartbeat }))
        {
            Trace.Add(@event);
        }

        (State, var effects) = ClusterMachine.Step(State, @event, _now);
        foreach (var effect in effects)
        {
            CarryOut(effect);
        }
    }

    /// <summary>Lets one of the things happen that can; time goes on when there is none.</summary>
    public void Step()
    {
        var choices = new List<Action>();
        if (_said.Count > 0)
        {
            choices.Add(() => Hear(_said.Dequeue()));
        }

        foreach (var member in Alive.Where(member => !member.IsFrozen))
        {
            if (member.Orders.Count > 0)
            {
                choices.Add(member.ObeyNext);
            }

            if (member.CanFollow)
            {
                choices.Add(member.Follow);
            }

            if (member.Donor is not null)
            {
                choices.Add(() => member.TakeFromDonor());
            }
            else if (member.In != Generation.None && member.Decided < member.Last && !member.HasFinished)
            {
                choices.Add(() => Exchange(member));
            }
        }

        if (choices.Count == 0 || _random.Next(50) == 0)
        {
            Pass();
            return;
        }

        choices[_random.Next(choices.Count)]();
        Check();
    }

    /// <summary>A tick, with everybody's heartbeat, and what fell due.</summary>
    private void Pass()
    {
        _now += LivenessRule.TickInterval;
        foreach (var member in Alive.Where(member => !member.IsFrozen && State.Workers.ContainsKey(member.Id)).ToList())
        {
            Hear(new ClusterEvent.WorkerSaid(member.Id, new WorkerMessage.Heartbeat()));
        }

        Hear(new ClusterEvent.Tick());
        foreach (var due in _timers.Where(timer => timer.At <= _now).ToList())
        {
            _timers.Remove(due);
            Hear(new ClusterEvent.TimerFired(Conversation.Run, due.Timer, due.Generation));
        }
    }

    private void Exchange(FakeMember member)
    {
        var (generation, step) = (member.In, member.Decided + 1);
        if (!_exchanges.TryGetValue((generation, step), out var shares))
        {
            _exchanges[(generation, step)] = shares = [];
        }

        if (!shares.ContainsKey(member.Id))
        {
            shares[member.Id] = (member.Ranks(step), member.Prepared, member.Ends);
        }
        else if (member.Members.All(other => shares.ContainsKey(other.Worker)))
        {
            // All partials are there: each logical rank exactly once, or the sum is wrong.
            var ranks = member.Members.SelectMany(other => shares[other.Worker].Ranks).Order();
            Expect(Enumerable.Range(0, _logicalRanks).SequenceEqual(ranks), () => $"{generation}, step {step}: ranks {string.Join(",", ranks)}");
            Decided(step, generation, member);
            member.Decide(step, member.Members.Min(other => shares[other.Worker].Prepared), member.Members.All(other => shares[other.Worker].Ends));
        }
    }

    /// <summary>A step that somebody who lives has decided is never computed again.</summary>
    private void Decided(long step, Generation generation, FakeMember member)
    {
        DecidedIn.TryAdd(step, []);
        foreach (var former in DecidedIn[step])
        {
            Expect(
                former.Generation == generation || !former.By.IsAlive,
                () => $"step {step} was decided in {former.Generation} by {former.By.Id}, and again in {generation} by {member.Id}");
        }

        DecidedIn[step].Add((generation, member));
    }

    private void CarryOut(ClusterEffect effect)
    {
        switch (effect)
        {
            case ClusterEffect.Admit admit:
                _members[admit.Worker] = new FakeMember(this, admit.Worker);
                break;
            case ClusterEffect.ForRun { Effect: RunEffect.Tell tell }:
                Trace.Add(tell);
                _members[tell.Worker].Orders.Enqueue(tell.Message);
                break;
            case ClusterEffect.ForRun { Effect: RunEffect.StartTimer timer }:
                _timers.Add((timer.Timer, timer.Generation, _now + timer.After));
                break;
            case ClusterEffect.ForRun { Effect: RunEffect.Evict evict }:
                Trace.Add(evict);
                _members[evict.Worker].IsAlive = false;
                break;
            case ClusterEffect.ForRun { Effect: RunEffect.AppendLedger append }:
                _said.Enqueue(new ClusterEvent.LedgerWritten(Conversation.Run, append.Writes[^1].Number));
                break;
            case ClusterEffect.ForRun { Effect: RunEffect.Record record }:
                Trace.Add(record.Entry);
                Records.Add(record.Entry);
                break;
        }
    }

    private void Check()
    {
        var active = Alive.Where(member => member.In != Generation.None).ToList();
        foreach (var group in active.GroupBy(member => member.In))
        {
            var (low, high) = (group.Min(member => member.Decided), group.Max(member => member.Decided));
            Expect(high - low <= 1, () => $"{group.Key}: members are at {low} and {high}");
        }
    }

    private void Expect(bool holds, Func<string> what)
    {
        if (!holds)
        {
            Assert.Fail($"{what()}\n{Tail}");
        }
    }

    public string Tail => string.Join('\n', Trace.TakeLast(60).Select(entry => entry switch
    {
        ClusterEvent.WorkerSaid { Message: WorkerMessage.Progress report } said => $"{said.Worker} reports step {report.Step} of {report.Generation}",
        RunEffect.Tell { Message: CoordinatorMessage.Prepare prepare } tell => $"  Prepare {prepare.Generation} to {tell.Worker}",
        RunEffect or RunRecord => $"  {entry}",
        _ => $"{entry}",
    }));
}
