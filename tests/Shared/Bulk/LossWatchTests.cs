using Orchestrator.Bulk.Http2;

namespace Orchestrator.Bulk.Tests;

public sealed class LossWatchTests
{
    [Fact]
    public void Tick_ThreeRetransmissionsThatNobodyAnswers_IsACut()
    {
        var watch = new LossWatch();
        Assert.False(watch.Tick(0, 0));
        Assert.False(watch.Tick(250, 1));
        Assert.False(watch.Tick(750, 2));
        Assert.False(watch.Tick(1500, 3));
        Assert.True(watch.Tick(1750, 3));
    }

    [Fact]
    public void Tick_AnAcknowledgementCameMeanwhile_BeginsAnew()
    {
        var watch = new LossWatch();
        Assert.False(watch.Tick(0, 3));
        Assert.False(watch.Tick(100, 0));
        Assert.False(watch.Tick(10_000, 3));
        Assert.False(watch.Tick(10_200, 3));
        Assert.True(watch.Tick(10_250, 3));
    }

    /// <summary>A peer that reads nothing has a kernel that says so: nothing is sent again.</summary>
    [Fact]
    public void Tick_APeerThatReadsNothing_IsNoCut()
    {
        var watch = new LossWatch();
        for (var now = 0; now < 60_000; now += 250)
        {
            Assert.False(watch.Tick(now, 0));
        }
    }
}
