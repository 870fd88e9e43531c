using Orchestrator.Bulk;
using Orchestrator.Worker.Host.Collectives.SharedMemory;

namespace Orchestrator.Worker.Tests.Membership;

/// <summary>A joiner that froze reads its donor's memory when the donor has given the feed up: what it read must not become its state.</summary>
public sealed class WithdrawnFeedTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    // Its own sender stays idle: messages are handed to the receiver by hand.
    private readonly FeedPair _pair = new("unix");
    private readonly SegmentDirectory _donor = new();
    private readonly nint _memory = SharedSegments.TryAllocate(FeedPair.StateBytes);

    public WithdrawnFeedTests() => _pair.Receiver.Meet(Call());

    public void Dispose()
    {
        _pair.Dispose();
        _donor.Dispose();
        SharedSegments.Free(_memory);
    }

    [Fact]
    public void State_MemoryStillInForce_ArrivesAndIsAnswered()
    {
        FeedPair.Of(_memory).Fill(42);
        _pair.Receiver.Received(State(FeedPair.StateBytes));
        Assert.Equal("state 4", _pair.Heard.Next());
        Assert.Equal(FeedPair.Of(_memory).ToArray(), _pair.TakeState());
        Assert.True(_pair.Answers.TryTake(out var step, Limit) && step == 4);
    }

    [Fact]
    public void State_ArrivedBeforeItsMemoryWasTakenBack_IsStillThere()
    {
        var memory = SharedSegments.TryAllocate(FeedPair.StateBytes);
        FeedPair.Of(memory).Fill(42);
        _pair.Receiver.Received(State(FeedPair.StateBytes) with { Reference = _donor.Refer(memory, FeedPair.StateBytes) });
        _donor.Dispose();
        SharedSegments.Free(memory);
        Assert.All(_pair.TakeState()!, each => Assert.Equal(42, each));
    }

    [Fact]
    public void State_MemoryTakenBackBeforeItArrives_IsRefused()
    {
        var header = State(FeedPair.StateBytes);
        _donor.Dispose();
        Assert.Equal(BulkStatus.Aborted, Assert.Throws<BulkRejectedException>(() => _pair.Receiver.Received(header)).Status);
        Assert.Null(_pair.TakeState());
    }

    [Fact]
    public void Gradient_AfterTheFeedWasStopped_DoesNotReachTheBuffers()
    {
        // The member computes the step itself by now: its buffer is not to be replaced.
        var own = _pair.Taken.For(5).Memory.Address;
        var bytes = FeedPair.Elements * sizeof(float);
        var memory = SharedSegments.TryAllocate(bytes);
        _pair.Receiver.Stop();
        var gradient = State(0) with { Step = 5, Phase = BulkPhase.Gradient, Reference = _donor.Refer(memory, bytes) };
        Assert.Equal(BulkStatus.Aborted, Assert.Throws<BulkRejectedException>(() => _pair.Receiver.Received(gradient)).Status);
        Assert.Equal(own, _pair.Taken.For(5).Memory.Address);
        SharedSegments.Free(memory);
    }

    [Theory]
    [InlineData(128, 128, 4)]
    [InlineData(64, 128, 4)]
    [InlineData(64, 64, 5)]
    public void Pieces_OneThatDoesNotGoOnWhereTheLastEnded_IsRefused(long offset, long place, long step)
    {
        _pair.Receiver.Received(State(64));
        var next = State(64) with { Step = step, Offset = offset, Reference = _donor.Refer(_memory, 64) with { Offset = place } };
        Assert.Equal(BulkStatus.InvalidArgument, Assert.Throws<BulkRejectedException>(() => _pair.Receiver.Received(next)).Status);
    }

    [Theory]
    [InlineData(BulkPhase.State, 8)]
    [InlineData(BulkPhase.Gradient, 1L << 40)]
    [InlineData(BulkPhase.Gradient, -4)]
    [InlineData(BulkPhase.FeedEnd, 0)]
    [InlineData(BulkPhase.Fed, 0)]
    [InlineData(BulkPhase.Reduce, 0)]
    public void Reference_ThatFitsNoVector_IsRefused(BulkPhase phase, long offset) =>
        Assert.Throws<BulkRejectedException>(() => _pair.Receiver.Received(State(FeedPair.StateBytes) with { Phase = phase, Offset = offset }));

    [Fact]
    public void Reference_BeyondTheDonorsMemory_IsRefused() => Assert.Equal(
        BulkStatus.FailedPrecondition,
        Assert.Throws<BulkRejectedException>(() => _pair.Receiver.Received(State(64) with { Reference = new BulkReference(1, FeedPair.StateBytes, 64) })).Status);

    [Fact]
    public void Meet_ASecondDonor_IsRefused() => Assert.Throws<BulkRejectedException>(() => _pair.Receiver.Meet(Call()));

    [Fact]
    public void Reference_AfterTheFeedWasClosed_IsRefused()
    {
        var header = State(FeedPair.StateBytes);
        _pair.Receiver.Stop();
        _pair.Receiver.Close();
        Assert.Equal(BulkStatus.Aborted, Assert.Throws<BulkRejectedException>(() => _pair.Receiver.Received(header)).Status);
    }

    [Fact]
    public async Task Close_WhileAGradientWaitsForRoom_LetsItGo()
    {
        _pair.Receiver.Received(State(FeedPair.StateBytes));
        var far = State(64) with { Phase = BulkPhase.Gradient, Step = 5 + _pair.Taken.MaxBacklog, Reference = default, PayloadBytes = 64 };
        var waiting = Task.Run(() => Assert.Throws<BulkRejectedException>(() => _pair.Receiver.Reserve(far)), TestContext.Current.CancellationToken);
        _pair.Receiver.Stop();
        var closing = Task.Run(_pair.Receiver.Close, TestContext.Current.CancellationToken);
        await Task.WhenAll(waiting, closing).WaitAsync(Limit, TestContext.Current.CancellationToken);
    }

    private BulkCall Call() => new("test/feed", FeedPair.FeedId, 0, SharedWords.Write(_donor.Words, _pair.DonorAddress));

    private BulkHeader State(int bytes) => new(FeedPair.FeedId, 4, 0, BulkPhase.State, 0, 0, 0, 0, 0, _donor.Refer(_memory, bytes));
}
