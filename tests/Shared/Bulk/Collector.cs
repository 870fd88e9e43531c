using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Orchestrator.Bulk.Tests;

/// <summary>A receiver that keeps what comes, and lets a test wait for it.</summary>
internal sealed unsafe class Collector : IBulkReceiver, IDisposable
{
    private readonly BlockingCollection<Message> _messages = [];
    private readonly TaskCompletionSource<string?> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private nint _place;
    private int _placeBytes;

    /// <summary>Called before a place is given.</summary>
    public Action<BulkHeader>? OnReserve { get; set; }

    /// <summary>Called for each whole message.</summary>
    public Action<BulkHeader>? OnReceived { get; set; }

    public int Reserved { get; private set; }

    public int EndedCalls { get; private set; }

    public Task<string?> Ended => _ended.Task;

    public PayloadPlace Reserve(in BulkHeader header)
    {
        Reserved++;
        OnReserve?.Invoke(header);
        if (_placeBytes < header.PayloadBytes)
        {
            NativeMemory.Free((void*)_place);
            _place = (nint)NativeMemory.Alloc((nuint)header.PayloadBytes);
            _placeBytes = header.PayloadBytes;
        }

        return new PayloadPlace(_place, _placeBytes);
    }

    public void Received(in BulkHeader header)
    {
        _messages.Add(new Message(header, new ReadOnlySpan<byte>((void*)_place, header.PayloadBytes).ToArray()));
        OnReceived?.Invoke(header);
    }

    void IBulkReceiver.Ended(int sender, string? reason)
    {
        EndedCalls++;
        _ended.TrySetResult(reason);
    }

    public Message Next() => _messages.TryTake(out var message, Wait.Limit)
        ? message
        : throw new TimeoutException($"No message came within {Wait.Limit}; the stream {(Ended.IsCompleted ? $"ended: {Ended.Result}" : "is open")}.");

    public void Dispose()
    {
        NativeMemory.Free((void*)_place);
        _messages.Dispose();
    }
}

internal sealed record Message(BulkHeader Header, byte[] Payload);

internal static class Wait
{
    /// <summary>Far more than anything here takes; a test that reaches it has failed.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    public static T For<T>(Task<T> task, string what) =>
        task.Wait(Limit) ? task.Result : throw new TimeoutException($"{what} did not come within {Limit}.");
}

/// <summary>What happened on a link.</summary>
internal sealed class LinkLog : IBulkLinkEvents
{
    private readonly TaskCompletionSource<string> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ConcurrentQueue<object?> SentStates { get; } = new();

    public ConcurrentQueue<int> SentThreads { get; } = new();

    public int LostCalls { get; private set; }

    public Task<string> LostReason => _lost.Task;

    public void Sent(in BulkHeader header, object? state)
    {
        SentThreads.Enqueue(Environment.CurrentManagedThreadId);
        SentStates.Enqueue(state);
    }

    public void Lost(string reason)
    {
        LostCalls++;
        _lost.TrySetResult(reason);
    }
}

/// <summary>Native memory with a pattern that tells each position of each message from any other.</summary>
internal sealed unsafe class Payload : IDisposable
{
    public Payload(int bytes, int seed)
    {
        Bytes = bytes;
        Address = (nint)NativeMemory.Alloc((nuint)Math.Max(1, bytes));
        Pattern(Span, seed);
    }

    public nint Address { get; }

    public int Bytes { get; }

    public Span<byte> Span => new((void*)Address, Bytes);

    public static byte[] Expected(int bytes, int seed)
    {
        var expected = new byte[bytes];
        Pattern(expected, seed);
        return expected;
    }

    public void Dispose() => NativeMemory.Free((void*)Address);

    private static void Pattern(Span<byte> span, int seed) => new Random(seed).NextBytes(span);
}
