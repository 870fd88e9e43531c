namespace Orchestrator.Simulation.ControlPlane;

/// <summary>What one act of the control plane costs.</summary>
/// <param name="Workers">Members of the run.</param>
/// <param name="Act">What happened.</param>
/// <param name="Events">That the coordinator's core worked off.</param>
/// <param name="ToWorkers">Messages of the coordinator.</param>
/// <param name="ToCoordinator">Messages of the workers.</param>
/// <param name="Bytes">Of all these messages, encoded; 0: not asked for.</param>
/// <param name="Records">Lines of the run's events.</param>
/// <param name="CpuSeconds">Of the process: the core, and the members' answers.</param>
/// <param name="AllocatedBytes">The same.</param>
public sealed record ControlPlaneCost(
    int Workers, string Act, double Events, double ToWorkers, double ToCoordinator, double Bytes, double Records, double CpuSeconds, double AllocatedBytes)
{
    public double MessagesPerWorker => (ToWorkers + ToCoordinator) / Workers;
}
