namespace Orchestrator.Training.Data;

/// <summary>Which of n items are held out from training: h of them, spread evenly over the whole sequence.</summary>
/// <remarks>
/// A contiguous tail would hold out one kind of file, or the latest rows of a sorted table, only. Instead item i is held out when
/// floor((i + 1) h / n) exceeds floor(i h / n): every (n / h)th item, a function of (n, h) alone, and both directions are O(1).
/// </remarks>
public readonly record struct HeldOutSplit(long Items, long HeldOut)
{
    public long Training => Items - HeldOut;

    /// <summary>Splits by share: at least one item is held out of two or more when the share is above 0, and at least one is left to train on.</summary>
    public static HeldOutSplit ByShare(long items, double share) =>
        share <= 0 || items < 2
            ? new HeldOutSplit(items, 0)
            : new HeldOutSplit(items, Math.Clamp((long)Math.Floor((items * share) + 0.5), 1, items - 1));

    public bool IsHeldOut(long item) => HeldOutBefore(item + 1) > HeldOutBefore(item);

    /// <summary>The item that is number <paramref name="index"/> of the training part.</summary>
    public long TrainingItem(long index) => (long)((Int128)index * Items / Training);

    /// <summary>The item that is number <paramref name="index"/> of the held-out part.</summary>
    public long HeldOutItem(long index) => (long)((((Int128)(index + 1) * Items) + HeldOut - 1) / HeldOut) - 1;

    private long HeldOutBefore(long item) => (long)((Int128)item * HeldOut / Items);
}
