namespace Orchestrator.Bulk.Tests.Fuzz;

/// <summary>The receiver of one stream, which holds its caller to the contract: a place before each payload, one end, nothing after it.</summary>
internal sealed unsafe class FuzzReceiver : IBulkReceiver
{
    private const int PlaceBytes = 2 * Traffic.MostPayloadBytes;

    private readonly byte[] _place = GC.AllocateUninitializedArray<byte>(PlaceBytes, pinned: true);
    private int _reserved = -1;

    public List<(BulkHeader Header, byte[] Payload)> Messages { get; } = [];

    public int Ends { get; private set; }

    /// <summary>What the caller did wrong; null: nothing.</summary>
    public string? Objection { get; private set; }

    public PayloadPlace Reserve(in BulkHeader header)
    {
        ObjectIf(_reserved >= 0, "a place was asked for before the last payload was whole");
        ObjectIf(Ends > 0, "a place was asked for after the end");
        ObjectIf(header.PayloadBytes <= 0, $"a place was asked for {header.PayloadBytes} bytes");
        if (header.PayloadBytes > PlaceBytes)
        {
            throw new BulkRejectedException(BulkStatus.ResourceExhausted, $"There is no place for {header.PayloadBytes} bytes.");
        }

        _reserved = header.PayloadBytes;
        fixed (byte* place = _place)
        {
            return new PayloadPlace((nint)place, PlaceBytes);
        }
    }

    public void Received(in BulkHeader header)
    {
        ObjectIf(header.PayloadBytes > 0 && _reserved != header.PayloadBytes, $"{header.PayloadBytes} bytes came to a place for {_reserved}");
        ObjectIf(Ends > 0, "a message came after the end");
        _reserved = -1;
        Messages.Add((header, _place[..header.PayloadBytes]));
    }

    public void Ended(int sender, string? reason)
    {
        ObjectIf(Ends++ > 0, "the stream ended twice");
        ObjectIf(reason is null && _reserved >= 0, "the stream ended in order within a payload");
    }

    private void ObjectIf(bool isWrong, string what)
    {
        if (isWrong)
        {
            Objection ??= what;
        }
    }
}
