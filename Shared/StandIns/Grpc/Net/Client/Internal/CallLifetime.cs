using Grpc.Core;
using Grpc.Wire;

namespace Grpc.Net.Client.Internal;

/// <summary>
/// How long a call lives and how it ended. The first end wins and is final. Deadline, cancellation and disposal end it from any thread;
/// <see cref="Token"/> then stops the I/O, which makes the handler reset the stream.
/// </summary>
internal sealed class CallLifetime
{
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly Transport _transport;
    private readonly string _method;
    private readonly List<CancellationTokenRegistration> _registrations = [];
    private Timer? _deadlineTimer;
    private Status _status;
    private Metadata _trailers = Metadata.Empty;
    private CancellationToken _cancelledBy;
    private volatile bool _ended;

    public CallLifetime(Transport transport, string method, DateTime? deadline)
    {
        _transport = transport;
        _method = method;
        Deadline = deadline;
        Token = _stop.Token;
    }

    /// <summary>Cancelled when the call is to stop before its response was read.</summary>
    public CancellationToken Token { get; }

    /// <summary>Completes, never fails, when the call has ended.</summary>
    public Task Completion => _completion.Task;

    /// <summary>True when the call ended otherwise than by the server's status.</summary>
    public bool IsAborted { get; private set; }

    public bool IsEnded => _ended;

    public DateTime? Deadline { get; }

    public bool IsDeadlinePassed => Deadline is { } deadline && deadline <= DateTime.UtcNow;

    public Status Status => IsEnded
        ? _status
        : throw new InvalidOperationException($"The call of {_method} has not ended. Wait for its answer, or read its stream to the end, before asking for its status.");

    public Metadata Trailers => IsEnded
        ? _trailers
        : throw new InvalidOperationException($"The call of {_method} has not ended. Wait for its answer, or read its stream to the end, before asking for its trailers.");

    /// <summary>Starts the deadline and listens to the tokens; the call may end at once.</summary>
    public void Start(ReadOnlySpan<CancellationToken> tokens)
    {
        _transport.Add(this);
        foreach (var token in tokens)
        {
            if (token.CanBeCanceled)
            {
                var registration = token.UnsafeRegister((state, cancelled) => ((CallLifetime)state!).Cancel(cancelled), this);
                Keep(registration);
            }
        }

        if (Deadline is not { } deadline)
        {
            return;
        }

        var remaining = deadline - DateTime.UtcNow;
        if (remaining <= TimeSpan.Zero)
        {
            ExceedDeadline();
        }
        else if (remaining < GrpcTimeout.LongestTimer)
        {
            lock (_gate)
            {
                if (!_ended)
                {
                    _deadlineTimer = new Timer(state => ((CallLifetime)state!).ExceedDeadline(), this, remaining, Timeout.InfiniteTimeSpan);
                }
            }
        }
    }

    public void Cancel(CancellationToken cancelledBy)
    {
        _cancelledBy = cancelledBy;
        Abort(new Status(StatusCode.Cancelled, $"The client cancelled the call of {_method}."));
    }

    /// <summary>Ends the call and stops its I/O, if it has not ended.</summary>
    public void Abort(Status status)
    {
        // The end is visible before the I/O stops: what the cancellation resumes asks how the call ended.
        if (TryEnd(status, Metadata.Empty, isAborted: true))
        {
            _stop.Cancel();
        }
    }

    /// <summary>Ends the call with what the server answered; false when it had ended before.</summary>
    public bool TryEnd(Status status, Metadata trailers) => TryEnd(status, trailers, isAborted: false);

    /// <summary>The exception that a call which ended with another status than OK throws.</summary>
    public Exception ToException()
    {
        var exception = new RpcException(Status, Trailers);
        return _transport.ThrowOperationCanceled && _status.StatusCode is (StatusCode.Cancelled or StatusCode.DeadlineExceeded)
            ? new OperationCanceledException(_status.Detail, exception, _cancelledBy)
            : exception;
    }

    private bool TryEnd(Status status, Metadata trailers, bool isAborted)
    {
        lock (_gate)
        {
            if (_ended)
            {
                return false;
            }

            _status = status;
            _trailers = trailers;
            IsAborted = isAborted;
            _ended = true;
        }

        _deadlineTimer?.Dispose();
        foreach (var registration in _registrations)
        {
            registration.Unregister();
        }

        _transport.Remove(this);
        _completion.SetResult();
        return true;
    }

    private void ExceedDeadline() =>
        Abort(new Status(StatusCode.DeadlineExceeded, $"The call of {_method} at {_transport.Address} did not end before its deadline {Deadline:O}."));

    private void Keep(CancellationTokenRegistration registration)
    {
        lock (_gate)
        {
            if (!_ended)
            {
                _registrations.Add(registration);
                return;
            }
        }

        registration.Unregister();
    }
}
