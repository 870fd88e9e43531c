using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>The shell around <see cref="AllReduceMachine"/> for one generation: knows where the numbers are and carries the machine's effects out.</summary>
/// <remarks>
/// A member's shell calls Begin, BucketReady and Close; a transport's receiving threads call Reserve, Received and PeerLost. One lock orders
/// them; additions run outside of it, on the thread that brought the last partial of a piece. No number is copied but by the transport: partials
/// are sent from where they were computed, land where they are added from, and sums land in the reduced gradient. Elements that the format rounds are packed to
/// two bytes for links that send them, are added from there, and unpacked in the reduced gradient.
/// </remarks>
internal sealed class GradientExchange : IDisposable
{
    private readonly Lock _gate = new();
    private readonly AllReducePlan _plan;
    private readonly ISegmentLinks _links;
    private readonly IExchangeEvents? _events;
    private readonly WireFormat _format;
    private readonly ExchangeMemory _memory;
    // Not a slim one: a waiting thread that spins takes the processor from those that receive and add.
    private readonly AutoResetEvent _ended = new(false);
    private AllReduceState _state;
    private int _additions;
    private long _sentBytes;
    private Generation? _decided;
    private bool _isDecisionTold;
    private bool _isBreakTold;
    private (int Member, string Reason)? _break;

    /// <param name="plan">The generation's.</param>
    /// <param name="links">To the other members; the caller disposes them first.</param>
    /// <param name="events">Told of what happens, on the thread that brought it and without a lock; null: <see cref="Wait"/> tells.</param>
    /// <param name="format">What is rounded; partials of such elements are handed over rounded.</param>
    public GradientExchange(AllReducePlan plan, ISegmentLinks links, IExchangeEvents? events = null, WireFormat format = default)
    {
        (_plan, _links, _events, _format) = (plan, links, events, format);
        _memory = new ExchangeMemory(plan, format);
        _state = AllReduceState.Start(plan);
    }

    /// <summary>Asked after partials were read in peers' memory: whose memory, and why what was read does not count; null: it counts. Set before segments come.</summary>
    public Func<(int Member, string Reason)?>? Objection { get; set; }

    /// <summary>Bytes of payload sent so far.</summary>
    public long SentBytes => Interlocked.Read(ref _sentBytes);

    /// <summary>Native memory held for received partials.</summary>
    public long MemoryBytes => _memory.ReceivedBytes;

    /// <summary>Begins a step, before its gradients are computed: peers may be ahead.</summary>
    /// <param name="step">Steps applied + 1.</param>
    /// <param name="prepared">The highest generation that this member has prepared.</param>
    /// <param name="reduced">Element 0 of the buffer that gets the sum; may hold anything.</param>
    public void Begin(long step, Generation prepared, nint reduced)
    {
        lock (_gate)
        {
            (_decided, _isDecisionTold) = (null, false);
            _memory.Begin(step, reduced);
            (_state, var effects) = AllReduceMachine.Step(_state, new AllReduceEvent.StepBegun(step, prepared));
            Carry(effects);
        }
    }

    /// <summary>Tells every member what was fed to this member's ranks of the step: BEFORE its first bucket, so that whoever decides the step has heard of all ranks.</summary>
    public void Tell(IReadOnlyCollection<LedgerEntry> fed)
    {
        lock (_gate)
        {
            for (var distance = 1; distance < _plan.Members.Length; distance++)
            {
                foreach (var entry in fed)
                {
                    _links.Tell((_plan.Self + distance) % _plan.Members.Length, entry);
                }
            }
        }
    }

    /// <summary>A peer tells what it fed to a rank of its own.</summary>
    public void Told(LedgerEntry entry) => _events?.Told(entry);

    /// <summary>A bucket of this member's partials is final: its pieces are sent, and those whose partials are all here are added.</summary>
    /// <param name="bucket">In order.</param>
    /// <param name="partials">Element 0 of each of this member's partials; unchanged until <see cref="Wait"/> has returned.</param>
    public void BucketReady(int bucket, IReadOnlyDictionary<TreeNode, nint> partials)
    {
        ExchangeTurn? turn;
        lock (_gate)
        {
            foreach (var (node, address) in partials)
            {
                _memory.SetOwn(node, address);
            }

            (_state, var effects) = AllReduceMachine.Step(_state, new AllReduceEvent.BucketReady(bucket));
            turn = Carry(effects);
        }

        Run(turn);
        Raise();
    }

