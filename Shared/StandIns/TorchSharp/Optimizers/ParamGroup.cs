using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace TorchSharp.Modules;

/// <summary>Parameters that share options.</summary>
public class ParamGroup : ILearningRateController
{
    public IEnumerable<Parameter> Parameters { get; set; } = [];

    public OptimizerOptions? Options { get; set; }

    public double LearningRate
    {
        get => Options?.LearningRate ?? throw new InvalidOperationException("The group has no options before it is added to an optimizer.");
        set => (Options ?? throw new InvalidOperationException("The group has no options before it is added to an optimizer.")).LearningRate = value;
    }

    public double InitialLearningRate
    {
        get => Options?.InitialLearningRate ?? 0;
        set => (Options ?? throw new InvalidOperationException("The group has no options before it is added to an optimizer.")).InitialLearningRate = value;
    }
}

public class ParamGroup<TOptions> : ParamGroup where TOptions : OptimizerOptions
{
    public ParamGroup()
    {
    }

    public ParamGroup(IEnumerable<Parameter> parameters, TOptions? options = null)
    {
        Parameters = parameters;
        base.Options = options;
    }

    public new TOptions? Options
    {
        get => (TOptions?)base.Options;
        set => base.Options = value;
    }
}

/// <summary>The numbers of a group; what is null is taken from the optimizer's own.</summary>
public class OptimizerOptions
{
    public double? LearningRate { get; set; }

    public double InitialLearningRate { get; set; }

    public virtual void LoadStateDict(OptimizerOptions source)
    {
        InitialLearningRate = source.InitialLearningRate;
        LearningRate = source.LearningRate;
    }
}

/// <summary>What an optimizer remembers of one parameter. Its tensors belong to the optimizer.</summary>
public abstract class OptimizerState(Parameter parameter) : IDisposable
{
    protected readonly Parameter _parameter = parameter;

    /// <summary>Sets the state to that of a parameter which has not been updated.</summary>
    public abstract void Initialize(OptimizerOptions options);

    /// <summary>Copies the values of another state of the same kind.</summary>
    public abstract void LoadStateDict(OptimizerState source);

    public virtual void to(Device device)
    {
    }

    public virtual bool ApproximatelyEquals(OptimizerState other) => false;

    public abstract void Dispose();

    /// <summary>Room for intermediate values, so that a step allocates nothing; made at first use.</summary>
    internal Tensor Scratch => scratch ??= empty_like(_parameter).DetachFromDisposeScope();

    private protected static Tensor Zeros(Parameter parameter)
    {
        using var _ = no_grad();
        return zeros_like(parameter).DetachFromDisposeScope();
    }

    private protected static void Copy(Tensor? source, ref Tensor? target, Parameter parameter)
    {
        if (source is null)
        {
            target?.Dispose();
            target = null;
            return;
        }
        using var _ = no_grad();
        target ??= Zeros(parameter);
        if (!source.shape.AsSpan().SequenceEqual(target.shape))
        {
            throw new InvalidOperationException($"An optimizer state of shape [{string.Join(", ", source.shape)}] does not fit a parameter of shape " +
                $"[{string.Join(", ", target.shape)}].");
        }
        target.copy_(source);
    }

    private protected static void Move(Tensor? tensor, Device device)
    {
        if (tensor is not null && tensor.device != device)
        {
            using var _ = no_grad();
            tensor.TakeOver(tensor.to(device));
        }
    }

    private protected static bool Close(Tensor? left, Tensor? right) =>
        left is null || right is null ? left is null && right is null : left.allclose(right);

    private protected void DisposeAll(params ReadOnlySpan<Tensor?> tensors)
    {
        scratch?.Dispose();
        scratch = null;
        foreach (var tensor in tensors)
        {
            tensor?.Dispose();
        }
    }

    private Tensor? scratch;
}
