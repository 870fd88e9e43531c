using Grpc.Core;
using Grpc.Wire;
using Microsoft.AspNetCore.Http;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>
/// One call on the server: what the request says, and the state of its end. Response bytes and trailers go out under one gate, so that a
/// passed deadline can end the call while the method still runs. The other parts of the class are in HttpServerCallContext.*.cs.
/// </summary>
internal sealed partial class HttpServerCallContext : ServerCallContext
{
    private readonly string _method;
    private readonly CallSettings _settings;
    private Metadata? _requestHeaders;
    private Metadata? _responseTrailers;
    private AuthContext? _authContext;

    public HttpServerCallContext(HttpContext http, string method, CallSettings settings)
    {
        HttpContext = http;
        _method = method;
        _settings = settings;

        // Not disposed: a method may keep the token, and both sources end with the request.
        _stop = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        _token = _stop.Token;
    }

    public HttpContext HttpContext { get; }

    public int? MaxReceiveMessageSize => _settings.MaxReceiveMessageSize;

    /// <summary>The encoding of compressed request messages; null means none.</summary>
    public string? RequestEncoding { get; private set; }

    protected override string MethodCore => _method;

    protected override string HostCore => HttpContext.Request.Host.Value ?? "";

    protected override string PeerCore => CallPeer.Address(HttpContext.Connection);

    protected override DateTime DeadlineCore => _deadline;

    protected override Metadata RequestHeadersCore => _requestHeaders ??= ReadHeaders(HttpContext.Request.Headers);

    protected override CancellationToken CancellationTokenCore => _token;

    protected override Metadata ResponseTrailersCore => _responseTrailers ??= [];

    protected override Status StatusCore { get; set; }

    protected override WriteOptions? WriteOptionsCore { get; set; }

    protected override AuthContext AuthContextCore => _authContext ??= CallPeer.Authentication(HttpContext.Connection.ClientCertificate);

    protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options)
    {
        options ??= ContextPropagationOptions.Default;
        return new ServerPropagationToken(
            options.IsPropagateDeadline ? _deadline : null, options.IsPropagateCancellation ? _token : CancellationToken.None);
    }

    /// <summary>Reads what the protocol puts into the request headers and starts the deadline.</summary>
    /// <exception cref="WireException">A header is wrong or asks for what is not supported.</exception>
    public void Start()
    {
        UserState["__HttpContext"] = HttpContext;
        var headers = HttpContext.Request.Headers;
        RequestEncoding = headers[WireNames.Encoding];
        if (RequestEncoding is not null and not (WireNames.Identity or WireNames.Gzip))
        {
            HttpContext.Response.Headers[WireNames.AcceptEncoding] = WireNames.AcceptedEncodings;
            throw new WireException(
                StatusCode.Unimplemented, $"Message encoding '{RequestEncoding}' is not supported. Use one of: {WireNames.AcceptedEncodings}.");
        }

        if (headers.TryGetValue(WireNames.Timeout, out var text))
        {
            if (!GrpcTimeout.TryParse(text, out var timeout))
            {
                throw new WireException(StatusCode.Internal, $"The request has grpc-timeout '{text}', which is no timeout. Send at most 8 digits and one of H, M, S, m, u, n.");
            }

            StartDeadline(timeout);
        }
    }

    private static Metadata ReadHeaders(IHeaderDictionary headers)
    {
        var metadata = new Metadata();
        foreach (var (name, values) in headers)
        {
            MetadataHeaders.AddTo(metadata, name.ToLowerInvariant(), values);
        }

        return metadata;
    }
}
