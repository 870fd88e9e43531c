using System.Runtime.InteropServices;
using Orchestrator.Bulk;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Worker.Host.Collectives;
using Orchestrator.Worker.Host.Collectives.SharedMemory;

namespace Orchestrator.Worker.Host.Membership;

/// <summary>Takes whole vectors from one donor: a state, and reduced gradients for the member's buffers.</summary>
/// <remarks>
/// What lies in the memory of a donor on this host stays there: it is read when it is applied, and only then said to be taken in. What travels is put into memory of
/// this worker; a gradient that is too many steps ahead of what was applied waits in the stream. Either way it waits with the donor in the end, who drops the feed.
/// </remarks>
internal sealed class VectorReceiver : IMemoryReceiver, IDisposable
{
    /// <summary>Bytes of a state between two words of how much has come: a small one comes in a moment.</summary>
    private const long LeastTold = 1 << 20;

    private readonly Lock _gate = new();
    private readonly Lock _stateGate = new();
    private readonly ManualResetEventSlim _moved = new();
    private readonly ReadingGate _reading = new();
    private readonly LentVector _lent = new();
    private readonly ReducedBuffers _buffers;
    private readonly long _stateBytes;
    private readonly long _gradientBytes;
    private readonly IVectorEvents _events;
    private readonly string? _takenName;
    private PeerMemory? _donor;
    private TakenAnswers? _answers;
    private PeerLoan? _lentState;
    private nint _state;
    private long _applied;
    private long _told;
    private bool _isEnded;

    /// <param name="buffers">Get the gradients.</param>
    /// <param name="stateBytes">Of the state; 0: none comes.</param>
    /// <param name="events">Told what has come.</param>
    /// <param name="takenName">Of the streams on which a donor is told what was taken in of its memory; null: it has to send everything.</param>
    public VectorReceiver(ReducedBuffers buffers, long stateBytes, IVectorEvents events, string? takenName = null)
    {
        _takenName = takenName;
        (_buffers, _stateBytes, _gradientBytes, _events) = (buffers, stateBytes, buffers.ElementCount * sizeof(float), events);
        // Until a state has come, nothing is too far ahead.
        _applied = long.MaxValue - buffers.MaxBacklog;
    }

    /// <summary>Hands over the state that has come, and lets go of its memory. Any thread; the receiver may be closed meanwhile.</summary>
    /// <param name="load">Gets its first byte; not called when there is no state any more.</param>
    public void LoadState(Action<nint> load)
    {
        lock (_stateGate)
        {
            var address = _lentState?.Address ?? _state;
            if (address != 0)
            {
                load(address);
                FreeState();
            }
        }
    }

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
            _answers = new TakenAnswers(answerTo, new BulkCall(_takenName, call.Generation, 0), reason => Ended(sender, $"The donor is not told what was taken in: {reason}"));
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
                var piece = header with { PayloadBytes = header.Reference.Bytes, Reference = default };
                Borrow(header.Reference, piece);
                Take(piece);
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

    /// <summary>Lets a stream that waits for room go. From now on no gradient in a donor's memory is handed to the buffers.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            Volatile.Write(ref _isEnded, true);
        }

        _moved.Set();
    }

    public void Close()
    {
        _reading.Close();
        Interlocked.Exchange(ref _donor, null)?.Dispose();
        Interlocked.Exchange(ref _answers, null)?.Close();
    }

    /// <summary>Called when no stream can bring anything any more.</summary>
    public void Dispose()
    {
        lock (_stateGate)
        {
            FreeState();
        }

        _moved.Dispose();
    }

    private long BytesOf(BulkPhase phase) => phase switch { BulkPhase.State => _stateBytes, BulkPhase.Gradient => _gradientBytes, _ => 0 };

    /// <summary>Where a piece that travels belongs. Waits for room.</summary>
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
            return StateMemory() + (nint)first;
        }

        Await(header.Step);
        return _buffers.For(header.Step).Memory.Address + (nint)first;
    }

    /// <summary>A piece that lies in the donor's memory. The whole vector is borrowed: what was decided, or copied for this worker, is never changed there.</summary>
    private void Borrow(BulkReference reference, in BulkHeader piece)
    {
        try
        {
            if (piece.Phase is not (BulkPhase.State or BulkPhase.Gradient) || _donor is not { } donor)
            {
                throw new IOException($"The donor refers to memory for a {piece.Phase}, which has none, or did not announce its memory.");
            }

            _ = donor.Find(reference);
            var bytes = BytesOf(piece.Phase);
            if (!_lent.Add(piece, reference, bytes))
            {
                return;
            }

            var loan = donor.Lend(_lent.Start.Segment, _lent.Start.Offset, bytes);
            loan.Returned = _answers!.Lend(piece.Step);
            if (!donor.IsInForce || !Keep(loan, piece))
            {
                loan.Dispose();
                throw new BulkRejectedException(BulkStatus.Aborted, "The feed was closed here, or the donor has ended it and taken its shared memory back.");
            }
        }
        catch (IOException error)
        {
            throw new BulkRejectedException(BulkStatus.FailedPrecondition, error.Message);
        }
    }

    /// <returns>False: the feed was closed here, and the step's buffer may be another's by now.</returns>
    private bool Keep(PeerLoan loan, in BulkHeader piece)
    {
        lock (_gate)
        {
            if (_isEnded)
            {
                return false;
            }

            if (piece.Phase == BulkPhase.Gradient)
            {
                _buffers.Lend(piece.Step, loan);
                return true;
            }
        }

        lock (_stateGate)
        {
            _lentState?.Dispose();
            _lentState = loan;
            return true;
        }
    }

    private unsafe nint StateMemory()
    {
        lock (_stateGate)
        {
            return _state = _state != 0 ? _state : (nint)NativeMemory.AlignedAlloc((nuint)_stateBytes, 64);
        }
    }

    /// <summary>Called under the state's lock.</summary>
    private unsafe void FreeState()
    {
        _lentState?.Dispose();
        NativeMemory.AlignedFree((void*)_state);
        (_lentState, _state) = (null, 0);
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
