using System.Buffers;
using System.Text;

namespace Grpc.Core;

public sealed partial class Metadata
{
    /// <summary>One key with its value. Immutable.</summary>
    public class Entry
    {
        private static readonly SearchValues<char> KeyCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_-.");

        private readonly string? _value;
        private readonly byte[]? _valueBytes;

        /// <exception cref="ArgumentException">The key does not end in <c>-bin</c>, or has characters that HTTP/2 does not allow.</exception>
        public Entry(string key, byte[] valueBytes)
        {
            ArgumentNullException.ThrowIfNull(valueBytes);
            Key = NormalizeKey(key);
            if (!IsBinary)
            {
                throw new ArgumentException(
                    $"Metadata key '{key}' has a binary value but does not end in '{BinaryHeaderSuffix}'. Add the ending, or pass a text value.", nameof(key));
            }

            _valueBytes = valueBytes.ToArray();
        }

        /// <exception cref="ArgumentException">The key ends in <c>-bin</c>, or has characters that HTTP/2 does not allow.</exception>
        public Entry(string key, string value)
        {
            ArgumentNullException.ThrowIfNull(value);
            Key = NormalizeKey(key);
            if (IsBinary)
            {
                throw new ArgumentException(
                    $"Metadata key '{key}' ends in '{BinaryHeaderSuffix}' but has a text value. Pass bytes, or drop the ending.", nameof(key));
            }

            _value = value;
        }

        public string Key { get; }

        public bool IsBinary => Key.EndsWith(BinaryHeaderSuffix, StringComparison.Ordinal);

        /// <summary>The bytes of a binary value, or a text value's ASCII bytes; a copy.</summary>
        public byte[] ValueBytes => _valueBytes is null ? Encoding.ASCII.GetBytes(_value!) : _valueBytes.ToArray();

        /// <exception cref="InvalidOperationException">The entry is binary.</exception>
        public string Value => _value
            ?? throw new InvalidOperationException($"Metadata entry '{Key}' is binary and has no text. Read ValueBytes instead.");

        internal ReadOnlySpan<byte> BinaryValue => _valueBytes;

        public override string ToString() => IsBinary
            ? $"[Entry: key={Key}, valueBytes={Convert.ToHexString(_valueBytes!)}]"
            : $"[Entry: key={Key}, value={_value}]";

        private static string NormalizeKey(string key)
        {
            ArgumentNullException.ThrowIfNull(key);
            var normalized = key.ToLowerInvariant();
            if (normalized.Length == 0 || normalized.AsSpan().ContainsAnyExcept(KeyCharacters))
            {
                throw new ArgumentException(
                    $"'{key}' is no metadata key. Use only letters, digits, '_', '-' and '.', at least one of them.", nameof(key));
            }

            return normalized;
        }
    }
}
