using System.Collections.Immutable;
using System.Threading.Channels;

namespace Orchestrator.Actors;

/// <summary>The shell around a pure machine: one mailbox, one reader, and effects carried out in order after the state has moved on.</summary>
/// <remarks>
/// Events are worked off one by one, in the order in which they came in. After each the new state is visible to every thread, then its effects are
/// carried out on the reader, one after the other; so an effect must hand long work on (to a channel, a timer, the
/// pool) and must never wait for this actor's mailbox. An exception of the machine or of an effect is a bug of ours: the actor stops,
/// <see cref="Completion"/> carries the exception, and whoever posts afterwards gets it as <see cref="ActorStoppedException"/>.
/// </remarks>
/// <typeparam name="TState">Immutable: snapshots are read on any thread.</typeparam>
/// <typeparam name="TEvent">What happens to it.</typeparam>
/// <typeparam name="TEffect">What it wants done.</typeparam>
public sealed class MachineActor<TState, TEvent, TEffect> : IAsyncDisposable
    where TState : class
    where TEvent : class
    where TEffect : class
{
    /// <summary>Events that may wait. Senders wait when it is full, and so do the streams that they read from.</summary>
    public const int MailboxCapacity = 4096;

    private readonly Channel<TEvent> _mailbox = Channel.CreateBounded<TEvent>(
        new BoundedChannelOptions(MailboxCapacity) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly Func<TState, TEvent, DateTimeOffset, (TState Next, ImmutableArray<TEffect> Effects)> _step;
    private readonly Action<ImmutableArray<TEffect>> _carryOut;
    private readonly Action<Exception, TEvent> _crashed;
    private readonly TimeProvider _time;
    private volatile TState _state;

    /// <param name="initial">The state before the first event.</param>
    /// <param name="step">The pure machine.</param>
    /// <param name="carryOut">Carries out one effect, without waiting.</param>
    /// <param name="crashed">Told once, before the actor stops: the exception and the event that was being worked off.</param>
    /// <param name="time">The only clock.</param>
    public MachineActor(
        TState initial, Func<TState, TEvent, DateTimeOffset, (TState Next, ImmutableArray<TEffect> Effects)> step, Action<TEffect> carryOut,
        Action<Exception, TEvent> crashed, TimeProvider time)
        : this(initial, step, effects => Each(effects, carryOut), crashed, time)
    {
    }

    /// <param name="initial">The state before the first event.</param>
    /// <param name="step">The pure machine.</param>
    /// <param name="carryOut">Carries out all effects of an event, without waiting; not called when there are none.</param>
    /// <param name="crashed">Told once, before the actor stops: the exception and the event that was being worked off.</param>
    /// <param name="time">The only clock.</param>
    public MachineActor(
        TState initial, Func<TState, TEvent, DateTimeOffset, (TState Next, ImmutableArray<TEffect> Effects)> step, Action<ImmutableArray<TEffect>> carryOut,
        Action<Exception, TEvent> crashed, TimeProvider time)
    {
        (_state, _step, _carryOut, _crashed, _time) = (initial, step, carryOut, crashed, time);
        Completion = Task.Run(ReadMailboxAsync);
    }

    /// <summary>The state after the last event that was worked off. Any thread.</summary>
    public TState State => _state;

    /// <summary>Ends when the actor has stopped; faulted when it crashed.</summary>
    public Task Completion { get; }

    /// <summary>Puts an event into the mailbox; waits while it is full. Any thread, but never from an effect.</summary>
    /// <exception cref="ActorStoppedException">The actor has stopped or crashed.</exception>
    public async ValueTask PostAsync(TEvent @event, CancellationToken cancellation = default)
    {
        try
        {
            await _mailbox.Writer.WriteAsync(@event, cancellation).ConfigureAwait(false);
        }
        catch (ChannelClosedException e)
        {
            throw new ActorStoppedException($"{@event.GetType().Name} came after the actor had stopped.", e.InnerException);
        }
    }

    /// <summary>Posts from where nobody can wait, such as a timer or an effect. An event for an actor that has stopped is dropped.</summary>
    public void Post(TEvent @event)
    {
        if (!_mailbox.Writer.TryWrite(@event))
        {
            _ = PostLateAsync(@event);
        }
    }

    /// <summary>Takes no further events, works off those that are there, and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        _mailbox.Writer.TryComplete();
        await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static void Each(ImmutableArray<TEffect> effects, Action<TEffect> carryOut)
    {
        foreach (var effect in effects)
        {
            carryOut(effect);
        }
    }

    private async Task PostLateAsync(TEvent @event)
    {
        try
        {
            await _mailbox.Writer.WriteAsync(@event).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            // It stopped meanwhile; the reason is in Completion.
        }
    }

    private async Task ReadMailboxAsync()
    {
        await foreach (var @event in _mailbox.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            try
            {
                var (next, effects) = _step(_state, @event, _time.GetUtcNow());
                _state = next;
                if (!effects.IsEmpty)
                {
                    _carryOut(effects);
                }
            }
            catch (Exception e)
            {
                _crashed(e, @event);
                _mailbox.Writer.TryComplete(e);
                throw;
            }
        }
    }
}
