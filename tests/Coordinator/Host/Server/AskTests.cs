using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Host;
using Orchestrator.Coordinator.Host.Ownership;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Tests.Server;

/// <summary>What a person is told is stored: a stop that was answered when it was decided was lost with an owner that died before it was stored.</summary>
public sealed class AskTests : IAsyncDisposable
{
    private static readonly RunId Run = new("asked");

    private readonly JournalledCoordinator _coordinator = new(Directory.CreateTempSubdirectory("asked-").FullName);

    [Fact]
    public async Task Ask_ForAStop_IsAnsweredWhenItIsStored()
    {
        await SubmitAsync();
        var stop = _coordinator.Actor.AskAsync(new ClusterEvent.StopRequested(Run, "Stopped by a test."));

        await _coordinator.DecideAsync();
        Assert.False(stop.IsCompleted);
        Assert.IsType<RunPhase.Ended>(_coordinator.Actor.State.Find(Run)!.Phase);
        _coordinator.Release();
        await stop.WaitAsync(JournalledCoordinator.Patience);
    }

    [Fact]
    public async Task Ask_TheOwnershipEndsBeforeItIsStored_Fails()
    {
        await SubmitAsync();
        var scale = _coordinator.Actor.AskAsync(new ClusterEvent.ScaleRequested(Run, 2));
        await _coordinator.DecideAsync();
        _coordinator.Journal.Stop();
        await _coordinator.Actor.DisposeAsync();

        await Assert.ThrowsAsync<Actors.ActorStoppedException>(() => scale.WaitAsync(JournalledCoordinator.Patience));
    }

    /// <summary>The next owner knew nothing of it.</summary>
    [Fact]
    public async Task Ask_ForADrain_IsStoredAndThenAnswered()
    {
        await _coordinator.Actor.PostAsync(new ClusterEvent.WorkerAttached(
            _coordinator.Actor.Open().Id, new WorkerMessage.Hello(1, "h", "h:1", "", "avx2", "cpu", "", ProgramVersion.Text) { Instance = "one" }));
        await _coordinator.DecideAsync();
        Assert.True(_coordinator.Changes().IsEmpty);
        _coordinator.Release();

        var drain = _coordinator.Actor.AskAsync(new ClusterEvent.DrainRequested(WorkerId.FromNumber(1)));
        await _coordinator.DecideAsync();
        Assert.False(drain.IsCompleted);
        var stored = _coordinator.Changes().Pool!;
        Assert.Equal(("runs", 1), (stored.Name, stored.Version));
        Assert.Equal("one", Assert.Single(DurableJson.ReadPool(stored.Snapshot).Drained).Instance);
        _coordinator.Release();
        await drain.WaitAsync(JournalledCoordinator.Patience);
    }

    public async ValueTask DisposeAsync()
    {
        await _coordinator.DisposeAsync();
        Directory.Delete(_coordinator.Folder, recursive: true);
    }

    private async Task SubmitAsync()
    {
        var submitted = _coordinator.Actor.SubmitAsync(_coordinator.Order(Run));
        await _coordinator.DecideAsync();
        _coordinator.Release();
        await submitted.WaitAsync(JournalledCoordinator.Patience);
    }
}
