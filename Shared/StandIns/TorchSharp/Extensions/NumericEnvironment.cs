using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using TorchSharp.Interop;

namespace TorchSharp.Extensions;

/// <summary>
/// Pins everything that decides the bits of a result: the instruction sets of ATen, OpenBLAS and oneDNN, the threads, and deterministic
/// algorithms. libtorch and its libraries read most of it from the environment once, when they are loaded, so this must come first.
/// </summary>
public static partial class NumericEnvironment
{
    private static readonly Lock Gate = new();
    private static (string Isa, int Threads, NumericFingerprint Fingerprint)? pinned;

    /// <summary>Instruction-set levels from old to new; a processor that has one has all before it.</summary>
    public static ImmutableArray<string> Levels { get; } = ["default", "avx2", "avx512"];

    /// <summary>The newest level of this processor. Does not load libtorch.</summary>
    public static string HighestIsa()
    {
        if (!Avx2.IsSupported || !Fma.IsSupported)
        {
            return "default";
        }
        // What ATen and OpenBLAS's SkylakeX kernels ask for.
        return Avx512F.VL.IsSupported && Avx512BW.IsSupported && Avx512DQ.IsSupported ? "avx512" : "avx2";
    }

    /// <summary>Sets the environment, loads libtorch, reads back what came of it.</summary>
    /// <param name="isa">One of <see cref="Levels"/>.</param>
    /// <param name="threads">Threads inside one operator, at least 1.</param>
    /// <param name="device">Where the computing will be done; null for the CPU.</param>
    /// <returns>What two processes must have in common to get the same bits.</returns>
    /// <exception cref="NumericEnvironmentException">
    /// The processor lacks the level, libtorch is in the process already with other settings, or it did not take the settings.
    /// </exception>
    public static NumericFingerprint Pin(string isa, int threads, torch.Device? device = null)
    {
        if (!Levels.Contains(isa))
        {
            throw new NumericEnvironmentException($"'{isa}' is not an instruction-set level. Use one of {string.Join(", ", Levels)}.");
        }
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        if (Levels.IndexOf(isa) > Levels.IndexOf(HighestIsa()))
        {
            throw new NumericEnvironmentException(
                $"This processor has {HighestIsa()} as its newest instruction set; {isa} was asked for. Ask for {HighestIsa()}, or use another machine.");
        }
        lock (Gate)
        {
            if (pinned is { } former && (former.Isa != isa || former.Threads != threads))
            {
                throw new NumericEnvironmentException(
                    $"This process was pinned to {former.Isa} with {former.Threads} threads; {isa} with {threads} was asked for. " +
                    "libtorch takes these once in the life of a process: start another process for other settings.");
            }
            var fresh = !ShimLibrary.IsLoaded;
            if (fresh)
            {
                foreach (var (name, value) in Variables(isa, threads))
                {
                    SetVariable(name, value);
                }
            }
            ShimLibrary.Load();
            SetModes(threads);
            var fingerprint = NumericFingerprint.Read(device ?? torch.CPU);
            Verify(fingerprint, isa, threads, fresh);
            pinned = (isa, threads, fingerprint);
            return fingerprint;
        }
    }

    /// <summary>Waiving deterministic algorithms is for measurements only; <see cref="Pin"/> switches them on.</summary>
    public static void UseDeterministicAlgorithms(bool mode) => NativeMethods.Check(NativeMethods.ot_set_deterministic(mode ? 1 : 0, 0));

