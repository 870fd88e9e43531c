using Orchestrator.Core.Jobs;
using Orchestrator.Storage.Safetensors;
using Orchestrator.Training.Replicas;
using Orchestrator.Worker.Host.Checkpoints;
using static TorchSharp.torch;

namespace Orchestrator.Parity;

/// <summary>A temporary folder through which a worker hands its state to PyTorch.</summary>
internal sealed class HandOver : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("parity-").FullName;

    public string PathOf(string name) => Path.Combine(Folder, name);

    public void WriteJob(JobSpec job) => File.WriteAllText(PathOf("job.json"), JobSpecJson.Write(job));

    public void WriteWeights(Replica replica, string name)
    {
        using var snapshot = replica.Snapshot();
        Write(name, snapshot.Weights);
    }

    /// <summary>inputs.N and targets.N of the first steps.</summary>
    public void WriteBatches(OneWorker worker, int steps)
    {
        using var scope = NewDisposeScope();
        var tensors = new List<NamedTensor>();
        for (var step = 0; step < steps; step++)
        {
            var batch = worker.ReadBatch(step);
            tensors.Add(new NamedTensor($"inputs.{step}", batch.Inputs.shape, batch.Inputs.contiguous()));
            tensors.Add(new NamedTensor($"targets.{step}", batch.Targets.shape, batch.Targets.contiguous()));
        }

        Write("batches.safetensors", tensors);
    }

    public void Write(string name, IEnumerable<NamedTensor> tensors)
    {
        using var stream = File.Create(PathOf(name));
        SafetensorsWriter.Write(stream, CheckpointTensors.Sources(tensors));
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
