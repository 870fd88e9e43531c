using System.Text.Json;

namespace Orchestrator.Coordinator.Host.Api;

/// <summary>What POST /api/v1/runs takes.</summary>
/// <param name="Job">A resolved job file as JSON: paths in it are absolute, or start at its projectRoot.</param>
/// <param name="StopAfter">Stop after this step, 1 or more, and leave the schedule as it is; null: train to the end.</param>
/// <param name="ResumeFrom">Checkpoint folder to start from, an absolute path on the workers; null: from the initial weights.</param>
/// <param name="Out">Run folder, below the coordinator's folder of runs; null: one named by the run's id.</param>
/// <param name="JoinTokenSha256">SHA-256, as 64 hexadecimal digits in lower case, of a token with which workers may join this run only; null: there is none.</param>
internal sealed record SubmitBody(JsonElement Job, long? StopAfter = null, string? ResumeFrom = null, string? Out = null, string? JoinTokenSha256 = null);

/// <summary>What POST /api/v1/runs/{id}/scale takes.</summary>
/// <param name="Desired">Workers that the run shall have, 1 or more.</param>
internal sealed record ScaleBody(int Desired);
