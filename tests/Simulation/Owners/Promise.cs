namespace Orchestrator.Simulation.Owners;

/// <summary>What must hold after every event.</summary>
internal static class Promise
{
    /// <exception cref="BrokenPromiseException">It does not hold.</exception>
    public static void Keep(bool holds, string violation)
    {
        if (!holds)
        {
            throw new BrokenPromiseException(violation);
        }
    }
}

/// <summary>The message is what was seen.</summary>
public sealed class BrokenPromiseException(string message) : Exception(message);
