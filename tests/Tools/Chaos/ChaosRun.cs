using System.Diagnostics;
using System.Text.Json;

namespace Orchestrator.Tools.Chaos;

/// <summary>One run under faults: starts it, hits its processes by the plan, and keeps a list of what was done.</summary>
internal sealed class ChaosRun
{
    /// <summary>How often the events are looked at.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    /// <summary>At least this many members stay untouched, so that somebody survives.</summary>
    private const int LeastMembers = 2;

    private readonly ChaosPlan _plan;
    private readonly TimeSpan _every;
    private readonly string _runDir;
    private readonly int _workers;
    private readonly RunEvents _events;
    private readonly List<Task> _thaws = [];
    private readonly HashSet<int> _frozen = [];
    private bool _isGrown;

    public ChaosRun(ChaosPlan plan, TimeSpan every, string runDir, int workers)
    {
        (_plan, _every, _runDir, _workers) = (plan, every, runDir, workers);
        _events = new RunEvents(Path.Combine(runDir, "events.jsonl"));
    }

    /// <summary>Faults that landed, in order.</summary>
    public List<LandedFault> Landed { get; } = [];

    public RunEvents Events => _events;

    /// <param name="arguments">Of `run`.</param>
    public async Task<(int Code, JsonElement? Result)> PlayAsync(IEnumerable<string> arguments)
    {
        using var run = RunProgram.Start("Orchestrator.Coordinator", arguments);
        var end = RunProgram.EndAsync(run);
        var next = _every;
        var watch = new Stopwatch();
        while (!end.IsCompleted)
        {
            _events.Read();
            if (!watch.IsRunning && _events.Members().Count >= _workers)
            {
                watch.Start();
            }

            if (watch.IsRunning && watch.Elapsed >= next && !_events.IsEnded)
            {
                await HitAsync(_plan.Next());
                next = watch.Elapsed + _every;
            }

            await Task.WhenAny(end, Task.Delay(Look));
        }

        await Task.WhenAll(_thaws);
        _events.Read();
        return await end;
    }

    private async Task HitAsync(PlannedFault fault)
    {
        if (fault.Kind == FaultKind.Join)
        {
            await ScaleAsync();
            return;
        }

        // A victim is a member that is well; with too few of them this turn waits for the next.
        while (!_events.IsEnded)
        {
            _events.Read();
            var members = _events.Members().Where(member => !_frozen.Contains(member.Value)).OrderBy(member => member.Key, StringComparer.Ordinal).ToList();
            if (members.Count >= LeastMembers)
            {
                var (worker, pid) = members[(int)(fault.Victim * members.Count)];
                Hit(fault, worker, pid);
                return;
            }

            await Task.Delay(Look);
        }
    }

    private void Hit(PlannedFault fault, string worker, int pid)
    {
        var signal = fault.Kind switch { FaultKind.Kill => Signals.Kill, FaultKind.Term => Signals.Term, _ => Signals.Stop };
        if (!Signals.Send(pid, signal))
        {
            return;
        }

        Landed.Add(new LandedFault(fault.Kind, DateTimeOffset.UtcNow, pid, fault.Frozen));
        Say($"{fault.Kind.ToString().ToLowerInvariant()} {worker} (pid {pid}){(fault.Kind == FaultKind.Freeze ? $" for {fault.Frozen.TotalSeconds:0.0} s" : "")}");
        if (fault.Kind == FaultKind.Freeze)
        {
            _frozen.Add(pid);
            _thaws.Add(Task.Delay(fault.Frozen).ContinueWith(
                _ =>
                {
                    Signals.Send(pid, Signals.Continue);
                    lock (_frozen)
                    {
                        _frozen.Remove(pid);
                    }
                },
                TaskScheduler.Default));
        }
    }

    private async Task ScaleAsync()
    {
        var coordinator = Path.Combine(_runDir, "coordinator");
        if (!File.Exists(coordinator))
        {
            return;
        }

        var runId = _events.All[0].GetProperty("runId").GetString()!;
        var wanted = _isGrown ? _workers : _workers + 1;
        var address = (await File.ReadAllTextAsync(coordinator)).Trim();
        var (code, _) = await RunProgram.RunAsync("Orchestrator.Coordinator", ["scale", runId, $"{wanted}", "--coordinator", address]);
        if (code == 0)
        {
            _isGrown = !_isGrown;
            Landed.Add(new LandedFault(FaultKind.Join, DateTimeOffset.UtcNow, 0, TimeSpan.Zero));
            Say($"scale to {wanted} workers");
        }
    }

    private static void Say(string what) => Console.Error.WriteLine($"chaos: {what}");
}

/// <summary>A fault that was carried out.</summary>
/// <param name="Pid">Of the victim; 0: none.</param>
/// <param name="Frozen">Of a freeze.</param>
internal sealed record LandedFault(FaultKind Kind, DateTimeOffset At, int Pid, TimeSpan Frozen);
