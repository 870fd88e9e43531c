using Orchestrator.Security.Tls;
using Orchestrator.Storage.Relational;

namespace Orchestrator.Coordinator.Host.Standby;

/// <summary>What this coordinator knows of who owns the runs: seen with every try for the lease, four times a second. Any thread.</summary>
/// <param name="self">Where this coordinator is reached, as it stands in the lease when it is the owner.</param>
/// <param name="time">Its timestamps count.</param>
/// <param name="tls">What it shows the owner; null: connections are plain.</param>
internal sealed class OwnerSight(string self, TimeProvider time, TlsSource? tls = null) : IDisposable
{
    private readonly Lock _gate = new();
    private OwnerLink? _owner;
    private long _until;
    private string _reason = "It has not asked for the lease yet.";

    public string Self { get; } = self;

    /// <summary>Where its JSON API is reached, as it stands in the lease when it is the owner; empty: nowhere that others reach.</summary>
    public string HttpSelf { get; init; } = "";

    /// <summary>The store answered, or did not.</summary>
    /// <param name="present">The lease as it stands; null: nobody has it, or the store did not answer.</param>
    /// <param name="reason">In a sentence.</param>
    public void See(Lease? present, string reason)
    {
        OwnerLink? gone = null;
        lock (_gate)
        {
            _reason = present is { IsLapsed: false } && present.Address == Self ? "This coordinator is taking them over." : reason;
            if (present is { IsLapsed: false } && present.Address != Self)
            {
                _until = time.GetTimestamp() + (long)(present.Remaining.TotalSeconds * time.TimestampFrequency);
                if (_owner is null || _owner.Address != present.Address || _owner.HttpAddress != present.HttpAddress || _owner.Term != present.Term)
                {
                    (gone, _owner) = (_owner, new OwnerLink(present, tls));
                }
            }
            else if (present is not null)
            {
                (gone, _owner) = (_owner, null);
            }
        }

        gone?.Dispose();
    }

    /// <returns>The owner, or null and the reason.</returns>
    public (OwnerLink? Owner, string Reason) Find()
    {
        OwnerLink? gone = null;
        try
        {
            lock (_gate)
            {
                if (_owner is not null && time.GetTimestamp() >= _until)
                {
                    (gone, _owner) = (_owner, null);
                }

                return (_owner, _owner is null ? $"No coordinator owns the runs just now: {_reason} Steps go on meanwhile; ask again in a few seconds." : "");
            }
        }
        finally
        {
            // Not under the lock: it breaks off calls, and those who made them go on from there.
            gone?.Dispose();
        }
    }

    public void Dispose() => _owner?.Dispose();
}
