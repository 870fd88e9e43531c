using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Normalises over the last dimensions, which are <c>normalized_shape</c>.</summary>
public class LayerNorm : nn.Module<Tensor, Tensor>
{
    private readonly long[] normalizedShape;
    private readonly double eps;

    internal LayerNorm(long[] normalized_shape, double eps, bool elementwise_affine, bool bias, Device? device, ScalarType? dtype)
        : base(nameof(LayerNorm))
    {
        normalizedShape = normalized_shape;
        this.eps = eps;
        if (elementwise_affine)
        {
            weight = new Parameter(ones(normalized_shape, dtype, device));
            register_parameter("weight", weight);
        }
        if (elementwise_affine && bias)
        {
            this.bias = new Parameter(zeros(normalized_shape, dtype, device));
            register_parameter("bias", this.bias);
        }
    }

    public Parameter? weight { get; }

    public Parameter? bias { get; }

    public override Tensor forward(Tensor tensor) => nn.functional.layer_norm(tensor, normalizedShape, weight, bias, eps);
}

public class GroupNorm : nn.Module<Tensor, Tensor>
{
    private readonly long groups;
    private readonly double eps;

    internal GroupNorm(long num_groups, long num_channels, double eps, bool affine, Device? device, ScalarType? dtype) : base(nameof(GroupNorm))
    {
        groups = num_groups;
        this.eps = eps;
        if (affine)
        {
            weight = new Parameter(ones(num_channels, dtype, device));
            bias = new Parameter(zeros(num_channels, dtype, device));
            register_parameter("weight", weight);
            register_parameter("bias", bias);
        }
    }

    public Parameter? weight { get; }

    public Parameter? bias { get; }

    public override Tensor forward(Tensor tensor) => nn.functional.group_norm(tensor, groups, weight, bias, eps);
}

/// <summary>
/// Batch statistics in training, running statistics otherwise. The buffers running_mean, running_var and num_batches_tracked change
/// with every forward pass in training mode.
/// </summary>
public abstract class BatchNorm : nn.Module<Tensor, Tensor>
{
    private readonly double eps;
    private readonly double? momentum;

    private protected BatchNorm(string name, long features, double eps, double? momentum, bool affine, bool track_running_stats,
        Device? device, ScalarType? dtype) : base(name)
    {
        this.eps = eps;
        this.momentum = momentum;
        if (affine)
        {
            weight = new Parameter(ones(features, dtype, device));
            bias = new Parameter(zeros(features, dtype, device));
            register_parameter("weight", weight);
            register_parameter("bias", bias);
        }
        if (track_running_stats)
        {
            running_mean = zeros(features, dtype, device);
            running_var = ones(features, dtype, device);
            num_batches_tracked = zeros([], ScalarType.Int64, device);
            register_buffer("running_mean", running_mean);
            register_buffer("running_var", running_var);
            register_buffer("num_batches_tracked", num_batches_tracked);
        }
    }

    public Parameter? weight { get; }

    public Parameter? bias { get; }

    public Tensor? running_mean { get; }

    public Tensor? running_var { get; }

    public Tensor? num_batches_tracked { get; }

    public override Tensor forward(Tensor input)
    {
        CheckDimensions(input);
        var tracks = training && num_batches_tracked is not null;
        if (tracks)
        {
            using var _ = no_grad();
            num_batches_tracked!.add_(1);
        }
        // Without a momentum the running statistics are plain averages of all batches.
        var factor = momentum ?? (tracks ? 1.0 / num_batches_tracked!.ToInt64() : 0.0);
        return nn.functional.batch_norm(input, running_mean, running_var, weight, bias, training || running_mean is null, factor, eps);
    }

    public void reset_running_stats()
    {
        using var _ = no_grad();
        running_mean?.zero_();
        running_var?.fill_(1);
        num_batches_tracked?.zero_();
    }

    private protected abstract void CheckDimensions(Tensor input);
}

public sealed class BatchNorm1d : BatchNorm
{
    internal BatchNorm1d(long features, double eps, double? momentum, bool affine, bool track_running_stats, Device? device, ScalarType? dtype)
        : base(nameof(BatchNorm1d), features, eps, momentum, affine, track_running_stats, device, dtype)
    {
    }

    private protected override void CheckDimensions(Tensor input)
    {
        if (input.Dimensions is not (2 or 3))
        {
            throw new ArgumentException($"BatchNorm1d needs an input of 2 or 3 dimensions; it has {input.Dimensions}.");
        }
    }
}

public sealed class BatchNorm2d : BatchNorm
{
    internal BatchNorm2d(long features, double eps, double? momentum, bool affine, bool track_running_stats, Device? device, ScalarType? dtype)
        : base(nameof(BatchNorm2d), features, eps, momentum, affine, track_running_stats, device, dtype)
    {
    }

    private protected override void CheckDimensions(Tensor input)
    {
        if (input.Dimensions != 4)
        {
            throw new ArgumentException($"BatchNorm2d needs an input of 4 dimensions; it has {input.Dimensions}.");
        }
    }
}
