namespace Orchestrator.Bulk.Wires;

/// <summary>Keeps a thread on one processor.</summary>
/// <remarks>
/// Sender and receiver of a stream on one host hand every byte to each other through the kernel. On the same core it is still in the
/// core's own cache when it is read; measured on two cores, both ways at once, that halves the time.
/// </remarks>
internal static unsafe class Processor
{
    private const int MaskBits = 1024;

    /// <summary>Moves the calling thread to a processor; a hint: where it cannot be followed it is not.</summary>
    /// <param name="processor">Null: where the system likes.</param>
    public static void Stay(int? processor)
    {
        if (processor is not (>= 0 and < MaskBits) || !LinuxCalls.AreUsable)
        {
            return;
        }

        var mask = stackalloc ulong[MaskBits / 64];
        new Span<ulong>(mask, MaskBits / 64).Clear();
        mask[processor.Value / 64] = 1UL << (processor.Value % 64);
        _ = LinuxCalls.SetAffinity(0, MaskBits / 8, mask);
    }
}
