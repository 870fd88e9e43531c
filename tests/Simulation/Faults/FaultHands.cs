using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Simulation.Coordinators;
using Orchestrator.Simulation.Workers;
using Orchestrator.Simulation.World;
using Orchestrator.Worker.Core.Lifecycle;
using Orchestrator.Worker.Core.Membership;

namespace Orchestrator.Simulation.Faults;

/// <summary>Makes faults happen to whoever stands in their place.</summary>
internal sealed class FaultHands(SimCluster cluster, SimWorker[] workers, ISimControl control)
{
    /// <summary>A lease lapses, another takes it, and the members come back.</summary>
    private const long OwnerLoss = 8_000_000;

    /// <summary>A hang that lasts longer is seen: it outlasts the patience with a worker's first step, and a heartbeat and a tick.</summary>
    private const long LongestHang = 16_500_000;

    /// <summary>A joiner that hangs for ever is given up by then: it may be given back and asked again once, and has the patience of the run each time.</summary>
    private const long JoinerPatience = 130_000_000;

    private readonly HashSet<Fault> _crashed = new(ReferenceEqualityComparer.Instance);

    public void Do(Fault fault)
    {
        switch (fault)
        {
            case Fault.Crash crash when !workers[crash.Worker].IsDead:
                Say(workers[crash.Worker], fault);
                Replace(crash.Worker, crash.BackAfterMicros);
                break;
            case Fault.Freeze freeze when workers[freeze.Worker] is { IsDead: false, IsFrozen: false } frozen:
                Say(frozen, fault);
                frozen.Freeze();
                cluster.Over(freeze.Micros);
                cluster.Clock.After(freeze.Micros, frozen.Thaw);
                break;
            case Fault.Hang hang when workers[hang.Worker] is { IsDead: false, IsHung: false } hung:
                Hang(hang, hung);
                break;
            case Fault.Leave leave when workers[leave.Worker] is { IsDead: false } leaver:
                Say(leaver, fault);
                cluster.HasForced |= leaver.IsLeaving;
                leaver.Happen(() => leaver.Post(new WorkerEvent.LeaveRequested("SIGTERM")));
                cluster.Over(leave.BackAfterMicros);
                AwaitDeath(leave.Worker, leaver, leave.BackAfterMicros);
                break;
            case Fault.Partition partition:
                Part(partition);
                break;
            case Fault.Slow slow when workers[slow.Worker] is { IsDead: false } slowed:
                Say(slowed, fault);
                slowed.Slowness = slow.Factor;
                cluster.Over(slow.Micros);
                cluster.Clock.After(slow.Micros, () => slowed.Slowness = 1);
                break;
            case Fault.Scale scale:
                Say(control.Process, fault);
                cluster.Over(0);
                control.Ask(SimCoordinator.Run, new ClusterEvent.ScaleRequested(SimCoordinator.Run, Math.Clamp(scale.Desired, cluster.Settings.MinWorkers, cluster.Settings.Workers + 2)));
                break;
            case Fault.SlowNetwork slow:
                Say(control.Process, fault);
                var usual = cluster.Network.LatencyMicros;
                cluster.Network.LatencyMicros = Math.Max(usual, slow.LatencyMicros);
                cluster.Over(slow.Micros);
                cluster.Clock.After(slow.Micros, () => cluster.Network.LatencyMicros = 200);
                break;
            case Fault.ClockJump jump:
                Say(control.Process, fault);
                control.Jump(TimeSpan.FromMicroseconds(jump.Micros));
                cluster.Over(0);
                break;
            case Fault.SlowDisk slow:
                Say(control.Process, fault);
                cluster.Disk.Slowness = Math.Max(cluster.Disk.Slowness, slow.Factor);
                cluster.Over(slow.Micros);
                cluster.Clock.After(slow.Micros, () => cluster.Disk.Slowness = 1);
                break;
            case Fault.LedgerDiskFull full:
                Say(control.Process, fault);
                cluster.Disk.LedgersFullUntil = Math.Max(cluster.Disk.LedgersFullUntil, cluster.Clock.Micros + full.Micros);
                cluster.Over(full.Micros);
                break;
            case Fault.CrashAtStep crash:
                cluster.Dying += (worker, step) => CrashAtStep(worker, step, crash);
                break;
            case Fault.CrashWhileSaving crash:
                cluster.Saving = writer => CrashWhileSaving(writer, crash);
                break;
            case Fault.FreezeFollower freeze:
                cluster.Following = joiner => FreezeFollower(joiner, freeze);
                break;
            case Fault.HangJoiner { IsPreparing: true } hang:
                cluster.PreparingToJoin = joiner => HangJoiner(joiner, hang);
                break;
            case Fault.HangJoiner hang:
                cluster.LoadingState = joiner => HangJoiner(joiner, hang);
                break;
            case Fault.HangingFeeds hanging:
                Say(control.Process, fault);
                cluster.Network.FeedsHangUntil = Math.Max(cluster.Network.FeedsHangUntil, cluster.Clock.Micros + hanging.Micros);
                cluster.Over(hanging.Micros);
                break;
            case Fault.Doubled doubled:
                Say(control.Process, fault);
                cluster.Network.DoublesUntil = Math.Max(cluster.Network.DoublesUntil, cluster.Clock.Micros + doubled.Micros);
                cluster.Over(doubled.Micros);
                break;
            case Fault.OwnerCrash or Fault.OwnerFreeze or Fault.StoreDown when control is SimCoordinators owners:
                HitOwner(fault, owners);
                break;
            case Fault.PowerCut cut:
                cluster.Disk.CutPower();
                for (var place = 0; place < workers.Length; place++)
                {
                    Say(workers[place], fault);
                    Replace(place, cut.BackAfterMicros + place);
                }

                break;
        }
    }

