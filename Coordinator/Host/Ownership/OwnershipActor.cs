using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Orchestrator.Actors;
using Orchestrator.Coordinator.Core.Ownership;
using Orchestrator.Coordinator.Host.Standby;
using Orchestrator.Storage.Relational;

namespace Orchestrator.Coordinator.Host.Ownership;

/// <summary>The shell of <see cref="OwnershipMachine"/>: asks the store, ticks, and carries out what was decided when it is stored.</summary>
internal sealed class OwnershipActor : IAsyncDisposable
{
    /// <summary>One lease for all runs of a store: they share one pool of workers, which one coordinator deals out.</summary>
    public const string Lease = "runs";

    /// <summary>Of a SQLite file: nobody stands by, so the lease may outlast a starved machine. A successor on the same machine sees that its owner is dead.</summary>
    private static readonly OwnershipTimes AloneTimes = new()
    {
        Length = TimeSpan.FromSeconds(30), Margin = TimeSpan.FromSeconds(3), RenewEvery = TimeSpan.FromSeconds(2), Patience = TimeSpan.FromSeconds(10),
    };

    /// <summary>Pieces of the journal's work that may wait: one transaction and its release, and what is sent again of it until the lease is lost.</summary>
    private const int MostWork = 256;

    private readonly MachineActor<OwnershipState, OwnershipEvent, OwnershipEffect> _actor;

    /// <summary>Writes ledgers and events, and syncs them: a disk that takes seconds for that must not keep the lease from being renewed.</summary>
    private readonly SerialWork _work = new(MostWork);
    private readonly RelationalStore _store;
    private readonly string _name = $"{Environment.MachineName}:{Environment.ProcessId}:{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
    private readonly string _address;
    private readonly OwnershipTimes _times;
    private readonly ILogger _log;
    private readonly ITimer _ticks;
    private readonly OwnerSight _sight;
    private readonly OwnershipCounts _counts;
    private readonly TimeProvider _clock;
    private readonly TaskCompletionSource<Storage.Relational.Ownership> _owned = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string _said = "";

    /// <param name="store">Outlives this.</param>
    /// <param name="sight">Told of every answer of the store; it names where this coordinator is reached, for those who find it in the store.</param>
    /// <param name="counts">Told of terms and refusals.</param>
    /// <param name="log">Told of changes.</param>
    /// <param name="time">Its timestamps count.</param>
    public OwnershipActor(RelationalStore store, OwnerSight sight, OwnershipCounts counts, ILogger log, TimeProvider time)
    {
        (_store, _sight, _counts, _address, _log, _times) = (store, sight, counts, sight.Self, log, store.Address.IsPostgres ? new OwnershipTimes() : AloneTimes);
        _clock = new MonotonicTime(time);
        _actor = new MachineActor<OwnershipState, OwnershipEvent, OwnershipEffect>(
            new OwnershipState { Times = _times }, OwnershipMachine.Step, CarryOut, (e, @event) => Log.ActorCrashed(_log, @event.ToString(), e), _clock);
        Completion = EndAsync();
        _ticks = time.CreateTimer(_ => _actor.Post(new OwnershipEvent.Tick()), null, TimeSpan.Zero, _times.TickInterval);
    }

    /// <summary>Ends when this coordinator owns the runs. It owns them once: when they are lost, another of these begins anew.</summary>
    public Task<Storage.Relational.Ownership> Owned => _owned.Task;

    /// <summary>Ends with the reason when orders must not be given any more.</summary>
    public Task<string> Lost => _lost.Task;

    /// <summary>Faulted when the actor or its work crashed; then the process must end.</summary>
    public Task Completion { get; }

    /// <summary>Set before the first effect is decided.</summary>
    public RunJournal? Journal { get; set; }

    /// <summary>Whether orders may go out now. Any thread.</summary>
    public bool MayOrder => _actor.State.MayOrder(_clock.GetUtcNow());

    /// <summary>How long a worker may hear nothing of this coordinator before it looks for another owner; null: there is no other.</summary>
    public TimeSpan? WorkerPatience => _store.Address.IsPostgres ? _times.Length + _times.RetryAfter : null;

    /// <summary>A coordinator has put an effect into the journal.</summary>
    public void Decided() => _actor.Post(new OwnershipEvent.Decided());

