using System.Threading.Channels;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Orchestrator.Coordinator.Host;
using Orchestrator.Coordinator.Host.Ownership;
using Orchestrator.Coordinator.Host.Server;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Tests.Server;

/// <summary>A worker that attaches to an owner waits for its admission to be stored. When the ownership ended first, it waited until its connection was broken off, and the call behind it for ever.</summary>
public sealed class ArrivalTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("arrival-");
    private readonly Channel<bool> _decided = Channel.CreateUnbounded<bool>();
    private RunJournal _journal = null!;
    private CoordinatorServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _journal = new RunJournal([], () => _decided.Writer.TryWrite(true), TimeProvider.System);
        _server = await CoordinatorServer.StartAsync(JournalledCoordinator.Options(_folder.FullName, JournalledCoordinator.Nothing, _journal, () => true), logging => logging.SetMinimumLevel(LogLevel.None));
    }

    [Fact]
    public async Task Attach_TheOwnershipEndsBeforeItIsStored_IsSentAwayAtOnce()
    {
        var refused = AttachAsync();
        await _decided.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience);
        _journal.Stop();
        _server.Actor.DropWorkers("the lease is another's");
        var status = await refused;
        Assert.Equal((StatusCode.Unavailable, "the lease is another's"), (status.StatusCode, status.Detail));
    }

    [Fact]
    public async Task Attach_IsStored_IsWelcome()
    {
        var attaching = FakeWorker.AttachAsync(_server.Grpc.ToString());
        await _decided.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience);
        _journal.Release(1, 1);
        await using var worker = await attaching;
        Assert.Equal("w-1", worker.Id.Value);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private async Task<Status> AttachAsync() =>
        (await FakeWorker.OpenWrongAsync(_server.Grpc.ToString(), new WorkerMessage.Hello(1, "h", "h:1", "", "avx2", "cpu", "", ProgramVersion.Text))).Status;
}
