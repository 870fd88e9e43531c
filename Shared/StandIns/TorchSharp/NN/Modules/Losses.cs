using static TorchSharp.torch;

namespace TorchSharp.Modules;

public sealed class CrossEntropyLoss : WeightedLoss<Tensor, Tensor, Tensor>
{
    private readonly long? ignore_index;
    private readonly double label_smoothing;

    internal CrossEntropyLoss(Tensor? weight, long? ignore_index, nn.Reduction reduction, double label_smoothing) : base(weight, reduction)
    {
        this.ignore_index = ignore_index;
        this.label_smoothing = label_smoothing;
    }

    public override Tensor forward(Tensor input, Tensor target) =>
        nn.functional.cross_entropy(input, target, weight, ignore_index ?? -100, reduction, label_smoothing);
}

public sealed class NLLLoss : WeightedLoss<Tensor, Tensor, Tensor>
{
    internal NLLLoss(Tensor? weight, nn.Reduction reduction) : base(weight, reduction)
    {
    }

    public override Tensor forward(Tensor input, Tensor target) =>
        nn.functional.nll_loss(input, target, weight, reduction);
}

public sealed class BCELoss : WeightedLoss<Tensor, Tensor, Tensor>
{
    internal BCELoss(Tensor? weight, nn.Reduction reduction) : base(weight, reduction)
    {
    }

    public override Tensor forward(Tensor input, Tensor target) =>
        nn.functional.binary_cross_entropy(input, target, weight, reduction);
}

public sealed class BCEWithLogitsLoss : WeightedLoss<Tensor, Tensor, Tensor>
{
    private readonly Tensor? pos_weights;

    internal BCEWithLogitsLoss(Tensor? weight, nn.Reduction reduction, Tensor? pos_weights) : base(weight, reduction)
    {
        this.pos_weights = pos_weights;
    }

    public override Tensor forward(Tensor input, Tensor target) =>
        nn.functional.binary_cross_entropy_with_logits(input, target, weight, reduction, pos_weights);
}

public sealed class MSELoss : Loss<Tensor, Tensor, Tensor>
{
    internal MSELoss(nn.Reduction reduction) : base(reduction)
    {
    }

    public override Tensor forward(Tensor input, Tensor target) =>
        nn.functional.mse_loss(input, target, reduction);
}

public sealed class L1Loss : Loss<Tensor, Tensor, Tensor>
{
    internal L1Loss(nn.Reduction reduction) : base(reduction)
    {
    }

    public override Tensor forward(Tensor input, Tensor target) =>
        nn.functional.l1_loss(input, target, reduction);
}

public sealed class HuberLoss : Loss<Tensor, Tensor, Tensor>
{
    private readonly double delta;

    internal HuberLoss(double delta, nn.Reduction reduction) : base(reduction)
    {
        this.delta = delta;
    }

    public override Tensor forward(Tensor input, Tensor target) =>
        nn.functional.huber_loss(input, target, delta, reduction);
}

public sealed class SmoothL1Loss : Loss<Tensor, Tensor, Tensor>
{
    private readonly double beta;

    internal SmoothL1Loss(nn.Reduction reduction, double beta) : base(reduction)
    {
        this.beta = beta;
    }

    public override Tensor forward(Tensor input, Tensor target) =>
        nn.functional.smooth_l1_loss(input, target, reduction, beta);
}

public sealed class KLDivLoss : Loss<Tensor, Tensor, Tensor>
{
    private readonly bool log_target;

    internal KLDivLoss(bool log_target, nn.Reduction reduction) : base(reduction)
    {
        this.log_target = log_target;
    }

    public override Tensor forward(Tensor input, Tensor target) =>
        nn.functional.kl_div(input, target, log_target, reduction);
}
