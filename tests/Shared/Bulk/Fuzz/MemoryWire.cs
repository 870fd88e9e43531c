using Orchestrator.Bulk.Wires;

namespace Orchestrator.Bulk.Tests.Fuzz;

/// <summary>A wire whose peer is a list of bytes: they come in pieces of random length, then it ends. What is sent is kept.</summary>
/// <param name="input">What the peer sends.</param>
/// <param name="random">Cuts it.</param>
internal sealed unsafe class MemoryWire(byte[] input, Random random) : Wire
{
    // Who still reads after so many ends would read for ever.
    private const int MostEnds = 64;

    private readonly List<byte> _sent = [];
    private int _at;
    private int _ends;

    public override string Peer => "a fuzzer";

    public IReadOnlyList<byte> Sent => _sent;

    public override void Shutdown() => _at = input.Length;

    public override void FinishSending()
    {
        // The peer has said all that it will.
    }

    public override void Dispose() => Shutdown();

    protected override int ReceiveSome(byte* first, int firstBytes, byte* second, int secondBytes)
    {
        if (_at == input.Length && ++_ends > MostEnds)
        {
            throw new InvalidOperationException("The end of the connection was read again and again.");
        }

        var bytes = Math.Min(input.Length - _at, random.Next(4) == 0 ? random.Next(1, 16) : random.Next(1, 8192));
        bytes = Math.Min(bytes, firstBytes + secondBytes);
        var toFirst = Math.Min(bytes, firstBytes);
        input.AsSpan(_at, toFirst).CopyTo(new Span<byte>(first, firstBytes));
        input.AsSpan(_at + toFirst, bytes - toFirst).CopyTo(new Span<byte>(second, secondBytes));
        _at += bytes;
        return bytes;
    }

    protected override long SendSome(IoSlice* slices, int count)
    {
        _sent.AddRange(new ReadOnlySpan<byte>(slices->Address, (int)slices->Bytes));
        return (long)slices->Bytes;
    }
}
