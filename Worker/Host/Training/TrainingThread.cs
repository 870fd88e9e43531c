using System.Collections.Concurrent;
using TorchSharp.Extensions;

namespace Orchestrator.Worker.Host.Training;

/// <summary>The one thread that touches the model: libtorch's gradient mode and TorchSharp's dispose scopes belong to a thread.</summary>
internal sealed class TrainingThread : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];
    private readonly Thread _thread;

    /// <param name="crash">Gets what a piece of work let escape: our bug.</param>
    public TrainingThread(Action<Exception> crash)
    {
        AllocatorPolicy.KeepFreedMemory();
        _thread = new Thread(() => Loop(crash)) { IsBackground = true, Name = "training" };
        _thread.Start();
    }

    /// <summary>Queues work; pieces run one after another.</summary>
    public void Post(Action work) => _work.Add(work);

    /// <summary>Waits for the work at hand, for a moment at most.</summary>
    public void Dispose()
    {
        _work.CompleteAdding();
        _thread.Join(TimeSpan.FromSeconds(5));
    }

    private void Loop(Action<Exception> crash)
    {
        foreach (var work in _work.GetConsumingEnumerable())
        {
            try
            {
                work();
            }
            catch (Exception error)
            {
                crash(error);
            }
        }
    }
}
