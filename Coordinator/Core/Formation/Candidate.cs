using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Formation;

/// <summary>A worker that may become a member of a generation, as it introduced itself.</summary>
public sealed record Candidate(WorkerId Worker, WorkerMessage.Hello Hello)
{
    /// <summary>Its process was told to end.</summary>
    public bool IsEnding { get; init; }

    /// <summary>A person drained it.</summary>
    public bool IsDrained { get; init; }

    /// <summary>Either of them: it serves its run until it is released, and gets no other.</summary>
    public bool IsLeaving => IsEnding || IsDrained;

    /// <summary>Its token is good for this run only; null: it may serve any.</summary>
    public RunId? OnlyRun { get; init; }

    /// <summary>Its labels in one text: workers are told apart by it at each look at the pool.</summary>
    public string LabelText { get; } = LabelRule.TextOf(Hello.Labels);

    /// <summary>As a person finds the process: the id, the process id and the host.</summary>
    public string Describe() => $"worker {Worker} (pid {Hello.Pid} on {Hello.Host})";
}

/// <summary>A worker that may not be a member, and why, in a sentence.</summary>
public sealed record Refusal(WorkerId Worker, string Reason);
