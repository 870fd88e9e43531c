using Grpc.Core;
using Grpc.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>Serves the HTTP requests of one method: checks that they are gRPC, runs the handler, ends the call with a status.</summary>
internal sealed class CallEndpoint(IMethod method, CallSettings settings, Func<HttpServerCallContext, Task> handler)
{
    public Task HandleAsync(HttpContext http)
    {
        if (!HttpProtocol.IsHttp2(http.Request.Protocol) && !HttpProtocol.IsHttp3(http.Request.Protocol))
        {
            return RefuseAsync(http, StatusCodes.Status426UpgradeRequired, $"gRPC needs HTTP/2; this request came by {http.Request.Protocol}. Set the listener's protocols to Http2.");
        }

        if (!WireNames.IsGrpcContentType(http.Request.ContentType))
        {
            return RefuseAsync(http, StatusCodes.Status415UnsupportedMediaType, $"Content type '{http.Request.ContentType}' is not {WireNames.ContentType}.");
        }

        return ServeAsync(http);
    }

    private static Task RefuseAsync(HttpContext http, int statusCode, string reason)
    {
        http.Response.StatusCode = statusCode;
        ResponseTrailers.WriteStatus(http.Response.Headers, new Status(StatusCode.Internal, reason));
        return Task.CompletedTask;
    }

    private async Task ServeAsync(HttpContext http)
    {
        LiftBodyLimits(http);
        http.Response.ContentType = WireNames.ContentType;
        var context = new HttpServerCallContext(http, method.FullName, settings);
        try
        {
            context.Start();
            await handler(context).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            context.Fail(exception);
        }

        await context.EndAsync().ConfigureAwait(false);
    }

    // Messages have their own limit, and a stream may be silent for as long as it likes.
    private static void LiftBodyLimits(HttpContext http)
    {
        if (http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }

        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }
    }
}
