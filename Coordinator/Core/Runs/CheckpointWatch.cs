using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>A checkpoint whose writer is gone may lie on disk without anybody having said so, or not at all: another member writes one.</summary>
internal static class CheckpointWatch
{
    /// <summary>A member has hashed its state, so the lead of its generation writes a checkpoint of the step.</summary>
    public static RunState Note(RunState state, WorkerMessage.StateDigest digest) =>
        digest.Step > (state.Progress.Due?.Step ?? 0) && LeadOf(state, digest.Generation) is { } writer
            ? state with { Progress = state.Progress with { Due = new DueCheckpoint(digest.Step, writer) } } : state;

    /// <summary>A generation is in force. Its orders stand BEFORE this one.</summary>
    public static RunTurn MakeGood(RunState state)
    {
        var (crew, progress) = (state.Crew!, state.Progress);
        var known = Math.Max(progress.Checkpoint?.Step ?? 0, progress.CheckpointProblem?.Step ?? 0);
        if (progress.Due is not { } due || due.Step <= known || crew.Members.ContainsKey(due.Writer))
        {
            return (state, []);
        }

        // The same step again is no harm: the store confirms what is there.
        var writer = crew.Members.Keys.First();
        return (state with { Progress = progress with { Due = due with { Writer = writer } } },
        [
            RunMachine.Note($"{due.Writer} was to write the checkpoint of step {due.Step} and is gone; {writer} writes one."),
            new RunEffect.Tell(writer, new CoordinatorMessage.SaveCheckpoint(crew.Generation)),
        ]);
    }

    /// <summary>The member with the lowest id, also when it is gone.</summary>
    private static WorkerId? LeadOf(RunState state, Generation generation) => state switch
    {
        { Phase: RunPhase.Running { Change: { } change } } when change.Generation == generation => change.Members[0].Worker,
        { Crew: { } crew } when crew.Generation == generation => crew.Ranks.Keys.First(),
        _ => null,
    };
}
