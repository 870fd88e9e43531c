using Grpc.Core;

namespace Grpc.Net.Client.Internal;

/// <summary>Starts calls over a transport.</summary>
internal sealed class HttpCallInvoker(Transport transport) : CallInvoker
{
    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        using var call = AsyncUnaryCall(method, host, options, request);
        return call.ResponseAsync.GetAwaiter().GetResult();
    }

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        var call = new GrpcCall<TRequest, TResponse>(transport, method, host, options);
        call.Start(new UnaryContent<TRequest>(method.RequestMarshaller, request, transport.MaxSendMessageSize));
        return new AsyncUnaryCall<TResponse>(
            Observed(call.ReadSingleAsync()), Headers<TRequest, TResponse>, Status<TRequest, TResponse>, Trailers<TRequest, TResponse>, Dispose<TRequest, TResponse>, call);
    }

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        var call = new GrpcCall<TRequest, TResponse>(transport, method, host, options);
        call.Start(new UnaryContent<TRequest>(method.RequestMarshaller, request, transport.MaxSendMessageSize));
        return new AsyncServerStreamingCall<TResponse>(
            new ClientStreamReader<TRequest, TResponse>(call),
            Headers<TRequest, TResponse>, Status<TRequest, TResponse>, Trailers<TRequest, TResponse>, Dispose<TRequest, TResponse>, call);
    }

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        var call = new GrpcCall<TRequest, TResponse>(transport, method, host, options);
        var writer = StartStream(call, options, isResponseReadByCall: true);
        return new AsyncClientStreamingCall<TRequest, TResponse>(
            writer, Observed(call.ReadSingleAsync()),
            Headers<TRequest, TResponse>, Status<TRequest, TResponse>, Trailers<TRequest, TResponse>, Dispose<TRequest, TResponse>, call);
    }

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        var call = new GrpcCall<TRequest, TResponse>(transport, method, host, options);
        var writer = StartStream(call, options, isResponseReadByCall: false);
        return new AsyncDuplexStreamingCall<TRequest, TResponse>(
            writer, new ClientStreamReader<TRequest, TResponse>(call),
            Headers<TRequest, TResponse>, Status<TRequest, TResponse>, Trailers<TRequest, TResponse>, Dispose<TRequest, TResponse>, call);
    }

    private ClientStreamWriter<TRequest, TResponse> StartStream<TRequest, TResponse>(
        GrpcCall<TRequest, TResponse> call, CallOptions options, bool isResponseReadByCall)
        where TRequest : class
        where TResponse : class
    {
        var content = new StreamContent();
        call.Start(content);
        return new ClientStreamWriter<TRequest, TResponse>(call, content, transport.MaxSendMessageSize, isResponseReadByCall)
        {
            WriteOptions = options.WriteOptions,
        };
    }

    // A caller may drop the call object; the failure of its answer is then nobody's.
    private static Task<T> Observed<T>(Task<T> task)
    {
        task.ContinueWith(
            static failed => _ = failed.Exception,
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        return task;
    }

    private static Task<Metadata> Headers<TRequest, TResponse>(object state)
        where TRequest : class
        where TResponse : class => ((GrpcCall<TRequest, TResponse>)state).ResponseHeadersAsync;

    private static Status Status<TRequest, TResponse>(object state)
        where TRequest : class
        where TResponse : class => ((GrpcCall<TRequest, TResponse>)state).Lifetime.Status;

    private static Metadata Trailers<TRequest, TResponse>(object state)
        where TRequest : class
        where TResponse : class => ((GrpcCall<TRequest, TResponse>)state).Lifetime.Trailers;

    private static void Dispose<TRequest, TResponse>(object state)
        where TRequest : class
        where TResponse : class => ((GrpcCall<TRequest, TResponse>)state).Dispose();
}
