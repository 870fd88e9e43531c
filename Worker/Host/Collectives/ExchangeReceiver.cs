using System.Collections.Concurrent;
using Orchestrator.Bulk;
using Orchestrator.Worker.Host.Collectives.SharedMemory;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>Brings what peers push to the exchange of a generation: payloads that came by the wire, and those that lie in a peer's memory.</summary>
internal sealed class ExchangeReceiver : IMemoryReceiver
{
    private readonly GradientExchange _exchange;
    private readonly ConcurrentDictionary<int, PeerMemory> _memories = new();
    private readonly ReadingGate _gate = new();

    public ExchangeReceiver(GradientExchange exchange)
    {
        _exchange = exchange;
        exchange.Objection = FindObjection;
    }

    public void Meet(in BulkCall call)
    {
        if (call.Memory is not { } words)
        {
            return;
        }

        _gate.Enter();
        try
        {
            var memory = PeerMemory.Open(words);
            if (!_memories.TryAdd(call.Sender, memory))
            {
                memory.Dispose();
                throw new BulkRejectedException(BulkStatus.AlreadyExists, $"Sender {call.Sender} has a stream with shared memory already.");
            }
        }
        finally
        {
            _gate.Leave();
        }
    }

    public PayloadPlace Reserve(in BulkHeader header) => new(Place(header), header.PayloadBytes);

    public void Received(in BulkHeader header)
    {
        _gate.Enter();
        try
        {
            if (header.Phase == BulkPhase.Fed)
            {
                _exchange.Told(header.ToLedgerEntry());
            }
            else if (header.Reference == default)
            {
                _exchange.Received(header.ToDomain(), isPacked: header.IsPacked());
            }
            else
            {
                ReceivedByReference(header);
            }
        }
        finally
        {
            _gate.Leave();
        }
    }

    public void Ended(int sender, string? reason)
    {
        // In order: the peer has sent all that it owes and needs nothing more.
        if (reason is not null)
        {
            _exchange.PeerLost(sender, reason);
        }
    }

    public void Close()
    {
        _gate.Close();
        foreach (var memory in _memories.Values)
        {
            memory.Dispose();
        }

        _memories.Clear();
    }

    private unsafe void ReceivedByReference(in BulkHeader header)
    {
        var segment = header.ToDomain();
        var sender = header.Sender;
        nint shared;
        PeerMemory memory;
        try
        {
            memory = _memories.TryGetValue(sender, out var known) ? known : throw new IOException($"Sender {sender} refers to memory that it did not announce.");
            shared = memory.Find(header.Reference);
        }
        catch (IOException error)
        {
            throw new BulkRejectedException(BulkStatus.FailedPrecondition, error.Message);
        }

        if (!segment.IsGather)
        {
            // Read where it lies, when the piece is added.
            _exchange.Received(segment, shared);
            return;
        }

        var bytes = header.Reference.Bytes;
        Buffer.MemoryCopy((void*)shared, (void*)Place(header), bytes, bytes);
        if (!memory.IsInForce)
        {
            throw new BulkRejectedException(BulkStatus.Aborted, Withdrawn(sender));
        }

        _exchange.Received(segment);
    }

    private nint Place(in BulkHeader header)
    {
        try
        {
            var place = _exchange.Reserve(header.ToDomain(), header.IsPacked());
            return place != 0 ? place : throw new BulkRejectedException(BulkStatus.Aborted, $"Generation {header.Generation} is not in force here any more.");
        }
        catch (ExchangeException error)
        {
            throw new BulkRejectedException(BulkStatus.FailedPrecondition, error.Message);
        }
    }

    private (int Member, string Reason)? FindObjection()
    {
        foreach (var (sender, memory) in _memories)
        {
            if (!memory.IsInForce)
            {
                return (sender, Withdrawn(sender));
            }
        }

        return null;
    }

    private static string Withdrawn(int sender) => $"Member {sender} has left the generation and taken its shared memory back while it was read.";
}
