using System.Globalization;
using Orchestrator.Core.Messages;
using Orchestrator.Protocol.Mapping;
using Orchestrator.Simulation.ControlPlane;

namespace Orchestrator.Tools.Simulate;

/// <summary>`simulate --control-plane`: what the control plane costs with more and more workers.</summary>
internal static class ControlPlaneTable
{
    public static void Print(IEnumerable<int> sizes)
    {
        // "MB sent" grows with the square of the workers where an order lists all members to each of them.
        // The first round compiles.
        ControlPlaneBench.Measure(100, BytesOf);
        Console.WriteLine("workers  act                        events  to workers  to coordinator  messages each     MB sent  event lines  CPU ms  CPU us each");
        foreach (var workers in sizes)
        {
            foreach (var cost in ControlPlaneBench.Measure(workers, BytesOf))
            {
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{workers,7}  {cost.Act,-24} {cost.Events,8:0} {cost.ToWorkers,11:0} {cost.ToCoordinator,15:0} {cost.MessagesPerWorker,14:0.00} {cost.Bytes / 1e6,11:0.000} {cost.Records,12:0} {cost.CpuSeconds * 1e3,7:0.0} {cost.CpuSeconds * 1e6 / workers,12:0.0}"));
            }
        }
    }

    private static int BytesOf(object message) => message switch
    {
        CoordinatorMessage order => order.ToWire().CalculateSize(),
        WorkerMessage said => said.ToWire().CalculateSize(),
        _ => throw new ArgumentOutOfRangeException(nameof(message), message.GetType().Name, "This is no message."),
    };
}
