namespace Orchestrator.Bulk;

/// <summary>Where the messages of a stream go.</summary>
/// <remarks>
/// Calls for one stream come one at a time, in order, as a rule on the thread that receives from that peer's connection; several peers'
/// streams call at the same time. What these methods take is time in which that peer's messages wait.
/// </remarks>
public interface IBulkReceiver
{
    /// <summary>Says where the payload of a message is to land. Called for each message whose payload is not empty, before it is read.</summary>
    /// <param name="header">The message's header; its payload has at least one byte.</param>
    /// <returns>Native or pinned memory of at least the payload's bytes, which stays valid until <see cref="Received"/>, <see cref="Ended"/>, or the
    /// return of <see cref="BulkServer.Release"/>.</returns>
    /// <exception cref="BulkRejectedException">Ends the stream with that status.</exception>
    PayloadPlace Reserve(in BulkHeader header);

    /// <summary>The payload lies whole in the memory that was reserved for it.</summary>
    /// <exception cref="BulkRejectedException">Ends the stream with that status.</exception>
    void Received(in BulkHeader header);

    /// <summary>The last call for a stream.</summary>
    /// <param name="sender">As the stream's metadata says.</param>
    /// <param name="reason">Null: the peer ended its stream in order. Otherwise why it ended: the peer died, was silent, broke the protocol or was rejected.</param>
    void Ended(int sender, string? reason);
}

/// <summary>Memory in which a payload is to land.</summary>
/// <param name="Address">Native or pinned.</param>
/// <param name="Bytes">Its size; at least that of the payload.</param>
public readonly record struct PayloadPlace(nint Address, int Bytes)
{
    /// <summary>The payload is read and thrown away; <see cref="IBulkReceiver.Received"/> follows all the same.</summary>
    public static PayloadPlace Nowhere => default;
}

/// <summary>Finds who takes the messages of a call. May wait until the generation exists here.</summary>
/// <param name="call">Which stream it is.</param>
/// <param name="cancellation">The stream ended first, or the wait took too long.</param>
/// <exception cref="BulkRejectedException">Ends the stream with that status.</exception>
public delegate ValueTask<IBulkReceiver> BulkResolver(BulkCall call, CancellationToken cancellation);
