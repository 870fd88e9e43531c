using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Host;
using Orchestrator.Coordinator.Host.Access;
using Orchestrator.Coordinator.Host.Ownership;
using Orchestrator.Coordinator.Host.Server;
using Orchestrator.Coordinator.Tests.Access;
using Orchestrator.Coordinator.Tests.Jobs;
using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Tests.Server;

/// <summary>What a person is told is stored: a stop that was answered when it was decided was lost with an owner that died before it was stored.</summary>
public sealed class AskTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly RunId Run = new("asked");

    private readonly string _folder = Directory.CreateTempSubdirectory("asked-").FullName;
    private readonly Channel<bool> _decided = Channel.CreateUnbounded<bool>();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly RunJournal _journal;
    private readonly CoordinatorActor _actor;
    private long _stored;

    public AskTests()
    {
        _journal = new RunJournal([], () => _decided.Writer.TryWrite(true), TimeProvider.System);
        var found = new StoredRuns(new Storage.Relational.Ownership("runs", "me", 1), [], [], 0);
        var options = new CoordinatorOptions
        {
            Listen = Endpoint.Loopback(0), Http = Endpoint.Loopback(0), RunsFolder = _folder, Access = new AccessOptions { Tokens = TestTokens.Source },
            Tenure = new Tenure(found, _journal, new OwnershipCounts()) { MayOrder = () => true, WorkerPatience = null },
        };
        _actor = new CoordinatorActor(options, new CoordinatorMetrics(_services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>()), NullLogger.Instance, TimeProvider.System);
    }

    [Fact]
    public async Task Ask_ForAStop_IsAnsweredWhenItIsStored()
    {
        await SubmitAsync();
        var stop = _actor.AskAsync(new ClusterEvent.StopRequested(Run, "Stopped by a test."));

        // The record of the end, the end, and the answer.
        await DecideAsync(3);
        Assert.False(stop.IsCompleted);
        Assert.IsType<RunPhase.Ended>(_actor.State.Find(Run)!.Phase);
        StoreAll(3);
        await stop.WaitAsync(Patience);
    }

    [Fact]
    public async Task Ask_TheOwnershipEndsBeforeItIsStored_Fails()
    {
        await SubmitAsync();
        var scale = _actor.AskAsync(new ClusterEvent.ScaleRequested(Run, 2));
        await DecideAsync(2);
        _journal.Stop();
        await _actor.DisposeAsync();

        await Assert.ThrowsAsync<Actors.ActorStoppedException>(() => scale.WaitAsync(Patience));
    }

    public async ValueTask DisposeAsync()
    {
        await _actor.DisposeAsync();
        await _services.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task SubmitAsync()
    {
        var submitted = _actor.SubmitAsync(new RunOrder { Id = Run, Job = JobText.Read(JobText.Smallest), RunDir = Path.Combine(_folder, Run.Value), JobFile = "job.yaml" });
        await DecideAsync(1);
        StoreAll(1);
        await submitted.WaitAsync(Patience);
    }

    private async Task DecideAsync(int effects)
    {
        for (var i = 0; i < effects; i++)
        {
            await _decided.Reader.ReadAsync().AsTask().WaitAsync(Patience);
        }
    }

    private void StoreAll(int effects)
    {
        _journal.Release(_stored + 1, _stored + effects);
        _stored += effects;
    }
}
