using System.Runtime.InteropServices;
using Orchestrator.Bulk;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Worker.Host.Collectives;

namespace Orchestrator.Worker.Host.Membership;

/// <summary>Pushes whole vectors to one worker: a feed (a state, then reduced gradients) or a gift (one reduced gradient). Nothing is copied but the state, once.</summary>
/// <remarks>Usable before the state was copied: gradients that are decided meanwhile wait behind it.</remarks>
internal sealed class VectorSender : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly BulkCall _call;
    private readonly ReducedBuffers _buffers;
    private readonly PeerLink _link;
    private readonly long _gradientBytes;
    private readonly List<long> _unsent = [];
    private List<Action>? _waiting;
    private nint _image;

    /// <param name="call">What the receiver is told.</param>
    /// <param name="address">host:port of its Collective service.</param>
    /// <param name="transport">auto, tcp or unix.</param>
    /// <param name="buffers">Where reduced gradients lie.</param>
    /// <param name="hasState">A state comes first.</param>
    /// <param name="lost">Told why the receiver was lost.</param>
    /// <param name="security">For TCP; null: plain.</param>
    public VectorSender(BulkCall call, string address, string transport, ReducedBuffers buffers, bool hasState, Action<string> lost, PeerSecurity? security)
    {
        (_call, _buffers, _gradientBytes) = (call, buffers, buffers.ElementCount * sizeof(float));
        _waiting = hasState ? [] : null;
        _link = new PeerLink(address, transport, call, lost, Sent, security: security);
    }

    /// <summary>Steps whose gradients are not sent yet.</summary>
    public int Backlog
    {
        get
        {
            lock (_gate)
            {
                return _unsent.Count;
            }
        }
    }

    /// <summary>Sends the state and takes over its memory, which was allocated aligned.</summary>
    public void SendState(nint image, long bytes, long step)
    {
        lock (_gate)
        {
            _image = image;
            Send(VectorPieces.Cut(BulkPhase.State, _call.Generation, step, _call.Sender, image, bytes));
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
            _unsent.Add(step);
            Order(() => Send(VectorPieces.Cut(BulkPhase.Gradient, _call.Generation, step, _call.Sender, memory, _gradientBytes)));
        }
    }

    /// <summary>Says behind which step the feed ends and which generation begins there, and ends the stream in order.</summary>
    public void End(long step, Generation generation)
    {
        lock (_gate)
        {
            Order(() =>
            {
                _link.Send(new BulkHeader(_call.Generation, step, _call.Sender, BulkPhase.FeedEnd, 0, 0, 0, generation.Number, 0), 0);
                _ = _link.CompleteAsync();
            });
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _link.DisposeAsync();
        lock (_gate)
        {
            _unsent.ForEach(_buffers.Release);
            _unsent.Clear();
            FreeImage();
        }
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
        lock (_gate)
        {
            if (header.Phase == BulkPhase.Gradient && VectorPieces.EndOf(header) == _gradientBytes && _unsent.Remove(header.Step))
            {
                _buffers.Release(header.Step);
            }
        }
    }

    private unsafe void FreeImage()
    {
        NativeMemory.AlignedFree((void*)_image);
        _image = 0;
    }
}
