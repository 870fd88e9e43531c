using System.Buffers;

namespace Orchestrator.Training.Data;

/// <summary>The training or the held-out part of a data set that comes as one sequence.</summary>
/// <remarks>Both parts read from the same set; the first to be disposed closes it, as <see cref="DataParts"/> disposes both.</remarks>
internal sealed class SplitPart(IDataSet whole, HeldOutSplit split, bool isHeldOut) : IDataSet
{
    public long Count => isHeldOut ? split.HeldOut : split.Training;

    public Batch Read(ReadOnlySpan<long> ids, SampleStreams streams)
    {
        var rented = ArrayPool<long>.Shared.Rent(ids.Length);
        try
        {
            for (var i = 0; i < ids.Length; i++)
            {
                if (ids[i] < 0 || ids[i] >= Count)
                {
                    throw new ArgumentOutOfRangeException(nameof(ids), $"Sample {ids[i]} was asked for; ids run from 0 to {Count - 1}.");
                }

                rented[i] = isHeldOut ? split.HeldOutItem(ids[i]) : split.TrainingItem(ids[i]);
            }

            return whole.Read(rented.AsSpan(0, ids.Length), streams);
        }
        finally
        {
            ArrayPool<long>.Shared.Return(rented);
        }
    }

    public void Dispose() => whole.Dispose();
}
