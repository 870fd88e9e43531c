using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Worker.Host.Collectives.SharedMemory;
using Orchestrator.Worker.Host.Membership;

namespace Orchestrator.Worker.Tests.Membership;

/// <summary>A feed between two workers of one host: what the joiner gets, and when the donor may use its memory again.</summary>
public sealed class FeedTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("auto", true)]
    [InlineData("shm", true)]
    [InlineData("unix", false)]
    [InlineData("tcp", false)]
    public void Feed_StateGradientsAndEnd_ArriveInOrderWithTheSameBytes(string transport, bool isShared)
    {
        using var pair = new FeedPair(transport);
        var state = new StateMemory(FeedPair.StateBytes, isShared);
        var address = state.Address;
        new Random(1).NextBytes(FeedPair.Of(address));
        var expected = FeedPair.Of(address).ToArray();
        Fill(pair, 5);
        Fill(pair, 6);
        var segment = SharedSegments.Find(address, 1);
        Assert.Equal(isShared, segment is not null);

        // The first gradient is decided before the state is copied: it waits behind it.
        pair.Sender.Tell([new LedgerEntry(5, 0, 1, default)]);
        pair.Sender.SendGradient(5);
        pair.Sender.SendState(state, 4);
        pair.Sender.SendGradient(6);
        pair.Sender.End(6, new Generation(9));
        Assert.Equal(["state 4", "told 5", "gradient 5", "gradient 6", "end 6 9"], Enumerable.Range(0, 5).Select(_ => pair.Heard.Next()));
        Assert.Equal(expected, pair.TakeState());
        Assert.Null(pair.TakeState());
        Assert.Equal(FeedPair.Read(pair.Given, 5), FeedPair.Read(pair.Taken, 5));
        Assert.Equal(FeedPair.Read(pair.Given, 6), FeedPair.Read(pair.Taken, 6));
        if (isShared)
        {
            Assert.Equal(2, pair.Sender.Backlog);

            // Each is said to be taken when it is needed no more.
            pair.Taken.KeepFrom(6);
            pair.Taken.KeepFrom(7);
            Assert.Equal([4, 5, 6], Enumerable.Range(0, 3).Select(_ => pair.Answers.TryTake(out var step, Limit) ? step : -1));
            Assert.Equal(0, pair.Sender.Backlog);

            // Another test may have got memory at this address meanwhile.
            Assert.NotSame(segment, SharedSegments.Find(address, 1));
        }
    }

    [Fact]
    public void Gradient_UntilTheJoinerNeedsItNoMore_KeepsItsMemory()
    {
        using var pair = new FeedPair("auto");
        Fill(pair, 5);
        pair.Sender.SendGradient(5);
        pair.Given.KeepFrom(100);
        Assert.Equal(1, pair.Sender.Backlog);
        var held = pair.Given.For(5).Memory.Address;
        Assert.NotEqual(held, pair.Given.For(100).Memory.Address);

        // The state lets it go, the joiner applies it and the step behind it, and the memory is free.
        pair.Sender.SendState(new StateMemory(FeedPair.StateBytes, isShared: true), 4);
        Assert.Equal("state 4", pair.Heard.Next());
        Assert.Equal("gradient 5", pair.Heard.Next());
        Assert.NotNull(pair.TakeState());
        Assert.True(pair.Answers.TryTake(out var step, Limit) && step == 4);
        pair.Taken.KeepFrom(5);
        Assert.Equal(1, pair.Sender.Backlog);
        pair.Taken.KeepFrom(6);
        Assert.True(pair.Answers.TryTake(out step, Limit) && step == 5);
        Assert.Equal(held, pair.Given.For(101).Memory.Address);
    }

    [Fact]
    public async Task Gradient_TheDonorGivesTheJoinerUp_IsNeverWrittenAgain()
    {
        // A joiner that froze goes on in the middle of an update, when its donor has gone on for long.
        using var pair = new FeedPair("auto");
        pair.Sender.SendState(new StateMemory(FeedPair.StateBytes, isShared: true), 4);
        Assert.Equal("state 4", pair.Heard.Next());
        Fill(pair, 5);
        var expected = FeedPair.Read(pair.Given, 5);
        pair.Sender.SendGradient(5);
        Assert.Equal("gradient 5", pair.Heard.Next());
        await pair.Sender.DisposeAsync();
        pair.Given.KeepFrom(100);
        for (var step = 100; step < 104; step++)
        {
            FeedPair.Of(pair.Given, step).Fill(float.NaN);
        }

        Assert.Equal(expected, FeedPair.Read(pair.Taken, 5));
        Assert.NotNull(pair.TakeState());
    }

    [Fact]
    public void Gradient_TheFeedEndsAndTheJoinerComesIn_IsUsedAgainWhenItNeedsItNoMore()
    {
        using var pair = new FeedPair("auto");
        pair.Sender.SendState(new StateMemory(FeedPair.StateBytes, isShared: true), 4);
        Fill(pair, 5);
        pair.Sender.SendGradient(5);
        var held = pair.Given.For(5).Memory.Address;
        pair.Sender.End(5, new Generation(9));
        Assert.Equal(["state 4", "gradient 5", "end 5 9"], Enumerable.Range(0, 3).Select(_ => pair.Heard.Next()));
        Assert.NotNull(pair.TakeState());
        pair.CloseReceiver();

        // As a member it still has the last step's, until it decides the next one.
        Assert.Equal(1, pair.Sender.Backlog);
        pair.Given.KeepFrom(6);
        Assert.Equal(FeedPair.Read(pair.Given, 5), FeedPair.Read(pair.Taken, 5));
        pair.Taken.KeepFrom(6);
        Assert.Equal([4, 5], Enumerable.Range(0, 2).Select(_ => pair.Answers.TryTake(out var step, Limit) ? step : -1));
        Assert.Equal(held, pair.Given.For(7).Memory.Address);
    }

    [Fact]
    public void For_AStepThatADonorHasLent_IsMemoryOfItsOwn()
    {
        // The donor died before its step counted: the members compute the step again, and must not write to what they can only read.
        using var pair = new FeedPair("auto");
        pair.Sender.SendState(new StateMemory(FeedPair.StateBytes, isShared: true), 4);
        Fill(pair, 5);
        pair.Sender.SendGradient(5);
        Assert.Equal("state 4", pair.Heard.Next());
        Assert.Equal("gradient 5", pair.Heard.Next());
        FeedPair.Of(pair.Taken, 5).Fill(1);
        Assert.All(FeedPair.Read(pair.Taken, 5), element => Assert.Equal(1, element));
        Assert.True(pair.Answers.TryTake(out var step, Limit) && step == 5);
    }

    [Theory]
    [InlineData(100 << 20, 24L << 30, 7)]
    [InlineData(100 << 20, 2L << 30, 4)]
    [InlineData(1 << 20, 24L << 30, 256)]
    public void BacklogOf_AModelAndAMemory_IsAThirtySecondPartWithinBounds(long gradientBytes, long memoryBytes, int expected) =>
        Assert.Equal(expected, ReducedBuffers.BacklogOf(gradientBytes, memoryBytes));

    [Fact]
    public void MakeSpare_BeforeAFeed_TwoHeldStepsNeedNoNewMemory()
    {
        using var pair = new FeedPair("auto");
        Fill(pair, 5);
        pair.Given.MakeSpare();
        var before = SharedSegments.All;
        Fill(pair, 6);
        Fill(pair, 7);
        Assert.Equal(3, ((long[])[5, 6, 7]).Select(step => pair.Given.For(step).Memory.Address).Distinct().Count());
        Assert.All(((long[])[6, 7]).Select(step => pair.Given.For(step).Memory.Address), address => Assert.Contains(before, segment => segment.Address == address));

        // Those that are free already count.
        pair.Given.KeepFrom(100);
        pair.Given.MakeSpare();
        Assert.Contains(before, segment => segment.Address == pair.Given.For(100).Memory.Address);
    }

    [Fact]
    public async Task Drop_OfAFeed_LetsGoOfWhatItHeldAndTellsTheJoiner()
    {
        using var pair = new FeedPair("auto");
        var state = new StateMemory(FeedPair.StateBytes, isShared: true);
        pair.Sender.SendState(state, 4);
        Assert.Equal("state 4", pair.Heard.Next());
        Fill(pair, 5);
        var held = pair.Given.Use(5).Memory.Address;
        var segment = SharedSegments.Find(held, 1);
        pair.Sender.SendGradient(5);
        await pair.Sender.DisposeAsync();
        // The gradient may have come before the end.
        var heard = pair.Heard.Next();
        Assert.StartsWith("lost ", heard == "gradient 5" ? pair.Heard.Next() : heard, StringComparison.Ordinal);
        Assert.Equal(0, pair.Sender.Backlog);

        // Another feed still uses it.
        pair.Given.KeepFrom(100);
        Assert.NotEqual(held, pair.Given.For(100).Memory.Address);
        Assert.NotNull(segment);
        Assert.Same(segment, SharedSegments.Find(held, 1));
        // Whether it may be used again depends on whether the joiner, which was told of it too late, has said that it reads it no more.
        pair.Given.Release(5);
    }

    [Fact]
    public void Abandon_OfAGradientThatWasNotGivenBack_ItIsNeverUsedAgain()
    {
        using var pair = new FeedPair("auto");
        Fill(pair, 5);
        var segment = SharedSegments.Find(pair.Given.Use(5).Memory.Address, 1);
        Assert.NotNull(segment);
        pair.Given.Abandon(5);
        pair.Given.KeepFrom(100);
        // The system may give other memory the address that was let go.
        Assert.All(Enumerable.Range(100, 4), step => Assert.NotSame(segment, SharedSegments.Find(pair.Given.For(step).Memory.Address, 1)));
    }

    [Fact]
    public async Task SendState_AfterTheFeedWasDropped_FreesTheMemory()
    {
        using var pair = new FeedPair("auto");
        await pair.Sender.DisposeAsync();
        var state = new StateMemory(FeedPair.StateBytes, isShared: true);
        var address = state.Address;
        var segment = SharedSegments.Find(address, 1);
        pair.Sender.SendState(state, 4);
        Assert.NotNull(segment);
        Assert.NotSame(segment, SharedSegments.Find(address, 1));
    }

    [Fact]
    public void Close_OfTheJoiner_TellsTheDonorThatItIsLost()
    {
        using var pair = new FeedPair("auto");
        pair.Sender.SendState(new StateMemory(FeedPair.StateBytes, isShared: true), 4);
        Assert.Equal("state 4", pair.Heard.Next());
        Assert.NotNull(pair.TakeState());
        Assert.True(pair.Answers.TryTake(out _, Limit));
        pair.Receiver.Stop();
        pair.Receiver.Close();
        Assert.StartsWith("lost ", pair.Heard.Next(), StringComparison.Ordinal);
    }

    private static void Fill(FeedPair pair, long step)
    {
        var random = new Random((int)step);
        foreach (ref var element in FeedPair.Of(pair.Given, step))
        {
            element = random.NextSingle();
        }
    }
}
