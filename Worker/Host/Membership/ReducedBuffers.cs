using Orchestrator.Training.Replicas;
using Orchestrator.Worker.Host.Collectives;
using Orchestrator.Worker.Host.Collectives.SharedMemory;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Host.Membership;

/// <summary>The whole reduced gradients that a member holds: of the present step, of the one before it, of those that a feed still needs, and a donor's. Thread-safe.</summary>
/// <remarks>
/// A joiner on its donor's host has the donor's own memory for the gradients of a feed: it reads them there, and says so when it needs them no more. What a donor has lent
/// in this way it writes again only when it was told so. When it gives the joiner up it never does: the joiner may be frozen, and read on when it thaws.
/// </remarks>
internal sealed class ReducedBuffers(FlatLayout layout, Device device, Func<long, Tensor?>? allocate = null) : IDisposable
{
    /// <summary>Of the memory that this process may use, a thirty-second part may be gradients that wait for a joiner: one that is held up for some steps still catches up, and the job does not miss it.</summary>
    private const int BacklogShare = 32;

    /// <summary>A large model's feed may lag by a few steps all the same, and a small one's by a quarter of a second of the shortest steps.</summary>
    private const int LeastBacklog = 4;
    private const int MostBacklog = 256;

    /// <summary>A joiner that takes over the state is a step or two behind.</summary>
    private const int FeedBuffers = 2;

    private readonly Lock _gate = new();
    private readonly List<ReducedBuffer> _buffers = [];
    private readonly Lock _making = new();
    private FlatBuffer? _landing;
    private long _oldest;
    private bool _isDisposed;

    public long ElementCount => layout.ElementCount;

    /// <summary>Steps that a feed may lag behind.</summary>
    public int MaxBacklog { get; } = BacklogOf(layout.ElementCount * sizeof(float), GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);

    /// <summary>Buffers that the next steps may take.</summary>
    public int FreeCount
    {
        get
        {
            lock (_gate)
            {
                return _buffers.Count(IsSpare);
            }
        }
    }

    /// <summary>Steps that a feed may lag behind.</summary>
    /// <param name="gradientBytes">Of one step.</param>
    /// <param name="memoryBytes">That this process may use.</param>
    public static int BacklogOf(long gradientBytes, long memoryBytes) => (int)Math.Clamp(memoryBytes / BacklogShare / gradientBytes, LeastBacklog, MostBacklog);

    /// <summary>The step's buffer to write to: the one that it has, or a free one. A donor's memory is never written: what lies there is let go.</summary>
    public ReducedBuffer For(long step)
    {
        ReducedBuffer? lent;
        lock (_gate)
        {
            lent = _buffers.Find(buffer => buffer.Step == step);
            if (lent is { IsLent: false } known)
            {
                return known;
            }

            if (lent is not null)
            {
                _buffers.Remove(lent);
            }

            var free = _buffers.Find(IsSpare);
            if (free is null)
            {
                free = new ReducedBuffer(new FlatBuffer(layout, device, allocate));
                _buffers.Add(free);
            }

            free.Step = step;
            lent?.Dispose();
            return free;
        }
    }

    /// <summary>The step's gradient is whole, and lies in a donor's memory.</summary>
    /// <param name="step">Its step.</param>
    /// <param name="loan">All of it. Given back when the step is needed no more, or at once when its gradient is held already.</param>
    public void Lend(long step, PeerLoan loan)
    {
        lock (_gate)
        {
            var known = _buffers.Find(buffer => buffer.Step == step);
            if (_isDisposed || known is { Users: > 0 })
            {
                loan.Dispose();
                return;
            }

            if (known is { IsLent: false })
            {
                // A feed that broke has left a part of it.
                known.Step = -1;
            }
            else if (known is not null)
            {
                LetGo(known);
            }

            _buffers.Add(Over(loan, step));
        }
    }

    /// <summary>A feed begins soon: makes the buffers that its first steps will hold, so that no step waits until the system has found and cleared the memory. Blocks for that long.</summary>
    public void MakeSpare()
    {
        lock (_making)
        {
            while (FreeCount < FeedBuffers)
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

    /// <summary>Buffers of older steps are free once nobody reads them.</summary>
    public void KeepFrom(long step)
    {
        lock (_gate)
        {
            _oldest = step;
            foreach (var buffer in _buffers.Where(buffer => IsFree(buffer) && !IsSpare(buffer)).ToList())
            {
                LetGo(buffer);
            }
        }
    }

    /// <summary>The step's buffer is read, or sent from: it stays as it is until <see cref="Release"/>.</summary>
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

    /// <summary>As <see cref="Release"/>, for one that somebody may still read, unasked: it is never written again, and its memory goes when its last reader is gone.</summary>
    public void Abandon(long step)
    {
        lock (_gate)
        {
            if (_buffers.Find(each => each.Step == step) is { Users: > 0 } buffer)
            {
                buffer.Users--;
                buffer.IsAbandoned = true;
                if (IsFree(buffer))
                {
                    LetGo(buffer);
                }
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
            _landing?.Dispose();
        }
    }

    private ReducedBuffer Over(PeerLoan loan, long step) => device.type == TorchSharp.DeviceType.CPU
        ? new ReducedBuffer(new FlatBuffer(layout, device, HostMemory.AllocatorOver(loan))) { Step = step, IsLent = true }
        // All share one place on the device, to which each is copied when it is applied.
        : new ReducedBuffer(_landing ??= new FlatBuffer(layout, device), HostMemory.Over(loan)) { Step = step, IsLent = true };

    /// <summary>The system takes its time to take memory back; the training thread may be waiting.</summary>
    private void LetGo(ReducedBuffer buffer)
    {
        _buffers.Remove(buffer);
        if (buffer.IsLent)
        {
            // Only a word to the donor.
            buffer.Dispose();
        }
        else
        {
            _ = Task.Run(buffer.Dispose);
        }
    }

    /// <summary>Another step may take it.</summary>
    private bool IsSpare(ReducedBuffer buffer) => IsFree(buffer) && buffer is { IsLent: false, IsAbandoned: false };

    private bool IsFree(ReducedBuffer buffer) => buffer.Users == 0 && buffer.Step < _oldest;
}
