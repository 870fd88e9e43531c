using System.Globalization;
using System.Text;

namespace Orchestrator.Bulk.Calls;

/// <summary>The encoding of <c>grpc-message</c>: UTF-8, with everything that is not plain ASCII, and the percent sign, as %XX.</summary>
internal static class PercentEncoding
{
    // A message travels in one header block next to little else; a longer one is cut.
    private const int MostBytes = 2048;

    public static string Encode(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var encoded = new StringBuilder(bytes.Length);
        foreach (var octet in bytes.AsSpan(0, Math.Min(bytes.Length, MostBytes)))
        {
            if (octet is >= 0x20 and <= 0x7e and not (byte)'%')
            {
                encoded.Append((char)octet);
            }
            else
            {
                encoded.Append(CultureInfo.InvariantCulture, $"%{octet:X2}");
            }
        }

        return encoded.ToString();
    }

    /// <summary>Undoes it; what is not encoded rightly is kept as it is.</summary>
    public static string Decode(string text)
    {
        var bytes = new List<byte>(text.Length);
        for (var at = 0; at < text.Length; at++)
        {
            if (text[at] == '%' && at + 2 < text.Length
                && byte.TryParse(text.AsSpan(at + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var octet))
            {
                bytes.Add(octet);
                at += 2;
            }
            else
            {
                bytes.Add((byte)text[at]);
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }
}
