using Orchestrator.Bulk;
using Orchestrator.Core.Identities;
using Orchestrator.Worker.Core.Membership;
using Orchestrator.Worker.Host.Collectives;
using Orchestrator.Worker.Host.Collectives.SharedMemory;
using Orchestrator.Worker.Host.Training;

namespace Orchestrator.Worker.Host.Membership;

/// <summary>One feed that this member gives: its stream, the memory for the copy of the state, and what the joiner answers.</summary>
/// <remarks>The memory, for the gradients behind it too, is made behind the constructor, so that the training thread does not wait for the system to find and clear it.</remarks>
internal sealed class FeedGiver
{
    private readonly PreparedRun _run;
    private readonly CollectiveServer _server;
    private readonly TakenReceiver _answers;
    private readonly string _answersName;
    private readonly long _feedId;
    private readonly Task _making;
    private StateMemory? _memory;

    /// <param name="run">Whose state it is.</param>
    /// <param name="server">Where the joiner answers.</param>
    /// <param name="buffers">Where reduced gradients lie.</param>
    /// <param name="order">To whom.</param>
    /// <param name="post">Told when it is ready, or lost. Not before this returns.</param>
    public FeedGiver(PreparedRun run, CollectiveServer server, ReducedBuffers buffers, MemberEffect.ReadyFeed order, Action<MemberEvent> post)
    {
        (_run, _server, _feedId) = (run, server, order.FeedId);
        var (name, transport) = (run.Order.Run.Value, run.Job.AllReduce.Transport);
        var lost = (string reason) => post(new MemberEvent.FeedLost(order.FeedId, $"worker {order.Joiner} does not take it: {reason}"));
        Sender = new VectorSender(
            new BulkCall(VectorPieces.FeedName(name), order.FeedId, 0), order.Address, transport, buffers, hasState: true, lost, server.Security, server.TcpEndPoint.ToString());
        _answers = new TakenReceiver(Sender, lost);
        _answersName = VectorPieces.TakenName(name);
        server.Open(new RunId(_answersName), new Generation(order.FeedId), _answers);
        var bytes = run.Replica.Image.Bytes;
        _making = PatientThread.Run(() => Make(bytes, SharingRule.IsWished(transport), buffers, post));
    }

    public VectorSender Sender { get; }

    /// <summary>The state is being copied, or was: gradients that are decided from then on follow it.</summary>
    public bool IsBegun { get; set; }

    /// <summary>On the training thread: copies the state and sends it.</summary>
    public void SendState()
    {
        // From here on nobody else frees it.
        if (Interlocked.Exchange(ref _memory, null) is { } memory)
        {
            _run.Replica.Image.CopyTo(memory.Address);
            Sender.SendState(memory, _run.Replica.AppliedSteps);
        }
    }

    /// <summary>Ends when nothing of it reads or writes memory any more. Not under the member's lock, for which the link's threads may wait.</summary>
    public async Task CloseAsync()
    {
        await Sender.DisposeAsync();
        _server.Close(new RunId(_answersName), new Generation(_feedId), _answers, "The feed has ended.");
        await _making;
        Interlocked.Exchange(ref _memory, null)?.Dispose();
    }

    private void Make(long bytes, bool isShared, ReducedBuffers buffers, Action<MemberEvent> post)
    {
        try
        {
            Volatile.Write(ref _memory, new StateMemory(bytes, isShared));
            buffers.MakeSpare();
            post(new MemberEvent.FeedReady(_feedId));
        }
        catch (OutOfMemoryException)
        {
            post(new MemberEvent.FeedLost(_feedId, $"this worker has no {bytes} bytes of memory for a copy of its state."));
        }
    }
}
