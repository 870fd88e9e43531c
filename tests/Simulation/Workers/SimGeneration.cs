using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Simulation.World;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Simulation.Workers;

/// <summary>A member's streams and exchange of one generation.</summary>
internal sealed class SimGeneration
{
    private readonly SimWorker _worker;
    private readonly RunId _run;
    private readonly AllReducePlan _plan;
    private readonly SimStream?[] _links;
    private readonly List<(int Member, string Reason)> _losses = [];

    public SimGeneration(SimWorker worker, RunId run, AllReducePlan plan)
    {
        (_worker, _run, _plan) = (worker, run, plan);
        _links = [.. plan.Members.Select((member, index) => index == plan.Self ? null : worker.Open(member.CollectiveAddress, Key, reason => Lost(index, reason)))];
    }

    public SimExchange? Exchange { get; private set; }

    public (int Member, string Reason)? FirstLoss => _losses.Count > 0 ? _losses[0] : null;

    private string Key => $"run/{_run}/{_plan.Generation.Number}";

    public void Open(AllReducePlan plan, Action<long, Generation> decided, Action<int, string> broken, Action<LedgerEntry> told)
    {
        Exchange = new SimExchange(plan, _links, decided, broken);
        _worker.Listen(Key, message =>
        {
            if (message is SimTold of)
            {
                told(of.Entry);
            }
            else
            {
                Exchange.Take((SimSegment)message);
            }
        }, (from, reason) =>
        {
            if (reason is not null && plan.Members.ToList().FindIndex(member => member.CollectiveAddress == from.Name) is >= 0 and var sender)
            {
                Exchange.PeerLost(sender, reason);
            }
        });
        _losses.ForEach(loss => Exchange.PeerLost(loss.Member, loss.Reason));
    }

    public void Complete()
    {
        foreach (var link in _links)
        {
            link?.Complete();
        }
    }

    public void Close()
    {
        Exchange?.Close();
        _worker.Deafen(Key, "The generation has ended on this worker.");
        foreach (var link in _links)
        {
            link?.Dispose();
        }
    }

    private void Lost(int member, string reason)
    {
        _losses.Add((member, reason));
        Exchange?.PeerLost(member, reason);
    }
}
