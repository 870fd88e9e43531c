using System.Runtime.InteropServices;
using Orchestrator.Bulk;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Worker.Host.Collectives;

namespace Orchestrator.Worker.Host.Membership;

/// <summary>Takes whole vectors from one donor: a state into memory of its own, reduced gradients into the member's buffers.</summary>
/// <remarks>A gradient that is more than a few steps ahead of what was applied waits in the stream, and in the end with the donor, who drops the feed.</remarks>
internal sealed class VectorReceiver : IBulkReceiver, IDisposable
{
    /// <summary>Bytes of a state between two words of how much has come: a small one comes in a moment.</summary>
    private const long LeastTold = 1 << 20;

    private readonly ManualResetEventSlim _moved = new();
    private readonly ReducedBuffers _buffers;
    private readonly long _stateBytes;
    private readonly long _gradientBytes;
    private readonly IVectorEvents _events;
    private long _applied;
    private long _told;
    private bool _isEnded;

    /// <param name="buffers">Get the gradients.</param>
    /// <param name="stateBytes">Of the state; 0: none comes.</param>
    /// <param name="events">Told what has come.</param>
    public unsafe VectorReceiver(ReducedBuffers buffers, long stateBytes, IVectorEvents events)
    {
        (_buffers, _stateBytes, _gradientBytes, _events) = (buffers, stateBytes, buffers.ElementCount * sizeof(float), events);
        // Until a state has come, nothing is too far ahead.
        _applied = long.MaxValue - buffers.MaxBacklog;
        State = stateBytes == 0 ? 0 : (nint)NativeMemory.AlignedAlloc((nuint)stateBytes, 64);
    }

    /// <summary>The state's memory.</summary>
    public nint State { get; private set; }

    /// <summary>The receiver applied a step: buffers before it are free.</summary>
    public void Applied(long step)
    {
        Volatile.Write(ref _applied, step);
        _moved.Set();
    }

    public PayloadPlace Reserve(in BulkHeader header)
    {
        if (header.Phase == BulkPhase.Fed)
        {
            // It has no payload, and its fields are no offsets.
            return new PayloadPlace(0, 0);
        }

        var (first, end) = (VectorPieces.ByteOf(header), VectorPieces.EndOf(header));
        var whole = header.Phase switch { BulkPhase.State => _stateBytes, BulkPhase.Gradient => _gradientBytes, _ => 0 };
        if (first < 0 || end > whole)
        {
            throw new BulkRejectedException(
                BulkStatus.InvalidArgument, $"Bytes [{first}, {end}) of a {header.Phase} of step {header.Step}: {whole} are expected. Check that all workers run the same job file and version.");
        }

        if (header.Phase == BulkPhase.State)
        {
            return new PayloadPlace(State + (nint)first, header.PayloadBytes);
        }

        Await(header.Step);
        return new PayloadPlace(_buffers.For(header.Step).Memory.Address + (nint)first, header.PayloadBytes);
    }

    public void Received(in BulkHeader header)
    {
        var end = VectorPieces.EndOf(header);
        switch (header.Phase)
        {
            case BulkPhase.State when end == _stateBytes:
                // From now on gradients come for the steps behind this one.
                Volatile.Write(ref _applied, header.Step);
                _events.StateArrived(header.Step);
                break;
            case BulkPhase.State when end - _told >= Math.Max(LeastTold, _stateBytes / 100):
                _told = end;
                _events.StateMoved(end);
                break;
            case BulkPhase.Gradient when end == _gradientBytes:
                _events.GradientArrived(header.Step);
                break;
            case BulkPhase.Fed:
                _events.Told(header.ToLedgerEntry());
                break;
            case BulkPhase.FeedEnd:
                Volatile.Write(ref _isEnded, true);
                _events.Ended(header.Step, new Generation(header.PreparedGeneration));
                break;
        }
    }

    public void Ended(int sender, string? reason)
    {
        if (!Volatile.Read(ref _isEnded))
        {
            _events.Lost(reason ?? "the donor ended it before its time.");
        }
    }

    /// <summary>Lets a stream that waits for room go.</summary>
    public void Stop()
    {
        Volatile.Write(ref _isEnded, true);
        _moved.Set();
    }

    /// <summary>Called when no stream can bring anything any more.</summary>
    public unsafe void Dispose()
    {
        NativeMemory.AlignedFree((void*)State);
        State = 0;
        _moved.Dispose();
    }

    private void Await(long step)
    {
        while (step > Volatile.Read(ref _applied) + _buffers.MaxBacklog)
        {
            _moved.Reset();
            if (step > Volatile.Read(ref _applied) + _buffers.MaxBacklog)
            {
                _moved.Wait();
            }

            if (Volatile.Read(ref _isEnded))
            {
                throw new BulkRejectedException(BulkStatus.Aborted, "The feed was closed here.");
            }
        }
    }
}

/// <summary>What a receiver of vectors tells.</summary>
internal interface IVectorEvents
{
    /// <param name="bytes">Of the state that are here.</param>
    void StateMoved(long bytes);

    void StateArrived(long step);

    void GradientArrived(long step);

    /// <summary>What was fed to a rank of a step whose gradient comes next.</summary>
    void Told(LedgerEntry entry);

    void Ended(long step, Generation generation);

    void Lost(string reason);
}
