using static TorchSharp.torch;

namespace TorchSharp.Modules;

public sealed class ReLU : nn.Module<Tensor, Tensor>
{
    private readonly bool inplace;

    internal ReLU(bool inplace) : base(nameof(ReLU))
    {
        this.inplace = inplace;
    }

    public override Tensor forward(Tensor tensor) => nn.functional.relu(tensor, inplace);
}

public sealed class SiLU : nn.Module<Tensor, Tensor>
{
    private readonly bool inplace;

    internal SiLU(bool inplace) : base(nameof(SiLU))
    {
        this.inplace = inplace;
    }

    public override Tensor forward(Tensor tensor) => nn.functional.silu(tensor, inplace);
}

public sealed class Sigmoid : nn.Module<Tensor, Tensor>
{
    internal Sigmoid() : base(nameof(Sigmoid))
    {
    }

    public override Tensor forward(Tensor tensor) => tensor.sigmoid();
}

public sealed class Tanh : nn.Module<Tensor, Tensor>
{
    internal Tanh() : base(nameof(Tanh))
    {
    }

    public override Tensor forward(Tensor tensor) => tensor.tanh();
}

public sealed class LeakyReLU : nn.Module<Tensor, Tensor>
{
    private readonly double negative_slope;
    private readonly bool inplace;

    internal LeakyReLU(double negative_slope, bool inplace) : base(nameof(LeakyReLU))
    {
        this.negative_slope = negative_slope;
        this.inplace = inplace;
    }

    public override Tensor forward(Tensor tensor) => nn.functional.leaky_relu(tensor, negative_slope, inplace);
}

public sealed class ELU : nn.Module<Tensor, Tensor>
{
    private readonly double alpha;

    internal ELU(double alpha) : base(nameof(ELU))
    {
        this.alpha = alpha;
    }

    public override Tensor forward(Tensor tensor) => nn.functional.elu(tensor, alpha);
}

public sealed class Softplus : nn.Module<Tensor, Tensor>
{
    private readonly double beta;
    private readonly double threshold;

    internal Softplus(double beta, double threshold) : base(nameof(Softplus))
    {
        this.beta = beta;
        this.threshold = threshold;
    }

    public override Tensor forward(Tensor tensor) => nn.functional.softplus(tensor, beta, threshold);
}

public sealed class Softmax : nn.Module<Tensor, Tensor>
{
    private readonly long dim;

    internal Softmax(long dim) : base(nameof(Softmax))
    {
        this.dim = dim;
    }

    public override Tensor forward(Tensor tensor) => tensor.softmax(dim);
}

public sealed class LogSoftmax : nn.Module<Tensor, Tensor>
{
    private readonly long dim;

    internal LogSoftmax(long dim) : base(nameof(LogSoftmax))
    {
        this.dim = dim;
    }

    public override Tensor forward(Tensor tensor) => tensor.log_softmax(dim);
}

public sealed class Identity : nn.Module<Tensor, Tensor>
{
    internal Identity() : base(nameof(Identity))
    {
    }

    public override Tensor forward(Tensor tensor) => tensor.alias();
}

public sealed class Flatten : nn.Module<Tensor, Tensor>
{
    private readonly long start_dim;
    private readonly long end_dim;

    internal Flatten(long start_dim, long end_dim) : base(nameof(Flatten))
    {
        this.start_dim = start_dim;
        this.end_dim = end_dim;
    }

    public override Tensor forward(Tensor tensor) => tensor.flatten(start_dim, end_dim);
}

/// <summary>Gaussian error linear unit; <c>none</c> is the exact one.</summary>
public sealed class GELU : nn.Module<Tensor, Tensor>
{
    private readonly Approximate approximate;

    internal GELU(Approximate approximate) : base(nameof(GELU)) => this.approximate = approximate;

    public enum Approximate
    {
        none,
        tanh,
    }

    public override Tensor forward(Tensor tensor) => nn.functional.gelu(tensor, approximate);
}

/// <summary>Zeroes elements with probability p in training, and scales the others by 1 / (1 - p).</summary>
public sealed class Dropout : nn.Module<Tensor, Tensor>
{
    private readonly double p;
    private readonly bool inplace;

    internal Dropout(double p, bool inplace) : base(nameof(Dropout))
    {
        this.p = p is >= 0 and <= 1 ? p : throw new ArgumentOutOfRangeException(nameof(p), p, "A dropout probability lies between 0 and 1.");
        this.inplace = inplace;
    }

    public override Tensor forward(Tensor input) => nn.functional.dropout(input, p, training, inplace);
}
