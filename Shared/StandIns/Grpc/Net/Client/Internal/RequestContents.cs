using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;
using Grpc.Wire;

namespace Grpc.Net.Client.Internal;

/// <summary>The body of a request with one message. The handler may ask for it again on another connection.</summary>
internal sealed class UnaryContent<TRequest> : HttpContent
{
    private readonly Marshaller<TRequest> _marshaller;
    private readonly TRequest _message;
    private readonly int? _maxMessageBytes;

    public UnaryContent(Marshaller<TRequest> marshaller, TRequest message, int? maxMessageBytes)
    {
        _marshaller = marshaller;
        _message = message;
        _maxMessageBytes = maxMessageBytes;
        Headers.ContentType = new MediaTypeHeaderValue(WireNames.ContentType);
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        // The buffer is given back only after the write returned: a cancelled write may still read it until then.
        using var writer = new FrameWriter(_maxMessageBytes);
        await stream.WriteAsync(writer.Serialize(_marshaller, _message), cancellationToken).ConfigureAwait(false);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}

/// <summary>The body of a request with a stream of messages: lends the connection's stream to the writer until it completes.</summary>
internal sealed class StreamContent : HttpContent
{
    private readonly TaskCompletionSource<Stream> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public StreamContent() => Headers.ContentType = new MediaTypeHeaderValue(WireNames.ContentType);

    /// <summary>The stream to write to; cancelled when the call ended before it was there.</summary>
    public Task<Stream> Opened => _opened.Task;

    public bool IsCompleted => _completed.Task.IsCompleted;

    /// <summary>Ends the body in order: the server sees the end of the stream. May be called again.</summary>
    public void Complete()
    {
        _opened.TrySetCanceled();
        _completed.TrySetResult();
    }

    /// <summary>Breaks the body off: the server must not take it for a whole one. May be called again.</summary>
    public void Abort()
    {
        _opened.TrySetCanceled();
        _completed.TrySetCanceled();
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        // The handler keeps the request headers back until there is something to send; the server may answer without a message.
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        if (!_opened.TrySetResult(stream) && !IsCompleted)
        {
            throw new IOException("The connection was lost after the request stream had begun, so its messages cannot be sent again.");
        }

        // The handler cancels this token also when the server answered early; the call's own end decides instead.
        await _completed.Task.ConfigureAwait(false);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
