using System.Globalization;
using Grpc.Core;
using Orchestrator.Core.Identities;
using Orchestrator.Protocol.V1;
using Generation = Orchestrator.Core.Identities.Generation;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>Takes in what peers push: one stream for each of them, whose end before the generation's is the peer's death.</summary>
internal sealed class CollectiveService(CollectiveRegistry registry) : Collective.CollectiveBase
{
    // A peer is activated by the same coordinator within moments; one whose generation never starts here must not hold a stream for ever.
    private static readonly TimeSpan ActivationLimit = TimeSpan.FromMinutes(2);

    public override async Task<PushSummary> Push(IAsyncStreamReader<Segment> requestStream, ServerCallContext context)
    {
        var link = LinkHeaders.Read(context.RequestHeaders);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        limit.CancelAfter(ActivationLimit);
        var exchange = await registry.Find(link.Run, link.Generation, limit.Token);
        var segments = 0L;
        try
        {
            await foreach (var segment in requestStream.ReadAllAsync(context.CancellationToken))
            {
                Take(exchange, segment);
                segments++;
            }
        }
        catch (Exception error) when (error is not ExchangeException)
        {
            exchange.PeerLost(link.Sender, $"its stream broke after {segments} segments ({error.Message.TrimEnd('.')}).");
            throw new RpcException(new Status(StatusCode.Aborted, $"The stream of member {link.Sender} broke."));
        }

        return new PushSummary { Segments = segments };
    }

    private static unsafe void Take(GradientExchange exchange, Segment segment)
    {
        var header = segment.ToHeader();
        var place = exchange.Reserve(header);
        if (place != 0)
        {
            segment.Payload.Span.CopyTo(new Span<byte>((void*)place, segment.Payload.Length));
        }

        exchange.Received(header);
    }
}

/// <summary>Which stream this is: said once in its headers.</summary>
internal readonly record struct LinkHeaders(RunId Run, Generation Generation, int Sender)
{
    private const string RunKey = "orchestrator-run";
    private const string GenerationKey = "orchestrator-generation";
    private const string SenderKey = "orchestrator-sender";

    public Metadata ToMetadata() => new()
    {
        { RunKey, Run.Value },
        { GenerationKey, Generation.Number.ToString(CultureInfo.InvariantCulture) },
        { SenderKey, Sender.ToString(CultureInfo.InvariantCulture) },
    };

    /// <exception cref="RpcException">INVALID_ARGUMENT: a header is missing or no number.</exception>
    public static LinkHeaders Read(Metadata headers) =>
        headers.GetValue(RunKey) is { } run
        && long.TryParse(headers.GetValue(GenerationKey), NumberStyles.None, CultureInfo.InvariantCulture, out var generation)
        && int.TryParse(headers.GetValue(SenderKey), NumberStyles.None, CultureInfo.InvariantCulture, out var sender)
            ? new LinkHeaders(new RunId(run), new Generation(generation), sender)
            : throw new RpcException(new Status(StatusCode.InvalidArgument, $"A Push call carries the headers {RunKey}, {GenerationKey} and {SenderKey}."));
}
