using Orchestrator.Bulk;
using Orchestrator.Worker.Host.Collectives;

namespace Orchestrator.Worker.Host.Membership;

/// <summary>Tells a donor which of its vectors are read no more. Any thread.</summary>
/// <remarks>The stream ends in order when the feed is closed here and the last vector was given back: the donor can use all of its memory again.</remarks>
internal sealed class TakenAnswers
{
    private readonly PeerLink _link;
    private readonly long _feed;
    private int _users = 1;

    /// <param name="address">host:port of the donor's Collective service.</param>
    /// <param name="call">What the donor is told; its generation is the feed's number.</param>
    /// <param name="lost">Told why the donor hears nothing any more.</param>
    public TakenAnswers(string address, BulkCall call, Action<string> lost) => (_link, _feed) = (new PeerLink(address, "unix", call, lost), call.Generation);

    /// <summary>A vector of a step is read where it lies.</summary>
    /// <returns>To be called once, when it is not read any more.</returns>
    public Action Lend(long step)
    {
        Interlocked.Increment(ref _users);
        return () =>
        {
            _link.Send(new BulkHeader(_feed, step, 0, BulkPhase.Taken, 0, 0, 0, 0, 0), 0);
            Close();
        };
    }

    /// <summary>The feed lends nothing more. Returns at once.</summary>
    public void Close()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            _ = Task.Run(async () =>
            {
                await _link.CompleteAsync();
                await _link.DisposeAsync();
            });
        }
    }
}
