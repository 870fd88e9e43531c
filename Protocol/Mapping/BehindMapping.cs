using System.Collections;
using System.Collections.Immutable;
using Google.Protobuf;

namespace Orchestrator.Protocol.Mapping;

/// <summary>Which members are behind: as indices, or as bits where these are shorter. After a failure it may be half of them, and all are told.</summary>
internal static class BehindMapping
{
    /// <summary>Bits for more members than a coordinator takes.</summary>
    private const int MaxBytes = 65_536 / 8;

    public static void Write(V1.Activate wire, ImmutableArray<int> behind)
    {
        var bits = behind.IsEmpty ? [] : new byte[(behind.Max() / 8) + 1];
        if (bits.Length >= behind.Sum(index => CodedOutputStream.ComputeInt32Size(index)) || bits.Length > MaxBytes)
        {
            wire.Behind.Add(behind);
            return;
        }

        foreach (var index in behind)
        {
            bits[index / 8] |= (byte)(1 << (index % 8));
        }

        wire.BehindBits = ByteString.CopyFrom(bits);
    }

    /// <exception cref="InvalidOperationException">There are more bits than members may be.</exception>
    public static ImmutableArray<int> Read(V1.Activate wire)
    {
        if (wire.BehindBits.IsEmpty)
        {
            return [.. wire.Behind];
        }

        if (wire.BehindBits.Length > MaxBytes)
        {
            throw new InvalidOperationException($"The coordinator says in {wire.BehindBits.Length} bytes who is behind; at most {MaxBytes} are taken.");
        }

        var bits = new BitArray(wire.BehindBits.ToByteArray());
        return [.. Enumerable.Range(0, bits.Length).Where(index => bits[index])];
    }
}
