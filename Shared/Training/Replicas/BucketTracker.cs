using System.Collections.Immutable;
using TorchSharp.Extensions;
using TorchSharp.Modules;

namespace Orchestrator.Training.Replicas;

/// <summary>Tells during a backward pass which buckets have become final, always in the order of the layout.</summary>
/// <remarks>Hooks stand on every parameter; between passes, and in passes that nobody follows, they do nothing.</remarks>
internal sealed class BucketTracker : IDisposable
{
    private readonly List<GradientHook> _hooks = [];
    private readonly int[] _bucketOf;
    private readonly int[] _missing;
    private ImmutableArray<FlatBucket> _buckets = [];
    private Action<int>? _ready;
    private int _next;

    /// <param name="parameters">In the layout's order.</param>
    public BucketTracker(IReadOnlyList<Parameter> parameters)
    {
        _bucketOf = new int[parameters.Count];
        _missing = new int[parameters.Count];
        for (var i = 0; i < parameters.Count; i++)
        {
            var index = i;
            _hooks.Add(new GradientHook(parameters[i], _ => Final(index)));
        }
    }

    /// <summary>Before the backward pass.</summary>
    /// <param name="buckets">Of the layout.</param>
    /// <param name="ready">Called with each bucket's index, on the thread of the backward pass; short. Null: nobody follows this pass.</param>
    public void Begin(ImmutableArray<FlatBucket> buckets, Action<int>? ready)
    {
        (_buckets, _ready, _next) = (buckets, ready, 0);
        for (var bucket = 0; bucket < buckets.Length; bucket++)
        {
            _missing[bucket] = buckets[bucket].Parameters.Length;
            foreach (var parameter in buckets[bucket].Parameters)
            {
                _bucketOf[parameter] = bucket;
            }
        }
    }

    /// <summary>After the pass, when loss and statistics are in their places: what no hook told (unused parameters, the last bucket) is final too.</summary>
    public void End()
    {
        foreach (var hook in _hooks)
        {
            hook.ThrowIfFailed();
        }

        while (_ready is not null && _next < _buckets.Length)
        {
            _ready(_next++);
        }

        _ready = null;
    }

    public void Dispose() => _hooks.ForEach(hook => hook.Dispose());

    private void Final(int parameter)
    {
        if (_ready is null)
        {
            return;
        }

        _missing[_bucketOf[parameter]]--;
        // The last bucket also holds the loss, which is written behind the pass.
        while (_next < _buckets.Length - 1 && _missing[_next] == 0)
        {
            _ready(_next++);
        }
    }
}
