using static TorchSharp.torch;

namespace TorchSharp.Modules;

public sealed class MaxPool2d : nn.Module<Tensor, Tensor>
{
    private readonly long[] kernelSize;
    private readonly long[]? stride;
    private readonly long[]? padding;
    private readonly long[]? dilation;
    private readonly bool ceilMode;

    internal MaxPool2d(long[] kernel_size, long[]? stride, long[]? padding, long[]? dilation, bool ceil_mode) : base(nameof(MaxPool2d))
    {
        kernelSize = kernel_size;
        this.stride = stride;
        this.padding = padding;
        this.dilation = dilation;
        ceilMode = ceil_mode;
    }

    public override Tensor forward(Tensor tensor) => nn.functional.max_pool2d(tensor, kernelSize, stride, padding, dilation, ceilMode);
}

public sealed class AvgPool2d : nn.Module<Tensor, Tensor>
{
    private readonly long[] kernelSize;
    private readonly long[]? stride;
    private readonly long[]? padding;
    private readonly bool ceilMode;
    private readonly bool countIncludePad;

    internal AvgPool2d(long[] kernel_size, long[]? stride, long[]? padding, bool ceil_mode, bool count_include_pad) : base(nameof(AvgPool2d))
    {
        kernelSize = kernel_size;
        this.stride = stride;
        this.padding = padding;
        ceilMode = ceil_mode;
        countIncludePad = count_include_pad;
    }

    public override Tensor forward(Tensor tensor) => nn.functional.avg_pool2d(tensor, kernelSize, stride, padding, ceilMode, countIncludePad);
}

public sealed class AdaptiveAvgPool2d : nn.Module<Tensor, Tensor>
{
    private readonly long[] outputSize;

    internal AdaptiveAvgPool2d(long[] output_size) : base(nameof(AdaptiveAvgPool2d)) => outputSize = output_size;

    public override Tensor forward(Tensor tensor) => nn.functional.adaptive_avg_pool2d(tensor, outputSize);
}
