using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Core.Reduction;
using Orchestrator.Simulation.World;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Simulation.Workers;

/// <summary>What a member fed to a rank of its own, told to the others before its gradients.</summary>
internal sealed record SimTold(LedgerEntry Entry);

/// <summary>A segment under way: its payload is read from the sender's memory when it arrives.</summary>
internal sealed record SimSegment(SegmentHeader Header, SimBuffer? Payload);

/// <summary>The exchange of one generation around the real machine: partials are read late, received ones kept by step and node, sums written into the reduced buffer.</summary>
internal sealed class SimExchange
{
    private readonly Dictionary<(long Parity, TreeNode Node, int Block), ulong> _received = [];
    private readonly List<SimBuffer> _collected = [];
    private readonly IReadOnlyList<SimStream?> _links;
    private readonly Action<long, Generation> _decided;
    private readonly Action<int, string> _broken;
    private IReadOnlyDictionary<TreeNode, SimBuffer> _own = new Dictionary<TreeNode, SimBuffer>();
    private SimBuffer _reduced = new();
    private AllReduceState _state;
    private bool _isClosed;
    private bool _isBreakTold;

    /// <param name="plan">The generation's.</param>
    /// <param name="links">To each other member.</param>
    /// <param name="decided">Told the step and what was agreed.</param>
    /// <param name="broken">Told the member and the reason, once.</param>
    public SimExchange(AllReducePlan plan, IReadOnlyList<SimStream?> links, Action<long, Generation> decided, Action<int, string> broken) =>
        (_links, _decided, _broken, _state) = (links, decided, broken, AllReduceState.Start(plan));

    public AllReducePlan Plan => _state.Plan;

    public void Begin(long step, Generation prepared, SimBuffer reduced)
    {
        (_reduced, _own) = (reduced, new Dictionary<TreeNode, SimBuffer>());
        Handle(new AllReduceEvent.StepBegun(step, prepared), -1);
    }

    public void HandOver(int bucket, IReadOnlyDictionary<TreeNode, SimBuffer> places)
    {
        _own = places;
        Handle(new AllReduceEvent.BucketReady(bucket), -1);
    }

    /// <summary>Before the step's first bucket.</summary>
    public void Tell(IEnumerable<LedgerEntry> fed)
    {
        foreach (var entry in fed)
        {
            foreach (var link in _links)
            {
                link?.Send(new SimTold(entry));
            }
        }
    }

    public void Take(SimSegment segment)
    {
        var header = segment.Header;
        if (_isClosed || header.Generation != Plan.Generation || _state.Failure is not null)
        {
            return;
        }

        if (segment.Payload is { } payload && SegmentRule.Check(_state, header) is null)
        {
            for (var block = BlockOf(header.Range.Offset); block < BlockOf(header.Range.End); block++)
            {
                if (header.IsGather)
                {
                    _reduced.Values[block] = payload.Values[block];
                }
                else
                {
                    _received[(header.Step & 1, header.Node, block)] = payload.Values[block];
                }
            }
        }

        Handle(new AllReduceEvent.SegmentArrived(header), header.Sender);
    }

    public void PeerLost(int member, string reason)
    {
        if (!_isClosed && _state.Failure is null)
        {
            Handle(new AllReduceEvent.PeerLost(member, reason), member);
        }
    }

    public void Close() => _isClosed = true;

    private void Handle(AllReduceEvent @event, int peer)
    {
        (_state, var effects) = AllReduceMachine.Step(_state, @event);
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case AllReduceEffect.SendPartial send:
                    var header = new SegmentHeader(Plan.Generation, _state.Step, Plan.Self, false, send.Node ?? default, send.Range, send.Prepared);
                    _links[send.Member]!.Send(new SimSegment(header, send.Node is { } node ? _own[node] : null));
                    break;
                case AllReduceEffect.ReducePiece reduce:
                    Reduce(reduce.Range, 0, _reduced);
                    break;
                case AllReduceEffect.CollectPiece collect:
                    Collect(collect);
                    break;
                case AllReduceEffect.SendReduced send:
                    var gather = new SegmentHeader(Plan.Generation, _state.Step, Plan.Self, true, default, send.Range, send.LeastPrepared);
                    foreach (var member in send.Members)
                    {
                        _links[member]!.Send(new SimSegment(gather, _reduced));
                    }

                    break;
                case AllReduceEffect.Decided decided:
                    _decided(decided.Step, decided.LeastPrepared);
                    break;
                case AllReduceEffect.Fail fail when !_isBreakTold:
                    _isBreakTold = true;
                    _broken(peer, fail.Reason);
                    break;
            }
        }
    }

    /// <summary>Sums for the member's group lie in memory that is written again in the next step, and are read when they arrive.</summary>
    private void Collect(AllReduceEffect.CollectPiece collect)
    {
        var header = new SegmentHeader(Plan.Generation, _state.Step, Plan.Self, false, default, collect.Range, collect.Prepared);
        var sums = Plan.CollectionOf(_state.Step, Plan.CollectedAt(collect.Range.Offset)).Sums;
        for (var i = 0; i < sums.Length; i++)
        {
            while (_collected.Count <= i)
            {
                _collected.Add(new SimBuffer());
            }

            Reduce(collect.Range, i, _collected[i]);
            _links[collect.Parent]!.Send(new SimSegment(header with { Node = sums[i].Node }, _collected[i]));
        }

        if (sums.IsEmpty)
        {
            _links[collect.Parent]!.Send(new SimSegment(header with { Range = collect.Range with { Length = 0 } }, null));
        }
    }

    private void Reduce(ElementRange range, int index, SimBuffer target)
    {
        var merge = Plan.CollectionOf(_state.Step, Plan.CollectedAt(range.Offset)).Sums[index];
        for (var block = BlockOf(range.Offset); block < BlockOf(range.End); block++)
        {
            var values = merge.Inputs.Select(node => _own.TryGetValue(node, out var own) ? own.Values[block] : _received[(_state.Step & 1, node, block)]).ToArray();
            foreach (var (left, right) in merge.Additions)
            {
                values[left] = SimModel.Add(values[left], values[right]);
            }

            target.Values[block] = values[0];
        }
    }

    private static int BlockOf(long offset) => (int)(offset / SimModel.BlockElements);
}
