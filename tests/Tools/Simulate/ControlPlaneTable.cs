using System.Globalization;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Protocol.Mapping;
using Orchestrator.Simulation.ControlPlane;

namespace Orchestrator.Tools.Simulate;

/// <summary>`simulate --control-plane`: what the control plane costs with more and more workers.</summary>
internal static class ControlPlaneTable
{
    public static void Print(IEnumerable<int> sizes)
    {
        // "MB sent" grows with the square of the workers where an order lists all members to each of them: when the run is formed. The hosts here have rising addresses, which pack best.
        // The first round compiles.
        ControlPlaneBench.Measure(100, OpenWire);
        Console.WriteLine("workers  act                        events  to workers  to coordinator  messages each     MB sent  event lines  CPU ms  CPU us each");
        foreach (var workers in sizes)
        {
            foreach (var cost in ControlPlaneBench.Measure(workers, OpenWire))
            {
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{workers,7}  {cost.Act,-24} {cost.Events,8:0} {cost.ToWorkers,11:0} {cost.ToCoordinator,15:0} {cost.MessagesPerWorker,14:0.00} {cost.Bytes / 1e6,11:0.000} {cost.Records,12:0} {cost.CpuSeconds * 1e3,7:0.0} {cost.CpuSeconds * 1e6 / workers,12:0.0}"));
            }
        }
    }

    /// <summary>A stream for each worker, as the coordinator has them.</summary>
    private static Func<WorkerId, object, int> OpenWire()
    {
        var (shared, streams) = (new SharedOrders(), new Dictionary<WorkerId, OrderWriter>());

        // An order to many has the same form for most of them: its size is found once.
        (object? Wire, int Bytes) last = default;
        return (worker, message) =>
        {
            if (message is WorkerMessage said)
            {
                return said.ToWire().CalculateSize();
            }

            if (!streams.TryGetValue(worker, out var stream))
            {
                streams[worker] = stream = new OrderWriter(shared);
            }

            var wire = stream.ToWire((CoordinatorMessage)message);
            last = ReferenceEquals(wire, last.Wire) ? last : (wire, wire.CalculateSize());
            return last.Bytes;
        };
    }
}
