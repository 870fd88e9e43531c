using Grpc.Core;
using Orchestrator.Interop.Tests.V1;

namespace Orchestrator.Interop.Tests;

/// <summary>The Peer service of interop.proto on our gRPC.</summary>
public sealed class PeerService(CancellationCount cancellations) : Peer.PeerBase
{
    public const string FailText = "50% of step 7\nwas lost: \u00e4\u6587";

    public static readonly byte[] FailDetails = [.. Enumerable.Range(0, 256).Select(value => (byte)value)];

    public override async Task<Answer> Unary(Ask request, ServerCallContext context)
    {
        var head = Renamed(context.RequestHeaders, "x-head");
        if (head.Count > 0)
        {
            await context.WriteResponseHeadersAsync(head);
        }

        foreach (var entry in Renamed(context.RequestHeaders, "x-trail"))
        {
            context.ResponseTrailers.Add(entry);
        }

        switch (request.Text)
        {
            case "fail":
                throw new RpcException(
                    new Status(StatusCode.FailedPrecondition, FailText),
                    new Metadata { { "grpc-status-details-bin", FailDetails }, { "x-trail", "last" } });
            case "throw":
                throw new InvalidDataException("shard 3 is short");
            case "sleep":
                await Task.Delay(Timeout.InfiniteTimeSpan, context.CancellationToken).ContinueWith(_ => { }, TaskScheduler.Default);
                cancellations.Add();
                throw new OperationCanceledException(context.CancellationToken);
            case "cancelled":
                return new Answer { Index = cancellations.Value };
            default:
                return new Answer { Text = request.Text, Payload = request.Payload };
        }
    }

    public override async Task ServerStream(Ask request, IServerStreamWriter<Answer> responseStream, ServerCallContext context)
    {
        for (var index = 0; index < request.Count; index++)
        {
            await responseStream.WriteAsync(new Answer { Text = request.Text, Index = index, Payload = request.Payload });
        }
    }

    public override async Task<Answer> ClientStream(IAsyncStreamReader<Ask> requestStream, ServerCallContext context)
    {
        var texts = new List<string>();
        await foreach (var ask in requestStream.ReadAllAsync())
        {
            texts.Add(ask.Text);
        }

        return new Answer { Text = string.Join(",", texts), Index = texts.Count };
    }

    public override async Task Duplex(IAsyncStreamReader<Ask> requestStream, IServerStreamWriter<Answer> responseStream, ServerCallContext context)
    {
        try
        {
            var index = 0;
            await foreach (var ask in requestStream.ReadAllAsync())
            {
                await responseStream.WriteAsync(new Answer { Text = ask.Text, Index = index++, Payload = ask.Payload });
            }
        }
        catch (OperationCanceledException)
        {
            cancellations.Add();
            throw;
        }
    }

    private static Metadata Renamed(Metadata headers, string prefix)
    {
        var renamed = new Metadata();
        foreach (var entry in headers.Where(entry => entry.Key.StartsWith("x-ask", StringComparison.Ordinal)))
        {
            var key = entry.Key.Replace("x-ask", prefix, StringComparison.Ordinal);
            renamed.Add(entry.IsBinary ? new Metadata.Entry(key, entry.ValueBytes) : new Metadata.Entry(key, entry.Value));
        }

        return renamed;
    }
}

/// <summary>Counts the calls that the service saw cancelled, and lets a test wait for the next.</summary>
public sealed class CancellationCount
{
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _value;

    public int Value => Volatile.Read(ref _value);

    public Task First => _first.Task;

    public void Add()
    {
        Interlocked.Increment(ref _value);
        _first.TrySetResult();
    }
}
