namespace Orchestrator.Bulk.Links;

/// <summary>Messages in the order in which they are sent: a ring that grows and is not given back, so that a steady state allocates nothing.</summary>
internal sealed class OutgoingQueue(int limit)
{
    private const int FirstCapacity = 64;

    private Outgoing[] _ring = new Outgoing[FirstCapacity];
    private int _first;

    public int Count { get; private set; }

    /// <param name="place">0: the oldest.</param>
    public ref Outgoing At(int place) => ref _ring[(_first + place) & (_ring.Length - 1)];

    /// <returns>False: it holds as many as it may.</returns>
    public bool TryAdd(in Outgoing message)
    {
        if (Count >= limit)
        {
            return false;
        }

        if (Count == _ring.Length)
        {
            var larger = new Outgoing[_ring.Length * 2];
            for (var place = 0; place < Count; place++)
            {
                larger[place] = At(place);
            }

            (_ring, _first) = (larger, 0);
        }

        _ring[(_first + Count) & (_ring.Length - 1)] = message;
        Count++;
        return true;
    }

    public Outgoing Take()
    {
        var message = _ring[_first];
        _ring[_first] = default;
        _first = (_first + 1) & (_ring.Length - 1);
        Count--;
        return message;
    }

    public void Clear()
    {
        while (Count > 0)
        {
            Take();
        }
    }
}
