namespace Orchestrator.Worker.Host.Collectives.SharedMemory;

/// <summary>A run of a peer's memory that is read where it lies, for as long as the reader wants.</summary>
/// <remarks>
/// Readable whatever becomes of the peer; its owner has promised not to write it before it hears that the loan was returned. Disposal gives it back;
/// from any thread, and at once: the system's work of unmapping is done behind it.
/// </remarks>
internal sealed class PeerLoan(PeerMapping mapping, long offset, long bytes) : IDisposable
{
    /// <summary>What libtorch's own memory has.</summary>
    public const int AlignmentBytes = 64;

    private int _isReturned;

    /// <summary>The first byte.</summary>
    public nint Address => mapping.Address + (nint)offset;

    public long Bytes => bytes;

    /// <summary>Called once when nothing is read there any more; null: nobody wants to know.</summary>
    public Action? Returned { get; set; }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isReturned, 1) == 0)
        {
            Returned?.Invoke();
            Task.Run(() => PeerMappings.Return(mapping));
        }
    }
}
