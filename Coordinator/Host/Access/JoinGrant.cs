using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Host.Access;

/// <summary>A feature of a request whose token is good for one run only.</summary>
internal sealed record JoinGrant(RunId Run);
