namespace Orchestrator.Bulk.Server;

/// <summary>The life of a call: finds its receiver, and ends it in order, by refusal or by loss. Each end is told once, to both sides.</summary>
/// <remarks>Called from the receiving thread, from where a resolver finishes, and from who releases a receiver.</remarks>
internal sealed class ServerCalls(BulkResolver resolve, ServerWriter writer, Action<string> shutdown)
{
    /// <summary>Starts to look for who takes the stream's messages.</summary>
    public void Resolve(PushStream stream)
    {
        ValueTask<IBulkReceiver> receiver;
        try
        {
            receiver = resolve(stream.Call, stream.Ended);
        }
        catch (Exception error)
        {
            Reject(stream, error);
            return;
        }

        if (receiver.IsCompletedSuccessfully)
        {
            Accept(stream, receiver.Result);
        }
        else
        {
            _ = AcceptLater(stream, receiver);
        }
    }

    /// <summary>The peer has ended the stream and all its messages are read.</summary>
    public void Complete(PushStream stream)
    {
        if (!stream.Reader.IsBetweenMessages)
        {
            Refuse(stream, BulkStatus.Internal, $"The stream ended {stream.Reader.DescribePosition()}.");
        }
        else if (stream.TryFinish())
        {
            // First the receiver, so that a sender that has its summary knows that everybody knows.
            stream.Tell(null);
            Answer(() => writer.Summarize(stream));
        }
    }

    /// <summary>The resolver or the receiver will not have it, or its bytes are no messages.</summary>
    public void Reject(PushStream stream, Exception error)
    {
        var (status, message) = error switch
        {
            BulkRejectedException rejected => (rejected.Status, rejected.Message),
            OperationCanceledException => (BulkStatus.DeadlineExceeded,
                $"Generation {stream.Call.Generation} of run {stream.Call.Run} did not start here in time."),
            _ => (BulkStatus.Internal, $"{error.GetType().Name}: {error.Message}"),
        };
        Refuse(stream, status, message);
    }

    public void Refuse(PushStream stream, BulkStatus status, string message)
    {
        if (stream.TryFinish())
        {
            stream.Tell($"The stream of sender {stream.Call.Sender} was refused with {status}: {message}");
            Answer(() => writer.Refuse(stream, status, message));
        }
    }

    /// <summary>The stream is gone without an answer.</summary>
    /// <returns>False: it had ended before.</returns>
    public static bool Break(PushStream stream, string why)
    {
        if (!stream.TryFinish())
        {
            return false;
        }

        stream.Tell($"The stream of sender {stream.Call.Sender} broke {stream.Reader.DescribePosition()}: {why}");
        return true;
    }

    private async Task AcceptLater(PushStream stream, ValueTask<IBulkReceiver> pending)
    {
        IBulkReceiver receiver;
        try
        {
            receiver = await pending.ConfigureAwait(false);
        }
        catch (Exception error)
        {
            Reject(stream, error);
            return;
        }

        Accept(stream, receiver);
    }

    private void Accept(PushStream stream, IBulkReceiver receiver)
    {
        try
        {
            if (stream.Accept(receiver))
            {
                Complete(stream);
                return;
            }
        }
        catch (Exception error)
        {
            Reject(stream, error);
            return;
        }

        if (stream.RenewWindow() is > 0 and var increment)
        {
            Answer(() => writer.OpenWindow(stream, increment));
        }
    }

    private void Answer(Action write)
    {
        try
        {
            write();
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // Also when the connection has ended and its socket is closed: a receiver may be released at any moment.
            shutdown($"it could not be answered ({error.Message})");
        }
    }
}
