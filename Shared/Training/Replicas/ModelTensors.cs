using Orchestrator.Core.Jobs;
using Orchestrator.Training.Tasks;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Orchestrator.Training.Replicas;

/// <summary>A model's parameters and buffers, sorted by what a step does with them.</summary>
internal sealed class ModelTensors
{
    public ModelTensors(nn.Module model, TrainingTask task)
    {
        var all = model.named_parameters().Select(pair => (pair.name, pair.parameter)).ToList();
        foreach (var (name, parameter) in all.Where(pair => pair.parameter.dtype != ScalarType.Float32))
        {
            throw new TaskException($"Parameter {name} is {parameter.dtype}; the all-reduce adds fp32. Create the model in fp32.");
        }

        Trainable = [.. all.Where(pair => pair.parameter.requires_grad)];
        Frozen = [.. all.Where(pair => !pair.parameter.requires_grad)];
        if (Trainable.Count == 0)
        {
            throw new TaskException("The model has no parameter that requires a gradient; there is nothing to train.");
        }

        var normalisation = NormalisationBuffers(model);
        foreach (var (name, buffer) in model.named_buffers())
        {
            var rule = normalisation.GetValueOrDefault(name, task.RuleFor(name));
            (rule switch { BufferRule.Mean => Means, BufferRule.Counter => Counters, _ => Fixed }).Add((name, buffer));
            if (rule == BufferRule.Mean && buffer.dtype != ScalarType.Float32)
            {
                throw new TaskException($"Buffer {name} is {buffer.dtype} and has the rule Mean, which needs fp32.");
            }
        }
    }

    public List<(string Name, Parameter Parameter)> Trainable { get; }

    public List<(string Name, Parameter Parameter)> Frozen { get; }

    public List<(string Name, Tensor Buffer)> Means { get; } = [];

    public List<(string Name, Tensor Buffer)> Counters { get; } = [];

    public List<(string Name, Tensor Buffer)> Fixed { get; } = [];

    public static bool Decays(OptimizerSpec optimizer, long[] shape) => optimizer.Decay == "all" || shape.Length > 1;

    /// <summary>Batch normalisation's own buffers are known: running mean and variance are averaged, batches are counted.</summary>
    private static Dictionary<string, BufferRule> NormalisationBuffers(nn.Module model)
    {
        var rules = new Dictionary<string, BufferRule>(StringComparer.Ordinal);
        foreach (var (path, module) in model.named_modules().Append((name: "", module: model)))
        {
            if (module.GetType().Name.StartsWith("BatchNorm", StringComparison.Ordinal))
            {
                var prefix = path.Length == 0 ? "" : path + ".";
                rules[prefix + "running_mean"] = BufferRule.Mean;
                rules[prefix + "running_var"] = BufferRule.Mean;
                rules[prefix + "num_batches_tracked"] = BufferRule.Counter;
            }
        }

        return rules;
    }
}
