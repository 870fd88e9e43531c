using Orchestrator.Training.Replicas;
using Orchestrator.Worker.Host.Collectives;

namespace Orchestrator.Worker.Host.Membership;

/// <summary>One whole reduced gradient, with its elements in this process's memory or, lent, in a donor's on this host.</summary>
internal sealed class ReducedBuffer : IDisposable
{
    private readonly bool _ownsFlat;

    public ReducedBuffer(FlatBuffer flat) => (Flat, Memory, _ownsFlat) = (flat, HostMemory.For(flat), true);

    /// <param name="flat">On the device; others use it too, and its owner disposes it.</param>
    /// <param name="memory">The elements on the host.</param>
    public ReducedBuffer(FlatBuffer flat, HostMemory memory) => (Flat, Memory) = (flat, memory);

    /// <summary>On the device, once <see cref="HostMemory.CopyTo"/> has brought it there.</summary>
    public FlatBuffer Flat { get; }

    public HostMemory Memory { get; }

    /// <summary>The step that it is or was of; below 1: none.</summary>
    public long Step { get; set; } = -1;

    /// <summary>Feeds, gifts and updates that read it.</summary>
    public int Users { get; set; }

    /// <summary>It lies in a donor's memory, which may only be read.</summary>
    public bool IsLent { get; init; }

    /// <summary>A joiner that was given up may still read it: it is never written again.</summary>
    public bool IsAbandoned { get; set; }

    public void Dispose()
    {
        Memory.Dispose();
        if (_ownsFlat)
        {
            Flat.Dispose();
        }
    }
}
