using Orchestrator.Coordinator.Core.Changes;
using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Cluster;

/// <summary>A person takes workers out of their runs, so that their hosts can be used for something else: they get no other run until they are taken back, or their processes end.</summary>
/// <remarks>
/// A worker may attach again with another id, to this coordinator or to the next, so its process is remembered. A process that ends in order says so, and is forgotten;
/// one that was killed is not missed, and its mark stays until newer ones need the place.
/// </remarks>
public static class Draining
{
    /// <summary>Marks of processes that are not attached: far more than anybody drains in the seconds in which the workers come back to a new owner. A mark is some hundred bytes in the store.</summary>
    public const int MostAbsent = 1024;

    private const string Reason = "drained on request";

    internal static void Drain(ClusterTurn turn, WorkerId worker)
    {
        if (!turn.State.Workers.TryGetValue(worker, out var candidate))
        {
            turn.Effects.Add(new ClusterEffect.Note($"No worker {worker} is attached."));
            return;
        }

        if (candidate.IsDrained)
        {
            turn.Effects.Add(new ClusterEffect.Note($"Worker {worker} is drained already."));
            return;
        }

        turn.State = turn.State.With(candidate with { IsDrained = true });
        if (candidate.Hello.Instance is { Length: > 0 } instance)
        {
            turn.State = Bound(turn.State with { Drained = turn.State.Drained.SetItem(instance, new DrainMark(instance, worker, turn.Now)) });
            turn.Effects.Add(new ClusterEffect.StorePool());
        }

        Leave(turn, worker);
    }

    internal static void TakeBack(ClusterTurn turn, WorkerId worker)
    {
        if (turn.State.Workers.GetValueOrDefault(worker) is not { IsDrained: true } candidate)
        {
            turn.Effects.Add(new ClusterEffect.Note($"No worker {worker} is drained."));
            return;
        }

        turn.State = turn.State.With(candidate with { IsDrained = false });
        Forget(turn, candidate.Hello.Instance);
        if (!candidate.IsEnding && turn.State.RunOf(worker) is { } run && Sharing.MayKeep(run, worker))
        {
            turn.Give(run, new RunEvent.LeaversKept([worker]));
        }
    }

    /// <summary>The process ends, or is not drained any more.</summary>
    internal static void Forget(ClusterTurn turn, string instance)
    {
        if (turn.State.Drained.ContainsKey(instance))
        {
            turn.State = turn.State with { Drained = turn.State.Drained.Remove(instance) };
            turn.Effects.Add(new ClusterEffect.StorePool());
        }
    }

    /// <summary>As if the worker had said that it leaves; its process need not know why it is released. A worker that serves no run stays where it is.</summary>
    internal static void Leave(ClusterTurn turn, WorkerId worker)
    {
        if (turn.State.RunOf(worker) is not { } run)
        {
            return;
        }

        turn.Give(run, new RunEvent.WorkerSaid(worker, new WorkerMessage.Leaving(Reason)));
        if (turn.State.RunOf(worker) is null && turn.State.Find(run.Id)!.Phase is not RunPhase.Ended)
        {
            turn.Add(run.Id, [new RunEffect.Tell(worker, new CoordinatorMessage.Release("It is drained on request."))]);
        }
    }

    /// <summary>Whether a worker that attaches was drained before.</summary>
    internal static bool IsDrained(ClusterState state, WorkerMessage.Hello hello) => state.Drained.ContainsKey(hello.Instance);

    internal static ClusterState Adopt(ClusterState state, PoolSnapshot pool) => state with { Drained = state.Drained.SetItems(pool.Drained.Select(mark => KeyValuePair.Create(mark.Instance, mark))) };

    /// <summary>Whoever was drained longest ago is forgotten first.</summary>
    private static ClusterState Bound(ClusterState state)
    {
        if (state.Drained.Count <= MostAbsent)
        {
            return state;
        }

        var attached = state.Workers.Values.Select(candidate => candidate.Hello.Instance).ToHashSet(StringComparer.Ordinal);
        var absent = state.Drained.Values.Where(mark => !attached.Contains(mark.Instance)).OrderByDescending(mark => mark.At).Skip(MostAbsent);
        return state with { Drained = state.Drained.RemoveRange(absent.Select(mark => mark.Instance)) };
    }
}
