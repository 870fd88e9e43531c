using System.Buffers.Text;
using Grpc.Core;

namespace Grpc.Wire;

/// <summary>Metadata as HTTP headers: binary values are base64 without padding; names of the protocol itself do not pass.</summary>
internal static class MetadataHeaders
{
    private static readonly HashSet<string> Reserved = new(StringComparer.OrdinalIgnoreCase)
    {
        "te", "content-type", "content-length", "host", "connection", "transfer-encoding", "date", "server", "trailer",
        WireNames.Status, WireNames.Message, WireNames.Timeout, WireNames.Encoding, WireNames.AcceptEncoding,
        "grpc-internal-encoding-request",
    };

    public static bool IsReserved(string name) => name.StartsWith(':') || Reserved.Contains(name);

    /// <summary>The text of an entry on the wire.</summary>
    /// <exception cref="WireException">A text value is not printable ASCII.</exception>
    public static string ToHeaderValue(Metadata.Entry entry)
    {
        if (entry.IsBinary)
        {
            return Convert.ToBase64String(entry.BinaryValue).TrimEnd('=');
        }

        return !entry.Value.AsSpan().ContainsAnyExceptInRange(' ', '~')
            ? entry.Value
            : throw new WireException(
                StatusCode.Internal,
                $"Metadata '{entry.Key}' has the value '{entry.Value}', which is not printable ASCII. Send other text as bytes under a key that ends in '-bin'.");
    }

    /// <summary>Adds a header's values to the metadata; reserved names are left out.</summary>
    /// <exception cref="WireException">A binary value is not base64.</exception>
    public static void AddTo(Metadata metadata, string name, IEnumerable<string?> values)
    {
        if (IsReserved(name))
        {
            return;
        }

        var isBinary = name.EndsWith(Metadata.BinaryHeaderSuffix, StringComparison.OrdinalIgnoreCase);
        foreach (var value in values)
        {
            if (!isBinary)
            {
                metadata.Add(name, value ?? "");
                continue;
            }

            // Senders may join the values of one name by commas, which base64 does not use.
            foreach (var part in (value ?? "").Split(',', StringSplitOptions.TrimEntries))
            {
                metadata.Add(name, FromBase64(name, part));
            }
        }
    }

    private static byte[] FromBase64(string name, string value)
    {
        var padded = value.PadRight((value.Length + 3) / 4 * 4, '=');
        var bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(padded.Length)];
        if (!Convert.TryFromBase64String(padded, bytes, out var written))
        {
            throw new WireException(StatusCode.Internal, $"Binary metadata '{name}' has the value '{value}', which is not base64.");
        }

        return bytes.AsSpan(0, written).ToArray();
    }
}
