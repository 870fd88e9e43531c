namespace Orchestrator.Core.Messages;

/// <summary>What a member's training thread does, as its heartbeats say it. As long as they say the same, it is at the same piece of work.</summary>
/// <param name="Kind">What it is; unspecified: the worker is no member, or does not say.</param>
/// <param name="Step">The step that it is about; of a member that waits, the last one that it has applied.</param>
/// <param name="Rank">The logical rank of a pass; 0 for anything else.</param>
public readonly record struct WorkMark(WorkKind Kind, long Step, int Rank = 0)
{
    /// <summary>In words that follow "it ... for 31 s".</summary>
    public string Describe() => Kind switch
    {
        WorkKind.Waiting => $"has waited behind step {Step}",
        WorkKind.Computing => $"has computed logical rank {Rank} of step {Step}",
        WorkKind.Applying => $"has applied step {Step}",
        WorkKind.Saving => $"has saved step {Step}",
        WorkKind.Evaluating => $"has evaluated step {Step}",
        WorkKind.Copying => $"has copied the state of step {Step} for a joiner",
        WorkKind.Loading => $"has taken over the state of step {Step}",
        WorkKind.Finishing => $"has written the last checkpoint, of step {Step}",
        _ => "has said nothing of its work",
    };
}

/// <summary>Pieces of work of a training thread. On the wire; append only.</summary>
public enum WorkKind
{
    Unspecified = 0,

    /// <summary>Nothing: it waits for the other members.</summary>
    Waiting = 1,

    /// <summary>The pass of one logical rank, with the reading of its samples.</summary>
    Computing = 2,

    /// <summary>The update of a step.</summary>
    Applying = 3,

    /// <summary>The copy and the hash of a checkpoint, behind the update.</summary>
    Saving = 4,

    /// <summary>The held-out part, behind the update.</summary>
    Evaluating = 5,

    /// <summary>The copy of its state for a joiner.</summary>
    Copying = 6,

    /// <summary>Another's state is taken over.</summary>
    Loading = 7,

    /// <summary>The last checkpoint is written, or waited for.</summary>
    Finishing = 8,
}
