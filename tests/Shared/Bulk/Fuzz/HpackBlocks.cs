using Orchestrator.Bulk.Hpack;

namespace Orchestrator.Bulk.Tests.Fuzz;

/// <summary>Header blocks in order, of every representation that RFC 7541 has.</summary>
internal static class HpackBlocks
{
    // "www.example.com" by the Huffman code (RFC 7541, C.4.1).
    private static readonly byte[] Huffman = [0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff];

    public static byte[] Any(Random random)
    {
        if (random.Next(3) == 0)
        {
            return HpackEncoder.Encode(Frames.CallFields);
        }

        var block = new List<byte>();
        if (random.Next(3) == 0)
        {
            // The table's size, up to what we announced: 4096.
            block.AddRange(random.Next(2) == 0 ? [0x20] : [0x3f, 0xe1, 0x1f]);
        }

        for (var fields = random.Next(12); fields > 0; fields--)
        {
            var name = (byte)random.Next(1, 15);
            block.AddRange(random.Next(5) switch
            {
                0 => [(byte)(0x80 | random.Next(1, 62))],
                1 => [(byte)(0x40 | name), .. Huffman],
                2 => [(byte)(random.Next(2) == 0 ? 0x00 : 0x10), 0x01, (byte)'x', .. Text(random)],
                3 => [0x40, 0x02, (byte)'x', (byte)'y', .. Text(random)],
                _ => [name, .. Text(random)],
            });
        }

        return [.. block];
    }

    private static byte[] Text(Random random)
    {
        var length = random.Next(3) == 0 ? 0 : random.Next(1, 120);
        return [(byte)length, .. Enumerable.Repeat((byte)'v', length)];
    }
}
