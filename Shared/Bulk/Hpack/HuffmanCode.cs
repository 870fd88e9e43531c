namespace Orchestrator.Bulk.Hpack;

/// <summary>The fixed Huffman code of HPACK (RFC 7541, appendix B).</summary>
/// <remarks>
/// The code is canonical: sorted by length, then by symbol, codes count up. So the lengths say all, and one number for each length
/// (the first code of that length) decodes: shift bits in until the code read so far lies within those of its length.
/// </remarks>
internal static class HuffmanCode
{
    private const int LongestBits = 30;
    private const int EndOfString = 256;

    // Padding is the first bits of the code for the end of the string, which are all ones, and shorter than a byte.
    private const int LongestPaddingBits = 7;

    private static readonly byte[] Lengths =
    [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
        30,
    ];

    // Symbols in the order of their codes; for each length the first code and where its symbols begin.
    private static readonly short[] Symbols = [.. Enumerable.Range(0, Lengths.Length).OrderBy(symbol => Lengths[symbol]).ThenBy(symbol => symbol).Select(symbol => (short)symbol)];
    private static readonly (uint FirstCode, int FirstIndex, int Count)[] ByLength = CountCodes();

    /// <summary>Decodes a whole string.</summary>
    /// <param name="bytes">The coded string.</param>
    /// <param name="characters">Where the decoded bytes go.</param>
    /// <returns>The count of decoded bytes; -1: the string is not allowed (section 5.2), or does not fit.</returns>
    public static int Decode(ReadOnlySpan<byte> bytes, Span<byte> characters)
    {
        var (code, bits, written) = (0u, 0, 0);
        foreach (var octet in bytes)
        {
            for (var shift = 7; shift >= 0; shift--)
            {
                code = (code << 1) | (((uint)octet >> shift) & 1u);
                bits++;
                var (firstCode, firstIndex, count) = ByLength[bits];
                if (count > 0 && code - firstCode < (uint)count)
                {
                    var symbol = Symbols[firstIndex + (int)(code - firstCode)];
                    if (symbol == EndOfString || written == characters.Length)
                    {
                        return -1;
                    }

                    characters[written++] = (byte)symbol;
                    (code, bits) = (0, 0);
                }
                else if (bits == LongestBits)
                {
                    return -1;
                }
            }
        }

        var isPadding = bits <= LongestPaddingBits && code == (1u << bits) - 1;
        return isPadding ? written : -1;
    }

    private static (uint FirstCode, int FirstIndex, int Count)[] CountCodes()
    {
        var table = new (uint FirstCode, int FirstIndex, int Count)[LongestBits + 1];
        var (code, index) = (0u, 0);
        for (var length = 1; length <= LongestBits; length++)
        {
            code <<= 1;
            var count = Lengths.Count(bits => bits == length);
            table[length] = (code, index, count);
            code += (uint)count;
            index += count;
        }

        return table;
    }
}
