using Orchestrator.Bulk;

namespace Orchestrator.Worker.Host.Collectives.SharedMemory;

/// <summary>Counts the threads that are within a receiver, so that what they use can be freed behind them. A transport only knows of those that fill a payload.</summary>
internal sealed class ReadingGate
{
    private readonly object _gate = new();
    private int _running;
    private bool _isClosed;

    /// <exception cref="BulkRejectedException">It was closed.</exception>
    public void Enter()
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                throw new BulkRejectedException(BulkStatus.Aborted, "The generation or feed has ended on this worker.");
            }

            _running++;
        }
    }

    public void Leave()
    {
        lock (_gate)
        {
            if (--_running == 0)
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>Nobody enters any more; returns when everybody has left.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            while (_running > 0)
            {
                Monitor.Wait(_gate);
            }
        }
    }
}
