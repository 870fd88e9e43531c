using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharp.Tests;

/// <summary>Models written as TorchSharp's users write them.</summary>
public sealed class ModelTests
{
    private sealed class Mlp : Module<Tensor, Tensor>
    {
        private readonly Linear first = Linear(4, 8);
        private readonly Module<Tensor, Tensor> activation = ReLU();
        private readonly Linear second = Linear(8, 3);

        public Mlp() : base(nameof(Mlp)) => RegisterComponents();

        public override Tensor forward(Tensor input)
        {
            using var hidden = first.call(input);
            using var active = activation.call(hidden);
            return second.call(active);
        }
    }

    [Fact]
    public void NamedParameters_OfFields_HaveTheFieldsNames()
    {
        using var model = new Mlp();

        Assert.Equal(["first.weight", "first.bias", "second.weight", "second.bias"], model.named_parameters().Select(item => item.name));
    }

    [Fact]
    public void Backward_OfAnMlp_FillsEveryGradient()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        using var model = new Mlp();

        functional.cross_entropy(model.call(randn(5, 4)), tensor(new long[] { 0, 1, 2, 1, 0 })).backward();

        Assert.All(model.parameters(), parameter => Assert.True(parameter.grad!.abs().sum().ToSingle() > 0));
    }
}
