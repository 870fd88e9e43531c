using Orchestrator.Training.Replicas;
using Orchestrator.Worker.Host.Collectives;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Host.Membership;

/// <summary>The whole reduced gradients that a member holds: of the present step, of the one before it, and of those that a feed has not sent yet. Thread-safe.</summary>
internal sealed class ReducedBuffers(FlatLayout layout, Device device, Func<long, Tensor?>? allocate = null) : IDisposable
{
    /// <summary>Bytes of gradients that wait for a joiner: beyond that a new copy of the state is cheaper than the memory.</summary>
    private const long MaxBacklogBytes = 128L << 20;

    /// <summary>A large model's feed may lag by a few steps all the same, and a small one's by a quarter of a second of the shortest steps.</summary>
    private const int LeastBacklog = 4;
    private const int MostBacklog = 256;

    /// <summary>A joiner that takes over the state is a step or two behind.</summary>
    private const int FeedBuffers = 2;

    private readonly Lock _gate = new();
    private readonly List<ReducedBuffer> _buffers = [];
    private readonly Lock _making = new();
    private long _oldest;
    private bool _isDisposed;

    public long ElementCount => layout.ElementCount;

    /// <summary>Steps that a feed may lag behind.</summary>
    public int MaxBacklog { get; } = (int)Math.Clamp(MaxBacklogBytes / (layout.ElementCount * sizeof(float)), LeastBacklog, MostBacklog);

    /// <summary>The step's buffer: the one that it has, or a free one.</summary>
    public ReducedBuffer For(long step)
    {
        lock (_gate)
        {
            if (_buffers.Find(buffer => buffer.Step == step) is { } known)
            {
                return known;
            }

            var free = _buffers.Find(IsFree);
            if (free is null)
            {
                free = new ReducedBuffer(new FlatBuffer(layout, device, allocate));
                _buffers.Add(free);
            }

            free.Step = step;
            return free;
        }
    }

    /// <summary>A feed begins soon: makes the buffers that its first steps will hold, so that no step waits until the system has found and cleared the memory. Blocks for that long.</summary>
    public void MakeSpare()
    {
        lock (_making)
        {
            while (CountFree() < FeedBuffers)
            {
                var buffer = new ReducedBuffer(new FlatBuffer(layout, device, allocate));
                lock (_gate)
                {
                    if (_isDisposed)
                    {
                        buffer.Dispose();
                        return;
                    }

                    _buffers.Add(buffer);
                }
            }
        }
    }

    /// <summary>Buffers of older steps are free once nobody sends from them.</summary>
    public void KeepFrom(long step)
    {
        lock (_gate)
        {
            _oldest = step;
        }
    }

    /// <summary>The step's buffer is sent from: it stays as it is until <see cref="Release"/>.</summary>
    public ReducedBuffer Use(long step)
    {
        lock (_gate)
        {
            var buffer = _buffers.Find(each => each.Step == step) ?? throw new InvalidOperationException($"The reduced gradient of step {step} is not held.");
            buffer.Users++;
            return buffer;
        }
    }

    public void Release(long step)
    {
        lock (_gate)
        {
            if (_buffers.Find(each => each.Step == step) is { Users: > 0 } buffer)
            {
                buffer.Users--;
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _buffers.ForEach(buffer => buffer.Dispose());
            _buffers.Clear();
        }
    }

    private int CountFree()
    {
        lock (_gate)
        {
            return _buffers.Count(IsFree);
        }
    }

    private bool IsFree(ReducedBuffer buffer) => buffer.Users == 0 && buffer.Step < _oldest;
}

/// <summary>One whole reduced gradient, with its elements in this process's memory.</summary>
internal sealed class ReducedBuffer(FlatBuffer flat) : IDisposable
{
    public FlatBuffer Flat => flat;

    public HostMemory Memory { get; } = HostMemory.For(flat);

    /// <summary>The step that it is or was of; below 1: none.</summary>
    public long Step { get; set; } = -1;

    /// <summary>Feeds and gifts that send from it.</summary>
    public int Users { get; set; }

    public void Dispose()
    {
        Memory.Dispose();
        flat.Dispose();
    }
}
