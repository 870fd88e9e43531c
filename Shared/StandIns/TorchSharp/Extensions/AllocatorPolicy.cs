using System.Runtime.InteropServices;

namespace TorchSharp.Extensions;

/// <summary>
/// Tells the C library's allocator, which libtorch uses on the CPU, to keep what a training step frees for the next step, which
/// asks for the same sizes again. Changes no bits.
/// </summary>
/// <remarks>
/// By default a block of more than some hundred KiB goes back to the kernel when it is freed, and every page of the next one is cleared at a
/// page fault: thousands in a step, up to a tenth of a GPT's step and a third of a small CNN's. The price is that the process stays as
/// large as its largest step was. A setting that the person made by MALLOC_ variables stays as it is.
/// </remarks>
public static partial class AllocatorPolicy
{
    // Names and numbers are those of glibc's malloc.h; int is all that mallopt takes.
    private const int TrimThreshold = -1, TopPad = -2, MmapThreshold = -3, ArenaMax = -8;

    private static int applied;

    /// <summary>Call it before the thread that trains is started: a thread keeps the arena that it first got. Does nothing where the C library has no mallopt.</summary>
    public static void KeepFreedMemory()
    {
        if (!OperatingSystem.IsLinux() || Interlocked.Exchange(ref applied, 1) == 1 || IsSetByPerson())
        {
            return;
        }

        try
        {
            _ = MallOpt(TrimThreshold, -1);             // the top of the heap is never given back
            _ = MallOpt(MmapThreshold, 1 << 30);        // blocks up to 1 GiB come from the heap
            _ = MallOpt(TopPad, 64 << 20);              // the heap grows by 64 MiB at a time; pages are only taken when they are touched
            _ = MallOpt(ArenaMax, 1);                   // other arenas hold no block above 64 MiB
        }
        catch (EntryPointNotFoundException)
        {
        }
    }

    private static bool IsSetByPerson() =>
        Environment.GetEnvironmentVariables().Keys.Cast<string>().Any(name => name.StartsWith("MALLOC_", StringComparison.Ordinal));

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int MallOpt(int parameter, int value);
}
