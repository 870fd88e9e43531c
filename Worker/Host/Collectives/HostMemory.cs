using Orchestrator.Training.Replicas;
using Orchestrator.Worker.Host.Collectives.SharedMemory;
using TorchSharp.Extensions;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>A flat buffer's elements in this process's memory: the buffer itself on the CPU, a staged copy of one on a GPU.</summary>
internal sealed class HostMemory : IDisposable
{
    private readonly Tensor? _staged;

    private HostMemory(nint address, Tensor? staged) => (Address, _staged) = (address, staged);

    /// <summary>Element 0.</summary>
    public nint Address { get; }

    /// <summary>Makes flat buffers that peers on this host can read, where the transport has a use for it. Null: the device's own memory will do.</summary>
    public static Func<long, Tensor?>? AllocatorFor(string transport, Device device) =>
        SharingRule.IsWished(transport) && device.type == TorchSharp.DeviceType.CPU ? Allocate : null;

    /// <summary>Makes a flat buffer of elements in a peer's memory, to read from. The loan is given back with the buffer.</summary>
    public static Func<long, Tensor?> AllocatorOver(PeerLoan loan) => elements => ExternalMemory.Over(loan.Address, elements, ScalarType.Float32, loan.Dispose);

    /// <summary>To read from: a GPU's elements are copied here.</summary>
    public static HostMemory Of(FlatBuffer buffer) => Of(buffer, isCopied: true);

    /// <summary>Elements in a peer's memory, to read from: <see cref="CopyTo"/> brings them to the GPU.</summary>
    /// <param name="loan">Given back with this.</param>
    public static HostMemory Over(PeerLoan loan) =>
        new(loan.Address, ExternalMemory.Over(loan.Address, loan.Bytes / sizeof(float), ScalarType.Float32, loan.Dispose).DetachFromDisposeScope());

    /// <summary>To write to: <see cref="CopyTo"/> brings it to the GPU afterwards.</summary>
    public static HostMemory For(FlatBuffer buffer) => Of(buffer, isCopied: false);

    public void CopyTo(FlatBuffer buffer)
    {
        if (_staged is not null)
        {
            using var noGrad = no_grad();
            buffer.Whole.copy_(_staged);
        }
    }

    public void Dispose() => _staged?.Dispose();

    private static Tensor? Allocate(long elements) => SharedSegments.TryAllocate(elements * sizeof(float)) is not 0 and var memory
        ? ExternalMemory.Over(memory, elements, ScalarType.Float32, () => SharedSegments.Free(memory))
        : null;

    private static HostMemory Of(FlatBuffer buffer, bool isCopied)
    {
        if (buffer.Whole.device_type == TorchSharp.DeviceType.CPU)
        {
            return new HostMemory(TensorMemory.AddressOf(buffer.Whole), null);
        }

        var staged = (isCopied ? buffer.Whole.cpu() : empty(buffer.Whole.shape, dtype: ScalarType.Float32)).DetachFromDisposeScope();
        return new HostMemory(TensorMemory.AddressOf(staged), staged);
    }
}
