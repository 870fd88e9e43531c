using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Host;
using Orchestrator.Coordinator.Host.Access;
using Orchestrator.Coordinator.Host.Ownership;
using Orchestrator.Coordinator.Host.Server;
using Orchestrator.Coordinator.Tests.Access;
using Orchestrator.Coordinator.Tests.Jobs;
using Orchestrator.Core.Identities;
using Orchestrator.Storage.Relational;

namespace Orchestrator.Coordinator.Tests.Server;

/// <summary>The actor of a coordinator that owns runs, whose test says when what it decides is stored, and when it is carried out.</summary>
internal sealed class JournalledCoordinator : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Channel<bool> _decided = Channel.CreateUnbounded<bool>();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private long _done;

    /// <param name="folder">Takes the run folders.</param>
    /// <param name="found">Null: nothing.</param>
    public JournalledCoordinator(string folder, StoredRuns? found = null)
    {
        found ??= Nothing;
        Journal = new RunJournal(found.Versions, () => _decided.Writer.TryWrite(true), TimeProvider.System) { PoolVersion = found.PoolVersion };
        var options = Options(folder, found, Journal, () => MayOrder);
        Actor = new CoordinatorActor(options, new CoordinatorMetrics(_services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>()), NullLogger.Instance, TimeProvider.System);
        Folder = folder;
    }

    /// <summary>Of an owner on free loopback ports.</summary>
    public static CoordinatorOptions Options(string folder, StoredRuns found, RunJournal journal, Func<bool> mayOrder) => new()
    {
        Listen = Endpoint.Loopback(0), Http = Endpoint.Loopback(0), RunsFolder = folder, Access = new AccessOptions { Tokens = TestTokens.Source },
        Tenure = new Tenure(found, journal, new OwnershipCounts()) { MayOrder = mayOrder, WorkerPatience = null },
    };

    /// <summary>What the first owner of all finds.</summary>
    public static StoredRuns Nothing { get; } = new(new Storage.Relational.Ownership("runs", "me", 1), [], [], 0);

    public string Folder { get; }

    public RunJournal Journal { get; }

    public CoordinatorActor Actor { get; }

    /// <summary>Whether its ownership holds.</summary>
    public bool MayOrder { get; set; } = true;

    /// <summary>Waits until what came of so many events more is decided, and no longer.</summary>
    public async Task DecideAsync(int turns = 1)
    {
        for (var i = 0; i < turns; i++)
        {
            await _decided.Reader.ReadAsync().AsTask().WaitAsync(Patience);
        }
    }

    /// <summary>What a transaction for the next turns has.</summary>
    public JournalChanges Changes(int turns = 1) => Journal.Changes(_done + 1, _done + turns);

    /// <summary>The next turn is stored: carries it out.</summary>
    public void Release()
    {
        _done++;
        Journal.Release(_done, _done);
    }

    /// <summary>Puts the next turn into a store, and leaves it at that.</summary>
    public async Task StoreAsync(RelationalStore store, Storage.Relational.Ownership ownership)
    {
        var changes = Changes();
        Assert.IsType<WriteAnswer.Stored>(await store.Runs.WriteAsync(ownership, changes.Runs, changes.Pool));
    }

    public RunOrder Order(RunId run) => new() { Id = run, Job = JobText.Read(JobText.Smallest), RunDir = Path.Combine(Folder, run.Value), JobFile = "job.yaml" };

    public async ValueTask DisposeAsync()
    {
        await Actor.DisposeAsync();
        await _services.DisposeAsync();
    }
}
