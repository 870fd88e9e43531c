using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Reduction;
using Orchestrator.Protocol.Mapping;
using Orchestrator.Protocol.V1;
using CoordinatorMessage = Orchestrator.Core.Messages.CoordinatorMessage;
using Member = Orchestrator.Core.Messages.Member;
using WorkerMessage = Orchestrator.Core.Messages.WorkerMessage;

namespace Orchestrator.Worker.Tests;

/// <summary>A coordinator without decisions: tests say by hand what it tells the real worker processes that it started.</summary>
internal sealed partial class ScriptedCoordinator : IAsyncDisposable
{
    // Loading libtorch and training a few steps takes seconds on two busy cores; a wait that runs out is a failure, not a slow machine.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly WebApplication _app;
    private readonly List<Process> _processes = [];
    private readonly Service _service;

    private readonly int _port;

    private ScriptedCoordinator(WebApplication app, Service service, int port) => (_app, _service, _port) = (app, service, port);

    public IReadOnlyList<Process> Processes => _processes;

    /// <summary>Starts worker processes and waits until all have introduced themselves.</summary>
    public static async Task<ScriptedCoordinator> StartAsync(int workers, params string[] arguments)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        var service = new Service();
        builder.Services.AddSingleton(service);
        builder.Services.AddGrpc();
        var app = builder.Build();
        app.MapGrpcService<Service>();
        await app.StartAsync();
        var port = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
        var coordinator = new ScriptedCoordinator(app, service, port);
        for (var i = 0; i < workers; i++)
        {
            coordinator._processes.Add(Start(port, arguments));
            await coordinator.Next<WorkerMessage.Hello>();
        }

        return coordinator;
    }

    /// <summary>Takes every worker through Prepare and Activate; returns what each prepared.</summary>
    public async Task<List<WorkerMessage.Prepared>> ActivateAsync(CoordinatorMessage.Prepare prepare, int logicalRanks, long lastStep)
    {
        var links = _service.Links.OrderBy(link => link.Key).ToList();
        var answers = new List<WorkerMessage.Prepared>();
        foreach (var (_, link) in links)
        {
            link.Send(prepare);
        }

        for (var i = 0; i < links.Count; i++)
        {
            answers.Add(await Next<WorkerMessage.Prepared>());
        }

        var ranges = RankPlan.Even(logicalRanks, links.Count);
        var members = links.Select((link, i) => new Member(link.Key, link.Value.Hello.CollectiveAddress, ranges[i].First, ranges[i].Count));
        var activate = new CoordinatorMessage.Activate(prepare.Generation, [.. members], answers[0].AppliedSteps, lastStep, lastStep, null, []);
        Tell(activate);
        return answers;
    }

    public void Tell(CoordinatorMessage message)
    {
        foreach (var link in _service.Links.Values)
        {
            link.Send(message);
        }
    }

    public void Tell(WorkerId worker, CoordinatorMessage message) => _service.Links[worker].Send(message);

    public WorkerMessage.Hello HelloOf(WorkerId worker) => _service.Links[worker].Hello;

    /// <summary>One more worker process; returns its id.</summary>
    public async Task<WorkerId> StartOneAsync()
    {
        _processes.Add(Start(_port, []));
        return (await NextFrom<WorkerMessage.Hello>()).Worker;
    }

    /// <summary>Kills a worker with signal 9.</summary>
    public void Kill(WorkerId worker)
    {
        var pid = HelloOf(worker).Pid;
        _processes.Single(process => process.Id == pid).Kill();
        _service.Links.TryRemove(worker, out _);
    }

    /// <summary>Stops a worker with SIGSTOP, or lets it go on.</summary>
    public void SetFrozen(WorkerId worker, bool isFrozen)
    {
        var (stop, goOn) = (19, 18);
        Assert.Equal(0, SendSignal(HelloOf(worker).Pid, isFrozen ? stop : goOn));
    }

    /// <inheritdoc cref="NextFrom"/>
    public async Task<T> Next<T>(Func<T, bool>? fits = null)
        where T : WorkerMessage => (await NextFrom(fits)).Message;

    /// <summary>The next message of a kind from any worker; others are passed over, a refusal or failure ends the test.</summary>
    public async Task<(WorkerId Worker, T Message)> NextFrom<T>(Func<T, bool>? fits = null)
        where T : WorkerMessage
    {
        using var limit = new CancellationTokenSource(Patience);
        while (true)
        {
            var (worker, message) = await _service.Inbox.Reader.ReadAsync(limit.Token);
            switch (message)
            {
                case T wanted when fits?.Invoke(wanted) ?? true:
                    return (worker, wanted);
                case WorkerMessage.Refused refused:
                    throw new InvalidOperationException($"refused while waiting for {typeof(T).Name}: {refused.Reason}");
                case WorkerMessage.Failed failed:
                    throw new InvalidOperationException($"failed while waiting for {typeof(T).Name}: {failed.Reason}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            process.StandardInput.Close();
            if (!process.WaitForExit(10_000))
            {
                process.Kill();
            }

            process.Dispose();
        }

        await _app.DisposeAsync();
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int pid, int signal);

    private static Process Start(int port, string[] arguments)
    {
        var info = new ProcessStartInfo("dotnet")
        {
            RedirectStandardInput = true,
            ArgumentList = { typeof(Program).Assembly.Location, "worker", "--coordinator", $"127.0.0.1:{port}", "--lifeline", "--launcher", "test" },
        };
        foreach (var argument in arguments)
        {
            info.ArgumentList.Add(argument);
        }

        return Process.Start(info)!;
    }

    private sealed class Service : WorkerControl.WorkerControlBase
    {
        private int _count;

        public ConcurrentDictionary<WorkerId, Link> Links { get; } = new();

        public Channel<(WorkerId Worker, WorkerMessage Message)> Inbox { get; } = Channel.CreateUnbounded<(WorkerId, WorkerMessage)>();

        public override async Task Attach(
            IAsyncStreamReader<Protocol.V1.WorkerMessage> requestStream, IServerStreamWriter<Protocol.V1.CoordinatorMessage> responseStream,
            ServerCallContext context)
        {
            Assert.True(await requestStream.MoveNext(context.CancellationToken));
            var hello = Assert.IsType<WorkerMessage.Hello>(requestStream.Current.ToDomain());
            var id = WorkerId.FromNumber(Interlocked.Increment(ref _count));
            var link = Links[id] = new Link(hello);
            link.Send(new CoordinatorMessage.Welcome(id));
            Inbox.Writer.TryWrite((id, hello));
            var writer = Task.Run(async () =>
            {
                await foreach (var message in link.Outbox.Reader.ReadAllAsync(context.CancellationToken))
                {
                    await responseStream.WriteAsync(message.ToWire());
                }
            });
            await foreach (var message in requestStream.ReadAllAsync(context.CancellationToken))
            {
                Inbox.Writer.TryWrite((id, message.ToDomain()!));
            }

            link.Outbox.Writer.TryComplete();
            await writer;
        }
    }

    private sealed record Link(WorkerMessage.Hello Hello)
    {
        public Channel<CoordinatorMessage> Outbox { get; } = Channel.CreateUnbounded<CoordinatorMessage>();

        public void Send(CoordinatorMessage message) => Outbox.Writer.TryWrite(message);
    }
}
