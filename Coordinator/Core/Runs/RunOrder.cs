using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>What was asked for: everything about a run that never changes.</summary>
public sealed record RunOrder
{
    public required RunId Id { get; init; }

    public required JobSpec Job { get; init; }

    /// <summary>Absolute path, the same on the coordinator and on every worker.</summary>
    public required string RunDir { get; init; }

    /// <summary>What a person types after "run" to go on with it; a path.</summary>
    public required string JobFile { get; init; }

    /// <summary>Stop after this step and leave the schedule as it is; null: train to the end.</summary>
    public long? StopAfter { get; init; }

    /// <summary>Absolute checkpoint folder; null: start from the initial weights.</summary>
    public string? ResumeFrom { get; init; }

    /// <summary>The numeric fingerprint of that checkpoint, name to value; null: none is resumed, or it could not be read here.</summary>
    public ImmutableSortedDictionary<string, string>? ResumeFingerprint { get; init; }

    /// <summary>SHA-256, in hexadecimal digits in lower case, of a token with which workers may join this run and no other; null: there is none.</summary>
    public string? JoinTokenSha256 { get; init; }

    /// <summary>Set for an embedded run: only workers that this launcher started are members, and nobody else will come,
    /// so a worker that is refused or lost ends the run.</summary>
    public string? Launcher { get; init; }

    public bool IsEmbedded => Launcher is not null;
}
