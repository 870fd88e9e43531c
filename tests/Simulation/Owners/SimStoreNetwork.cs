using Orchestrator.Simulation.World;

namespace Orchestrator.Simulation.Owners;

/// <summary>Messages to and from the store: lost, late and doubled while faults last.</summary>
internal sealed class SimStoreNetwork(SimClock clock, Random random, long faultsEnd)
{
    public int Lost { get; private set; }

    public int Late { get; private set; }

    public int Doubled { get; private set; }

    public void Send(Action deliver)
    {
        var isFaulty = clock.Micros < faultsEnd;
        if (isFaulty && random.Next(12) == 0)
        {
            Lost++;
            return;
        }

        clock.After(Delay(isFaulty), deliver);
        if (isFaulty && random.Next(12) == 0)
        {
            Doubled++;
            clock.After(Delay(isFaulty), deliver);
        }
    }

    /// <summary>A third of a millisecond to 20 ms; one in 12 takes up to five seconds.</summary>
    private long Delay(bool isFaulty)
    {
        if (isFaulty && random.Next(12) == 0)
        {
            Late++;
            return random.Next(20_000, 5_000_000);
        }

        return random.Next(300, 20_000);
    }
}
