using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;
using System.Text;
using TorchSharp.Interop;

namespace TorchSharp.Extensions;

/// <summary>
/// What decides the bits of a result, besides the inputs, as read back from the loaded libraries. Two processes with equal
/// fingerprints give equal bits.
/// </summary>
/// <param name="Libtorch">Version and a hash of libtorch's description of its build.</param>
/// <param name="Device">Kind, and for a GPU its model and compute capability.</param>
/// <param name="Threads">Inside one operator.</param>
/// <param name="AtenCapability">One of <see cref="NumericEnvironment.Levels"/>.</param>
/// <param name="OpenBlas">Version, or <see cref="Absent"/>.</param>
/// <param name="OpenBlasCore">The core type whose kernels are used.</param>
/// <param name="OpenBlasThreads">0 without OpenBLAS.</param>
/// <param name="OneDnn">Version, or <see cref="Absent"/> where it cannot be asked.</param>
/// <param name="OneDnnIsa">The newest instruction set that its kernels use.</param>
/// <param name="MathLibrary">The C library, whose exp and log serve the elements that fill no vector, and whether they use FMA.</param>
public sealed record NumericFingerprint(
    string Libtorch,
    string Device,
    int Threads,
    string AtenCapability,
    string OpenBlas,
    string OpenBlasCore,
    int OpenBlasThreads,
    string OneDnn,
    string OneDnnIsa,
    string MathLibrary)
{
    /// <summary>Stands where a library is not there or tells nothing.</summary>
    public const string Absent = "none";

    private const string CapabilityLine = "CPU capability usage: ";

    /// <summary>Name to value, as it stands in messages and checkpoints.</summary>
    public ImmutableSortedDictionary<string, string> ToDictionary() => Fields()
        .ToImmutableSortedDictionary(field => field.Name, field => field.Value, StringComparer.Ordinal);

    /// <summary>A sentence that names the fields in which the two differ, or null when they are equal.</summary>
    public string? DifferenceFrom(NumericFingerprint other) => DifferenceBetween(ToDictionary(), other.ToDictionary());

    /// <summary>The same for fingerprints out of a message or a checkpoint.</summary>
    public static string? DifferenceBetween(IReadOnlyDictionary<string, string> left, IReadOnlyDictionary<string, string> right)
    {
        var differences = left.Keys.Union(right.Keys).Order(StringComparer.Ordinal)
            .Where(name => left.GetValueOrDefault(name) != right.GetValueOrDefault(name))
            .Select(name => $"{name} ({left.GetValueOrDefault(name, "not given")} and {right.GetValueOrDefault(name, "not given")})")
            .ToArray();
        return differences.Length == 0 ? null : $"The numeric fingerprints differ in {string.Join(", ", differences)}.";
    }

    internal static unsafe NumericFingerprint Read(torch.Device device)
    {
        var config = Marshal.PtrToStringUTF8(NativeMethods.ot_show_config()) ?? "";
        var blasConfig = Marshal.PtrToStringUTF8(NativeMethods.ot_openblas_config());
        return new NumericFingerprint(
            $"{torch.__version__} build {BuildHash(config)}",
            Describe(device),
            torch.get_num_threads(),
            Capability(config),
            blasConfig is null ? Absent : string.Join(' ', blasConfig.Split(' ').Take(2)),
            Marshal.PtrToStringUTF8(NativeMethods.ot_openblas_core()) ?? Absent,
            NativeMethods.ot_openblas_threads(),
            NativeMethods.ot_onednn_version() is var version and >= 0 ? $"{version / 10000}.{version / 100 % 100}.{version % 100}" : Absent,
            OneDnnIsaName(NativeMethods.ot_onednn_isa()),
            MathLibraryName());
    }

    private IEnumerable<(string Name, string Value)> Fields()
    {
        yield return ("libtorch", Libtorch);
        yield return ("device", Device);
        yield return ("threads", Threads.ToString());
        yield return ("atenCapability", AtenCapability);
        yield return ("openBlas", OpenBlas);
        yield return ("openBlasCore", OpenBlasCore);
        yield return ("openBlasThreads", OpenBlasThreads.ToString());
        yield return ("oneDnn", OneDnn);
        yield return ("oneDnnIsa", OneDnnIsa);
        yield return ("mathLibrary", MathLibrary);
    }

    /// <summary>The capability stands in the same text but is a field of its own.</summary>
    private static string BuildHash(string config)
    {
        var build = string.Join('\n', config.Split('\n').Where(line => !line.Contains(CapabilityLine, StringComparison.Ordinal)));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(build)))[..12];
    }

    private static string Capability(string config)
    {
        var line = config.Split('\n').FirstOrDefault(text => text.Contains(CapabilityLine, StringComparison.Ordinal));
        var name = line?[(line.IndexOf(CapabilityLine, StringComparison.Ordinal) + CapabilityLine.Length)..].Trim();
        return name switch
        {
            null => Absent,
            "NO AVX" or "NO AVX512" or "NO VSX" or "DEFAULT" or "default" => "default",
            _ => name.ToLowerInvariant(),
        };
    }

    private static unsafe string Describe(torch.Device device)
    {
        if (device.type != DeviceType.CUDA)
        {
            return device.type.ToString().ToLowerInvariant();
        }
        const int Capacity = 320;
        var text = stackalloc byte[Capacity];
        NativeMethods.Check(NativeMethods.ot_cuda_description(Math.Max(device.index, 0), text, Capacity));
        return $"cuda {Marshal.PtrToStringUTF8((nint)text)}";
    }

    /// <summary>Values of dnnl_cpu_isa_t.</summary>
    private static string OneDnnIsaName(int isa) => isa switch
    {
        < 0 => Absent,
        0x0 => "none below sse41",
        0x1 => "sse41",
        0x3 => "avx",
        0x7 => "avx2",
        0x27 => "avx512_core",
        _ => $"0x{isa:x}",
    };

    private static string MathLibraryName()
    {
        var version = NativeLibrary.TryLoad("libc.so.6", out var libc) && NativeLibrary.TryGetExport(libc, "gnu_get_libc_version", out var function)
            ? Version(function)
            : "other C library";
        // glibc picks its variants by the processor, whatever is pinned: with FMA or without.
        return $"{version}, {(Fma.IsSupported ? "fma" : "no fma")}";

        static unsafe string Version(nint function) => $"glibc {Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)function)())}";
    }
}
