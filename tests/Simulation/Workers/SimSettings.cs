using System.Globalization;
using Orchestrator.Coordinator.Core.Runs;
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

    /// <summary>How long a run waits for what. Virtual time costs events, so a hang is found sooner than in a real run.</summary>
    public static RunWaits Waits { get; } = new() { FirstStep = TimeSpan.FromSeconds(15), LongWork = TimeSpan.FromSeconds(30), Prepare = TimeSpan.FromSeconds(60) };

    /// <summary>workers.hangSeconds: longer than a freeze needs to be seen.</summary>
    public const int HangSeconds = 5;

    public static string HashOf(ulong value) => value.ToString("x16", CultureInfo.InvariantCulture);
}
