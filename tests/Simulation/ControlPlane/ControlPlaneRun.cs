using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Messages;

namespace Orchestrator.Simulation.ControlPlane;

/// <summary>The real core of a coordinator and as many members as are asked for. Messages of one worker keep their order; those of different workers come in any.</summary>
internal sealed class ControlPlaneRun
{
    private static readonly RunId Run = new("run");

    private readonly Dictionary<WorkerId, RuleMember> _members = [];
    private readonly Dictionary<WorkerId, Queue<ClusterEvent>> _said = [];
    private readonly List<WorkerId> _speakers = [];
    private readonly Random _random;
    private readonly Func<WorkerId, object, int>? _bytesOf;
    private ClusterState _state = new() { Options = new ClusterOptions("sim", new RunWaits()) };
    private DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private (ImmutableArray<Member> Members, Dictionary<WorkerId, Member> ById) _places = ([], []);
    private ClusterEvent? _written;
    private int _connections;

    /// <param name="workers">Members; as many logical ranks.</param>
    /// <param name="random">Who is heard first.</param>
    /// <param name="bytesOf">Size on the wire of what a worker and the coordinator say; null: it does not matter.</param>
    public ControlPlaneRun(int workers, Random random, Func<WorkerId, object, int>? bytesOf)
    {
        (_random, _bytesOf) = (random, bytesOf);
        Post(new ClusterEvent.RunSubmitted(new RunOrder
        {
            Id = Run, RunDir = "run", JobFile = "job.yaml",
            Job = new JobSpec
            {
                Name = "control plane", ProjectRoot = "/", Model = new MlpSpec(), Data = new TextDataSpec(["data"]),
                Training = new TrainingSpec { Steps = 1000, GlobalBatch = workers, LogicalRanks = workers },
                Workers = new WorkersSpec { Min = 1, Desired = workers, Max = workers, Isa = "avx2" },
            },
        }));
    }

    public long Events { get; private set; }

    public long ToWorkers { get; private set; }

    public long ToCoordinator { get; private set; }

    public long Bytes { get; private set; }

    public long Records { get; private set; }

    public RunState State => _state.Find(Run)!;

    public IEnumerable<RuleMember> Members => _members.Values.Where(member => !member.IsDead);

    public void Attach()
    {
        ToCoordinator++;
        Post(new ClusterEvent.WorkerAttached(++_connections, RuleMember.Hello(_connections)));
    }

    public void Say(RuleMember member, WorkerMessage message)
    {
        Count(member.Id, message);
        ToCoordinator++;
        Queue(member.Id, new ClusterEvent.WorkerSaid(member.Id, message));
    }

    /// <summary>The process dies, and its stream ends.</summary>
    public void Kill(RuleMember member)
    {
        member.IsDead = true;
        Queue(member.Id, new ClusterEvent.WorkerLost(member.Id, "its stream broke"));
    }

    public void Tick(TimeSpan since)
    {
        _now += since;
        Post(new ClusterEvent.Tick());
    }

    /// <summary>Until nobody has anything to say.</summary>
    public void Settle()
    {
        while (_speakers.Count > 0)
        {
            var index = _random.Next(_speakers.Count);
            var speaker = _speakers[index];
            var queue = _said[speaker];
            var @event = queue.Dequeue();
            if (queue.Count == 0)
            {
                _said.Remove(speaker);
                _speakers[index] = _speakers[^1];
                _speakers.RemoveAt(_speakers.Count - 1);
            }

            Post(@event);
        }
    }

    private void Queue(WorkerId worker, ClusterEvent @event)
    {
        if (!_said.TryGetValue(worker, out var queue))
        {
            _said[worker] = queue = new Queue<ClusterEvent>();
            _speakers.Add(worker);
        }

        queue.Enqueue(@event);
    }

    private void Post(ClusterEvent @event)
    {
        Events++;
        _now += TimeSpan.FromMicroseconds(1);
        Step(@event);

        // Its own disk tells it: that is no message.
        while (_written is { } written)
        {
            _written = null;
            Step(written);
        }
    }

    private void Step(ClusterEvent @event)
    {
        (_state, var effects) = ClusterMachine.Step(_state, @event, _now);
        foreach (var effect in effects)
        {
            Carry(effect);
        }
    }

    private void Carry(ClusterEffect effect)
    {
        switch (effect)
        {
            case ClusterEffect.Admit admit:
                _members[admit.Worker] = new RuleMember(admit.Worker, _connections);
                break;
            case ClusterEffect.ForRun { Effect: RunEffect.Tell tell }:
                Count(tell.Worker, tell.Message);
                ToWorkers++;
                if (_members[tell.Worker] is { IsDead: false } member && member.Answer(tell.Message, PlaceIn, State.Progress.HighestStep) is { } answer)
                {
                    Say(member, answer);
                }

                break;
            case ClusterEffect.ForRun { Effect: RunEffect.Record }:
                Records++;
                break;
            case ClusterEffect.ForRun { Effect: RunEffect.AppendLedger append } of:
                _written = new ClusterEvent.LedgerWritten(of.Run, append.Writes[^1].Number);
                break;
        }
    }

    /// <summary>All members get the same list: it is indexed once.</summary>
    private Member? PlaceIn(ImmutableArray<Member> members, WorkerId worker)
    {
        if (_places.Members != members)
        {
            _places = (members, members.ToDictionary(member => member.Worker));
        }

        return _places.ById.GetValueOrDefault(worker);
    }

    private void Count(WorkerId worker, object message) => Bytes += _bytesOf?.Invoke(worker, message) ?? 0;
}
