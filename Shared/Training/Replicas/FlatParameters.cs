using TorchSharp.Extensions;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Orchestrator.Training.Replicas;

/// <summary>Moves a model's parameters into one flat tensor and leaves views of it in their place.</summary>
internal static class FlatParameters
{
    /// <summary>[ParameterElements] with the parameters' values; from now on the parameters are views of it. The caller disposes it last.</summary>
    public static Tensor Adopt(FlatLayout layout, Dictionary<string, Parameter> parameters, Device device)
    {
        var flat = zeros(layout.ParameterElements, dtype: ScalarType.Float32, device: device).DetachFromDisposeScope();
        using var noGrad = no_grad();
        foreach (var entry in layout.Parameters)
        {
            var parameter = parameters[entry.Name];
            using var place = flat.narrow(0, entry.Offset - layout.ParameterOffset, entry.Count);
            using var view = place.view(entry.Shape.AsSpan().ToArray());
            view.copy_(parameter);
            FlatViews.SetData(parameter, view);
        }

        return flat;
    }

    /// <summary>A copy on the CPU. The caller disposes it.</summary>
    public static Tensor CopyOf(Tensor flat)
    {
        var copy = empty(flat.shape, dtype: ScalarType.Float32).DetachFromDisposeScope();
        copy.copy_(flat.detach());
        return copy;
    }
}
