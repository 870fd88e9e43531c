using Orchestrator.Core.Reduction;
using Orchestrator.Training.Replicas;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>A flat buffer's elements in this process's memory: the buffer itself on the CPU, a staged copy of one on a GPU.</summary>
internal sealed unsafe class HostGradient : IDisposable
{
    private readonly Tensor? _staged;
    private readonly float* _elements;

    private HostGradient(Tensor host, Tensor? staged)
    {
        _staged = staged;
        fixed (byte* first = host.narrow(0, 0, 1).DetachFromDisposeScope().bytes)
        {
            _elements = (float*)first;
        }
    }

    /// <summary>To read from: a GPU's elements are copied here.</summary>
    public static HostGradient Of(FlatBuffer buffer) => Of(buffer, copy: true);

    /// <summary>To write to: <see cref="CopyTo"/> brings it to the GPU afterwards.</summary>
    public static HostGradient For(FlatBuffer buffer) => Of(buffer, copy: false);

    public Span<float> Piece(ElementRange range) => new(_elements + range.Offset, checked((int)range.Length));

    public void CopyTo(FlatBuffer buffer)
    {
        if (_staged is not null)
        {
            using var noGrad = no_grad();
            buffer.Whole.copy_(_staged);
        }
    }

    public void Dispose() => _staged?.Dispose();

    private static HostGradient Of(FlatBuffer buffer, bool copy)
    {
        if (buffer.Whole.device_type == TorchSharp.DeviceType.CPU)
        {
            return new HostGradient(buffer.Whole, null);
        }

        var staged = (copy ? buffer.Whole.cpu() : empty(buffer.Whole.shape, dtype: ScalarType.Float32)).DetachFromDisposeScope();
        return new HostGradient(staged, staged);
    }
}
