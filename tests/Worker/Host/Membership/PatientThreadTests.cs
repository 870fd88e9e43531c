using System.Globalization;
using Orchestrator.Worker.Host.Membership;

namespace Orchestrator.Worker.Tests.Membership;

public sealed class PatientThreadTests
{
    [Fact]
    public async Task Run_AnyWork_IsNicerThanTheThreadThatAsksForIt()
    {
        var (own, niceness) = (Niceness(), 0);
        await PatientThread.Run(() => niceness = Niceness());
        Assert.InRange(niceness, 10, 19);
        Assert.Equal(own, Niceness());
    }

    [Fact]
    public async Task Run_AwaitedBeforeItEnds_GoesOnElsewhere()
    {
        var own = Niceness();
        using var isAwaited = new ManualResetEventSlim();
        var run = PatientThread.Run(isAwaited.Wait);
        var afterwards = NicenessAfter(run);
        isAwaited.Set();
        Assert.Equal(own, await afterwards);
    }

    [Fact]
    public Task Run_WorkThatFails_FailsLikeIt() => Assert.ThrowsAsync<OutOfMemoryException>(() => PatientThread.Run(() => throw new OutOfMemoryException()));

    private static async Task<int> NicenessAfter(Task run)
    {
        await run.ConfigureAwait(false);
        return Niceness();
    }

    /// <summary>proc(5): the nineteenth field, the seventeenth behind the name in brackets.</summary>
    private static int Niceness() => int.Parse(File.ReadAllText("/proc/thread-self/stat").Split(')')[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[16], CultureInfo.InvariantCulture);
}
