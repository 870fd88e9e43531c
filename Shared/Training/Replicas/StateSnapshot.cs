using static TorchSharp.torch;

namespace Orchestrator.Training.Replicas;

/// <summary>A tensor of the state, on the CPU and contiguous.</summary>
public sealed record NamedTensor(string Name, long[] Shape, Tensor Values);

/// <summary>The state after a step, copied to the CPU: training may go on while it is hashed and written. Safe to read from any thread.</summary>
public sealed class StateSnapshot : IDisposable
{
    private readonly List<Tensor> _owned = [];

    internal StateSnapshot(long step, FlatLayout layout, Tensor parameters, Dictionary<string, Tensor> slots, List<(string Name, Tensor Values)> loose)
    {
        Step = step;
        _owned.Add(parameters);
        _owned.AddRange(slots.Values);
        Weights = [.. Views(layout, parameters, ""), .. loose.Select(pair => new NamedTensor(pair.Name, pair.Values.shape, pair.Values))];
        Optimizer = [.. slots.OrderBy(slot => slot.Key, StringComparer.Ordinal).SelectMany(slot => Views(layout, slot.Value, "." + slot.Key))];
        _owned.AddRange(loose.Select(pair => pair.Values));
    }

    /// <summary>Steps that the state holds.</summary>
    public long Step { get; }

    /// <summary>Every parameter and persistent buffer.</summary>
    public IReadOnlyList<NamedTensor> Weights { get; }

    /// <summary>The optimizer's state, as PARAMETER.SLOT.</summary>
    public IReadOnlyList<NamedTensor> Optimizer { get; }

    public void Dispose() => _owned.ForEach(tensor => tensor.Dispose());

    private List<NamedTensor> Views(FlatLayout layout, Tensor flat, string suffix)
    {
        var views = new List<NamedTensor>();
        foreach (var entry in layout.Parameters)
        {
            var view = flat.narrow(0, entry.Offset - layout.ParameterOffset, entry.Count).DetachFromDisposeScope();
            _owned.Add(view);
            views.Add(new NamedTensor(entry.Name + suffix, [.. entry.Shape], view));
        }

        return views;
    }
}
