using Grpc.Core;
using Grpc.StandIn.Tests.V1;

namespace Grpc.StandIn.Tests;

/// <summary>Answers plainly, as loopback.proto says; a test that needs more passes its own behaviour.</summary>
public sealed class LoopbackService(ServiceBehaviour behaviour) : Loopback.LoopbackBase
{
    public override Task<Answer> Unary(Ask request, ServerCallContext context) => behaviour.Unary is { } unary
        ? unary(request, context)
        : Task.FromResult(new Answer { Text = request.Text, Payload = request.Payload });

    public override async Task ServerStream(Ask request, IServerStreamWriter<Answer> responseStream, ServerCallContext context)
    {
        if (behaviour.ServerStream is { } serverStream)
        {
            await serverStream(request, responseStream, context);
            return;
        }

        for (var i = 0; i < request.Count; i++)
        {
            await responseStream.WriteAsync(new Answer { Text = request.Text, Index = i, Payload = request.Payload });
        }
    }

    public override async Task<Answer> ClientStream(IAsyncStreamReader<Ask> requestStream, ServerCallContext context)
    {
        if (behaviour.ClientStream is { } clientStream)
        {
            return await clientStream(requestStream, context);
        }

        var texts = new List<string>();
        await foreach (var ask in requestStream.ReadAllAsync(context.CancellationToken))
        {
            texts.Add(ask.Text);
        }

        return new Answer { Text = string.Join(",", texts), Index = texts.Count };
    }

    public override async Task Duplex(IAsyncStreamReader<Ask> requestStream, IServerStreamWriter<Answer> responseStream, ServerCallContext context)
    {
        if (behaviour.Duplex is { } duplex)
        {
            await duplex(requestStream, responseStream, context);
            return;
        }

        var index = 0;
        await foreach (var ask in requestStream.ReadAllAsync(context.CancellationToken))
        {
            await responseStream.WriteAsync(new Answer { Text = ask.Text, Index = index++, Payload = ask.Payload });
        }
    }
}

/// <summary>What the service does instead, method by method; null means what loopback.proto says.</summary>
public sealed class ServiceBehaviour
{
    public UnaryServerMethod<Ask, Answer>? Unary { get; set; }

    public ServerStreamingServerMethod<Ask, Answer>? ServerStream { get; set; }

    public ClientStreamingServerMethod<Ask, Answer>? ClientStream { get; set; }

    public DuplexStreamingServerMethod<Ask, Answer>? Duplex { get; set; }
}
