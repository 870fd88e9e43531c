using Orchestrator.Training.Data;

namespace Orchestrator.Training.Tests.Data;

public sealed class HeldOutSplitTests
{
    [Theory]
    [InlineData(1, 0.5)]
    [InlineData(2, 0.01)]
    [InlineData(10, 0.1)]
    [InlineData(97, 0.1)]
    [InlineData(1000, 0.333)]
    [InlineData(1001, 0.5)]
    [InlineData(64, 0.97)]
    public void Items_OfBothParts_AreEachItemOnceInOrder(long items, double share)
    {
        var split = HeldOutSplit.ByShare(items, share);
        var training = Enumerable.Range(0, (int)split.Training).Select(i => split.TrainingItem(i)).ToArray();
        var heldOut = Enumerable.Range(0, (int)split.HeldOut).Select(i => split.HeldOutItem(i)).ToArray();

        Assert.Equal(Enumerable.Range(0, (int)items).Select(i => (long)i), training.Concat(heldOut).Order());
        Assert.Equal(training.Order(), training);
        Assert.Equal(heldOut.Order(), heldOut);
        Assert.All(training, i => Assert.False(split.IsHeldOut(i)));
        Assert.All(heldOut, i => Assert.True(split.IsHeldOut(i)));
    }

    [Fact]
    public void HeldOutItems_OfATenth_StandTenApart()
    {
        var split = HeldOutSplit.ByShare(100, 0.1);
        var gaps = Enumerable.Range(1, 9).Select(i => split.HeldOutItem(i) - split.HeldOutItem(i - 1));
        Assert.All(gaps, gap => Assert.Equal(10, gap));
    }

    [Fact]
    public void ByShare_NoShare_HoldsNothingOut() => Assert.Equal(new HeldOutSplit(50, 0), HeldOutSplit.ByShare(50, 0));

    [Fact]
    public void Items_OfATrillion_DoNotOverflow()
    {
        var split = HeldOutSplit.ByShare(1_000_000_000_000, 0.1);
        Assert.Equal(999_999_999_999, split.HeldOutItem(split.HeldOut - 1));
        Assert.Equal(999_999_999_998, split.TrainingItem(split.Training - 1));
    }
}
