using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Formation;

/// <summary>A worker that may become a member of a generation, as it introduced itself.</summary>
public sealed record Candidate(WorkerId Worker, WorkerMessage.Hello Hello)
{
    /// <summary>It was told to end, or is drained: it serves its run until it is released, and gets no other.</summary>
    public bool IsLeaving { get; init; }

    /// <summary>Its token is good for this run only; null: it may serve any.</summary>
    public RunId? OnlyRun { get; init; }

    /// <summary>Its labels in one text: workers are told apart by it at each look at the pool.</summary>
    public string LabelText { get; } = LabelRule.TextOf(Hello.Labels);

    /// <summary>As a person finds the process: the id, the process id and the host.</summary>
    public string Describe() => $"worker {Worker} (pid {Hello.Pid} on {Hello.Host})";
}

/// <summary>A worker that may not be a member, and why, in a sentence.</summary>
public sealed record Refusal(WorkerId Worker, string Reason);
