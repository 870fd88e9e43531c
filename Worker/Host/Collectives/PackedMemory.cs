using System.Runtime.InteropServices;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>Where rounded elements of this member lie in two bytes each while they are sent. One copy of the flat buffer for each partial; pages that are not written cost nothing.</summary>
/// <remarks>
/// A place is written again one step later at the earliest. By then every peer has what it held: a step is decided when each slice owner has had all partials, and an owner
/// has all partials of the next step when everybody has decided this one.
/// </remarks>
internal sealed unsafe class PackedMemory(long elements) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<nint> _copies = [];

    /// <summary>The place of an element.</summary>
    /// <param name="copy">Index of the partial among this member's; sums share the first one's copy, which has none of this member's own slice.</param>
    /// <param name="offset">The element.</param>
    public nint Place(int copy, long offset)
    {
        lock (_gate)
        {
            while (_copies.Count <= copy)
            {
                _copies.Add((nint)NativeMemory.AlignedAlloc((nuint)Math.Max(64, elements * sizeof(ushort)), 64));
            }

            return _copies[copy] + (nint)(offset * sizeof(ushort));
        }
    }

    public void Dispose()
    {
        _copies.ForEach(copy => NativeMemory.AlignedFree((void*)copy));
        _copies.Clear();
    }
}

/// <summary>Rounded elements and their form in two bytes, which is made when a link first asks for it: peers that read this member's memory do not.</summary>
/// <param name="memory">Where the packed form goes.</param>
/// <param name="copy">As <see cref="PackedMemory.Place"/> takes it.</param>
/// <param name="source">The first element, unchanged until all links have sent it.</param>
/// <param name="range">Which elements they are.</param>
internal sealed unsafe class PackedPayload(PackedMemory memory, int copy, nint source, ElementRange range)
{
    private readonly Lock _gate = new();
    private nint _place;

    /// <summary>Elements that lie packed in the upper half of the place that they have as fp32.</summary>
    public static void UnpackInPlace(nint place, long elements) => Bf16.Unpack(
        new ReadOnlySpan<ushort>((void*)(place + (nint)(elements * sizeof(ushort))), (int)elements), new Span<float>((void*)place, (int)elements));

    /// <summary>The packed form's first byte.</summary>
    public nint Take()
    {
        lock (_gate)
        {
            if (_place == 0)
            {
                _place = memory.Place(copy, range.Offset);
                Bf16.Pack(new ReadOnlySpan<float>((void*)source, (int)range.Length), new Span<ushort>((void*)_place, (int)range.Length));
            }

            return _place;
        }
    }
}
