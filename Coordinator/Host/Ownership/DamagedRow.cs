using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Jobs;
using Orchestrator.Storage.Relational;

namespace Orchestrator.Coordinator.Host.Ownership;

/// <summary>A run whose row in the store cannot be read. It is shown as one that has failed and is otherwise left alone: nothing of it is written, so that a person or another version can still read it.</summary>
/// <param name="Row">As the store has it.</param>
/// <param name="Order">What was asked for, when that can be read; null: it cannot.</param>
/// <param name="Reason">What is wrong, and what to do, in sentences.</param>
internal sealed record DamagedRow(RunRow Row, RunOrder? Order, string Reason)
{
    /// <summary>In place of a folder that nobody knows; there is none of that name.</summary>
    private const string NotKnown = "(not known)";

    /// <param name="row">Of the store.</param>
    /// <param name="damaged">Null when it can be read.</param>
    /// <returns>Without its ledger; null when it cannot be read.</returns>
    public static RevivedRun? TryRead(RunRow row, out DamagedRow? damaged)
    {
        RunOrder? order = null;
        try
        {
            order = DurableJson.ReadOrder(row.Order);
            if (order.Id != row.Run)
            {
                throw new FormatException($"its order is that of run {order.Id}.");
            }

            var run = new RevivedRun(order, DurableJson.ReadSnapshot(row.Snapshot), LedgerTail.Empty);

            // What is well-formed may still lack what every coordinator would crash of.
            _ = run.Begin(new RunWaits(), DateTimeOffset.UnixEpoch);
            damaged = null;
            return run;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            damaged = new DamagedRow(
                row, order?.Id == row.Run ? order : null,
                $"The row of run {row.Run} in the store's table runs cannot be read, so the run is set aside, and nothing of the row is changed: {e.Message} Start a coordinator of the version that wrote it, "
                + $"or put a copy of the row in its place and start the coordinator again; then the run goes on. Or go on from its last checkpoint with a new run: ./orchestrator submit JOB.yaml --resume CHECKPOINT");
            return null;
        }
    }

    /// <summary>One that has ended: the machine decides nothing about it any more, and so nothing is stored.</summary>
    public RevivedRun ToRun() => new(
        Order ?? new RunOrder
        {
            Id = Row.Run, RunDir = NotKnown, JobFile = NotKnown,
            Job = new JobSpec { Name = Row.Run.Value, ProjectRoot = "/", Model = new MlpSpec(), Data = new TextDataSpec([]), Training = new TrainingSpec() },
        },
        new RunSnapshot
        {
            Phase = SnapshotPhase.Ended, Reason = Reason, Generation = Row.Generation, LastGeneration = Row.Generation, Outcome = new RunOutcome(RunResult.Failed, Reason, ExitCodes.Failed, null),
        },
        LedgerTail.Empty);
}
