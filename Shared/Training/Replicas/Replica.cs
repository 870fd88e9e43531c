using System.Collections.Immutable;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Sampling;
using Orchestrator.Training.Data;
using Orchestrator.Training.Optimization;
using Orchestrator.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace Orchestrator.Training.Replicas;

/// <summary>One worker's copy of the training state, and the three pure parts of a step: the gradient of a logical rank, the merge, the update.</summary>
/// <remarks>
/// Parameters live in one flat buffer and the model's tensors are views of it. Used from one thread. The state after step t is a function of
/// the state before it and t; nothing here knows how many workers there are.
/// </remarks>
public sealed class Replica : IDisposable
{
    private readonly ModelTensors _tensors;
    private readonly StepBuffers _buffers;
    private readonly FlatOptimizer _optimizer;
    private readonly Tensor _flatParameters;
    private readonly Tensor? _scaledGradient;
    private readonly int[] _modelOrder;
    private readonly JobSpec _job;
    private readonly ImmutableHashSet<string> _persistent;

    /// <param name="job">The resolved job.</param>
    /// <param name="task">What is trained.</param>
    /// <param name="context">Handed to the task.</param>
    /// <param name="shape">Of the data's samples.</param>
    /// <param name="device">Where the replica lives.</param>
    /// <exception cref="TaskException">The model is not one that can be trained; the sentence says why.</exception>
    public Replica(JobSpec job, TrainingTask task, TaskContext context, SampleShape shape, Device device)
    {
        (_job, Task, Shape, Device) = (job, task, shape, device);
        random.manual_seed(StreamSeed.InitialWeights(job.Seed));
        Model = TaskGuard.Run(task, "CreateModel", () => task.CreateModel(context, shape));
        Model.to(device);
        _persistent = [.. Model.state_dict().Keys];
        _tensors = new ModelTensors(Model, task);
        Layout = new FlatLayout(
            [.. _tensors.Trainable.Select(pair => (pair.Name, pair.Parameter.shape))],
            (_, parameterShape) => ModelTensors.Decays(job.Training.Optimizer, parameterShape),
            [.. _tensors.Means.Select(pair => (pair.Name, pair.Buffer.shape))]);
        _modelOrder = [.. _tensors.Trainable.Select(pair => Layout.Parameters.IndexOf(Layout.Parameters.First(entry => entry.Name == pair.Name)))];
        _flatParameters = FlatParameters.Adopt(Layout, _tensors.Trainable.ToDictionary(pair => pair.Name, pair => pair.Parameter), device);
        _scaledGradient = job.Training.ClipNorm is null ? null : zeros(Layout.ParameterElements, dtype: ScalarType.Float32, device: device).DetachFromDisposeScope();
        Pass = new LogicalRankPass(this, _tensors, _buffers = new StepBuffers(_tensors), job.Seed);
        _optimizer = FlatOptimizer.Create(job.Training.Optimizer, _flatParameters, Layout.DecayedOffset);
    }

    public nn.Module Model { get; }

    public TrainingTask Task { get; }

    public SampleShape Shape { get; }

    public Device Device { get; }

    public FlatLayout Layout { get; }

    /// <summary>Computes the gradient of one logical rank.</summary>
    public LogicalRankPass Pass { get; }

    /// <summary>Steps that the state holds.</summary>
    public long AppliedSteps { get; private set; }

    /// <summary>Applies the whole reduced gradient of the next step. The gradient is only read.</summary>
    /// <param name="reduced">The sum over all logical ranks.</param>
    /// <param name="totalSteps">Steps of the whole job, for the schedule.</param>
    public UpdateResult Apply(FlatBuffer reduced, long totalSteps)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var loss = reduced.Loss.cpu().item<float>();
        if (!float.IsFinite(loss))
        {
            throw new TaskException(
                $"The loss of step {AppliedSteps + 1} is {loss}: the training has diverged. The state of step {AppliedSteps} is intact; " +
                "lower training.optimizer.learningRate, add warm-up or training.clipNorm, and resume from a checkpoint.");
        }

        var rate = LearningRateSchedule.At(_job.Training.Optimizer, _job.Training.Schedule, AppliedSteps, totalSteps);
        var norm = 0f;
        var gradient = reduced.ParameterArea;
        if (_job.Training.ClipNorm is { } limit)
        {
            norm = GradientNorm.Compute(_modelOrder.Select(place => reduced.Gradients[place]));
            var factor = GradientNorm.ClipFactor(norm, limit);
            if (factor != 1)
            {
                _scaledGradient!.copy_(gradient);
                _scaledGradient.mul_(factor);
                gradient = _scaledGradient;
            }
        }

