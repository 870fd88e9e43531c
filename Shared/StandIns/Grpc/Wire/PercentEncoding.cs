using System.Buffers;
using System.Text;

namespace Grpc.Wire;

/// <summary>The encoding of <c>grpc-message</c>: UTF-8, where bytes outside of printable ASCII and '%' are %XX.</summary>
internal static class PercentEncoding
{
    private const string HexDigits = "0123456789ABCDEF";

    private static readonly SearchValues<char> Unescaped = SearchValues.Create(
        string.Concat(Enumerable.Range(0x20, 0x5F).Select(code => (char)code).Where(character => character != '%')));

    public static string Encode(string text)
    {
        if (!text.AsSpan().ContainsAnyExcept(Unescaped))
        {
            return text;
        }

        var builder = new StringBuilder(text.Length + 16);
        foreach (var value in Encoding.UTF8.GetBytes(text))
        {
            if (Unescaped.Contains((char)value))
            {
                builder.Append((char)value);
            }
            else
            {
                builder.Append('%').Append(HexDigits[value >> 4]).Append(HexDigits[value & 15]);
            }
        }

        return builder.ToString();
    }

    /// <summary>Text that is not well encoded is kept as it came, as the specification asks.</summary>
    public static string Decode(string text)
    {
        if (!text.Contains('%'))
        {
            return text;
        }

        var bytes = new ArrayBufferWriter<byte>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '%' && i + 2 < text.Length && char.IsAsciiHexDigit(text[i + 1]) && char.IsAsciiHexDigit(text[i + 2]))
            {
                bytes.Write([Convert.FromHexString(text.AsSpan(i + 1, 2))[0]]);
                i += 2;
            }
            else
            {
                bytes.Write(Encoding.UTF8.GetBytes(text, i, 1));
            }
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }
}
