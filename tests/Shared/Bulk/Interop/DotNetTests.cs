using System.Net;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Bulk.Tests.Interop;

/// <summary>.NET's own HTTP/2 (HttpClient and Kestrel) and Google.Protobuf's generated messages against ours.</summary>
public sealed class DotNetTests
{
    private static readonly int[] Sizes = [0, 4, 28, 4000, 262_148, 1, 3_000_000, 0];

    private static Metadata Metadata => new()
    {
        { "orchestrator-run", "run-1" },
        { "orchestrator-generation", "7" },
        { "orchestrator-sender", "3" },
    };

    [Fact]
    public async Task HttpClient_CallsOurServer_AndIsUnderstood()
    {
        using var pair = new Pair();
        using var channel = GrpcChannel.ForAddress($"http://{pair.Address}");
        using var call = new Collective.CollectiveClient(channel).Push(Metadata);
        for (var index = 0; index < Sizes.Length; index++)
        {
            await call.RequestStream.WriteAsync(Frames.Segment(Sizes[index], index));
        }

        await call.RequestStream.CompleteAsync();
        Assert.Equal(Sizes.Length, (await call.ResponseAsync.WaitAsync(Wait.Limit)).Segments);
        for (var index = 0; index < Sizes.Length; index++)
        {
            var message = pair.Receiver.Next();
            Assert.Equal(Pair.Header(Sizes[index]), message.Header);
            Assert.Equal(Payload.Expected(Sizes[index], index), message.Payload);
        }
    }

    [Fact]
    public async Task HttpClient_CancelsItsCall_AndTheReceiverIsTold()
    {
        using var pair = new Pair();
        using var channel = GrpcChannel.ForAddress($"http://{pair.Address}");
        using var cancellation = new CancellationTokenSource();
        using var call = new Collective.CollectiveClient(channel).Push(Metadata, cancellationToken: cancellation.Token);
        await call.RequestStream.WriteAsync(Frames.Segment(100));
        pair.Receiver.Next();
        await cancellation.CancelAsync();
        Assert.Contains("reset it with Cancel", await pair.Receiver.Ended.WaitAsync(Wait.Limit), StringComparison.Ordinal);
    }

    [Fact]
    public async Task HttpClient_RefusedByOurServer_SeesStatusAndMessage()
    {
        using var pair = new Pair(resolver: (_, _) => throw new BulkRejectedException(BulkStatus.NotFound, "no such run"));
        using var channel = GrpcChannel.ForAddress($"http://{pair.Address}");
        using var call = new Collective.CollectiveClient(channel).Push(Metadata);
        var error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync.WaitAsync(Wait.Limit));
        Assert.Equal((StatusCode.NotFound, "no such run"), (error.StatusCode, error.Status.Detail));
    }

    [Theory]
    [InlineData(65_535, 16_384)]
    [InlineData(16 << 20, 1 << 20)]
    public async Task Kestrel_ServesOurLink_AndUnderstandsIt(int windowBytes, int maxFrameBytes)
    {
        await using var server = await KestrelServer.StartAsync(windowBytes, maxFrameBytes);
        var payloads = Sizes.Select((size, index) => new Payload(size, index)).ToArray();
        var log = new LinkLog();
        using var link = BulkLink.Connect(server.Address, Pair.Call, log);
        for (var index = 0; index < payloads.Length; index++)
        {
            link.Send(Pair.Header(payloads[index].Bytes, index), payloads[index].Address);
        }

        Assert.Equal(Sizes.Length, await link.Complete().WaitAsync(Wait.Limit));
        for (var index = 0; index < Sizes.Length; index++)
        {
            var expected = Frames.Segment(Sizes[index], index);
            expected.Step = index;
            Assert.Equal(expected, server.Service.Segments[index]);
        }

        Assert.Equal("run-1", server.Service.Run);
        Assert.Equal(0, log.LostCalls);
        Array.ForEach(payloads, payload => payload.Dispose());
    }

    [Fact]
    public async Task Kestrel_EndsOurCall_AndTheLinkKnowsWhy()
    {
        await using var server = await KestrelServer.StartAsync(65_535, 16_384);
        var log = new LinkLog();
        using var link = BulkLink.Connect(server.Address, Pair.Call, log);
        using var payload = new Payload(5_000_000, 1);
        link.Send(Pair.Header(0, 999), 0);
        link.Send(Pair.Header(payload.Bytes), payload.Address);
        Assert.Contains("Aborted: step 999 is over", await log.LostReason.WaitAsync(Wait.Limit), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Kestrel_Stops_AndTheLinkIsLost()
    {
        await using var server = await KestrelServer.StartAsync(65_535, 16_384);
        var log = new LinkLog();
        using var link = BulkLink.Connect(server.Address, Pair.Call, log);
        link.Send(Pair.Header(0), 0);
        link.Flush();
        await server.StopAsync();
        Assert.Contains("was lost", await log.LostReason.WaitAsync(Wait.Limit), StringComparison.Ordinal);
    }

    private sealed class Service : Collective.CollectiveBase
    {
        public List<Segment> Segments { get; } = [];

        public string? Run { get; private set; }

        public override async Task<PushSummary> Push(IAsyncStreamReader<Segment> requestStream, ServerCallContext context)
        {
            Run = context.RequestHeaders.GetValue("orchestrator-run");
            while (await requestStream.MoveNext(context.CancellationToken))
            {
                Segments.Add(requestStream.Current);
                if (requestStream.Current.Step == 999)
                {
                    throw new RpcException(new Status(StatusCode.Aborted, "step 999 is over"));
                }
            }

            return new PushSummary { Segments = Segments.Count };
        }
    }

    private sealed class KestrelServer(WebApplication app) : IAsyncDisposable
    {
        public Service Service { get; } = app.Services.GetRequiredService<Service>();

        public EndPoint Address { get; private set; } = null!;

        public static async Task<KestrelServer> StartAsync(int windowBytes, int maxFrameBytes)
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.ConfigureKestrel(kestrel =>
            {
                kestrel.Limits.Http2.InitialStreamWindowSize = windowBytes;
                kestrel.Limits.Http2.InitialConnectionWindowSize = windowBytes;
                kestrel.Limits.Http2.MaxFrameSize = maxFrameBytes;
                kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
            });
            builder.Services.AddSingleton<Service>();
            builder.Services.AddGrpc(options => options.MaxReceiveMessageSize = null);
            var app = builder.Build();
            app.MapGrpcService<Service>();
            await app.StartAsync();
            var url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
            return new KestrelServer(app) { Address = BulkAddress.Parse(new Uri(url).Authority) };
        }

        public async Task StopAsync()
        {
            using var now = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
            await app.StopAsync(now.Token);
        }

        public ValueTask DisposeAsync() => app.DisposeAsync();
    }
}
