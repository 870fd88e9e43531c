using System.Text;
using Orchestrator.Bulk.Http2;

namespace Orchestrator.Bulk.Hpack;

/// <summary>Reads header blocks (RFC 7541). Keeps the dynamic table of one direction of a connection, so every block must pass through it, in order.</summary>
/// <param name="tableBytes">The SETTINGS_HEADER_TABLE_SIZE that we announced.</param>
/// <param name="maxListBytes">The most that the fields of one block may come to, by the RFC's count; a short block can name a long field many times.</param>
internal sealed class HpackDecoder(int tableBytes, int maxListBytes)
{
    private const byte Indexed = 0x80;
    private const byte LiteralWithIndexing = 0x40;
    private const byte SizeUpdate = 0x20;
    private const byte HuffmanFlag = 0x80;

    // The shortest code has 5 bits for a byte.
    private const int HuffmanGrowthNumerator = 8;
    private const int HuffmanGrowthDenominator = 5;

    private readonly DynamicTable _table = new(tableBytes);
    private readonly byte[] _scratch = new byte[maxListBytes];

    /// <summary>Bytes held by the dynamic table.</summary>
    public int TableBytes => _table.UsedBytes;

    /// <summary>The fields of a whole block.</summary>
    /// <exception cref="Http2Exception">COMPRESSION_ERROR, or ENHANCE_YOUR_CALM when the list is over its bound.</exception>
    public List<HeaderField> Decode(ReadOnlySpan<byte> block)
    {
        var fields = new List<HeaderField>();
        var listBytes = 0;
        while (!block.IsEmpty)
        {
            var first = block[0];
            if ((first & (Indexed | LiteralWithIndexing | SizeUpdate)) == SizeUpdate)
            {
                Resize(ref block, fields.Count);
                continue;
            }

            var field = (first & Indexed) != 0 ? At(ReadInteger(ref block, 7)) : ReadLiteral(ref block, first);
            listBytes += field.TableBytes;
            if (listBytes > maxListBytes)
            {
                throw new Http2Exception(ErrorCode.EnhanceYourCalm, $"The peer sent a header list of more than {maxListBytes} bytes; send fewer or shorter metadata.");
            }

            fields.Add(field);
        }

        return fields;
    }

    private HeaderField ReadLiteral(ref ReadOnlySpan<byte> block, byte first)
    {
        var isAdded = (first & LiteralWithIndexing) != 0;
        var nameIndex = ReadInteger(ref block, isAdded ? 6 : 4);
        var name = nameIndex == 0 ? ReadString(ref block) : At(nameIndex).Name;
        var field = new HeaderField(name, ReadString(ref block));
        if (isAdded)
        {
            _table.Add(field);
        }

        return field;
    }

    private void Resize(ref ReadOnlySpan<byte> block, int fieldsBefore)
    {
        var bytes = ReadInteger(ref block, 5);
        if (fieldsBefore > 0 || bytes > _table.LimitBytes)
        {
            throw Wrong($"the dynamic table is set to {bytes} bytes after {fieldsBefore} fields; that may only stand before the first, and be at most {_table.LimitBytes}");
        }

        _table.Resize(bytes);
    }

    private HeaderField At(int index)
    {
        if (index >= 1 && index <= StaticTable.Count)
        {
            return StaticTable.At(index);
        }

        var age = index - StaticTable.Count - 1;
        return age >= 0 && age < _table.Count
            ? _table.At(age)
            : throw Wrong($"index {index} is used; the tables end at {StaticTable.Count + _table.Count}");
    }

    private string ReadString(ref ReadOnlySpan<byte> block)
    {
        var isHuffman = !block.IsEmpty && (block[0] & HuffmanFlag) != 0;
        var length = ReadInteger(ref block, 7);
        if (length > block.Length)
        {
            throw Wrong($"a string of {length} bytes begins {block.Length} bytes before the end");
        }

        var bytes = block[..length];
        block = block[length..];
        if (!isHuffman)
        {
            return Encoding.Latin1.GetString(bytes);
        }

        var most = (int)Math.Min(_scratch.Length, ((long)length * HuffmanGrowthNumerator / HuffmanGrowthDenominator) + 1);
        var decoded = HuffmanCode.Decode(bytes, _scratch.AsSpan(0, most));
        return decoded >= 0
            ? Encoding.Latin1.GetString(_scratch, 0, decoded)
            : throw Wrong($"a Huffman string of {length} bytes is not allowed or longer than {_scratch.Length} bytes");
    }

    private static int ReadInteger(ref ReadOnlySpan<byte> block, int prefixBits) =>
        IntegerCode.TryRead(ref block, prefixBits, out var value) ? value : throw Wrong("an integer is cut off or too large");

    private static Http2Exception Wrong(string what) => new(ErrorCode.CompressionError, $"The peer's header block cannot be read: {what}.");
}
