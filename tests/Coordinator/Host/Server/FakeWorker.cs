using System.Collections.Immutable;
using System.Threading.Channels;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Orchestrator.Coordinator.Tests.Access;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Core.Messages;
using Orchestrator.Protocol.Mapping;
using Orchestrator.Security.Tokens;
using V1 = Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Tests.Server;

/// <summary>A worker without a model: speaks the protocol over a real stream, and says what the test tells it to.</summary>
internal sealed class FakeWorker : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly GrpcChannel _channel;
    private readonly AsyncDuplexStreamingCall<V1.WorkerMessage, V1.CoordinatorMessage> _call;
    private readonly Channel<CoordinatorMessage> _orders = Channel.CreateUnbounded<CoordinatorMessage>();
    private readonly Task _reading;

    private FakeWorker(string address, string? token)
    {
        _channel = GrpcChannel.ForAddress($"http://{address}");
        _call = new V1.WorkerControl.WorkerControlClient(_channel.Intercept(TestTokens.Add(token ?? TestTokens.Of(Role.Worker)))).Attach();
        _reading = ReadAsync();
    }

    public WorkerId Id { get; private set; }

    /// <summary>The coordinator has ended the stream.</summary>
    public Task Ended => _reading.WaitAsync(Patience);

    /// <summary>Attaches and waits for the welcome.</summary>
    public static async Task<FakeWorker> AttachAsync(string address, string launcher = "", string? version = null, string metrics = "127.0.0.1:9", string? token = null)
    {
        var worker = new FakeWorker(address, token);
        await worker.SayAsync(new WorkerMessage.Hello(4711, "here", "127.0.0.1:8", metrics, "avx2", "cpu", launcher, version ?? Coordinator.Host.ProgramVersion.Text));
        worker.Id = (await worker.ExpectAsync<CoordinatorMessage.Welcome>()).Worker;
        return worker;
    }

    /// <summary>Opens a stream and says something else than Hello, or nothing.</summary>
    public static async Task<RpcException> OpenWrongAsync(string address, WorkerMessage? first, string? token = null)
    {
        await using var worker = new FakeWorker(address, token);
        if (first is not null)
        {
            await worker.SayAsync(first);
        }

        await worker._call.RequestStream.CompleteAsync();
        return await Assert.ThrowsAsync<RpcException>(() => worker._reading.WaitAsync(Patience));
    }

    public Task SayAsync(WorkerMessage message) => _call.RequestStream.WriteAsync(message.ToWire());

    /// <summary>Reads orders until one of this kind comes.</summary>
    public async Task<T> ExpectAsync<T>()
        where T : CoordinatorMessage
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            while (true)
            {
                if (await _orders.Reader.ReadAsync(patience.Token) is T found)
                {
                    return found;
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ChannelClosedException)
        {
            throw new InvalidOperationException($"Worker {Id} waited for {typeof(T).Name} and none came; the stream: {_reading.Status} {_reading.Exception?.InnerException?.Message}", e);
        }
    }

    /// <summary>Prepares and begins to train.</summary>
    public async Task<CoordinatorMessage.Activate> GetReadyAsync(long appliedSteps = 0)
    {
        var prepare = await ExpectAsync<CoordinatorMessage.Prepare>();
        await SayAsync(new WorkerMessage.Prepared(
            prepare.Generation, 1000, "data", ImmutableSortedDictionary<string, string>.Empty.Add("libtorch", "1"), "canary", "state", appliedSteps, 1234, 1, 1 << 20));
        return await ExpectAsync<CoordinatorMessage.Activate>();
    }

    /// <summary>Takes steps up to the one given.</summary>
    public async Task TakeStepsAsync(CoordinatorMessage.Activate activate, long lastStep, int samples = 16)
    {
        var self = activate.Members.Single(member => member.Worker == Id);
        for (var step = activate.StartStep + 1; step <= lastStep; step++)
        {
            await SayAsync(new WorkerMessage.Progress(activate.Generation, step, 1.0 / step, samples, 0.5, 1e-3, new StepSeconds(0.1, 0.01, 0.05, 0.03, 0.01), 1000)
            {
                Ledger = [.. Enumerable.Range(self.FirstRank, self.RankCount).Select(rank => new LedgerEntry(step, rank, 4, new SampleDigest((ulong)rank, (ulong)step)))],
            });
        }
    }

    public Task SaveAsync(Generation generation, long step) => SayAsync(new WorkerMessage.CheckpointSaved(generation, step, $"/ck/step-{step:D8}", $"w{step}", 1000, 0.1, 0.01, null));

    public Task FinishAsync(Generation generation, long step) => SayAsync(new WorkerMessage.Finished(generation, step, $"w{step}", 16 * step));

    /// <summary>The stream breaks, as when the process dies.</summary>
    public async ValueTask DisposeAsync()
    {
        _call.Dispose();
        _channel.Dispose();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task ReadAsync()
    {
        var reader = new OrderReader();
        try
        {
            while (await _call.ResponseStream.MoveNext(CancellationToken.None))
            {
                await _orders.Writer.WriteAsync(reader.ToDomain(_call.ResponseStream.Current)!);
            }

            _orders.Writer.Complete();
        }
        catch (Exception e)
        {
            _orders.Writer.Complete(e);
            throw;
        }
    }
}
