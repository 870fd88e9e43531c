using Orchestrator.Simulation.World;

namespace Orchestrator.Simulation.Workers;

/// <summary>A joiner's stream on which its donor hears which steps it reads no more. It ends when the feed is closed and the last of them is told.</summary>
internal sealed class SimAnswers(SimStream stream)
{
    private int _users = 1;

    /// <summary>A step is read in the donor's memory; the answer calls when it is not any more.</summary>
    public Action Lend(long step)
    {
        _users++;
        return () =>
        {
            stream.Send(new SimTaken(step));
            Close();
        };
    }

    public void Close()
    {
        if (--_users == 0)
        {
            stream.Complete();
        }
    }
}

/// <summary>A joiner reads a step's vector no more.</summary>
internal sealed record SimTaken(long Step);
