namespace Orchestrator.Coordinator.Host.Runs;

/// <summary>A file that is opened when it is written to, and may be closed and opened again: hundreds of runs may wait in the queue, and none of them holds one.</summary>
/// <param name="open">Opens it for appending.</param>
/// <remarks>One thread at a time.</remarks>
internal sealed class KeptFile<T>(Func<T> open) : IDisposable
    where T : class, IDisposable
{
    private T? _file;
    private bool _isDisposed;

    /// <exception cref="IOException">It cannot be written, or is another owner's by now.</exception>
    /// <exception cref="ObjectDisposedException">The run is over.</exception>
    public T Open()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return _file ??= open();
    }

    /// <summary>Until it is written to again.</summary>
    public void Close()
    {
        _file?.Dispose();
        _file = null;
    }

    public void Dispose()
    {
        _isDisposed = true;
        Close();
    }
}
