using System.Collections.Immutable;
using System.Numerics.Tensors;
using Orchestrator.Bulk;
using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.AllReduce;
using Orchestrator.Worker.Host.Collectives;

namespace Orchestrator.Tools.Bench.AllReduce;

/// <summary>The all-reduce as others do it: a slice owner adds each partial as it comes, so the bits depend on who was first. Only to measure what the fixed order costs.</summary>
/// <remarks>The same slices, pieces, streams, threads, memory and checks as the worker's exchange, so that the order alone differs; one partial for each member. No failures: a benchmark ends with its first.</remarks>
internal sealed unsafe class ArrivalExchange : IBulkReceiver, IDisposable
{
    private readonly object _gate = new();
    private readonly AllReducePlan _plan;
    private readonly ISegmentLinks _links;
    private readonly PartialMemory _received;
    private readonly PieceState[] _pieces;
    private AllReduceState _state;
    private nint _own;
    private nint _reduced;
    private long _step;
    private int _missing;

    public ArrivalExchange(AllReducePlan plan, ISegmentLinks links)
    {
        (_plan, _links, _received) = (plan, links, new PartialMemory(plan));
        _pieces = [.. plan.OwnPieces.Select(_ => new PieceState())];
        _state = AllReduceState.Start(plan);
    }

    public void AllReduce(long step, nint own, nint reduced)
    {
        var sends = new List<AllReduceEffect.SendPartial>();
        lock (_gate)
        {
            (_own, _reduced, _step, _missing) = (own, reduced, step, _plan.GatheredPieces + _plan.OwnPieces.Length);
            Tell(new AllReduceEvent.StepBegun(step, _plan.Generation));
            sends.AddRange(Tell(new AllReduceEvent.BucketReady(0)).OfType<AllReduceEffect.SendPartial>());
        }

        sends.ForEach(send => Send(send.Member, send.Range, isGather: false, own));

        // Partials of peers that were ahead are here already.
        for (var piece = 0; piece < _pieces.Length; piece++)
        {
            AddAll(piece);
        }

        lock (_gate)
        {
            while (_missing > 0)
            {
                Monitor.Wait(_gate);
            }
        }
    }

    public PayloadPlace Reserve(in BulkHeader header)
    {
        lock (_gate)
        {
            if (SegmentRule.Check(_state, header.ToDomain()) is { } objection)
            {
                throw new ExchangeException(objection);
            }

            if (header.Phase == BulkPhase.Gather)
            {
                return new PayloadPlace(_reduced + (nint)(header.Offset * sizeof(float)), header.PayloadBytes);
            }

            return new PayloadPlace(_received.Place(header.Step, NodeOf(header), _plan.CollectedAt(header.Offset), isPacked: false), header.PayloadBytes);
        }
    }

    public void Received(in BulkHeader header)
    {
        if (header.Phase == BulkPhase.Gather)
        {
            lock (_gate)
            {
                Tell(new AllReduceEvent.SegmentArrived(header.ToDomain()));
            }

            Done();
            return;
        }

        var piece = _plan.CollectedAt(header.Offset);
        nint place;
        lock (_gate)
        {
            Tell(new AllReduceEvent.SegmentArrived(header.ToDomain()));
            place = _received.Take(header.Step, NodeOf(header), piece).Address;
        }

        lock (_pieces[piece])
        {
            _pieces[piece].Arrived.Enqueue((header.Step, place));
        }

        AddAll(piece);
    }

    public void Ended(int sender, string? reason)
    {
        if (reason is not null)
        {
            Console.Error.WriteLine(reason);
        }
    }

    public void Dispose() => _received.Dispose();

    /// <summary>Adds what has come for a piece, in the order in which it came.</summary>
    private void AddAll(int index)
    {
        var (range, state) = (_plan.OwnPieces[index].Range, _pieces[index]);
        var isWhole = false;
        lock (state)
        {
            while (state.Arrived.TryPeek(out var first) && first.Step == Volatile.Read(ref _step))
            {
                state.Arrived.Dequeue();
                var target = Span(_reduced, range.Offset, range.Length);
                TensorPrimitives.Add(state.Added == 0 ? Span(_own, range.Offset, range.Length) : target, Span(first.Place, 0, range.Length), target);
                isWhole = ++state.Added == _plan.Members.Length - 1;
                lock (_gate)
                {
                    _received.Free(first.Place);
                }
            }

            if (isWhole)
            {
                state.Added = 0;
            }
        }

        if (isWhole)
        {
            for (var distance = 1; distance < _plan.Members.Length; distance++)
            {
                Send((_plan.Self + distance) % _plan.Members.Length, range, isGather: true, _reduced);
            }

            Done();
        }
    }

    /// <summary>The worker's own decisions, of which the order of the additions alone is not followed. Under the lock.</summary>
    private ImmutableArray<AllReduceEffect> Tell(AllReduceEvent each)
    {
        (_state, var effects) = AllReduceMachine.Step(_state, each);
        return effects;
    }

    private TreeNode NodeOf(in BulkHeader header) => _plan.In(header.Step).Nodes[header.Sender].Single();

    private void Done()
    {
        lock (_gate)
        {
            if (--_missing == 0)
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    private void Send(int member, ElementRange range, bool isGather, nint from) => _links.Send(
        member, new SegmentHeader(_plan.Generation, _step, _plan.Self, isGather, isGather ? default : _plan.In(_step).Nodes[_plan.Self].Single(), range, _plan.Generation), from + (nint)(range.Offset * sizeof(float)));

    private static Span<float> Span(nint memory, long offset, long length) => new((float*)memory + offset, (int)length);

    private sealed class PieceState
    {
        public Queue<(long Step, nint Place)> Arrived { get; } = new();

        public int Added { get; set; }
    }
}
