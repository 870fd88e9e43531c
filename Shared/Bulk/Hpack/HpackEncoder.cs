using System.Buffers;
using System.Text;

namespace Orchestrator.Bulk.Hpack;

/// <summary>Writes header blocks that leave the peer's dynamic table alone: indexes of the static table, and literals without indexing.</summary>
/// <remarks>A connection sends one or two blocks in its life, so compression would gain nothing.</remarks>
internal static class HpackEncoder
{
    private const byte Indexed = 0x80;
    private const byte LiteralWithoutIndexing = 0x00;
    private const int LongestIntegerBytes = 6;

    public static byte[] Encode(IEnumerable<HeaderField> fields)
    {
        var block = new ArrayBufferWriter<byte>();
        foreach (var field in fields)
        {
            var index = StaticTable.Find(field.Name, field.Value);
            if (index > 0)
            {
                block.Advance(IntegerCode.Write(block.GetSpan(LongestIntegerBytes), Indexed, 7, index));
                continue;
            }

            var nameIndex = StaticTable.FindName(field.Name);
            block.Advance(IntegerCode.Write(block.GetSpan(LongestIntegerBytes), LiteralWithoutIndexing, 4, nameIndex));
            if (nameIndex == 0)
            {
                WriteString(block, field.Name);
            }

            WriteString(block, field.Value);
        }

        return block.WrittenSpan.ToArray();
    }

    private static void WriteString(ArrayBufferWriter<byte> block, string text)
    {
        block.Advance(IntegerCode.Write(block.GetSpan(LongestIntegerBytes), 0, 7, text.Length));
        block.Advance(Encoding.Latin1.GetBytes(text, block.GetSpan(Math.Max(1, text.Length))));
    }
}
