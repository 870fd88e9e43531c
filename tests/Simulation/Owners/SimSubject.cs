using Orchestrator.Worker.Core.Lifecycle;

namespace Orchestrator.Simulation.Owners;

/// <summary>A worker as far as ownership goes: it takes orders, and refuses those of an older term than the newest that it saw.</summary>
internal sealed class SimSubject(SimStore store, OwnerBug bug)
{
    private long _newest;

    public int Taken { get; private set; }

    public int Refused { get; private set; }

    public void Hear(long term, int change)
    {
        var decision = TermRule.Decide(_newest, term);
        if (decision.Problem is not null && bug != OwnerBug.WorkersTakeAnyTerm)
        {
            Refused++;
            return;
        }

        Promise.Keep(term >= _newest, $"an order of term {term} takes effect after one of term {_newest}");
        Promise.Keep(store.Has(change), $"an order rests on change {change}, which is not stored");
        _newest = decision.Newest;
        Taken++;
    }
}
