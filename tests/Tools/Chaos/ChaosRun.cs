using System.Diagnostics;
using System.Text.Json;

namespace Orchestrator.Tools.Chaos;

/// <summary>One run under faults: starts it, hits it by the plan, and keeps a list of what was done.</summary>
internal sealed class ChaosRun
{
    /// <summary>How often the events are looked at.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    /// <summary>A change of members, or the death that it follows, takes about so long.</summary>
    private static readonly TimeSpan SoonAfter = TimeSpan.FromSeconds(1);

    /// <summary>Of a fault that hits no process.</summary>
    private const int NoProcess = 0;

    private readonly ChaosPlan _plan;
    private readonly TimeSpan _every;
    private readonly ICluster _cluster;
    private readonly SmallDisk? _disk;
    private readonly int _workers;
    private readonly RunEvents _events;
    private readonly List<Task> _mends = [];
    private readonly Victims _victims = new();
    private readonly Dictionary<int, TimeSpan> _starts = [];
    private readonly HashSet<int> _first = [];
    private readonly OwnerFaults? _owners;
    private readonly bool _isMixed;
    private PlannedFault _upcoming;
    private DateTimeOffset _trainsSince;
    private bool _isGrown;
    private volatile bool _isDiskFull;

    /// <param name="runDir">The run's folder.</param>
    /// <param name="disk">Of the checkpoints; null: no fault of the plan fills it.</param>
    /// <param name="workers">The run wishes for.</param>
    /// <param name="isMixed">The plan hits others than coordinators too.</param>
    public ChaosRun(ChaosPlan plan, TimeSpan every, string runDir, ICluster cluster, SmallDisk? disk, int workers, bool isMixed)
    {
        (_plan, _every, _cluster, _disk, _workers, _isMixed) = (plan, every, cluster, disk, workers, isMixed);
        _events = new RunEvents(Path.Combine(runDir, "events.jsonl"));
        _owners = cluster.Coordinators is { } coordinators ? new OwnerFaults(coordinators, _events) : null;
        _upcoming = plan.Next();
        Steps = new RunSteps(Path.Combine(runDir, "steps.jsonl"));
    }

    /// <summary>Faults that landed, in order.</summary>
    public List<LandedFault> Landed { get; } = [];

    public RunEvents Events => _events;

    public RunSteps Steps { get; }

    /// <summary>What the deaths of owners did; null: no coordinator is hit.</summary>
    public TakeOvers? TakeOvers => _owners is null ? null : TakeOvers.Of(_owners.Deaths, Steps.Read(), _trainsSince);

    /// <summary>Processes that came in after the first members, and the processor time that they had used by then: starting, loading, catching up.</summary>
    public (int Count, TimeSpan Processor) Starts => (_starts.Count, TimeSpan.FromTicks(_starts.Values.Sum(each => each.Ticks)));

    /// <summary>From the moment when all first members were there to the end.</summary>
    public TimeSpan Lasted { get; private set; }

    public async Task<(int Code, JsonElement? Result)> PlayAsync()
    {
        var end = await _cluster.StartAsync();
        var next = WaitFor(_upcoming);
        var watch = new Stopwatch();
        while (!end.IsCompleted)
        {
            _events.Read();
            if (!watch.IsRunning && _events.Members().Count >= _workers)
            {
                watch.Start();
                _trainsSince = DateTimeOffset.UtcNow;
                _first.UnionWith(_events.Members().Values);
            }

            NoteStarts();

            if (watch.IsRunning && watch.Elapsed >= next && !_events.IsEnded && await TryHitAsync(_upcoming))
            {
                _upcoming = _plan.Next();
                next = watch.Elapsed + WaitFor(_upcoming);
            }

            await Task.WhenAny(end, Task.Delay(Look));
        }

        Lasted = watch.Elapsed;
        await Task.WhenAll(_mends);
        _events.Read();
        return await end;
    }

    /// <summary>Owners are hit at a moment that is drawn; behind another fault soon, in the middle of what that changes.</summary>
    private TimeSpan WaitFor(PlannedFault fault) => fault.Kind != FaultKind.Coordinator ? _every
        : _isMixed && Landed.Count > 0 && Landed[^1].Kind != FaultKind.Coordinator ? fault.Victim * SoonAfter : _every + (fault.Victim * _every);

    private void NoteStarts()
    {
        foreach (var pid in _first.Count == 0 ? [] : _events.Members().Values.Where(pid => !_first.Contains(pid) && !_starts.ContainsKey(pid)).ToList())
        {
            try
            {
                using var process = Process.GetProcessById(pid);
                _starts[pid] = process.TotalProcessorTime;
            }
            catch (Exception gone) when (gone is ArgumentException or InvalidOperationException)
            {
                // It was killed in the moment when it came in.
                _starts[pid] = TimeSpan.Zero;
            }
        }
    }

