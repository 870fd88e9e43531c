using System.Runtime.InteropServices;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.AllReduce;
using Orchestrator.Worker.Host.Collectives;

namespace Orchestrator.Worker.Tests.Collectives;

/// <summary>Where partials lie that came by a wire: no longer than until they are added.</summary>
public sealed unsafe class PartialMemoryTests : IDisposable
{
    private const int Piece = 64;
    private const int Elements = Piece * 3 * 8;

    // Member 0 of three, with eight pieces of its own.
    private static readonly AllReducePlan s_plan = AllReducePlan.Create(
        Generation.None.Next, WorkerId.FromNumber(1), [.. Enumerable.Range(0, 3).Select(i => new Member(WorkerId.FromNumber(i + 1), $"{i}", i, 1))], 3, 0,
        [new ElementRange(0, Elements)], Piece);

    private readonly GradientExchange _exchange = new(s_plan, new NoLinks());
    private readonly nint _own = (nint)NativeMemory.AllocZeroed(Elements * sizeof(float));
    private readonly nint _reduced = (nint)NativeMemory.AllocZeroed(Elements * sizeof(float));

    public PartialMemoryTests() => _exchange.Begin(1, s_plan.Generation, _reduced);

    public void Dispose()
    {
        _exchange.Dispose();
        NativeMemory.Free((void*)_own);
        NativeMemory.Free((void*)_reduced);
    }

    [Fact]
    public void Received_PiecesComeEvenly_OnePlaceForEachPeerServesAll()
    {
        Ready();
        foreach (var piece in s_plan.OwnPieces)
        {
            Arrive(1, piece.Range, 2);
            Arrive(2, piece.Range, 3);
            Assert.Equal(5, ((float*)_reduced)[piece.Range.Offset]);
            Assert.Equal(5, ((float*)_reduced)[piece.Range.End - 1]);
        }

        Assert.Equal(8, s_plan.OwnPieces.Length);
        Assert.Equal(2 * Piece * sizeof(float), _exchange.MemoryBytes);
    }

    [Fact]
    public void Received_AllOfOnePeerFirst_EachPieceHasItsOwnPlaceUntilItIsAdded()
    {
        Ready();
        foreach (var piece in s_plan.OwnPieces)
        {
            Arrive(1, piece.Range, piece.Range.Offset);
        }

        foreach (var piece in s_plan.OwnPieces)
        {
            Arrive(2, piece.Range, 1);
            Assert.Equal(piece.Range.Offset + 1, ((float*)_reduced)[piece.Range.Offset]);
        }

        Assert.Equal(9 * Piece * sizeof(float), _exchange.MemoryBytes);
    }

    [Fact]
    public void Reserve_APartialThatIsHereAlready_IsRefusedThoughAnothersIsMissing()
    {
        var range = s_plan.OwnPieces[0].Range;
        Arrive(1, range, 1);
        var error = Assert.Throws<ExchangeException>(() => _exchange.Reserve(Header(1, range)));
        Assert.Equal($"Worker w-2 sent elements [{range.Offset}, {range.End}) of step 1 once too often.", error.Message);
    }

    [Fact]
    public void Received_APartialInAPeersMemoryTwice_IsRefusedThoughAnothersIsMissing()
    {
        Ready();
        var range = s_plan.OwnPieces[0].Range;
        _exchange.Received(Header(1, range), _own);
        _exchange.Received(Header(1, range), _own);
        var error = Assert.Throws<ExchangeException>(() => _exchange.Wait(CancellationToken.None));
        Assert.Equal($"Worker w-2 sent elements [{range.Offset}, {range.End}) of step 1 once too often.", error.Message);
    }

    /// <summary>Of two members that have no ranks of their own.</summary>
    [Fact]
    public void Received_AMembersWordThatItHasNoPartialTwice_IsRefusedThoughAnothersIsMissing()
    {
        var plan = AllReducePlan.Create(
            Generation.None.Next, WorkerId.FromNumber(1), [new Member(WorkerId.FromNumber(1), "1", 0, 1), new Member(WorkerId.FromNumber(2), "2", 1, 0), new Member(WorkerId.FromNumber(3), "3", 1, 0)],
            1, 0, [new ElementRange(0, Elements)], Piece);
        using var exchange = new GradientExchange(plan, new NoLinks());
        exchange.Begin(1, plan.Generation, _reduced);
        exchange.BucketReady(0, new Dictionary<TreeNode, nint> { [plan.In(1).Nodes[0].Single()] = _own });
        var word = new SegmentHeader(plan.Generation, 1, 1, IsGather: false, default, plan.OwnPieces[0].Range with { Length = 0 }, plan.Generation);
        exchange.Received(word);
        exchange.Received(word);
        var error = Assert.Throws<ExchangeException>(() => exchange.Wait(CancellationToken.None));
        Assert.EndsWith("of step 1 once too often.", error.Message, StringComparison.Ordinal);
    }

    private void Ready() => _exchange.BucketReady(0, new Dictionary<TreeNode, nint> { [s_plan.In(1).Nodes[0].Single()] = _own });

    private void Arrive(int sender, ElementRange range, float value)
    {
        var header = Header(sender, range);
        new Span<float>((void*)_exchange.Reserve(header), (int)range.Length).Fill(value);
        _exchange.Received(header);
    }

    private static SegmentHeader Header(int sender, ElementRange range) =>
        new(s_plan.Generation, 1, sender, IsGather: false, s_plan.In(1).Nodes[sender].Single(), range, s_plan.Generation);

    private sealed class NoLinks : ISegmentLinks
    {
        public void Send(int member, SegmentHeader header, nint payload, PackedPayload? packed = null)
        {
        }

        public void Tell(int member, LedgerEntry entry)
        {
        }

        public Task CompleteAsync() => Task.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