    /// <summary>Waits until the whole reduced gradient is held.</summary>
    /// <returns>The generation that all members switch to after this step; the present one: they go on.</returns>
    /// <exception cref="ExchangeException">A peer was lost, or sent what it may not.</exception>
    /// <exception cref="OperationCanceledException">At once when it is cancelled.</exception>
    public Generation Wait(CancellationToken cancellation)
    {
        while (true)
        {
            lock (_gate)
            {
                // First: a peer that dies behind the decision takes nothing from a step that is decided.
                if (_decided is { } generation && _additions == 0)
                {
                    return generation;
                }

                if (_state.Failure is { } failure)
                {
                    throw new ExchangeException(failure);
                }
            }

            WaitHandle.WaitAny([_ended, cancellation.WaitHandle]);
            cancellation.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Where a segment's payload is to land.</summary>
    /// <param name="header">The segment's.</param>
    /// <param name="isPacked">Its elements come in two bytes each.</param>
    /// <returns>The first element; zero when the segment belongs to another generation and its payload is to be dropped.</returns>
    /// <exception cref="ExchangeException">The segment may not be sent; the exchange has ended.</exception>
    public nint Reserve(SegmentHeader header, bool isPacked = false)
    {
        lock (_gate)
        {
            if (header.Generation != _plan.Generation || _state.Failure is not null || header.Range.Length == 0)
            {
                return 0;
            }

            var objection = SegmentRule.Check(_state, header) ?? _format.Check(_plan, header, isPacked);
            if (objection is null && _memory.Place(header, isPacked) is not 0 and var place)
            {
                return place;
            }

            // The transport ends the stream with it, and tells the loss of the peer.
            objection ??= SegmentRule.OnceTooOften(_state, header);
            Fail(objection);
            _break ??= (header.Sender, objection);
            throw new ExchangeException(objection);
        }
    }

    /// <summary>A segment is whole.</summary>
    /// <param name="header">The segment's.</param>
    /// <param name="shared">Zero: its payload, if any, landed where <see cref="Reserve"/> said. Else a partial's first element in a peer's memory, readable until the step is over.</param>
    /// <param name="isPacked">As <see cref="Reserve"/> was told.</param>
    public void Received(SegmentHeader header, nint shared = 0, bool isPacked = false)
    {
        if (isPacked && header.IsGather)
        {
            PackedPayload.UnpackInPlace(_memory.ReducedAt(header.Range), header.Range.Length);
        }

        ExchangeTurn? turn;
        lock (_gate)
        {
            (_state, var effects) = AllReduceMachine.Step(_state, new AllReduceEvent.SegmentArrived(header));
            var isPlaceless = !header.IsGather && (shared != 0 || header.Range.Length == 0) && header.Generation == _plan.Generation;
            if (isPlaceless && _state.Failure is null && !_memory.TryTell(header))
            {
                // Another's was taken for come: what follows from that is not done.
                Fail(SegmentRule.OnceTooOften(_state, header));
                effects = [];
            }

            if (shared != 0 && !header.IsGather && _state.Failure is null)
            {
                _memory.SetShared(header, shared);
            }

            turn = Carry(effects);
            if (_state.Failure is { } failure)
            {
                _break ??= (header.Sender, failure);
            }
        }

        Run(turn);
        Raise();
    }

    public void PeerLost(int member, string reason)
    {
        lock (_gate)
        {
            if (_state.Failure is null)
            {
                (_state, var effects) = AllReduceMachine.Step(_state, new AllReduceEvent.PeerLost(member, reason));
                Carry(effects);
                _break ??= (member, reason);
            }
        }

        Raise();
    }

    /// <summary>From now on nothing is taken in, decided or told. What is being added on other threads may still read and write.</summary>
    public void Close(string reason)
    {
        lock (_gate)
        {
            Fail(reason);
            (_isDecisionTold, _isBreakTold) = (_isDecisionTold || _decided is null || _additions > 0, true);
        }
    }

    /// <summary>Ends the exchange; called when no transport can call any more.</summary>
    public void Dispose()
    {
        Close("the generation has ended.");
        _memory.Dispose();
    }

    /// <summary>Tells what has come about, once and outside of the lock.</summary>
    private void Raise()
    {
        if (_events is null)
        {
            return;
        }

        (long Step, Generation Agreed)? decided = null;
        (int Member, string Reason)? broken = null;
        lock (_gate)
        {
            if (!_isDecisionTold && _decided is { } agreed && _additions == 0)
            {
                (_isDecisionTold, decided) = (true, (_state.Step, agreed));
            }

            if (!_isBreakTold && _break is { } each)
            {
                (_isBreakTold, broken) = (true, each);
            }
        }

        if (decided is { } step)
        {
            _events.Decided(_plan.Generation, step.Step, step.Agreed);
        }

        if (broken is { } end)
        {
            _events.Broken(_plan.Generation, _plan.Members[end.Member].Worker, end.Reason);
        }
    }

    /// <summary>Runs under the lock; what takes long is handed back, to be run outside of it.</summary>
    private ExchangeTurn? Carry(IEnumerable<AllReduceEffect> effects)
    {
        ExchangeTurn? turn = null;
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case AllReduceEffect.SendPartial send:
                    (turn ??= new ExchangeTurn()).Sends.Add(_memory.Partial(send));
                    break;
                case AllReduceEffect.ReducePiece reduce:
                    (turn ??= new ExchangeTurn()).Reductions.Add(_memory.Reduce(reduce));
                    _additions++;
                    break;
                case AllReduceEffect.CollectPiece collect:
                    (turn ??= new ExchangeTurn()).Reductions.Add(_memory.Collect(collect));
                    _additions++;
                    break;
                case AllReduceEffect.SendReduced send:
                    turn ??= new ExchangeTurn();
                    // Behind the reduction of the same piece it is sent when that is done; a sum that has come from the parent is here already.
                    var isOwn = turn.Reductions.Count > 0 && turn.Reductions[^1].Range == send.Range;
                    (isOwn ? turn.Reductions[^1].Sends : turn.Sends).AddRange(_memory.Reduced(send));
                    break;
                case AllReduceEffect.Decided decided:
                    _decided = decided.LeastPrepared;
                    if (_additions == 0)
                    {
                        _ended.Set();
                    }

                    break;
                case AllReduceEffect.Fail:
                    _ended.Set();
                    break;
                default:
                    // Stored payloads are where they belong already; what is ignored needs no act.
                    break;
            }
        }

        return turn;
    }

