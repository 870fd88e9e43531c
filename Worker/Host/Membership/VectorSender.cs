using Orchestrator.Bulk;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Security.Tls;
using Orchestrator.Worker.Host.Collectives;
using Orchestrator.Worker.Host.Collectives.SharedMemory;

namespace Orchestrator.Worker.Host.Membership;

/// <summary>Pushes whole vectors to one worker: a feed (a state, then reduced gradients) or a gift (one reduced gradient). Nothing is copied but the state, once.</summary>
/// <remarks>
/// Usable before the state was copied: gradients that are decided meanwhile wait behind it. A joiner on this host is only told where a vector lies. What was
/// sent is free again when the kernel has it; what is read where it lies, when the joiner has said that it has taken it in. What it has not said so of when the feed
/// is over is never written again: a joiner that freezes holds up nothing but memory, of as many steps as the backlog may be long.
/// </remarks>
internal sealed class VectorSender : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly BulkCall _call;
    private readonly ReducedBuffers _buffers;
    private readonly SegmentDirectory? _directory;
    private readonly PeerLink _link;
    private readonly long _gradientBytes;
    private readonly List<long> _held = [];
    private readonly Lazy<Task> _disposal;
    private List<Action>? _waiting;
    private StateMemory? _state;
    private long _stateStep = -1;
    private bool _isEnded;
    private bool _isFreed;

    /// <param name="call">What the receiver is told.</param>
    /// <param name="address">host:port of its Collective service.</param>
    /// <param name="transport">auto, shm, tcp or unix.</param>
    /// <param name="buffers">Where reduced gradients lie.</param>
    /// <param name="hasState">A state comes first.</param>
    /// <param name="lost">Told why the receiver was lost.</param>
    /// <param name="security">For TCP; null: plain.</param>
    /// <param name="answerTo">host:port where <see cref="Taken"/> is heard: vectors may then stay where they are. Null: all travel.</param>
    public VectorSender(
        BulkCall call, string address, string transport, ReducedBuffers buffers, bool hasState, Action<string> lost, Func<PeerSecurity>? security, string? answerTo = null)
    {
        (_call, _buffers, _gradientBytes) = (call, buffers, buffers.ElementCount * sizeof(float));
        _waiting = hasState ? [] : null;
        _disposal = new Lazy<Task>(CloseAsync);
        _directory = answerTo is not null && SharingRule.IsWished(transport) ? SegmentDirectory.TryMake() : null;
        _link = new PeerLink(address, transport, call, lost, Sent, _directory, security, answerTo);
    }

    /// <summary>Steps whose gradients the receiver has not taken in yet, as far as this side knows.</summary>
    public int Backlog
    {
        get
        {
            lock (_gate)
            {
                return _held.Count;
            }
        }
    }

    /// <summary>Sends the state and takes over its memory.</summary>
    public void SendState(StateMemory state, long step)
    {
        lock (_gate)
        {
            if (_isFreed)
            {
                state.Dispose();
                return;
            }

            (_state, _stateStep) = (state, step);
            Send(VectorPieces.Cut(BulkPhase.State, _call.Generation, step, _call.Sender, state.Address, state.Bytes));
            _waiting?.ForEach(send => send());
            _waiting = null;
        }
    }

    /// <summary>Says what was fed in a step. Before its gradient.</summary>
    public void Tell(IReadOnlyCollection<LedgerEntry> fed)
    {
        lock (_gate)
        {
            Order(() =>
            {
                foreach (var entry in fed)
                {
                    _link.Send(entry.ToWire(new Generation(_call.Generation), _call.Sender), 0);
                }
            });
        }
    }

    public void SendGradient(long step)
    {
        lock (_gate)
        {
            var memory = _buffers.Use(step).Memory.Address;
            _held.Add(step);
            Order(() => Send(VectorPieces.Cut(BulkPhase.Gradient, _call.Generation, step, _call.Sender, memory, _gradientBytes)));
        }
    }

    /// <summary>Says behind which step the feed ends and which generation begins there, and ends the stream in order.</summary>
    public void End(long step, Generation generation)
    {
        lock (_gate)
        {
            Volatile.Write(ref _isEnded, true);
            Order(() =>
            {
                _link.Send(new BulkHeader(_call.Generation, step, _call.Sender, BulkPhase.FeedEnd, 0, 0, 0, generation.Number, 0), 0);
                _ = _link.CompleteAsync();
            });
        }
    }

    /// <summary>The receiver has taken in what it was told of a step, a state or a gradient, and reads it no more.</summary>
    public void Taken(long step)
    {
        StateMemory? state = null;
        lock (_gate)
        {
            if (step == _stateStep)
            {
                (state, _state) = (_state, null);
            }
            else if (_held.Remove(step))
            {
                _buffers.Release(step);
            }
        }

        // Not under the lock, for which the training thread may wait: the system takes its time.
        state?.Dispose();
    }

    /// <summary>The receiver says no more of what it takes in. A feed that has not ended is lost then; one that has ended is over.</summary>
    public void AnswersEnded()
    {
        if (Volatile.Read(ref _isEnded))
        {
            _ = Task.Run(async () => await DisposeAsync());
        }
    }

    public async ValueTask DisposeAsync() => await _disposal.Value;

    private async Task CloseAsync()
    {
        // First: what the receiver is told of from here on does not count.
        _directory?.Dispose();
        await _link.DisposeAsync();
        Free();
    }

    private void Free()
    {
        StateMemory? state;
        lock (_gate)
        {
            _held.ForEach(_link.SharesMemory ? _buffers.Abandon : _buffers.Release);
            _held.Clear();
            (state, _state, _isFreed) = (_state, null, true);
        }

        state?.Dispose();
    }

    private void Order(Action send)
    {
        if (_waiting is { } waiting)
        {
            waiting.Add(send);
        }
        else
        {
            send();
        }
    }

    private void Send(IEnumerable<(BulkHeader Header, nint Payload)> pieces)
    {
        foreach (var (header, payload) in pieces)
        {
            _link.Send(header, payload);
        }
    }

    private void Sent(BulkHeader header)
    {
        if (VectorPieces.EndOf(header) == (header.Phase == BulkPhase.State ? Volatile.Read(ref _state)?.Bytes : _gradientBytes))
        {
            Taken(header.Step);
        }
    }
}
