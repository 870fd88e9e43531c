using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Simulation.Workers;
using Orchestrator.Simulation.World;

namespace Orchestrator.Simulation.Coordinators;

/// <summary>The workers' streams to one of several coordinators.</summary>
internal sealed class OwnedStreams(OwnedCoordinator owner, SimOwnerWorld world)
{
    private readonly Dictionary<string, Connection> _byKey = [];
    private readonly Dictionary<long, Connection> _byNumber = [];
    private readonly Dictionary<WorkerId, Connection> _byWorker = [];
    private long _connections;

    public SimStream Open(SimWorker worker, string key, Action<string> lost)
    {
        var connection = new Connection(++_connections, worker, key);
        _byKey[key] = connection;
        _byNumber[connection.Number] = connection;
        return world.Network.Open(worker, owner, key, lost);
    }

    public SimTaking Take(string key, object message, out string? objection)
    {
        objection = null;
        if (!_byKey.TryGetValue(key, out var connection))
        {
            objection = "the coordinator closed the stream";
            return SimTaking.Refused;
        }

        if (message is WorkerMessage.Hello hello)
        {
            connection.Back = world.Network.Open(owner, connection.Worker, key, reason => Lose(key, reason));
            connection.Back.MayDouble = true;
            owner.Post(new ClusterEvent.WorkerAttached(connection.Number, hello));
        }
        else if (connection.Id is { } id)
        {
            owner.Post(new ClusterEvent.WorkerSaid(id, (WorkerMessage)message));
        }

        return SimTaking.Taken;
    }

    public void Lose(string key, string reason)
    {
        if (_byKey.Remove(key, out var connection))
        {
            _byNumber.Remove(connection.Number);
            connection.Back?.Dispose();
            world.Network.Close(owner, key, reason);
            if (connection.Id is { } id && _byWorker.GetValueOrDefault(id) == connection && _byWorker.Remove(id))
            {
                owner.Post(new ClusterEvent.WorkerLost(id, reason));
            }
        }
    }

    public void LoseAll(string reason)
    {
        foreach (var key in _byKey.Keys.ToList())
        {
            Lose(key, reason);
        }
    }

    /// <summary>Says that the coordinator lives.</summary>
    public void Beat(long term)
    {
        foreach (var connection in _byWorker.Values)
        {
            connection.Back?.Send(new CoordinatorMessage.Heartbeat(term));
        }
    }

    public void Carry(ClusterEffect effect, long term, TimeSpan patience)
    {
        switch (effect)
        {
            case ClusterEffect.Admit admit when _byNumber.TryGetValue(admit.Connection, out var connection):
                connection.Id = admit.Worker;
                _byWorker[admit.Worker] = connection;
                connection.Back!.Send(new CoordinatorMessage.Welcome(admit.Worker) { Term = term, RecordedStep = admit.RecordedStep, Patience = patience });
                break;
            case ClusterEffect.Admit admit:
                // It went between Hello and here.
                owner.After(0, () => owner.Post(new ClusterEvent.WorkerLost(admit.Worker, "its stream broke before it was welcomed")));
                break;
            case ClusterEffect.Reject reject when _byNumber.TryGetValue(reject.Connection, out var connection):
                Lose(connection.Key, reject.Reason);
                break;
            case ClusterEffect.ForRun { Effect: RunEffect.Tell tell }:
                _byWorker.GetValueOrDefault(tell.Worker)?.Back?.Send(tell.Message);
                break;
            case ClusterEffect.ForRun { Effect: RunEffect.Evict evict } when _byWorker.Remove(evict.Worker, out var connection):
                world.Trace(owner, $"evicts {evict.Worker}: {evict.Reason}");
                world.Evicted(connection.Worker);
                Lose(connection.Key, evict.Reason);
                break;
            case ClusterEffect.ForRun { Effect: RunEffect.Record record }:
                world.Trace(owner, $"records {record.Entry}");
                break;
        }
    }

    private sealed class Connection(long number, SimWorker worker, string key)
    {
        public long Number => number;

        public SimWorker Worker => worker;

        public string Key => key;

        public WorkerId? Id { get; set; }

        public SimStream? Back { get; set; }
    }
}
