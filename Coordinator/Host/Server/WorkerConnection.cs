using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Host.Server;

/// <summary>The coordinator's side of one worker's stream: its id once it is admitted, and the orders that wait to be sent.</summary>
public sealed class WorkerConnection(long id)
{
    /// <summary>Orders that may wait. A worker gets a handful per generation; one that takes none of them is stuck.</summary>
    public const int MaxPending = 256;

    /// <summary>For the last order to a worker that hangs: the network's way, and a busy machine's.</summary>
    private static readonly TimeSpan LastWord = TimeSpan.FromSeconds(2);

    private readonly Channel<CoordinatorMessage> _orders = Channel.CreateBounded<CoordinatorMessage>(new BoundedChannelOptions(MaxPending) { SingleReader = true });
    private readonly TaskCompletionSource<WorkerId> _admission = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _broken = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public long Id { get; } = id;

    /// <summary>Ends with the worker's id, or with <see cref="WorkerRejectedException"/>.</summary>
    public Task<WorkerId> Admission => _admission.Task;

    /// <summary>Ends with the reason when the coordinator gives the stream up.</summary>
    public Task<string> Broken => _broken.Task;

    /// <summary>Orders to write, as they come. What was decided before this process froze is not given when it thaws: another may own the runs by then.</summary>
    /// <param name="mayGive">Asked before each; one that may not be given is left out.</param>
    /// <param name="cancellation">Ends it.</param>
    public async IAsyncEnumerable<CoordinatorMessage> ReadOrdersAsync(Func<bool> mayGive, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var order in _orders.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
        {
            if (mayGive())
            {
                yield return order;
            }
        }
    }

    /// <summary>The worker has its id; Welcome is the first order.</summary>
    /// <param name="worker">Its id.</param>
    /// <param name="term">Of the coordinator's ownership; 0: it has no store.</param>
    /// <param name="recordedStep">Set when it is a member as before.</param>
    /// <param name="patience">How long it may hear nothing before it looks for another owner; null: until its stream ends.</param>
    public void Admit(WorkerId worker, long term, long? recordedStep, TimeSpan? patience)
    {
        Send(new CoordinatorMessage.Welcome(worker) { Term = term, RecordedStep = recordedStep, Patience = patience });
        _admission.TrySetResult(worker);
    }

    public void Reject(string reason) => _admission.TrySetException(new WorkerRejectedException(reason));

    /// <returns>False when too many orders wait: the stream is given up.</returns>
    public bool Send(CoordinatorMessage message)
    {
        if (_orders.Writer.TryWrite(message))
        {
            return true;
        }

        _broken.TrySetResult($"it did not take its orders; {MaxPending} were waiting");
        return false;
    }

    /// <summary>Says that the coordinator lives, unless orders wait that say so as well.</summary>
    public void Beat(long term)
    {
        if (_orders.Reader.Count == 0)
        {
            _orders.Writer.TryWrite(new CoordinatorMessage.Heartbeat(term));
        }
    }

    /// <summary>Gives the stream up: the worker sees its end, and attaches anew when it is well.</summary>
    public void Break(string reason) => _broken.TrySetResult(reason);

    /// <summary>The worker was given up, and its stream is closed: at once, or when it had a moment to hear that it is to start afresh.</summary>
    /// <param name="reason">In words that follow a colon.</param>
    /// <param name="isHung">Its training thread hangs; what reads its orders mostly does not.</param>
    /// <param name="time">The clock of that moment.</param>
    public void GiveUp(string reason, bool isHung, TimeProvider time)
    {
        var ended = $"it was given up: {reason}";
        if (!isHung || !Send(new CoordinatorMessage.StartAfresh($"The coordinator gave this worker up: {reason}.")))
        {
            Break(ended);
            return;
        }

        // It closes the stream by itself, unless it hangs altogether.
        _ = Task.Delay(LastWord, time).ContinueWith(_ => Break(ended), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Nothing is sent any more; what waits still is.</summary>
    public void Close() => _orders.Writer.TryComplete();
}

/// <summary>The worker may not attach; the message is the reason, with the cure.</summary>
public sealed class WorkerRejectedException(string reason) : Exception(reason);
