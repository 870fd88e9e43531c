using System.Collections;

namespace Grpc.Core;

/// <summary>
/// Headers or trailers of a call, in order, keys may repeat. A key is lower case; a key that ends in <c>-bin</c> has bytes, any other
/// printable ASCII text.
/// </summary>
public sealed partial class Metadata : IList<Metadata.Entry>
{
    /// <summary>Keys with this ending carry bytes (base64 on the wire).</summary>
    public const string BinaryHeaderSuffix = "-bin";

    /// <summary>No entries, and none can be added.</summary>
    public static readonly Metadata Empty = new() { IsReadOnly = true };

    private readonly List<Entry> _entries = [];

    public int Count => _entries.Count;

    public bool IsReadOnly { get; private init; }

    public Entry this[int index]
    {
        get => _entries[index];
        set
        {
            CheckWrite(value);
            _entries[index] = value;
        }
    }

    /// <summary>The last entry with this key, as the last one wins; null when there is none.</summary>
    public Entry? Get(string key)
    {
        for (var i = _entries.Count - 1; i >= 0; i--)
        {
            if (string.Equals(_entries[i].Key, key, StringComparison.OrdinalIgnoreCase))
            {
                return _entries[i];
            }
        }

        return null;
    }

    public string? GetValue(string key) => Get(key)?.Value;

    public byte[]? GetValueBytes(string key) => Get(key)?.ValueBytes;

    public IEnumerable<Entry> GetAll(string key) =>
        _entries.Where(entry => string.Equals(entry.Key, key, StringComparison.OrdinalIgnoreCase));

    public void Add(Entry item)
    {
        CheckWrite(item);
        _entries.Add(item);
    }

    public void Add(string key, string value) => Add(new Entry(key, value));

    public void Add(string key, byte[] valueBytes) => Add(new Entry(key, valueBytes));

    public int IndexOf(Entry item) => _entries.IndexOf(item);

    public void Insert(int index, Entry item)
    {
        CheckWrite(item);
        _entries.Insert(index, item);
    }

    public void RemoveAt(int index)
    {
        CheckWrite();
        _entries.RemoveAt(index);
    }

    public void Clear()
    {
        CheckWrite();
        _entries.Clear();
    }

    public bool Contains(Entry item) => _entries.Contains(item);

    public void CopyTo(Entry[] array, int arrayIndex) => _entries.CopyTo(array, arrayIndex);

    public bool Remove(Entry item)
    {
        CheckWrite();
        return _entries.Remove(item);
    }

    public IEnumerator<Entry> GetEnumerator() => _entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _entries.GetEnumerator();

    private void CheckWrite(Entry item)
    {
        ArgumentNullException.ThrowIfNull(item);
        CheckWrite();
    }

    private void CheckWrite()
    {
        if (IsReadOnly)
        {
            throw new InvalidOperationException("This Metadata is read only. Make a new Metadata and add the entries to it.");
        }
    }
}
