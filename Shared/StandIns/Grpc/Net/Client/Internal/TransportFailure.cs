using System.Net.Sockets;
using Grpc.Core;
using Grpc.Wire;

namespace Grpc.Net.Client.Internal;

/// <summary>Turns a failure of the transport into the status that the call ends with.</summary>
internal static class TransportFailure
{
    /// <summary>True when no connection could be made, so that nothing of the call was sent.</summary>
    public static bool IsNotConnected(Exception exception) => exception is HttpRequestException
    {
        HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
            or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError,
    };

    public static Status ToStatus(Exception exception, Uri address, string method, bool isDeadlinePassed)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is WireException wire)
            {
                return wire.ToStatus();
            }

            if (cause is HttpProtocolException protocol)
            {
                return OfProtocolError(protocol, exception, address, method, isDeadlinePassed);
            }
        }

        var first = FirstCause(exception);
        if (IsNotConnected(exception))
        {
            return new Status(
                StatusCode.Unavailable, $"Cannot connect to {address} for {method}: {first.Message} Check the address and that the server runs.", exception);
        }

        return exception switch
        {
            OperationCanceledException when isDeadlinePassed => new Status(StatusCode.DeadlineExceeded, $"The deadline of {method} passed.", exception),
            OperationCanceledException => new Status(StatusCode.Cancelled, $"The call of {method} was cancelled.", exception),
            _ when first is SocketException or IOException || exception is HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded } =>
                new Status(StatusCode.Unavailable, $"The connection to {address} broke during {method}: {first.Message}", exception),
            _ => new Status(StatusCode.Internal, $"The call of {method} at {address} failed: {first.GetType().Name}: {first.Message}", exception),
        };
    }

    private static Status OfProtocolError(HttpProtocolException cause, Exception whole, Uri address, string method, bool isDeadlinePassed)
    {
        // Only the text tells a reset of this stream from the end of the connection (GOAWAY, no answer to a ping).
        if (!cause.Message.Contains("reset the stream", StringComparison.OrdinalIgnoreCase))
        {
            return new Status(StatusCode.Unavailable, $"The connection to {address} broke during {method}: {cause.Message}", whole);
        }

        // The mapping of HTTP/2 error codes is the gRPC specification's.
        var code = cause.ErrorCode switch
        {
            0x7 => StatusCode.Unavailable,
            0x8 => isDeadlinePassed ? StatusCode.DeadlineExceeded : StatusCode.Cancelled,
            0xb => StatusCode.ResourceExhausted,
            0xc => StatusCode.PermissionDenied,
            _ => StatusCode.Internal,
        };
        return new Status(code, $"{address} reset the HTTP/2 stream of {method} with error code 0x{cause.ErrorCode:x}: {cause.Message}", whole);
    }

    private static Exception FirstCause(Exception exception)
    {
        while (exception.InnerException is not null)
        {
            exception = exception.InnerException;
        }

        return exception;
    }
}
