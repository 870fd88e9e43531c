using System.Collections.Immutable;
using Orchestrator.Core.Reduction;
using Orchestrator.Training.Replicas;
using Orchestrator.Worker.Host.Collectives;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Host.Training;

/// <summary>Merges each bucket of a worker's last logical rank as it becomes final, and hands it to the exchange.</summary>
/// <remarks>One for each step; disposed when the step is decided. On the CPU this happens during the backward pass. A GPU's gradients are staged whole behind it, and handed over then.</remarks>
internal sealed class BucketSender : IDisposable
{
    private readonly GradientExchange _exchange;
    private readonly PartialStack _partials;
    private readonly ImmutableArray<FlatBucket> _buckets;
    private readonly bool _isStaged;
    private readonly List<HostMemory> _memory = [];
    private Dictionary<TreeNode, nint>? _addresses;

    public BucketSender(GradientExchange exchange, PartialStack partials, ImmutableArray<FlatBucket> buckets, Device device)
    {
        (_exchange, _partials, _buckets) = (exchange, partials, buckets);
        _isStaged = device.type != TorchSharp.DeviceType.CPU;
    }

    public void Ready(int bucket)
    {
        using (no_grad())
        {
            _partials.Merge(_buckets[bucket].Offset, _buckets[bucket].Count);
        }

        if (!_isStaged)
        {
            _exchange.BucketReady(bucket, Addresses());
        }
        else if (bucket == _buckets.Length - 1)
        {
            ReadyAll();
        }
    }

    /// <summary>All buckets at once: of partials that are staged, or of a worker that stands by.</summary>
    public void ReadyAll()
    {
        for (var bucket = 0; bucket < _buckets.Length; bucket++)
        {
            _exchange.BucketReady(bucket, Addresses());
        }
    }

    public void Dispose() => _memory.ForEach(memory => memory.Dispose());

    private Dictionary<TreeNode, nint> Addresses()
    {
        if (_addresses is null)
        {
            _addresses = [];
            foreach (var (node, buffer) in _partials.Partials)
            {
                var memory = HostMemory.Of(buffer);
                _memory.Add(memory);
                _addresses[node] = memory.Address;
            }
        }

        return _addresses;
    }
}
