namespace Orchestrator.Bulk.Hpack;

/// <summary>The fields that the peer's encoder has added, newest first, within a size that we announced (RFC 7541, section 2.3.2).</summary>
internal sealed class DynamicTable(int limitBytes)
{
    private readonly Queue<HeaderField> _oldestFirst = new();

    /// <summary>The size that we announced: the most that the peer may choose.</summary>
    public int LimitBytes { get; } = limitBytes;

    /// <summary>The size that the peer chose.</summary>
    public int CapacityBytes { get; private set; } = limitBytes;

    public int UsedBytes { get; private set; }

    public int Count => _oldestFirst.Count;

    /// <param name="age">0: the newest.</param>
    public HeaderField At(int age) => _oldestFirst.ElementAt(_oldestFirst.Count - 1 - age);

    /// <summary>Adds a field after making room; one that is larger than the table leaves it empty (section 4.4).</summary>
    public void Add(in HeaderField field)
    {
        Shrink(CapacityBytes - field.TableBytes);
        if (field.TableBytes <= CapacityBytes)
        {
            _oldestFirst.Enqueue(field);
            UsedBytes += field.TableBytes;
        }
    }

    /// <param name="bytes">At most <see cref="LimitBytes"/>.</param>
    public void Resize(int bytes)
    {
        CapacityBytes = bytes;
        Shrink(bytes);
    }

    private void Shrink(int toBytes)
    {
        while (UsedBytes > toBytes && _oldestFirst.TryDequeue(out var oldest))
        {
            UsedBytes -= oldest.TableBytes;
        }
    }
}
