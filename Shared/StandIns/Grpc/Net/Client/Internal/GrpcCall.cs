using System.Net;
using System.Runtime.InteropServices;
using Grpc.Core;
using Grpc.Wire;

namespace Grpc.Net.Client.Internal;

/// <summary>
/// One call on the wire: sends the request, reads the response, ends its lifetime. The call object that the caller holds and its streams
/// are views of this. Any thread may cancel or dispose; one thread at a time reads and one writes.
/// </summary>
internal sealed class GrpcCall<TRequest, TResponse>
    where TRequest : class
    where TResponse : class
{
    private static readonly string UserAgent =
        $"grpc-dotnet-standin/{typeof(GrpcCall<,>).Assembly.GetName().Version?.ToString(3)} ({RuntimeInformation.FrameworkDescription})";

    private readonly TaskCompletionSource<Metadata> _headers = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<MessageReader<TResponse>?> _reader = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Transport _transport;
    private readonly Method<TRequest, TResponse> _method;
    private readonly string? _host;
    private readonly CallOptions _options;
    private HttpResponseMessage? _response;

    public GrpcCall(Transport transport, Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        _transport = transport;
        _method = method;
        _host = host;
        _options = options;
        Lifetime = new CallLifetime(transport, method.FullName, EffectiveDeadline(options));
    }

    public CallLifetime Lifetime { get; }

    public Task<Metadata> ResponseHeadersAsync => _headers.Task;

    public Marshaller<TRequest> RequestMarshaller => _method.RequestMarshaller;

    /// <summary>Sends the request and returns at once; the response is read by one of the two methods below.</summary>
    public void Start(HttpContent content)
    {
        Lifetime.Start([_options.CancellationToken, _options.PropagationToken?.CancellationToken ?? default]);
        _ = RunAsync(content);
        if (content is StreamContent stream)
        {
            _ = EndContentAsync(stream);
        }
    }

    /// <summary>Reads a response of exactly one message.</summary>
    public async Task<TResponse> ReadSingleAsync()
    {
        var message = await ReadNextAsync().ConfigureAwait(false);
        if (message is null)
        {
            // The call ended with OK and yet without a message.
            throw new RpcException(new Status(StatusCode.Internal, $"{_transport.Address} answered {_method.FullName} with status OK and no message."));
        }

        if (await ReadNextAsync().ConfigureAwait(false) is not null)
        {
            End(new Status(StatusCode.Internal, $"{_transport.Address} answered {_method.FullName} with more than one message."));
            throw Lifetime.ToException();
        }

        return message;
    }

    /// <summary>The next message; null when the call has ended with OK.</summary>
    /// <exception cref="RpcException">The call has ended with another status.</exception>
    public async ValueTask<TResponse?> ReadNextAsync()
    {
        try
        {
            var reader = await _reader.Task.ConfigureAwait(false);
            if (reader is not null && !Lifetime.IsEnded)
            {
                if (await reader.ReadAsync(Lifetime.Token).ConfigureAwait(false) is { } message)
                {
                    return message;
                }

                EndByTrailers(_response!.TrailingHeaders);
            }
        }
        catch (Exception exception)
        {
            End(ToStatus(exception));
        }

        return Lifetime.Status.StatusCode == StatusCode.OK ? null : throw Lifetime.ToException();
    }

    public Status ToStatus(Exception exception) =>
        TransportFailure.ToStatus(exception, _transport.Address, _method.FullName, Lifetime.IsDeadlinePassed);

    public void Dispose() => End(new Status(StatusCode.Cancelled, $"The call of {_method.FullName} was disposed before it ended."));

    private static DateTime? EffectiveDeadline(CallOptions options)
    {
        var deadline = options.Deadline;
        if (deadline is { Kind: not DateTimeKind.Utc } local && local != DateTime.MaxValue && local != DateTime.MinValue)
        {
            throw new ArgumentException($"The deadline {local:O} is not UTC. Use DateTime.UtcNow to make it.", nameof(options));
        }

        if (options.PropagationToken?.Deadline is { } outer && (deadline is null || outer < deadline))
        {
            deadline = outer;
        }

        return deadline == DateTime.MaxValue ? null : deadline;
    }

    private async Task RunAsync(HttpContent content)
    {
        try
        {
            if (!Lifetime.IsEnded)
            {
                await OpenAsync(content).ConfigureAwait(false);
            }
        }
        catch (Exception exception)
        {
            End(ToStatus(exception));
        }

        if (Lifetime.IsEnded && Lifetime.Status.StatusCode != StatusCode.OK && _headers.TrySetException(Lifetime.ToException()))
        {
            // Most callers never look at the headers; the failure reaches them through the answer.
            _ = _headers.Task.Exception;
        }

        _reader.TrySetResult(null);
        await Lifetime.Completion.ConfigureAwait(false);
        _response?.Dispose();
    }

    private async Task EndContentAsync(StreamContent content)
    {
        await Lifetime.Completion.ConfigureAwait(false);
        if (Lifetime.IsAborted)
        {
            content.Abort();
        }
        else
        {
            content.Complete();
        }
    }

    private async Task OpenAsync(HttpContent content)
    {
        var headers = await CredentialHeadersAsync().ConfigureAwait(false);
        var response = await SendAsync(content, headers).ConfigureAwait(false);
        _response = response;
        if (ResponseStatus.OfHttp(response, _transport.Address, _method.FullName) is { } httpStatus)
        {
            Lifetime.Abort(httpStatus);
            return;
        }

        var metadata = ResponseStatus.ToMetadata(response.Headers);
        if (ResponseStatus.Of(response.Headers) is { } status)
        {
            _headers.TrySetResult(metadata);
            Lifetime.TryEnd(status, metadata);
            return;
        }

        var encoding = response.Headers.NonValidated.TryGetValues(WireNames.Encoding, out var values) ? values.ToString() : null;
        var body = await response.Content.ReadAsStreamAsync(Lifetime.Token).ConfigureAwait(false);
        _headers.TrySetResult(metadata);
        _reader.TrySetResult(new MessageReader<TResponse>(
            body, _method.ResponseMarshaller, encoding, _transport.MaxReceiveMessageSize, _method.FullName));
    }

    private async Task<HttpResponseMessage> SendAsync(HttpContent content, Metadata credentialHeaders)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return await _transport.SendAsync(CreateRequest(content, credentialHeaders), Lifetime.Token).ConfigureAwait(false);
            }
            catch (HttpRequestException exception) when (_options.IsWaitForReady && TransportFailure.IsNotConnected(exception))
            {
                await Task.Delay(_transport.Backoff.Delay(attempt), Lifetime.Token).ConfigureAwait(false);
            }
        }
    }

    private HttpRequestMessage CreateRequest(HttpContent content, Metadata credentialHeaders)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_transport.Address, _method.FullName))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        request.Headers.TryAddWithoutValidation("te", "trailers");
        request.Headers.TryAddWithoutValidation("user-agent", UserAgent);
        request.Headers.TryAddWithoutValidation(WireNames.AcceptEncoding, WireNames.AcceptedEncodings);
        if (Lifetime.Deadline is { } deadline)
        {
            request.Headers.TryAddWithoutValidation(WireNames.Timeout, GrpcTimeout.Format(deadline - DateTime.UtcNow));
        }

        if (_host is not null)
        {
            request.Headers.Host = _host;
        }

        RequestHeaders.Add(request, _options.Headers);
        RequestHeaders.Add(request, credentialHeaders);
        return request;
    }

    private async Task<Metadata> CredentialHeadersAsync()
    {
        if (!_transport.SendsCallCredentials || (_transport.CallCredentials ?? _options.Credentials) is null)
        {
            return Metadata.Empty;
        }

        var headers = new Metadata();
        var serviceUrl = new Uri(_transport.Address, _method.ServiceName).ToString();
        var context = new AuthInterceptorContext(serviceUrl, _method.Name, Lifetime.Token);
        foreach (var credentials in new[] { _transport.CallCredentials, _options.Credentials })
        {
            foreach (var interceptor in credentials?.Interceptors ?? [])
            {
                await interceptor(context, headers).ConfigureAwait(false);
            }
        }

        return headers;
    }

    private void EndByTrailers(System.Net.Http.Headers.HttpResponseHeaders trailers)
    {
        var status = ResponseStatus.Of(trailers)
            ?? new Status(StatusCode.Unknown, $"{_transport.Address} ended the response of {_method.FullName} without a grpc-status.");
        Lifetime.TryEnd(status, ResponseStatus.ToMetadata(trailers));
    }

    private void End(Status status) => Lifetime.Abort(status);
}
