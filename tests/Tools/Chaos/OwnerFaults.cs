namespace Orchestrator.Tools.Chaos;

/// <summary>Hits owners one after the other, and waits until each take-over is over before the owner that was hit comes back.</summary>
/// <param name="coordinators">Who can own the runs.</param>
/// <param name="events">Of the run.</param>
internal sealed class OwnerFaults(CoordinatorProcesses coordinators, RunEvents events)
{
    /// <summary>In which the run's members come back; a run without members is not adopted.</summary>
    private static readonly TimeSpan AdoptionWait = TimeSpan.FromSeconds(10);

    /// <summary>Reports that were kept are written in this time, behind run.adopted.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    public List<OwnerDeath> Deaths { get; } = [];

    public async Task HitAsync(PlannedFault fault)
    {
        var death = await coordinators.StrikeAsync(isFrozen: fault.Lasting > TimeSpan.Zero);
        var adopted = await AdoptionAsync(death.At);
        await Task.Delay(Settling, Interruption.Token);
        if (death.At + fault.Lasting - DateTimeOffset.UtcNow is { Ticks: > 0 } left)
        {
            await Task.Delay(left, Interruption.Token);
        }

        var settled = DateTimeOffset.UtcNow;
        await coordinators.MendAsync(death);
        await Task.Delay(Settling, Interruption.Token);
        Deaths.Add(death with { AdoptedAt = adopted, SettledAt = settled, MendedAt = DateTimeOffset.UtcNow });
    }

    private async Task<DateTimeOffset?> AdoptionAsync(DateTimeOffset since)
    {
        while (DateTimeOffset.UtcNow < since + AdoptionWait && !events.IsEnded)
        {
            events.Read();
            foreach (var each in events.All.Where(each => RunEvents.Name(each) == "run.adopted" && RunEvents.Time(each) >= since))
            {
                return RunEvents.Time(each);
            }

            await Task.Delay(Look, Interruption.Token);
        }

        return null;
    }
}