    /// <summary>What the libraries read when they are loaded; those that this libtorch does not use do no harm. Also for another program that is to compute alike.</summary>
    public static IEnumerable<(string Name, string Value)> Variables(string isa, int threads)
    {
        var count = threads.ToString();
        yield return ("OMP_NUM_THREADS", count);
        yield return ("OPENBLAS_NUM_THREADS", count);
        yield return ("MKL_NUM_THREADS", count);
        yield return ("OMP_DYNAMIC", "FALSE");
        yield return ("MKL_DYNAMIC", "FALSE");
        yield return ("ATEN_CPU_CAPABILITY", isa);
        var (core, oneDnn, mkl) = isa switch
        {
            "avx512" => ("SkylakeX", "AVX512_CORE", "AVX512,STRICT"),
            "avx2" => ("Haswell", "AVX2", "AVX2,STRICT"),
            _ => ("Nehalem", "SSE41", "COMPATIBLE"),
        };
        if (X86Base.IsSupported)
        {
            yield return ("OPENBLAS_CORETYPE", core);
            yield return ("DNNL_MAX_CPU_ISA", oneDnn);
            yield return ("ONEDNN_MAX_CPU_ISA", oneDnn);
            yield return ("MKL_CBWR", mkl);
        }
        // The two workspaces with which cuBLAS gives the same bits in every run.
        yield return ("CUBLAS_WORKSPACE_CONFIG", ":4096:8");
    }

    private static void SetModes(int threads)
    {
        NativeMethods.Check(NativeMethods.ot_set_num_threads(threads));
        NativeMethods.Check(NativeMethods.ot_set_deterministic(1, 0));
        NativeMethods.Check(NativeMethods.ot_set_flag("cudnn_benchmark", 0));
        NativeMethods.Check(NativeMethods.ot_set_flag("cudnn_tf32", 0));
        NativeMethods.Check(NativeMethods.ot_set_flag("cublas_tf32", 0));
    }

    private static void Verify(NumericFingerprint found, string isa, int threads, bool fresh)
    {
        var differences = new List<string>();
        void Expect(string what, string actual, string wanted, bool applies)
        {
            if (applies && !string.Equals(actual, wanted, StringComparison.OrdinalIgnoreCase))
            {
                differences.Add($"{what} is {actual}, not {wanted}");
            }
        }
        var x86 = X86Base.IsSupported;
        Expect("ATen's CPU capability", found.AtenCapability, isa, x86);
        Expect("OpenBLAS's core type", found.OpenBlasCore, isa switch { "avx512" => "SkylakeX", "avx2" => "Haswell", _ => "Nehalem" },
            x86 && found.OpenBlasCore != NumericFingerprint.Absent);
        Expect("OpenBLAS's thread count", found.OpenBlasThreads.ToString(), threads.ToString(), found.OpenBlasCore != NumericFingerprint.Absent);
        Expect("oneDNN's instruction set", found.OneDnnIsa, isa switch { "avx512" => "avx512_core", "avx2" => "avx2", _ => "sse41" },
            x86 && found.OneDnnIsa != NumericFingerprint.Absent);
        Expect("the number of intra-op threads", found.Threads.ToString(), threads.ToString(), true);
        if (differences.Count == 0)
        {
            return;
        }
        var list = string.Join("; ", differences);
        throw new NumericEnvironmentException(fresh
            ? $"libtorch did not take the settings for {isa} with {threads} threads: {list}. Its libraries cannot be pinned; use another libtorch."
            : $"libtorch was loaded in this process before {isa} with {threads} threads was asked for: {list}. " +
              "Call NumericEnvironment.Pin before anything touches a tensor.");
    }

    // Environment.SetEnvironmentVariable changes only .NET's own copy; getenv in C does not see it.
    private static void SetVariable(string name, string value)
    {
        if (SetEnv(name, value, 1) != 0)
        {
            throw new NumericEnvironmentException($"The environment variable {name} could not be set (errno {Marshal.GetLastPInvokeError()}).");
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int SetEnv(string name, string value, int overwrite);
}

/// <summary>The numeric settings that were asked for cannot be had in this process; the message says why and what to do.</summary>
public sealed class NumericEnvironmentException : InvalidOperationException
{
    public NumericEnvironmentException(string message) : base(message)
    {
    }
}
