namespace TorchSharp.Tests.Support;

/// <summary>Counts tensors without those that only wait for their finalizer.</summary>
internal static class LiveTensors
{
    internal static (long Managed, long Native) Count()
    {
        for (var i = 0; i < 2; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        return (torch.Tensor.TotalCount, Interop.NativeMethods.ot_live_tensors());
    }

    /// <summary>Resident memory of this process, in bytes.</summary>
    internal static long ResidentBytes()
    {
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
