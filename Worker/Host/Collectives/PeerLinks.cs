using System.Threading.Channels;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Orchestrator.Core.Identities;
using Orchestrator.Protocol.V1;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>This member's streams to every other member of a generation: a queue and a writer for each.</summary>
/// <remarks>A queue holds at most what one step sends (a peer cannot be left further behind), so it is bounded by the plan, not by a number here.</remarks>
internal sealed class PeerLinks : ISegmentLinks
{
    // Larger than a piece of the all-reduce (1 MiB) with its header.
    private const int MaxMessageBytes = 16 * 1024 * 1024;

    private readonly Channel<Segment>?[] _queues;
    private readonly List<GrpcChannel> _channels = [];
    private readonly List<Task> _writers = [];
    private readonly CancellationTokenSource _stop = new();

    public PeerLinks(AllReducePlan plan, RunId run, Action<int, string> peerLost)
    {
        _queues = new Channel<Segment>?[plan.Members.Length];
        for (var member = 0; member < plan.Members.Length; member++)
        {
            if (member == plan.Self)
            {
                continue;
            }

            var queue = Channel.CreateUnbounded<Segment>(new UnboundedChannelOptions { SingleReader = true });
            var channel = GrpcChannel.ForAddress($"http://{plan.Members[member].CollectiveAddress}", new GrpcChannelOptions
            {
                MaxSendMessageSize = MaxMessageBytes,
                HttpHandler = new SocketsHttpHandler { KeepAlivePingDelay = TimeSpan.FromSeconds(5), KeepAlivePingTimeout = TimeSpan.FromSeconds(5) },
            });
            _queues[member] = queue;
            _channels.Add(channel);
            var index = member;
            var headers = new LinkHeaders(run, plan.Generation, plan.Self).ToMetadata();
            _writers.Add(Task.Run(() => Write(channel, headers, queue.Reader, reason => peerLost(index, reason))));
        }
    }

    public unsafe void Send(int member, SegmentHeader header, nint payload)
    {
        var bytes = payload == 0 ? ByteString.Empty : ByteString.CopyFrom(new ReadOnlySpan<byte>((void*)payload, (int)header.Range.Length * sizeof(float)));
        _queues[member]!.Writer.TryWrite(header.ToSegment(bytes));
    }

    public async Task CompleteAsync()
    {
        foreach (var queue in _queues)
        {
            queue?.Writer.TryComplete();
        }

        await Task.WhenAll(_writers);
    }

    /// <summary>Breaks what is still open: the peers see it at once.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await CompleteAsync();
        foreach (var channel in _channels)
        {
            channel.Dispose();
        }

        _stop.Dispose();
    }

    private async Task Write(GrpcChannel channel, Metadata headers, ChannelReader<Segment> queue, Action<string> lost)
    {
        try
        {
            using var call = new Collective.CollectiveClient(channel).Push(headers, cancellationToken: _stop.Token);
            // The answer comes after the stream was ended in order; before that it is the peer's refusal or death, seen while there is nothing to send.
            var answer = call.ResponseAsync;
            _ = answer.ContinueWith(
                done => lost($"its end of the stream closed ({done.Exception?.InnerException?.Message ?? "no reason given"})."),
                CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            await foreach (var segment in queue.ReadAllAsync(_stop.Token))
            {
                await call.RequestStream.WriteAsync(segment, _stop.Token);
            }

            await call.RequestStream.CompleteAsync();
            await answer;
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Given up on purpose.
        }
        catch (Exception error) when (error is RpcException or IOException or OperationCanceledException or InvalidOperationException)
        {
            lost($"sending to it failed ({error.Message.TrimEnd('.')}).");
        }
    }
}