    /// <summary>Gives the lease back, so that another need not wait for its lapse.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ticks.DisposeAsync().ConfigureAwait(false);
        _actor.Post(new OwnershipEvent.EndRequested());
        await _actor.DisposeAsync().ConfigureAwait(false);
        await _work.DisposeAsync().ConfigureAwait(false);
        if (_surrender is { } surrender)
        {
            await Task.WhenAny(surrender, Task.Delay(TimeSpan.FromSeconds(1))).ConfigureAwait(false);
        }
    }

    private Task? _surrender;

    private void CarryOut(OwnershipEffect effect)
    {
        switch (effect)
        {
            case OwnershipEffect.Take take when _lost.Task.IsCompleted:
                break; // This one has had its time.
            case OwnershipEffect.Take take:
                _ = AskAsync(take.Request, () => TakeAsync(take.Stint));
                break;
            case OwnershipEffect.Renew renew:
                _ = AskAsync(renew.Request, () => _store.Leases.RenewAsync(Own(renew.Stint, renew.Term), _times.Length));
                break;
            case OwnershipEffect.Adopt adopt:
                Log.Owns(_log, adopt.Term, _store.Address.ToString());
                _counts.Owns(adopt.Term);
                _owned.TrySetResult(Own(_actor.State.Stint, adopt.Term));
                break;
            case OwnershipEffect.Write write:
                var owner = Own(_actor.State.Stint, write.Term);
                Do("a write", () => _ = WriteAsync(write, owner, Journal!.Changes(write.First, write.Last)));
                break;
            case OwnershipEffect.Release release:
                Do("what is stored", () => Journal!.Release(release.First, release.Last));
                break;
            case OwnershipEffect.GiveUp given:
                Log.GivesUp(_log, given.Term, given.Reason);
                Journal?.Stop();
                _counts.StandsBy();
                _lost.TrySetResult(given.Reason);
                break;
            case OwnershipEffect.Surrender surrender:
                _surrender = Task.Run(() => _store.Leases.GiveUpAsync(Own(surrender.Stint, surrender.Term)));
                break;
            case OwnershipEffect.Note note:
                Log.Ignored(_log, note.Sentence);
                break;
        }
    }

    /// <summary>In the order of the effects; nothing more when the lease is lost.</summary>
    private void Do(string what, Action piece) => _work.Post(() =>
    {
        if (_lost.Task.IsCompleted)
        {
            return;
        }

        try
        {
            piece();
        }
        catch (Exception e)
        {
            Log.ActorCrashed(_log, what, e);
            throw;
        }
    });

    /// <summary>The first of the two that ends: the other follows, or cannot go on.</summary>
    private async Task EndAsync() => await (await Task.WhenAny(_actor.Completion, _work.Completion).ConfigureAwait(false)).ConfigureAwait(false);

    private async Task<LeaseAnswer> TakeAsync(long stint)
    {
        if (!_store.Address.IsPostgres && await _store.Leases.FindAsync(Lease).ConfigureAwait(false) is { IsLapsed: false } present && IsDead(present.Owner))
        {
            await _store.Leases.GiveUpAsync(present.Ownership).ConfigureAwait(false);
        }

        return await _store.Leases.TakeAsync(Lease, Owner(stint), _address, _times.Length, _sight.HttpSelf).ConfigureAwait(false);
    }

    /// <summary>A process of this machine that is gone. Were it mistaken for dead, its next write would be refused.</summary>
    private static bool IsDead(string owner)
    {
        if (owner.Split(':') is not [var machine, var pid, _] || machine != Environment.MachineName || !int.TryParse(pid, out var id))
        {
            return false;
        }

        try
        {
            using var process = System.Diagnostics.Process.GetProcessById(id);
            return process.HasExited;
        }
        catch (ArgumentException)
        {
            return true;
        }
    }

    private string Owner(long stint) => $"{_name}/{stint}";

    private Storage.Relational.Ownership Own(long stint, long term) => new(Lease, Owner(stint), term);

    private async Task AskAsync(long request, Func<Task<LeaseAnswer>> ask)
    {
        try
        {
            var answer = await Task.Run(ask).ConfigureAwait(false);
            _sight.See(answer.Present, answer.Reason);
            if (!answer.IsGranted)
            {
                // Of one that stands by it is no refusal: the lease is another's.
                _counts.Refuse(_actor.State.Phase is OwnershipPhase.Owning ? 1 : 0);
                Say(answer.Reason, answer.Present is { } present ? $"{present.Owner} {present.Term}" : "");
            }

            _actor.Post(answer.IsGranted
                ? new OwnershipEvent.Granted(request, answer.Present!.Term) : new OwnershipEvent.NotGranted(request, answer.Present?.Remaining ?? TimeSpan.Zero, answer.Reason));
        }
        catch (StoreException e)
        {
            _sight.See(null, e.Message);
            Say(e.Message, e.Message);
            _actor.Post(new OwnershipEvent.RequestFailed(request, e.Message));
        }
    }

    private async Task WriteAsync(OwnershipEffect.Write write, Storage.Relational.Ownership ownership, JournalChanges changes)
    {
        if (changes.IsEmpty)
        {
            _actor.Post(new OwnershipEvent.Stored(write.Term, write.Last));
            return;
        }

        try
        {
            var answer = await Task.Run(() => _store.Runs.WriteAsync(ownership, changes.Runs, changes.Pool)).ConfigureAwait(false);
            _counts.Refuse(answer is WriteAnswer.Stored ? 0 : 1);
            _actor.Post(answer switch
            {
                WriteAnswer.Stored => new OwnershipEvent.Stored(write.Term, write.Last),
                WriteAnswer.Refused refused => new OwnershipEvent.WriteRefused(write.Term, refused.Reason),
                WriteAnswer.OutOfOrder wrong => new OwnershipEvent.WriteRefused(write.Term, wrong.Reason),
                _ => throw new InvalidOperationException($"The store answered {answer}."),
            });
        }
        catch (StoreException e)
        {
            Say(e.Message, e.Message);
            _actor.Post(new OwnershipEvent.WriteFailed(write.Term, write.Last, e.Message));
        }
    }

    /// <summary>Once for each change, not at each try.</summary>
    private void Say(string sentence, string key)
    {
        if (Interlocked.Exchange(ref _said, key) != key)
        {
            Log.WaitsForOwnership(_log, sentence);
        }
    }
}
