using System.Globalization;
using Orchestrator.Simulation.Faults;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Simulation.Workers;

/// <summary>What one simulated run is like; drawn from its seed.</summary>
public sealed record SimSettings
{
    public required int Workers { get; init; }

    public required int MinWorkers { get; init; }

    public required int LogicalRanks { get; init; }

    public required long Steps { get; init; }

    public required long CheckpointEvery { get; init; }

    /// <summary>Microseconds of one logical rank's pass.</summary>
    public required long PassMicros { get; init; }

    /// <summary>Up to so many members everybody sends to everybody; above that they add up in groups.</summary>
    public int MostDirect { get; init; } = Grouping.MostDirect;

    /// <summary>What is made wrong on purpose; none usually.</summary>
    public Bug Bug { get; init; } = Bug.None;

    public static string HashOf(ulong value) => value.ToString("x16", CultureInfo.InvariantCulture);
}