    /// <returns>False: a victim is a member that is well, and so is another; there are no two now, and this turn waits.</returns>
    private async Task<bool> TryHitAsync(PlannedFault fault)
    {
        switch (fault.Kind)
        {
            case FaultKind.Join:
                await ScaleAsync();
                return true;
            case FaultKind.Coordinator:
                await HitOwnerAsync(fault);
                return true;
            case FaultKind.Disk:
                FillDisk(fault);
                return true;
        }

        var well = _victims.Of(_events.Members(), _events.NewestGeneration, Steps.Read());
        if (well.Count == 0)
        {
            return false;
        }

        var (worker, pid) = well[(int)(fault.Victim * well.Count)];
        await HitAsync(fault, worker, pid);
        return true;
    }

    /// <summary>One that is still full stays so until its own time is over.</summary>
    private void FillDisk(PlannedFault fault)
    {
        if (_isDiskFull)
        {
            return;
        }

        _isDiskFull = true;
        _disk!.Fill();
        Land(fault, "the disk of the checkpoints", NoProcess);
        _mends.Add(LaterAsync(fault.Lasting, () =>
        {
            _disk.Free();
            _isDiskFull = false;
        }));
    }

    private async Task HitAsync(PlannedFault fault, string worker, int pid)
    {
        if (fault.Kind == FaultKind.Cut)
        {
            _victims.Hit(pid);
            await _cluster.SetCutAsync(pid, isCut: true);
            Land(fault, worker, pid);
            _mends.Add(MendCutAsync(fault, pid));
            return;
        }

        var signal = fault.Kind switch { FaultKind.Kill => Signals.Kill, FaultKind.Term => Signals.Term, _ => Signals.Stop };
        if (!Signals.Send(pid, signal))
        {
            return;
        }

        _victims.Hit(pid);
        Land(fault, worker, pid);
        if (fault.Kind == FaultKind.Freeze)
        {
            _mends.Add(LaterAsync(fault.Lasting, () =>
            {
                Signals.Send(pid, Signals.Continue);
                _victims.Mend(pid, DateTimeOffset.UtcNow);
            }));
        }
    }

    private async Task HitOwnerAsync(PlannedFault fault)
    {
        await _owners!.HitAsync(fault);
        var death = _owners.Deaths[^1];
        Landed.Add(new LandedFault(fault.Kind, death.At, death.Pid, fault.Lasting));
        Say($"{(death.IsFrozen ? "freeze" : "kill")} the owner (pid {death.Pid}); {(death.OwnedAt - death.At).TotalSeconds:0.00} s later another owned the runs under term {death.Term}");
    }

    private async Task MendCutAsync(PlannedFault fault, int pid)
    {
        await Task.Delay(fault.Lasting);
        await _cluster.SetCutAsync(pid, isCut: false);
        _victims.Mend(pid, DateTimeOffset.UtcNow);
    }

    private static async Task LaterAsync(TimeSpan wait, Action mend)
    {
        await Task.Delay(wait);
        mend();
    }

    private void Land(PlannedFault fault, string what, int pid)
    {
        Landed.Add(new LandedFault(fault.Kind, DateTimeOffset.UtcNow, pid, fault.Lasting));
        Say($"{fault.Kind.ToString().ToLowerInvariant()} {what}{(pid == NoProcess ? "" : $" (pid {pid})")}{(fault.Lasting > TimeSpan.Zero ? $" for {fault.Lasting.TotalSeconds:0.0} s" : "")}");
    }

    private async Task ScaleAsync()
    {
        var runId = _events.All[0].GetProperty("runId").GetString()!;
        var wanted = _isGrown ? _workers : _workers + 1;
        var (code, _) = await _cluster.AskAsync("scale", runId, $"{wanted}");
        if (code != 0)
        {
            Say($"the scale to {wanted} workers was refused with exit code {code}; it does not count as a fault");
            return;
        }

        _isGrown = !_isGrown;
        Landed.Add(new LandedFault(FaultKind.Join, DateTimeOffset.UtcNow, NoProcess, TimeSpan.Zero));
        Say($"scale to {wanted} workers");
    }

    private static void Say(string what) => Console.Error.WriteLine($"chaos: {what}");
}

/// <summary>A fault that was carried out.</summary>
/// <param name="Pid">Of the victim; 0: none.</param>
/// <param name="Lasting">Until it was mended; zero for a fault that is not.</param>
internal sealed record LandedFault(FaultKind Kind, DateTimeOffset At, int Pid, TimeSpan Lasting);
