using System.Collections.Immutable;
using TorchSharp.Extensions;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Host.Training;

/// <summary>The numeric settings that this process has pinned: which device, and the fingerprint that all members must share.</summary>
internal sealed record NumericSetup(Device Device, ImmutableSortedDictionary<string, string> Fingerprint)
{
    /// <summary>Pins before libtorch loads; a second call with other settings is refused.</summary>
    /// <param name="isa">default, avx2 or avx512.</param>
    /// <param name="threads">Intra-op threads.</param>
    /// <param name="deviceName">auto, cpu, cuda or cuda:N.</param>
    /// <exception cref="NumericEnvironmentException">The settings cannot be had in this process.</exception>
    public static NumericSetup Pin(string isa, int threads, string deviceName)
    {
        var name = deviceName switch
        {
            // Seen from NVIDIA's driver, without loading libtorch.
            "auto" => File.Exists("/dev/nvidiactl") ? "cuda:0" : "cpu",
            "cuda" => "cuda:0",
            _ => deviceName,
        };
        var chosen = new Device(name);
        return new NumericSetup(chosen, NumericEnvironment.Pin(isa, threads, chosen).ToDictionary());
    }

    /// <summary>The newest instruction-set level to use: the processor's, or an older one that was asked for.</summary>
    /// <param name="limit">default, avx2 or avx512; null: no limit.</param>
    public static string HighestIsa(string? limit = null)
    {
        var levels = NumericEnvironment.Levels;
        var own = levels.IndexOf(NumericEnvironment.HighestIsa());
        return levels[limit is null ? own : Math.Min(own, levels.IndexOf(limit))];
    }
}
