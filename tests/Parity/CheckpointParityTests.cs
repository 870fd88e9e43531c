using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Orchestrator.Core.Jobs;
using Orchestrator.Parity.Tests.Support;
using Orchestrator.Training.Replicas;
using static TorchSharp.torch;

namespace Orchestrator.Parity.Tests;

/// <summary>What a worker writes, PyTorch reads: the same bits, and in the twin the same answers.</summary>
public sealed class CheckpointParityTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("char-gpt.yaml")]
    [InlineData("digits-cnn.yaml")]
    public void Checkpoint_ReadByPyTorch_HasTheSameBitsAndTheSameLogits(string example)
    {
        Assert.SkipUnless(PyTorch.WhyMissing is null, PyTorch.WhyMissing ?? "");
        using var handOver = new HandOver();
        var job = Job(example, handOver);
        using var worker = new OneWorker(job, handOver.Folder, PyTorch.Isa);
        worker.Train(4);
        var sha256 = DumpLiveTensors(worker.Replica.Model, handOver);
        WriteLogits(worker, handOver);

        var answer = PyTorch.Ask<Answer>("load.py", handOver.Folder, worker.Checkpoint!);

        Assert.Empty(answer.Differing);
        Assert.Equal(sha256, answer.Sha256);
        output.WriteLine($"{job.Name}: {sha256.Count} tensors with the same bits; largest difference of the logits {answer.LogitsDifference:E2}.");
        Assert.InRange(answer.LogitsDifference, 0, 1e-5);
    }

    private static JobSpec Job(string example, HandOver handOver) => example == "char-gpt.yaml"
        ? Jobs.Plain(example, "data={kind: text, paths: [Shared/**/*.cs], validationShare: 0}", "training.globalBatch=8")
        : Jobs.Plain(example, "model.batchNorm=true", $"data={{kind: idx, dir: {handOver.PathOf("digits")}, drawDigits: 300}}");

    /// <summary>The model's tensors as they are in memory, not by way of our writer.</summary>
    private static SortedDictionary<string, string> DumpLiveTensors(nn.Module model, HandOver handOver)
    {
        var sha256 = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, tensor) in model.state_dict())
        {
            var bytes = tensor.bytes.ToArray();
            File.WriteAllBytes(handOver.PathOf(name + ".bin"), bytes);
            sha256.Add(name, Convert.ToHexStringLower(SHA256.HashData(bytes)));
        }

        return sha256;
    }

    private static void WriteLogits(OneWorker worker, HandOver handOver)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        worker.Replica.Model.eval();
        var inputs = worker.ReadBatch(7).Inputs;
        var logits = ((nn.Module<Tensor, Tensor>)worker.Replica.Model).call(inputs);
        handOver.Write("logits.safetensors", [new NamedTensor("inputs", inputs.shape, inputs), new NamedTensor("logits", logits.shape, logits)]);
    }

    private sealed record Answer(
        [property: JsonPropertyName("sha256")] SortedDictionary<string, string> Sha256,
        [property: JsonPropertyName("differing")] string[] Differing,
        [property: JsonPropertyName("logitsDifference")] double LogitsDifference);
}
