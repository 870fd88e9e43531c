using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Worker.Core.Lifecycle;

/// <summary>What the worker's shell has to do, in the order given.</summary>
public abstract record WorkerEffect
{
    private WorkerEffect() { }

    /// <summary>Tell the coordinator.</summary>
    public sealed record Send(WorkerMessage Message) : WorkerEffect;

    /// <summary>Load model, data and checkpoint; answer with PreparationSucceeded or PreparationFailed.</summary>
    public sealed record BeginPreparation(CoordinatorMessage.Prepare Prepare) : WorkerEffect;

    /// <summary>Hand an order about generations to the member; the first one makes it.</summary>
    public sealed record Order(WorkerId Self, CoordinatorMessage Message) : WorkerEffect;

    /// <summary>Stop training behind the work at hand; answer with TrainingStopped.</summary>
    public sealed record StopTraining(string Reason) : WorkerEffect;

    /// <summary>Write a checkpoint of the state as it is and report it.</summary>
    public sealed record WriteCheckpoint(Generation Generation, long Step) : WorkerEffect;

    /// <summary>Report what peers told of the samples that they fed, from a step on.</summary>
    public sealed record TellLedger(Generation Generation, long FromStep) : WorkerEffect;

    /// <summary>What peers told of a step and of those before it is recorded.</summary>
    public sealed record ForgetLedger(long Step) : WorkerEffect;

    /// <summary>Dispose model, data and buffers.</summary>
    public sealed record DropRun(string Reason) : WorkerEffect;

    /// <summary>Open a new stream to the coordinator, with backoff.</summary>
    /// <param name="Reason">Why the former one is over.</param>
    /// <param name="Member">What it goes on with meanwhile; null: it serves no run.</param>
    public sealed record Reattach(string Reason, MemberIdentity? Member = null) : WorkerEffect;

    /// <summary>Close the stream to the coordinator; its end comes as CoordinatorLost. The others are asked first for who owns the runs.</summary>
    /// <param name="Reason">For the log.</param>
    /// <param name="IsRefusal">It gave orders, or was to, under an older term than the newest that was seen.</param>
    public sealed record HangUp(string Reason, bool IsRefusal = false) : WorkerEffect;

    /// <summary>An order was not taken; say why in the log, and count it.</summary>
    public sealed record Refuse(string Reason) : WorkerEffect;

    /// <summary>End the process.</summary>
    public sealed record Exit(int Code, string Reason) : WorkerEffect
    {
        /// <summary>The training thread hangs: wait for nothing of it.</summary>
        public bool IsHung { get; init; }
    }

    /// <summary>End what runs here and start the same command line afresh, in the same process.</summary>
    public sealed record Restart(string Reason) : WorkerEffect
    {
        /// <inheritdoc cref="Exit.IsHung"/>
        public bool IsHung { get; init; }
    }

    /// <summary>Say it in the log.</summary>
    public sealed record Note(string Text) : WorkerEffect;
}
