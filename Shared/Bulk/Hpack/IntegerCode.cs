namespace Orchestrator.Bulk.Hpack;

/// <summary>Integers of HPACK: the low bits of the first byte, then seven bits a byte (RFC 7541, section 5.1).</summary>
internal static class IntegerCode
{
    // More than any index or length that we accept; also keeps the sum below 2^31.
    private const int LargestShift = 21;

    /// <summary>Takes an integer off the front of the bytes.</summary>
    /// <param name="bytes">Begins with the byte that holds the prefix; on success, what follows the integer.</param>
    /// <param name="prefixBits">Bits of the first byte that belong to it: 4 to 7.</param>
    /// <returns>False: the bytes end before it does, or it is larger than 2^28.</returns>
    public static bool TryRead(ref ReadOnlySpan<byte> bytes, int prefixBits, out int value)
    {
        value = 0;
        if (bytes.IsEmpty)
        {
            return false;
        }

        var mask = (1 << prefixBits) - 1;
        value = bytes[0] & mask;
        if (value < mask)
        {
            bytes = bytes[1..];
            return true;
        }

        for (var (at, shift) = (1, 0); at < bytes.Length && shift <= LargestShift; at++, shift += 7)
        {
            value += (bytes[at] & 0x7f) << shift;
            if ((bytes[at] & 0x80) == 0)
            {
                bytes = bytes[(at + 1)..];
                return true;
            }
        }

        return false;
    }

    /// <param name="bytes">Where it goes; its first byte is overwritten.</param>
    /// <param name="pattern">The bits of the first byte before the prefix.</param>
    /// <returns>Bytes written: at most 6.</returns>
    public static int Write(Span<byte> bytes, byte pattern, int prefixBits, int value)
    {
        var mask = (1 << prefixBits) - 1;
        if (value < mask)
        {
            bytes[0] = (byte)(pattern | value);
            return 1;
        }

        bytes[0] = (byte)(pattern | mask);
        var at = 1;
        for (value -= mask; value >= 0x80; value >>= 7)
        {
            bytes[at++] = (byte)(value | 0x80);
        }

        bytes[at++] = (byte)value;
        return at;
    }
}
