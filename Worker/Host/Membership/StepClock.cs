using System.Diagnostics;
using Orchestrator.Core.Messages;

namespace Orchestrator.Worker.Host.Membership;

internal enum StepPhase
{
    Data,
    Compute,
    Update,
}

/// <summary>Adds up what each phase of one step took; what is left is waiting for the all-reduce.</summary>
internal sealed class StepClock
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly double[] _seconds = new double[3];

    public T Measure<T>(StepPhase phase, Func<T> work)
    {
        var start = Stopwatch.GetTimestamp();
        var result = work();
        _seconds[(int)phase] += Stopwatch.GetElapsedTime(start).TotalSeconds;
        return result;
    }

    public StepSeconds Seconds()
    {
        var step = Stopwatch.GetElapsedTime(_start).TotalSeconds;
        return new StepSeconds(
            step, _seconds[(int)StepPhase.Data], _seconds[(int)StepPhase.Compute], Math.Max(0, step - _seconds.Sum()), _seconds[(int)StepPhase.Update]);
    }
}
