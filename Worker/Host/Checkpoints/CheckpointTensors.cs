using System.Collections.Immutable;
using Orchestrator.Storage.Safetensors;
using Orchestrator.Training.Replicas;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Host.Checkpoints;

/// <summary>Between torch's tensors and the tensors of a safetensors file.</summary>
internal static class CheckpointTensors
{
    private static readonly (ScalarType Torch, TensorType File)[] Types =
    [
        (ScalarType.Float32, TensorType.Float32), (ScalarType.Float64, TensorType.Float64), (ScalarType.Float16, TensorType.Float16),
        (ScalarType.BFloat16, TensorType.BFloat16), (ScalarType.Int64, TensorType.Int64), (ScalarType.Int32, TensorType.Int32),
        (ScalarType.Byte, TensorType.UInt8), (ScalarType.Bool, TensorType.Bool),
    ];

    /// <summary>Sources that read the snapshot's memory in place; they must be used before it is disposed.</summary>
    public static ImmutableArray<TensorSource> Sources(IEnumerable<NamedTensor> tensors) => [.. tensors.Select(Source)];

    /// <summary>A tensor on the CPU that the caller disposes; null when the file has none of that name.</summary>
    public static Tensor? Read(SafetensorsFile file, string name)
    {
        if (file.Find(name) is not { } entry)
        {
            return null;
        }

        var tensor = empty([.. entry.Shape], dtype: Types.First(pair => pair.File == entry.Type).Torch).DetachFromDisposeScope();
        if (tensor.numel() > 0)
        {
            file.Read(entry, 0, tensor.bytes);
        }

        return tensor;
    }

    private static TensorSource Source(NamedTensor tensor)
    {
        var type = Types.First(pair => pair.Torch == tensor.Values.dtype).File;
        return TensorSource.From(tensor.Name, type, tensor.Shape, (offset, destination) => tensor.Values.bytes.Slice((int)offset, destination.Length).CopyTo(destination));
    }
}
