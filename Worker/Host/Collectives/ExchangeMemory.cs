using Orchestrator.Core.Identities;
using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>Where the numbers of one exchange lie: this member's partials, those that came, the sums, and their forms that travel. Called under the exchange's lock.</summary>
internal sealed class ExchangeMemory(AllReducePlan plan, WireFormat format) : IDisposable
{
    private readonly PartialMemory _received = new(plan);
    private readonly PackedMemory _packed = new(plan.Buckets.Max(bucket => bucket.End));
    private readonly CollectedMemory _collected = new(plan);
    private readonly Dictionary<TreeNode, nint> _own = [];
    // Partials that lie in a peer's memory: the first element of each collected piece, for the present and the next step.
    private readonly Dictionary<(TreeNode Node, int Piece), nint>[] _shared = [[], []];
    // Partials that need no place here: those, and the words of members that have none.
    private readonly HashSet<(int Sender, TreeNode Node, int Piece)>[] _told = [[], []];
    private long _step;
    private nint _reduced;

    /// <summary>Native memory held for received partials.</summary>
    public long ReceivedBytes => _received.Bytes;

    /// <param name="step">The step that begins.</param>
    /// <param name="reduced">Element 0 of the buffer that gets the sum.</param>
    public void Begin(long step, nint reduced)
    {
        (_step, _reduced) = (step, reduced);
        _shared[(step + 1) & 1].Clear();
        _told[(step + 1) & 1].Clear();
        // Nodes may belong to others in this step.
        _own.Clear();
    }

    /// <summary>Element 0 of one of this member's partials.</summary>
    public void SetOwn(TreeNode node, nint address) => _own[node] = address;

    /// <summary>A partial's piece that needs no place here has come.</summary>
    /// <returns>False: it was sent before.</returns>
    public bool TryTell(SegmentHeader header) => _told[header.Step & 1].Add((header.Sender, header.Node, plan.CollectedAt(header.Range.Offset)));

    /// <summary>A partial's piece that is read where it lies.</summary>
    public void SetShared(SegmentHeader header, nint first) => _shared[header.Step & 1][(header.Node, plan.CollectedAt(header.Range.Offset))] = first;

    /// <summary>Where a segment's payload is to land; zero when a partial was sent before. A packed sum lands in the upper half of its place, where it is unpacked without another copy.</summary>
    public nint Place(SegmentHeader header, bool isPacked) => header.IsGather
        ? ReducedAt(header.Range) + (nint)(isPacked ? header.Range.Length * sizeof(ushort) : 0)
        : _received.Place(header.Step, header.Node, plan.CollectedAt(header.Range.Offset), isPacked);

    /// <summary>First element of a piece in the reduced gradient.</summary>
    public nint ReducedAt(ElementRange range) => _reduced + (nint)(range.Offset * sizeof(float));

    /// <summary>What was received for the additions is read no more.</summary>
    public void Free(PieceReduction reduction) => reduction.Taken.ForEach(_received.Free);

    /// <summary>A piece of one of this member's partials.</summary>
    public OutgoingPiece Partial(AllReduceEffect.SendPartial send)
    {
        var header = Header(send.Range, isGather: false, send.Prepared);
        if (send.Node is not { } node)
        {
            return new OutgoingPiece(send.Member, header, 0, null);
        }

        var payload = _own[node] + (nint)(send.Range.Offset * sizeof(float));
        return new OutgoingPiece(send.Member, header with { Node = node }, payload, Packed(plan.In(_step).Nodes[plan.Self].IndexOf(node), payload, send.Range));
    }

    public PieceReduction Reduce(AllReduceEffect.ReducePiece reduce)
    {
        var reduction = new PieceReduction(reduce.Range);
        AddSum(reduction, 0, ReducedAt(reduce.Range));
        return reduction;
    }

    /// <summary>The sums of a piece that this member collects lie in memory of their own until the next step's.</summary>
    public PieceReduction Collect(AllReduceEffect.CollectPiece collect)
    {
        var piece = plan.CollectedAt(collect.Range.Offset);
        var reduction = new PieceReduction(collect.Range);
        var header = Header(collect.Range, isGather: false, collect.Prepared);
        var sums = plan.CollectionOf(_step, piece).Sums;
        for (var i = 0; i < sums.Length; i++)
        {
            var target = _collected.Place(i, piece);
            AddSum(reduction, i, target);
            reduction.Sends.Add(new OutgoingPiece(collect.Parent, header with { Node = sums[i].Node }, target, Packed(i, target, collect.Range)));
        }

        if (sums.IsEmpty)
        {
            reduction.Sends.Add(new OutgoingPiece(collect.Parent, header with { Range = collect.Range with { Length = 0 } }, 0, null));
        }

        return reduction;
    }

    /// <summary>A reduced piece for each of its receivers.</summary>
    public IEnumerable<OutgoingPiece> Reduced(AllReduceEffect.SendReduced send)
    {
        var header = Header(send.Range, isGather: true, send.LeastPrepared);
        var payload = ReducedAt(send.Range);
        var packed = Packed(0, payload, send.Range);
        return send.Members.Select(member => new OutgoingPiece(member, header, payload, packed));
    }

    public void Dispose()
    {
        _received.Dispose();
        _packed.Dispose();
        _collected.Dispose();
    }

    private SegmentHeader Header(ElementRange range, bool isGather, Generation prepared) =>
        new(plan.Generation, _step, plan.Self, isGather, default, range, prepared);

    private PackedPayload? Packed(int copy, nint payload, ElementRange range) =>
        format.IsRounded(range) ? new PackedPayload(_packed, copy, payload, range) : null;

    /// <summary>One of a piece's sums, with the piece in each partial, in the merge plan's order.</summary>
    private void AddSum(PieceReduction reduction, int index, nint target)
    {
        var range = reduction.Range;
        var piece = plan.CollectedAt(range.Offset);
        var merge = plan.CollectionOf(_step, piece).Sums[index];
        var inputs = new PieceInput[merge.Inputs.Length];
        for (var i = 0; i < inputs.Length; i++)
        {
            var node = merge.Inputs[i];
            if (_own.TryGetValue(node, out var own))
            {
                inputs[i] = new PieceInput(own + (nint)(range.Offset * sizeof(float)), IsPacked: false);
            }
            else if (_shared[_step & 1].TryGetValue((node, piece), out var peer))
            {
                inputs[i] = new PieceInput(peer, IsPacked: false);
            }
            else if ((inputs[i] = _received.Take(_step, node, piece)).Address is not 0 and var place)
            {
                reduction.Taken.Add(place);
            }
        }

        reduction.Sums.Add(new PieceReduction.Sum(merge, inputs, target));
    }
}
