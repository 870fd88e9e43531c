using System.Runtime.InteropServices;
using TorchSharp.Interop;

namespace TorchSharp;

/// <summary>
/// Owns one reference to a libtorch tensor. Its finalizer is the net for a tensor that nobody disposed.
/// </summary>
internal sealed class TensorHandle : SafeHandle
{
    /// <summary>From this size on the garbage collector is told of the native memory behind an object of a few bytes.</summary>
    private const long WatchedBytes = 256 * 1024;

    private static long alive;
    private static long peak;
    private long watchedBytes;

    internal TensorHandle(nint tensor) : base(0, ownsHandle: true)
    {
        SetHandle(tensor);
        var now = Interlocked.Increment(ref alive);
        if (now > Volatile.Read(ref peak))
        {
            Volatile.Write(ref peak, now);
        }
    }

    internal static long AliveCount => Interlocked.Read(ref alive);

    internal static long PeakCount => Volatile.Read(ref peak);

    public override bool IsInvalid => handle == 0;

    /// <summary>The pointer, for use between DangerousAddRef and DangerousRelease, or while the caller keeps this object alive.</summary>
    internal nint Pointer => handle;

    /// <summary>
    /// Tells the collector of a large tensor that no dispose scope will free, so that forgotten ones are found in time.
    /// </summary>
    internal void Watch()
    {
        if (watchedBytes == 0 && !IsInvalid)
        {
            var bytes = NativeMethods.ot_tensor_storage_bytes(handle);
            if (bytes >= WatchedBytes)
            {
                watchedBytes = bytes;
                GC.AddMemoryPressure(bytes);
            }
        }
    }

    protected override bool ReleaseHandle()
    {
        if (watchedBytes > 0)
        {
            GC.RemoveMemoryPressure(watchedBytes);
        }
        Interlocked.Decrement(ref alive);
        NativeMethods.ot_tensor_free(handle);
        return true;
    }
}
