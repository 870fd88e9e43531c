using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Simulation.Workers;
using Orchestrator.Simulation.World;

namespace Orchestrator.Simulation.Coordinators;

/// <summary>The workers' streams to a coordinator.</summary>
/// <param name="owner">The coordinator: gets what comes.</param>
/// <param name="network">Carries the streams.</param>
/// <param name="post">Takes what happens to them.</param>
/// <param name="trace">Told of what is carried out.</param>
/// <param name="evicted">Told of workers that are given up.</param>
internal sealed class WorkerStreams(ISimEndpoint owner, SimNetwork network, Action<ClusterEvent> post, Action<string> trace, Action<SimWorker> evicted)
{
    /// <summary>A worker that hangs hears that it is to start afresh before its stream is closed.</summary>
    private const long LastWordMicros = 2_000_000;

    private readonly Dictionary<string, Connection> _byKey = [];
    private readonly Dictionary<long, Connection> _byNumber = [];
    private readonly Dictionary<WorkerId, Connection> _byWorker = [];
    private long _connections;

    public SimStream Open(SimWorker worker, string key, Action<string> lost)
    {
        var connection = new Connection(++_connections, worker, key);
        _byKey[key] = connection;
        _byNumber[connection.Number] = connection;
        return network.Open(worker, owner, key, lost);
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
            connection.Back = network.Open(owner.Process, connection.Worker, key, reason => Lose(key, reason));
            connection.Back.MayDouble = true;
            post(new ClusterEvent.WorkerAttached(connection.Number, hello));
        }
        else if (connection.Id is { } id)
        {
            post(new ClusterEvent.WorkerSaid(id, (WorkerMessage)message));
        }

        return SimTaking.Taken;
    }

    public void Lose(string key, string reason)
    {
        if (_byKey.Remove(key, out var connection))
        {
            _byNumber.Remove(connection.Number);
            connection.Back?.Dispose();
            network.Close(owner, key, reason);
            if (connection.Id is { } id && _byWorker.GetValueOrDefault(id) == connection && _byWorker.Remove(id))
            {
                post(new ClusterEvent.WorkerLost(id, reason));
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

    public WorkerId? IdOf(SimWorker worker) => _byKey.Values.Where(each => each.Worker == worker).Select(each => each.Id).LastOrDefault();

    /// <param name="effect">What is not about streams is passed over.</param>
    /// <param name="term">Under which the coordinator owns its runs; 0: it has no store.</param>
    /// <param name="patience">What workers are told of their wait for its words; null: they wait for the stream's end.</param>
    public void Carry(ClusterEffect effect, long term, TimeSpan? patience)
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
                owner.Process.After(0, () => post(new ClusterEvent.WorkerLost(admit.Worker, "its stream broke before it was welcomed") { Connection = admit.Connection }));
                break;
            case ClusterEffect.Reject reject when _byNumber.TryGetValue(reject.Connection, out var connection):
                Lose(connection.Key, reject.Reason);
                break;
            case ClusterEffect.ForRun { Effect: RunEffect.Tell tell }:
                _byWorker.GetValueOrDefault(tell.Worker)?.Back?.Send(tell.Message);
                break;
            case ClusterEffect.ForRun { Effect: RunEffect.Evict evict } when _byWorker.Remove(evict.Worker, out var connection):
                trace($"evicts {evict.Worker}: {evict.Reason}");
                evicted(connection.Worker);
                if (evict.IsHung)
                {
                    connection.Back!.Send(new CoordinatorMessage.StartAfresh(evict.Reason));
                    owner.Process.After(LastWordMicros, () => Lose(connection.Key, evict.Reason));
                    break;
                }

                Lose(connection.Key, evict.Reason);
                break;
            case ClusterEffect.ForRun { Effect: RunEffect.Record record }:
                trace($"records {record.Entry}");
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
