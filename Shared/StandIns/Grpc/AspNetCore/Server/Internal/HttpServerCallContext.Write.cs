using Grpc.Core;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>What a call sends before its end: headers and messages.</summary>
internal sealed partial class HttpServerCallContext
{
    // Null until the first message is in the response.
    private PipeFrameWriter? _writer;

    /// <summary>Writes one message; with <paramref name="flush"/> it returns when the transport took it.</summary>
    /// <exception cref="InvalidOperationException">The call has ended.</exception>
    public async Task WriteMessageAsync<T>(Marshaller<T> marshaller, T message, bool flush, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_isEnded)
            {
                throw new InvalidOperationException($"The call of {_method} has ended, so no message can be written. Stop writing when ServerCallContext.CancellationToken is cancelled.");
            }

            var writer = _writer ?? new PipeFrameWriter(HttpContext.Response.BodyWriter, _settings.MaxSendMessageSize);
            try
            {
                writer.Write(marshaller, message);
                _writer = writer;
            }
            catch when (writer.IsBroken)
            {
                Reset();
                throw;
            }

            if (flush)
            {
                await HttpContext.Response.BodyWriter.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    protected override async Task WriteResponseHeadersAsyncCore(Metadata responseHeaders)
    {
        ArgumentNullException.ThrowIfNull(responseHeaders);
        await _gate.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            if (HttpContext.Response.HasStarted)
            {
                throw new InvalidOperationException($"The response headers of {_method} have been sent. Write them once, before the first message.");
            }

            Internal.ResponseTrailers.WriteMetadata(HttpContext.Response.Headers, responseHeaders);
            await HttpContext.Response.BodyWriter.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }
}