        _optimizer.Apply(gradient, rate, AppliedSteps);
        _buffers.Apply(reduced);
        AppliedSteps++;
        return new UpdateResult(loss, norm, rate);
    }

    /// <summary>Copies the state to the CPU, where it stays as it is while training goes on. The caller disposes it.</summary>
    public StateSnapshot Snapshot() => Snapshot(FlatParameters.CopyOf, tensor => tensor.detach().cpu().clone().DetachFromDisposeScope());

    /// <summary>The state as it is until the next step: on the CPU nothing is copied. The caller disposes it before that.</summary>
    public StateSnapshot View()
    {
        return Snapshot(OnCpu, OnCpu);

        static Tensor OnCpu(Tensor tensor)
        {
            using var scope = NewDisposeScope();
            return tensor.detach().cpu().contiguous().DetachFromDisposeScope();
        }
    }

    /// <summary>Takes over a state that a checkpoint holds.</summary>
    /// <param name="weights">Tensor by name; null when the checkpoint has none of that name. The callee disposes what it gets.</param>
    /// <param name="optimizer">Likewise, for NAME.SLOT.</param>
    /// <param name="appliedSteps">Steps that the state holds.</param>
    /// <exception cref="TaskException">A tensor is missing or has another shape.</exception>
    public void Load(Func<string, Tensor?> weights, Func<string, Tensor?>? optimizer, long appliedSteps)
    {
        using var noGrad = no_grad();
        foreach (var (name, target) in _tensors.Trainable.Concat(_tensors.Frozen).Select(pair => (pair.Name, (Tensor)pair.Parameter))
            .Concat(_tensors.Means).Concat(_tensors.Counters).Concat(_tensors.Fixed).Where(pair => IsPersistent(pair.Item1)))
        {
            StateTensors.CopyInto(target, weights(name), name);
        }

        _buffers.Reload();
        if (optimizer is not null)
        {
            foreach (var (slot, values) in _optimizer.Slots)
            {
                foreach (var entry in Layout.Parameters)
                {
                    using var scope = NewDisposeScope();
                    var target = values.narrow(0, entry.Offset - Layout.ParameterOffset, entry.Count).view(entry.Shape.AsSpan().ToArray());
                    StateTensors.CopyInto(target, optimizer($"{entry.Name}.{slot}"), $"{entry.Name}.{slot}");
                }
            }
        }

        AppliedSteps = appliedSteps;
    }

    /// <summary>The state as one piece of memory, by which a worker takes over another's.</summary>
    public StateImage Image => new([
        _flatParameters, .. _optimizer.Slots.Select(slot => slot.Values), .. _tensors.Frozen.Select(pair => (Tensor)pair.Parameter),
        .. _tensors.Means.Concat(_tensors.Counters).Concat(_tensors.Fixed).Select(pair => pair.Buffer)]);

    /// <summary>Takes over the state that another replica's image holds.</summary>
    /// <param name="image">As <see cref="StateImage.CopyTo"/> of a replica of the same job left it.</param>
    /// <param name="appliedSteps">Steps that the state holds.</param>
    public void Load(nint image, long appliedSteps)
    {
        Image.CopyFrom(image);
        _buffers.Reload();
        AppliedSteps = appliedSteps;
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        Pass.Dispose();
        _buffers.Dispose();
        Model.Dispose();
        _scaledGradient?.Dispose();
        _flatParameters.Dispose();
    }

    private StateSnapshot Snapshot(Func<Tensor, Tensor> takeFlat, Func<Tensor, Tensor> take)
    {
        using var noGrad = no_grad();
        var slots = _optimizer.Slots.ToDictionary(slot => slot.Name, slot => takeFlat(slot.Values), StringComparer.Ordinal);
        var loose = _tensors.Frozen.Select(pair => (pair.Name, (Tensor)pair.Parameter))
            .Concat(_tensors.Means).Concat(_tensors.Counters).Concat(_tensors.Fixed)
            .Where(pair => IsPersistent(pair.Item1))
            .Select(pair => (pair.Item1, take(pair.Item2)));
        return new StateSnapshot(AppliedSteps, Layout, takeFlat(_flatParameters), slots, [.. loose]);
    }

    private bool IsPersistent(string name) => _persistent.Contains(name);
}

/// <summary>What a step's update tells.</summary>
/// <param name="Loss">Mean loss of the step's batch per target, before the update.</param>
/// <param name="GradientNorm">Global norm before clipping; 0 when the job does not clip.</param>
/// <param name="LearningRate">Of the step.</param>
public readonly record struct UpdateResult(double Loss, double GradientNorm, double LearningRate);
