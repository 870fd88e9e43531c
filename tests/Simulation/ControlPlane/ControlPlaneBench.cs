using Orchestrator.Coordinator.Core.Liveness;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Simulation.ControlPlane;

/// <summary>What a coordinator and its workers do and say for the acts of a run's life, from a few members to ten thousand.</summary>
/// <remarks>
/// The coordinator's core is the real one. Members answer by the rules of the protocol (<see cref="RuleMember"/>). Each act is repeated until it has been
/// done by ten thousand members, so that small numbers are measured as well as large ones.
/// </remarks>
public static class ControlPlaneBench
{
    private const int LeastMembers = 10_000;

    public const string Forming = "attach and form";
    public const string Step = "a step";
    public const string Checkpoint = "a checkpoint";
    public const string Heartbeats = "a second of heartbeats";
    public const string Failure = "one dies: new generation";
    public const string Join = "one joins: planned change";
    public const string End = "the run ends";

    /// <param name="workers">At least 2.</param>
    /// <param name="openWire">Called for each run; gives the size on the wire of what a worker and its coordinator say, in order. Null: it does not matter.</param>
    public static IReadOnlyList<ControlPlaneCost> Measure(int workers, Func<Func<WorkerId, object, int>>? openWire = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(workers, 2);
        var rounds = Math.Max(1, LeastMembers / workers);
        var costs = new Dictionary<string, ControlPlaneCost>();
        for (var round = 0; round < rounds; round++)
        {
            Play(workers, new Random(round), openWire?.Invoke(), costs);
        }

        return [.. costs.Values.Select(sum => sum with
        {
            Events = sum.Events / rounds, ToWorkers = sum.ToWorkers / rounds, ToCoordinator = sum.ToCoordinator / rounds, Bytes = sum.Bytes / rounds,
            Records = sum.Records / rounds, CpuSeconds = sum.CpuSeconds / rounds, AllocatedBytes = sum.AllocatedBytes / rounds,
        })];
    }

    private static void Play(int workers, Random random, Func<WorkerId, object, int>? bytesOf, Dictionary<string, ControlPlaneCost> costs)
    {
        ControlPlaneRun run = null!;
        Act(Forming, () =>
        {
            run = new ControlPlaneRun(workers, random, bytesOf);
            for (var i = 0; i < workers; i++)
            {
                run.Attach();
            }
        });
        Act(Step, () => Decide(run.Members));
        Act(Checkpoint, () =>
        {
            run.Say(run.Members.First(), new WorkerMessage.CheckpointSaved(run.State.Generation, 1, "/runs/run/checkpoints/step-00000001", new string('a', 64), 300_000_000, 1, 0.1, null));
            foreach (var member in run.Members)
            {
                run.Say(member, new WorkerMessage.StateDigest(member.In, member.Decided, new string('b', 64)));
            }
        });
        Act(Heartbeats, () =>
        {
            for (var beat = 0; beat < 4; beat++)
            {
                foreach (var member in run.Members)
                {
                    run.Say(member, new WorkerMessage.Heartbeat(new WorkMark(WorkKind.Computing, member.Decided + 1, 3)));
                }

                run.Settle();
                run.Tick(LivenessRule.TickInterval);
            }
        });

        // Half of the members have decided the step when one dies in the middle; everybody's link to it breaks.
        var members = run.Members.ToList();
        Decide(members.Take(workers / 2));
        run.Settle();
        Act(Failure, () =>
        {
            var dead = members[workers / 2];
            members.Remove(dead);
            run.Kill(dead);
            foreach (var member in members)
            {
                run.Say(member, new WorkerMessage.LinkBroken(member.In, dead.Id, "the stream broke"));
            }
        });
        Act(Join, run.Attach);
        Act(End, () =>
        {
            var last = run.State.LastStep;
            run.Say(run.Members.First(), new WorkerMessage.CheckpointSaved(run.State.Generation, last, $"/runs/run/checkpoints/step-{last:D8}", new string('a', 64), 300_000_000, 1, 0.1, null));
            foreach (var member in run.Members)
            {
                run.Say(member, new WorkerMessage.Finished(member.In, last, new string('a', 64), 1000));
            }
        });

        void Decide(IEnumerable<RuleMember> deciding)
        {
            foreach (var member in deciding)
            {
                member.Decided++;
                run.Say(member, member.Report());
            }
        }

        void Act(string name, Action act)
        {
            var before = run is null ? default : (run.Events, run.ToWorkers, run.ToCoordinator, run.Bytes, run.Records);
            var (cpu, allocated) = (Environment.CpuUsage.TotalTime, GC.GetAllocatedBytesForCurrentThread());
            act();
            run!.Settle();
            var sum = costs.GetValueOrDefault(name) ?? new ControlPlaneCost(workers, name, 0, 0, 0, 0, 0, 0, 0);
            costs[name] = new ControlPlaneCost(
                workers, name, sum.Events + run.Events - before.Events, sum.ToWorkers + run.ToWorkers - before.ToWorkers,
                sum.ToCoordinator + run.ToCoordinator - before.ToCoordinator, sum.Bytes + run.Bytes - before.Bytes, sum.Records + run.Records - before.Records,
                sum.CpuSeconds + (Environment.CpuUsage.TotalTime - cpu).TotalSeconds, sum.AllocatedBytes + GC.GetAllocatedBytesForCurrentThread() - allocated);
        }
    }
}
