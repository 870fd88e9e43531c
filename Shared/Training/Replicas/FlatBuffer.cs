using static TorchSharp.torch;

namespace Orchestrator.Training.Replicas;

/// <summary>A flat buffer with views of its parts. Whoever rents it from a <see cref="FlatBufferPool"/> returns it there.</summary>
public sealed class FlatBuffer : IDisposable
{
    /// <param name="layout">Its parts.</param>
    /// <param name="device">Where it lies.</param>
    /// <param name="allocate">Makes [elements] of zeros; null, or a null answer: libtorch does, on the device.</param>
    public FlatBuffer(FlatLayout layout, Device device, Func<long, Tensor?>? allocate = null)
    {
        Whole = (allocate?.Invoke(layout.ElementCount) ?? zeros(layout.ElementCount, dtype: ScalarType.Float32, device: device)).DetachFromDisposeScope();
        ParameterArea = Whole.narrow(0, layout.ParameterOffset, layout.ParameterElements).DetachFromDisposeScope();
        Loss = Whole.narrow(0, layout.LossOffset, 1).DetachFromDisposeScope();
        Gradients = [.. layout.Parameters.Select(View)];
        Statistics = [.. layout.Statistics.Select(View)];
    }

    /// <summary>[ElementCount].</summary>
    public Tensor Whole { get; }

    /// <summary>[ParameterElements]: all gradients with their padding.</summary>
    public Tensor ParameterArea { get; }

    /// <summary>[1]: the share's loss, divided by the step's targets.</summary>
    public Tensor Loss { get; }

    /// <summary>One view for each parameter of the layout, in its shape.</summary>
    public Tensor[] Gradients { get; }

    /// <summary>One view for each statistic of the layout, in its shape.</summary>
    public Tensor[] Statistics { get; }

    public void Dispose()
    {
        foreach (var view in Gradients.Concat(Statistics))
        {
            view.Dispose();
        }

        Loss.Dispose();
        ParameterArea.Dispose();
        Whole.Dispose();
    }

    private Tensor View(FlatEntry entry)
    {
        using var flat = Whole.narrow(0, entry.Offset, entry.Count);
        return flat.view(entry.Shape.AsSpan().ToArray()).DetachFromDisposeScope();
    }
}
