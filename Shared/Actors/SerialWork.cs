using System.Threading.Channels;

namespace Orchestrator.Actors;

/// <summary>Work that is done piece by piece, in the order in which it came, on a thread of the pool: what waits for a disk, which an actor's reader must not do.</summary>
/// <remarks>An exception is a bug of ours: nothing more is done, and <see cref="Completion"/> carries it.</remarks>
public sealed class SerialWork : IAsyncDisposable
{
    private readonly Channel<Action> _pieces;

    /// <param name="most">Pieces that may wait: those who post have a bound of their own below it.</param>
    public SerialWork(int most)
    {
        _pieces = Channel.CreateBounded<Action>(new BoundedChannelOptions(most) { SingleReader = true });
        Most = most;
        Completion = Task.Run(ReadAsync);
    }

    public int Most { get; }

    /// <summary>Ends when all is done after <see cref="DisposeAsync"/>; faulted when a piece threw.</summary>
    public Task Completion { get; }

    /// <summary>What comes after the end is dropped. Any thread.</summary>
    /// <exception cref="InvalidOperationException">More wait than may.</exception>
    public void Post(Action piece)
    {
        if (!_pieces.Writer.TryWrite(piece) && !_pieces.Reader.Completion.IsCompleted && _pieces.Reader.Count >= Most)
        {
            throw new InvalidOperationException($"{Most} pieces of work wait, which is the limit: whoever posts them does not keep to its own bound.");
        }
    }

    /// <summary>Takes nothing further, and does what waits.</summary>
    public async ValueTask DisposeAsync()
    {
        _pieces.Writer.TryComplete();
        await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task ReadAsync()
    {
        try
        {
            await foreach (var piece in _pieces.Reader.ReadAllAsync().ConfigureAwait(false))
            {
                piece();
            }
        }
        catch (Exception e)
        {
            _pieces.Writer.TryComplete(e);
            throw;
        }
    }
}
