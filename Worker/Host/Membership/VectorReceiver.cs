using System.Runtime.InteropServices;
using Orchestrator.Bulk;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Worker.Host.Collectives;
using Orchestrator.Worker.Host.Collectives.SharedMemory;

namespace Orchestrator.Worker.Host.Membership;

/// <summary>Takes whole vectors from one donor: a state into memory of its own, reduced gradients into the member's buffers.</summary>
/// <remarks>
/// What lies in the donor's memory is copied from there, counts if the donor has not taken it back meanwhile, and is then said to be taken in.
/// A gradient that is more than a few steps ahead of what was applied waits in the stream, and in the end with the donor, who drops the feed.
/// </remarks>
internal sealed class VectorReceiver : IMemoryReceiver, IDisposable
{
    /// <summary>Bytes of a state between two words of how much has come: a small one comes in a moment.</summary>
    private const long LeastTold = 1 << 20;

    private readonly ManualResetEventSlim _moved = new();
    private readonly ReadingGate _reading = new();
    private readonly ReducedBuffers _buffers;
    private readonly long _stateBytes;
    private readonly long _gradientBytes;
    private readonly IVectorEvents _events;
    private readonly string? _takenName;
    private PeerMemory? _donor;
    private PeerLink? _answers;
    private long _applied;
    private long _told;
    private bool _isEnded;

    /// <param name="buffers">Get the gradients.</param>
    /// <param name="stateBytes">Of the state; 0: none comes.</param>
    /// <param name="events">Told what has come.</param>
    /// <param name="takenName">Of the streams on which a donor is told what was taken in of its memory; null: it has to send everything.</param>
    public unsafe VectorReceiver(ReducedBuffers buffers, long stateBytes, IVectorEvents events, string? takenName = null)
    {
        _takenName = takenName;
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

    public void Meet(in BulkCall call)
    {
        if (call.Memory is not { } words)
        {
            return;
        }

        var sender = call.Sender;
        _reading.Enter();
        try
        {
            var (directory, answerTo) = SharedWords.Read(words);
            if (_donor is not null || answerTo is null || _takenName is null)
            {
                throw new BulkRejectedException(BulkStatus.FailedPrecondition, $"Shared memory \"{words}\" of a donor is not read: one donor with an address for answers was expected.");
            }

            _donor = PeerMemory.Open(directory);
            _answers = new PeerLink(answerTo, "unix", new BulkCall(_takenName, call.Generation, 0), reason => Ended(sender, $"The donor is not told what was taken in: {reason}"));
        }
        finally
        {
            _reading.Leave();
        }
    }

    public PayloadPlace Reserve(in BulkHeader header) =>
        // What was fed has no payload, and its fields are no offsets.
        header.Phase == BulkPhase.Fed ? PayloadPlace.Nowhere : new PayloadPlace(Place(header), header.PayloadBytes);

    public void Received(in BulkHeader header)
    {
        _reading.Enter();
        try
        {
            if (header.Reference == default)
            {
                Take(header);
            }
            else
            {
                var whole = header with { PayloadBytes = header.Reference.Bytes, Reference = default };
                Copy(header.Reference, whole);
                Take(whole);
                if (VectorPieces.EndOf(whole) == BytesOf(whole.Phase))
                {
                    _answers!.Send(new BulkHeader(whole.Generation, whole.Step, 0, BulkPhase.Taken, 0, 0, 0, 0, 0), 0);
                }
            }
        }
        finally
        {
            _reading.Leave();
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

    public void Close()
    {
        _reading.Close();
        Interlocked.Exchange(ref _donor, null)?.Dispose();
        Interlocked.Exchange(ref _answers, null)?.DisposeAsync().AsTask().Wait();
    }

    /// <summary>Called when no stream can bring anything any more.</summary>
    public unsafe void Dispose()
    {
        NativeMemory.AlignedFree((void*)State);
        State = 0;
        _moved.Dispose();
    }

    private long BytesOf(BulkPhase phase) => phase switch { BulkPhase.State => _stateBytes, BulkPhase.Gradient => _gradientBytes, _ => 0 };

    /// <summary>Where a piece belongs. Waits for room.</summary>
    private nint Place(in BulkHeader header)
    {
        var (first, end, whole) = (VectorPieces.ByteOf(header), VectorPieces.EndOf(header), BytesOf(header.Phase));
        if (first < 0 || end > whole)
        {
            throw new BulkRejectedException(
                BulkStatus.InvalidArgument, $"Bytes [{first}, {end}) of a {header.Phase} of step {header.Step}: {whole} are expected. Check that all workers run the same job file and version.");
        }

        if (header.Phase == BulkPhase.State)
        {
            return State + (nint)first;
        }

        Await(header.Step);
        return _buffers.For(header.Step).Memory.Address + (nint)first;
    }

    /// <summary>A piece that lies in the donor's memory.</summary>
    private unsafe void Copy(BulkReference reference, in BulkHeader whole)
    {
        try
        {
            var memory = whole.Phase is BulkPhase.State or BulkPhase.Gradient && _donor is { } donor
                ? donor : throw new IOException($"The donor refers to memory for a {whole.Phase}, which has none, or did not announce its memory.");
            var source = memory.Find(reference);
            Buffer.MemoryCopy((void*)source, (void*)Place(whole), reference.Bytes, reference.Bytes);
            if (!memory.IsInForce)
            {
                throw new BulkRejectedException(BulkStatus.Aborted, "The donor has ended the feed and taken its shared memory back while it was read.");
            }
        }
        catch (IOException error)
        {
            throw new BulkRejectedException(BulkStatus.FailedPrecondition, error.Message);
        }
    }

    private void Take(in BulkHeader header)
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

    private void Await(long step)
    {
        while (step > Volatile.Read(ref _applied) + _buffers.MaxBacklog)
        {
            // The end is looked for behind the reset: it sets the event once and for all.
            _moved.Reset();
            if (Volatile.Read(ref _isEnded))
            {
                throw new BulkRejectedException(BulkStatus.Aborted, "The feed was closed here.");
            }

            if (step > Volatile.Read(ref _applied) + _buffers.MaxBacklog)
            {
                _moved.Wait();
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
