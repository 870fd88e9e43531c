using static TorchSharp.torch;

namespace Orchestrator.Training.Replicas;

/// <summary>Lends flat buffers and takes them back; never holds more than its bound. Used from one thread.</summary>
/// <param name="layout">Of every buffer.</param>
/// <param name="device">Where they lie.</param>
/// <param name="maxBuffers">About log2 V + 2 at most are live while logical ranks are merged as in binary counting.</param>
/// <param name="allocate">As <see cref="FlatBuffer"/> takes it.</param>
public sealed class FlatBufferPool(FlatLayout layout, Device device, int maxBuffers, Func<long, Tensor?>? allocate = null) : IDisposable
{
    private readonly Stack<FlatBuffer> _free = new();

    /// <summary>Buffers made so far.</summary>
    public int Made { get; private set; }

    /// <exception cref="InvalidOperationException">All buffers are lent: our bug.</exception>
    public FlatBuffer Rent()
    {
        if (_free.TryPop(out var buffer))
        {
            return buffer;
        }

        if (Made == maxBuffers)
        {
            throw new InvalidOperationException($"All {maxBuffers} flat buffers of {layout.ElementCount} elements are lent; a partial was not returned.");
        }

        Made++;
        return new FlatBuffer(layout, device, allocate);
    }

    public void Return(FlatBuffer buffer) => _free.Push(buffer);

    public void Dispose()
    {
        while (_free.TryPop(out var buffer))
        {
            buffer.Dispose();
        }
    }
}
