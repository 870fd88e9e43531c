namespace Orchestrator.Storage.Relational;

/// <summary>How much history of runs is kept. A run itself stays listed for ever; its folder has all of its events.</summary>
public sealed record HistoryBounds
{
    /// <summary>Events and samples of a run go this long after its end.</summary>
    public TimeSpan Kept { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Samples of one run, which come once a second: above it every second one goes, so a chart still shows the whole run, and its end the finest.</summary>
    public int MaxSamples { get; init; } = 20_000;

    /// <summary>Events of one run: the oldest go. A run that is well has a few dozen; one whose workers come and go all the time has many.</summary>
    public int MaxEvents { get; init; } = 20_000;

    /// <summary>Rows that one transaction takes away, from 1 on: it holds the lease's row, and the owner's other writes and the renewal of its lease wait for it. A thousand take some milliseconds.</summary>
    public int RowsAtOnce { get; init; } = 1000;
}

/// <summary>What one turn of pruning took away.</summary>
public sealed record Pruned(long Events, long Samples)
{
    public bool IsNothing => Events == 0 && Samples == 0;
}
