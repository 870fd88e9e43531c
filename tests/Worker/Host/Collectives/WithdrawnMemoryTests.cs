using System.Runtime.InteropServices;
using Orchestrator.Bulk;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.AllReduce;
using Orchestrator.Worker.Host.Collectives;
using Orchestrator.Worker.Host.Collectives.SharedMemory;

namespace Orchestrator.Worker.Tests.Collectives;

/// <summary>A member that froze reads its peers' memory when they have gone on: what it read must not become a sum.</summary>
public sealed unsafe class WithdrawnMemoryTests : IDisposable
{
    private const int Elements = 64;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly AllReducePlan _plan;
    private readonly SilentLinks _links = new();
    private readonly GradientExchange _exchange;
    private readonly ExchangeReceiver _receiver;
    private readonly SegmentDirectory _peer = new();
    private readonly nint _peerMemory = SharedSegments.TryAllocate(Elements * sizeof(float));
    private readonly nint _own = (nint)NativeMemory.AllocZeroed(Elements * sizeof(float));
    private readonly nint _reduced = (nint)NativeMemory.AllocZeroed(Elements * sizeof(float));

    public WithdrawnMemoryTests()
    {
        _plan = AllReducePlan.Create(
            Generation.None.Next, WorkerId.FromNumber(1), [new Member(WorkerId.FromNumber(1), "a", 0, 1), new Member(WorkerId.FromNumber(2), "b", 1, 1)], 2, 0,
            [new ElementRange(0, Elements)]);
        _exchange = new GradientExchange(_plan, _links);
        _receiver = new ExchangeReceiver(_exchange);
        _receiver.Meet(new BulkCall("run", _plan.Generation.Number, 1, _peer.Words));
        _exchange.Begin(1, _plan.Generation, _reduced);
    }

    public void Dispose()
    {
        _receiver.Close();
        _exchange.Dispose();
        _peer.Dispose();
        SharedSegments.Free(_peerMemory);
        NativeMemory.Free((void*)_own);
        NativeMemory.Free((void*)_reduced);
    }

    [Fact]
    public void Reduce_MemoryStillInForce_IsAddedAndSent()
    {
        _receiver.Received(Header(_plan.Self, isGather: false));
        Ready();
        Assert.Contains(_links.Sent, header => header.IsGather);
    }

    [Fact]
    public void Reduce_MemoryTakenBackBeforeTheAddition_FailsTheStepAndSendsNoSum()
    {
        _receiver.Received(Header(_plan.Self, isGather: false));
        _peer.Dispose();
        Ready();
        Assert.Contains("taken its shared memory back", Assert.Throws<ExchangeException>(() => _exchange.Wait(CancellationToken.None)).Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_links.Sent, header => header.IsGather);
    }

    [Fact]
    public void Reduce_MemoryTakenBackWhenAllElseIsThere_DoesNotDecide()
    {
        // The last piece of the step: the decision is made before its addition, and must not stand after it.
        Ready();
        _receiver.Received(Header(1, isGather: true));
        var last = Header(_plan.Self, isGather: false);
        _peer.Dispose();
        _receiver.Received(last);
        Assert.Throws<ExchangeException>(() => _exchange.Wait(CancellationToken.None));
    }

    [Fact]
    public void Gather_MemoryTakenBackBeforeTheCopy_IsRefused()
    {
        Ready();
        var header = Header(1, isGather: true);
        _peer.Dispose();
        var error = Assert.Throws<BulkRejectedException>(() => _receiver.Received(header));
        Assert.Equal(BulkStatus.Aborted, error.Status);
    }

    [Fact]
    public void Received_ReferenceToMemoryThatWasNotAnnounced_IsRefused()
    {
        var header = Header(_plan.Self, isGather: false) with { Reference = new BulkReference(9, 0, Elements * sizeof(float) / 2) };
        Assert.Equal(BulkStatus.FailedPrecondition, Assert.Throws<BulkRejectedException>(() => _receiver.Received(header)).Status);
    }

    [Fact]
    public void Close_WhileAnAdditionRuns_WaitsForIt()
    {
        using var isAdding = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        Ready();
        _links.OnGather = () =>
        {
            isAdding.Set();
            goOn.Wait();
        };
        var adding = new Thread(() => _receiver.Received(Header(_plan.Self, isGather: false)));
        adding.Start();
        Assert.True(isAdding.Wait(Limit));
        var closing = new Thread(_receiver.Close);
        closing.Start();
        Assert.False(closing.Join(TimeSpan.Zero));
        goOn.Set();
        Assert.True(adding.Join(Limit) && closing.Join(Limit));
    }

    private void Ready() => _exchange.BucketReady(0, new Dictionary<TreeNode, nint> { [new TreeNode(0, 1)] = _own });

    /// <summary>The peer's half of what a member reduces, in the peer's memory.</summary>
    private BulkHeader Header(int owner, bool isGather)
    {
        var range = _plan.Pieces[owner][0].Range;
        var header = new SegmentHeader(_plan.Generation, 1, 1, isGather, isGather ? default : new TreeNode(1, 1), range, _plan.Generation);
        return header.ToWire(_peer.Refer(_peerMemory + (nint)(range.Offset * sizeof(float)), (int)range.Length * sizeof(float)));
    }

    private sealed class SilentLinks : ISegmentLinks
    {
        public List<SegmentHeader> Sent { get; } = [];

        public Action? OnGather { get; set; }

        public void Tell(int member, LedgerEntry entry)
        {
        }

        public void Send(int member, SegmentHeader header, nint payload, PackedPayload? packed = null)
        {
            Sent.Add(header);
            if (header.IsGather)
            {
                OnGather?.Invoke();
            }
        }

        public Task CompleteAsync() => Task.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
