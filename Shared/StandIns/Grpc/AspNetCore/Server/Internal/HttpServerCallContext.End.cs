using Grpc.Core;
using Grpc.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>How a call ends: by its method, by a failure, or by its deadline. The first end wins.</summary>
internal sealed partial class HttpServerCallContext
{
    private const int ResetNoError = 0x0;
    private const int ResetInternalError = 0x2;

    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly CancellationTokenSource _stop;
    private readonly CancellationToken _token;
    private DateTime _deadline = DateTime.MaxValue;
    private Timer? _deadlineTimer;
    private volatile bool _isDeadlineExceeded;
    private volatile bool _isEnded;

    public bool IsEnded => _isEnded;

    /// <summary>Sets the status that an exception of the method stands for.</summary>
    public void Fail(Exception exception)
    {
        switch (exception)
        {
            case RpcException rpc:
                Log.CallFailed(_settings.Logger, _method, rpc.StatusCode, rpc.Status.Detail);
                StatusCore = rpc.Status;
                foreach (var entry in rpc.Trailers)
                {
                    ResponseTrailers.Add(entry);
                }

                break;
            case WireException wire:
                Log.CallFailed(_settings.Logger, _method, wire.StatusCode, wire.Message);
                StatusCore = wire.ToStatus();
                break;
            case not null when _token.IsCancellationRequested:
                Log.CallCancelled(_settings.Logger, _method, exception.Message);
                StatusCore = new Status(StatusCode.Cancelled, $"The call of {_method} was cancelled.", exception);
                break;
            default:
                Log.MethodThrew(_settings.Logger, exception, _method);
                var detail = _settings.EnableDetailedErrors ? $" {exception!.GetType().Name}: {exception.Message}" : "";
                StatusCore = new Status(StatusCode.Unknown, "Exception was thrown by handler." + detail, exception);
                break;
        }
    }

    /// <summary>Sends the status and the trailers, unless the deadline has done so or the client is gone.</summary>
    public async Task EndAsync()
    {
        if (_deadlineTimer is not null)
        {
            await _deadlineTimer.DisposeAsync().ConfigureAwait(false);
        }

        await _gate.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            if (!_isEnded)
            {
                _isEnded = true;
                WriteEnd();
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Tells the method that its client is gone.</summary>
    public Task CancelAsync() => _stop.CancelAsync();

    /// <summary>Breaks the stream: what was sent of it is no whole message.</summary>
    public void Reset()
    {
        _isEnded = true;
        ResetStream(ResetInternalError);
    }

    private void StartDeadline(TimeSpan timeout)
    {
        var now = DateTime.UtcNow;
        if (timeout >= DateTime.MaxValue - now)
        {
            return;
        }

        _deadline = now + timeout;
        if (timeout < GrpcTimeout.LongestTimer)
        {
            _deadlineTimer = new Timer(state => ((HttpServerCallContext)state!).ExceedDeadline(), this, timeout, Timeout.InfiniteTimeSpan);
        }
    }

    private void ExceedDeadline()
    {
        _isDeadlineExceeded = true;
        _ = EndByDeadlineAsync();
    }

    // Cancels first: that frees the gate from a write that waits for the client.
    private async Task EndByDeadlineAsync()
    {
        try
        {
            await _stop.CancelAsync().ConfigureAwait(false);
            await _gate.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            try
            {
                if (!_isEnded)
                {
                    _isEnded = true;
                    WriteEnd();
                    await HttpContext.Response.CompleteAsync().ConfigureAwait(false);
                    ResetStream(ResetNoError);
                }
            }
            finally
            {
                _gate.Release();
            }
        }
        catch (Exception exception)
        {
            // Nobody waits for this task; the client ends the call by its own deadline.
            Log.DeadlineEndFailed(_settings.Logger, exception, _method);
        }
    }

    private void WriteEnd()
    {
        if (HttpContext.RequestAborted.IsCancellationRequested)
        {
            return;
        }

        var status = _isDeadlineExceeded
            ? new Status(StatusCode.DeadlineExceeded, $"The deadline {_deadline:O} of {_method} passed on the server.")
            : StatusCore;

        // Without a message so far, the status goes out with the headers: a trailers-only response.
        var response = HttpContext.Response;
        var destination = response.HasStarted || _writer is not null ? TrailerDictionary() : response.Headers;
        try
        {
            if (_responseTrailers is not null)
            {
                Internal.ResponseTrailers.WriteMetadata(destination, _responseTrailers);
            }
        }
        catch (WireException exception)
        {
            status = exception.ToStatus();
        }

        Internal.ResponseTrailers.WriteStatus(destination, status);
    }

    private IHeaderDictionary TrailerDictionary() => HttpContext.Features.Get<IHttpResponseTrailersFeature>()?.Trailers
        ?? throw new InvalidOperationException($"The connection of {_method} has no trailers. Serve gRPC over HTTP/2.");

    private void ResetStream(int errorCode)
    {
        if (HttpContext.Features.Get<IHttpResetFeature>() is { } reset)
        {
            reset.Reset(errorCode);
        }
        else
        {
            HttpContext.Abort();
        }
    }
}
