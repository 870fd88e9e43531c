using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>What one- and two-dimensional convolutions share; weight <c>[out, in / groups, kernel...]</c>.</summary>
public abstract class Convolution : nn.Module<Tensor, Tensor>
{
    protected readonly long[] stride;
    protected readonly long[] padding;
    protected readonly long[] dilation;

    private protected Convolution(string name, long in_channels, long out_channels, long[] kernel_size, long[] stride, long[] padding,
        long[] dilation, PaddingModes padding_mode, long groups, bool bias, Device? device, ScalarType? dtype) : base(name)
    {
        if (padding_mode != PaddingModes.Zeros)
        {
            throw new ArgumentException($"{name} with padding mode {padding_mode} is not offered here. Use Zeros, or pad the input first.");
        }
        if (groups <= 0 || in_channels % groups != 0 || out_channels % groups != 0)
        {
            throw new ArgumentException($"{name}: {in_channels} input and {out_channels} output channels cannot be divided into {groups} groups.");
        }
        this.in_channels = in_channels;
        this.out_channels = out_channels;
        this.kernel_size = kernel_size;
        this.stride = stride;
        this.padding = padding;
        this.dilation = dilation;
        this.groups = groups;
        weight = new Parameter(empty([out_channels, in_channels / groups, .. kernel_size], dtype, device));
        DefaultInitialisation.Weight(weight);
        register_parameter("weight", weight);
        if (bias)
        {
            this.bias = new Parameter(empty(out_channels, dtype, device));
            DefaultInitialisation.Bias(this.bias, weight.NumberOfElements / Math.Max(out_channels, 1));
            register_parameter("bias", this.bias);
        }
    }

    public long in_channels { get; }

    public long out_channels { get; }

    public long[] kernel_size { get; }

    public long groups { get; }

    public Parameter weight { get; }

    public Parameter? bias { get; }
}

public sealed class Conv1d : Convolution
{
    internal Conv1d(long in_channels, long out_channels, long kernel_size, long stride, long padding, long dilation,
        PaddingModes padding_mode, long groups, bool bias, Device? device, ScalarType? dtype)
        : base(nameof(Conv1d), in_channels, out_channels, [kernel_size], [stride], [padding], [dilation], padding_mode, groups, bias, device, dtype)
    {
    }

    public override Tensor forward(Tensor input) =>
        nn.functional.conv1d(input, weight, bias, stride[0], padding[0], dilation[0], groups);
}

public sealed class Conv2d : Convolution
{
    internal Conv2d(long in_channels, long out_channels, long[] kernel_size, long[] stride, long[] padding, long[] dilation,
        PaddingModes padding_mode, long groups, bool bias, Device? device, ScalarType? dtype)
        : base(nameof(Conv2d), in_channels, out_channels, kernel_size, stride, padding, dilation, padding_mode, groups, bias, device, dtype)
    {
    }

    public override Tensor forward(Tensor input) => nn.functional.conv2d(input, weight, bias, stride, padding, dilation, groups);
}
