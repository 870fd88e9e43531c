using System.Security.Cryptography;
using Orchestrator.Storage.Safetensors;
using Orchestrator.Training.Replicas;

namespace Orchestrator.Worker.Host.Checkpoints;

/// <summary>Hashes by which members find out that they hold the same state.</summary>
internal static class StateHash
{
    /// <summary>Weights and optimizer state together.</summary>
    public static string Compute(StateSnapshot snapshot) => WeightsHash.Compute(CheckpointTensors.Sources([.. snapshot.Weights, .. snapshot.Optimizer]));

    /// <summary>The weights' hash of DESIGN.md 3: what a checkpoint's manifest holds.</summary>
    public static string OfWeights(StateSnapshot snapshot) => WeightsHash.Compute(CheckpointTensors.Sources(snapshot.Weights));

    /// <summary>A flat buffer's elements.</summary>
    public static string Compute(FlatBuffer buffer)
    {
        using var host = buffer.Whole.cpu();
        return Convert.ToHexStringLower(SHA256.HashData(host.bytes));
    }
}