    private void Hang(Fault.Hang hang, SimWorker hung)
    {
        Say(hung, hang);
        hung.Hang(cluster.Clock.Micros + hang.Micros);
        cluster.Over(hang.Micros);
        cluster.Clock.After(hang.Micros, () =>
        {
            // Nothing else was wrong, so the others had waited for it and nothing kept the coordinator from seeing that.
            if (hang.Micros > LongestHang && cluster.Faults.Count == 1 && workers.Length > 1 && !hung.IsDead && hung.Member?.State.Work is MemberWork.Compute or MemberWork.Apply)
            {
                cluster.Violate($"{hung.Name} ({hung.Id}) hung for {hang.Micros / 1e6:0.0} s at {hung.Member.State.Work}, and was not given up");
            }

            hung.GoOn();
        });
        AwaitDeath(hang.Worker, hung, hang.BackAfterMicros);
    }

    private void HangJoiner(SimWorker joiner, Fault.HangJoiner hang)
    {
        (cluster.PreparingToJoin, cluster.LoadingState) = (null, null);
        Say(joiner, hang);
        joiner.Hang(long.MaxValue / 2);
        cluster.Over(JoinerPatience);
        cluster.Clock.After(JoinerPatience, () =>
        {
            if (!joiner.IsDead)
            {
                cluster.Violate($"{joiner.Name} ({joiner.Id}) hung for {JoinerPatience / 1e6:0} s on its way into the run, and was not given up");
            }
        });
        AwaitDeath(Array.IndexOf(workers, joiner), joiner, hang.BackAfterMicros);
    }

    private void HitOwner(Fault fault, SimCoordinators owners)
    {
        var owner = owners.Draw(0);
        switch (fault)
        {
            case Fault.OwnerCrash crash when !owner.IsDead:
                Say(owner, fault);
                owner.DieAfter(crash.Orders);
                cluster.Over(crash.BackAfterMicros + OwnerLoss);
                cluster.Clock.After(crash.BackAfterMicros, () => Restart(owners, owner));
                break;
            case Fault.OwnerFreeze freeze when owner is { IsDead: false, IsFrozen: false }:
                Say(owner, fault);
                owner.Freeze();
                cluster.Over(freeze.Micros + OwnerLoss);
                cluster.Clock.After(freeze.Micros, owner.Thaw);
                break;
            case Fault.StoreDown down:
                Say(owner, fault);
                owners.Store.Leases.DownUntil = Math.Max(owners.Store.Leases.DownUntil, cluster.Clock.Micros + down.Micros);
                cluster.Over(down.Micros + OwnerLoss);
                break;
        }
    }

    /// <summary>A supervisor looks now and then whether the process has ended.</summary>
    private void Restart(SimCoordinators owners, OwnedCoordinator former)
    {
        if (former.IsDead)
        {
            owners.Restart(former);
        }
        else
        {
            cluster.Clock.After(500_000, () => Restart(owners, former));
        }
    }

    /// <summary>Once.</summary>
    private void CrashAtStep(SimWorker worker, long step, Fault.CrashAtStep crash)
    {
        if (step == crash.Step && workers[crash.Worker] == worker && _crashed.Add(crash))
        {
            // Behind its report, which is then under way.
            cluster.Clock.After(0, () =>
            {
                if (workers[crash.Worker] == worker && !worker.IsDead)
                {
                    Say(worker, crash);
                    Replace(crash.Worker, crash.BackAfterMicros);
                }
            });
        }
    }

    private void CrashWhileSaving(SimWorker writer, Fault.CrashWhileSaving crash)
    {
        cluster.Saving = null;
        cluster.Clock.After(crash.AfterMicros, () =>
        {
            if (Array.IndexOf(workers, writer) is >= 0 and var place && !writer.IsDead)
            {
                Say(writer, crash);
                Replace(place, crash.BackAfterMicros);
            }
        });
    }

    private void FreezeFollower(SimWorker joiner, Fault.FreezeFollower freeze)
    {
        if (joiner.IsFrozen)
        {
            return;
        }

        cluster.Following = null;
        Say(joiner, freeze);
        joiner.Freeze();
        cluster.Over(freeze.Micros);
        cluster.Clock.After(freeze.Micros, joiner.Thaw);
    }

    private void Replace(int place, long afterMicros)
    {
        var former = workers[place];
        former.Die();
        cluster.Over(afterMicros);
        cluster.Clock.After(afterMicros, () =>
        {
            if (workers[place] == former)
            {
                cluster.StartWorker(place);
            }
        });
    }

    /// <summary>A supervisor looks now and then whether the process that was told to leave has ended, and starts another one.</summary>
    private void AwaitDeath(int place, SimWorker leaver, long afterMicros) => cluster.Clock.After(50_000 + afterMicros, () =>
    {
        if (workers[place] != leaver)
        {
            return;
        }

        if (leaver.IsDead)
        {
            cluster.StartWorker(place);
        }
        else
        {
            AwaitDeath(place, leaver, 0);
        }
    });

    private void Part(Fault.Partition partition)
    {
        SimProcess one = workers[partition.Worker];
        SimProcess other = partition.Other < 0 ? control.Process : workers[partition.Other];
        if (one == other)
        {
            return;
        }

        Say(one, partition);
        cluster.Network.Cut(one, other);
        if (!partition.IsOneWay)
        {
            cluster.Network.Cut(other, one);
        }

        cluster.Over(partition.Micros);
        cluster.Clock.After(partition.Micros, () =>
        {
            cluster.Network.Heal(one, other);
            cluster.Network.Heal(other, one);
        });
    }

    private void Say(SimProcess process, Fault fault) => cluster.Trace(process, $"*** {fault}");
}
