namespace Orchestrator.Actors;

/// <summary>An event was posted to an actor that no longer reads its mailbox. The inner exception is what it crashed of; null: it was stopped.</summary>
public sealed class ActorStoppedException(string message, Exception? inner) : Exception(message, inner);