    /// <summary>Outside of the lock: other peers' partials are taken in meanwhile.</summary>
    private void Run(ExchangeTurn? turn)
    {
        if (turn is null)
        {
            return;
        }

        turn.Sends.ForEach(Send);
        foreach (var reduction in turn.Reductions)
        {
            foreach (var (plan, inputs, target) in reduction.Sums)
            {
                PieceSum.Add(plan, inputs, target, reduction.Range.Length, _format.IsRounded(reduction.Range));
            }

            var objection = Objection?.Invoke();
            if (objection is null)
            {
                reduction.Sends.ForEach(Send);
            }

            Added(reduction, objection);
        }
    }

    private void Added(PieceReduction reduction, (int Member, string Reason)? objection)
    {
        lock (_gate)
        {
            _memory.Free(reduction);
            _additions--;
            if (objection is { } each)
            {
                _decided = null;
                Fail(each.Reason);
                _break ??= each;
            }
            else if (_additions == 0 && _decided is not null)
            {
                _ended.Set();
            }
        }
    }

    private void Send(OutgoingPiece piece)
    {
        Interlocked.Add(ref _sentBytes, piece.Header.Range.Length * WireFormat.BytesOf(piece.Packed is not null));
        _links.Send(piece.Member, piece.Header, piece.Payload, piece.Packed);
    }

    private void Fail(string reason)
    {
        if (_state.Failure is null)
        {
            _state = _state with { Failure = reason };
            _ended.Set();
        }
    }
}
