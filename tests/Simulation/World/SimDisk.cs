namespace Orchestrator.Simulation.World;

/// <summary>The disk that all processes share: a checkpoint is whole only when it was committed, and what was not synced is torn by a power cut.</summary>
public sealed class SimDisk
{
    private readonly Dictionary<long, Entry> _entries = [];

    /// <summary>A write takes so many times longer than usual.</summary>
    public double Slowness { get; set; } = 1;

    /// <summary>In microseconds of the clock: the ledgers, which may lie on another disk than the checkpoints, find no room until then.</summary>
    public long LedgersFullUntil { get; set; }

    /// <summary>Begins to write a step.</summary>
    /// <param name="step">The checkpoint's.</param>
    /// <param name="trustsAnything">Wrong on purpose: what lies there is taken for whole.</param>
    /// <returns>False: it is there already, whole.</returns>
    public bool Begin(long step, bool trustsAnything)
    {
        if (_entries.TryGetValue(step, out var known) && (known.IsWhole || trustsAnything))
        {
            return false;
        }

        _entries[step] = new Entry(0, IsWhole: false, IsSynced: true);
        return true;
    }

    /// <summary>The rename that makes it a checkpoint.</summary>
    public void Commit(long step, ulong value, bool isSynced)
    {
        // Somebody else may have committed the same step meanwhile: never overwritten.
        if (!_entries.TryGetValue(step, out var known) || !known.IsWhole)
        {
            _entries[step] = new Entry(value, IsWhole: true, isSynced);
        }
    }

    public void CutPower()
    {
        foreach (var (step, entry) in _entries.Where(entry => !entry.Value.IsSynced).ToList())
        {
            _entries[step] = entry with { IsWhole = false };
        }
    }

    /// <exception cref="SimDiskException">It is torn, or not there.</exception>
    public ulong Load(long step) => _entries.TryGetValue(step, out var entry)
        ? entry.IsWhole ? entry.Value : throw new SimDiskException($"the checkpoint of step {step} is torn")
        : throw new SimDiskException($"there is no checkpoint of step {step}");

    private sealed record Entry(ulong Value, bool IsWhole, bool IsSynced);
}

/// <summary>The coordinator named a checkpoint that cannot be read.</summary>
public sealed class SimDiskException(string message) : InvalidOperationException(message);
