using TorchSharp.Modules;
using TorchSharp.Tests.Support;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharp.Tests;

/// <summary>Models written as TorchSharp's users write them.</summary>
public sealed class ModelTests
{
    private sealed class WithBuffer : Module<Tensor, Tensor>
    {
        [ComponentName(Name = "gain")]
        private readonly Parameter weight = new(ones(3));
        private readonly Tensor offset = zeros(3);

        public WithBuffer() : base(nameof(WithBuffer))
        {
            RegisterComponents();
            register_buffer("scratch", zeros(1), persistent: false);
        }

        public Linear Layer { get; } = Linear(3, 3);

        public override Tensor forward(Tensor input) => input * weight + offset;
    }

    private sealed class WithProperty : Module<Tensor, Tensor>
    {
        public WithProperty() : base(nameof(WithProperty)) => RegisterComponents();

        public Linear Layer { get; } = Linear(2, 2);

        public override Tensor forward(Tensor input) => Layer.call(input);
    }

    [Fact]
    public void NamedParameters_OfFields_HaveTheFieldsNames()
    {
        using var model = new Mlp();

        Assert.Equal(["first.weight", "first.bias", "second.weight", "second.bias"], model.named_parameters().Select(item => item.name));
    }

    [Fact]
    public void NamedParameters_OfSequentialAndModuleList_HaveNumbers()
    {
        using var model = new TinyGpt(layers: 2);

        var names = model.named_parameters().Select(item => item.name).ToArray();

        Assert.Contains("blocks.1.mlp.2.weight", names);
        Assert.Equal(["blocks.0.mask", "blocks.1.mask"], model.named_buffers().Select(item => item.name));
    }

    [Fact]
    public void StateDict_OfTransientBuffer_LeavesItOut()
    {
        using var model = new WithBuffer();

        Assert.Equal(["Layer.bias", "Layer.weight", "gain", "offset"], model.state_dict().Keys.Order(StringComparer.Ordinal));
        Assert.True(model.has_buffer("scratch"));
    }

    [Fact]
    public void RegisterComponents_OfAutomaticProperty_UsesItsName()
    {
        using var model = new WithProperty();

        Assert.Equal(["Layer.weight", "Layer.bias"], model.named_parameters().Select(item => item.name));
    }

    [Fact]
    public void LoadStateDict_OfAnotherModel_CopiesValuesInPlace()
    {
        using var scope = NewDisposeScope();
        using var from = new Mlp();
        using var to = new Mlp();
        var weight = to.get_parameter("first.weight")!;
        var pointer = weight.DataPointer;

        to.load_state_dict(from.state_dict());

        Assert.True(weight.equal(from.get_parameter("first.weight")!));
        Assert.Equal(pointer, weight.DataPointer);
    }

    [Fact]
    public void LoadStateDict_WithOtherNames_NamesThem()
    {
        using var model = new Mlp();
        var state = model.state_dict();
        state.Remove("first.bias");
        state["third.bias"] = model.get_parameter("second.bias")!;

        var error = Assert.Throws<InvalidOperationException>(() => model.load_state_dict(state));

        Assert.Equal("The state does not fit Mlp. Missing: first.bias. Not known: third.bias.", error.Message);
    }

    [Fact]
    public void To_Double_KeepsParametersAndConvertsGradients()
    {
        using var scope = NewDisposeScope();
        using var model = new Mlp();
        var weight = model.get_parameter("first.weight")!;
        model.call(randn(2, 4)).sum().backward();

        model.to(ScalarType.Float64);

        Assert.Same(weight, model.get_parameter("first.weight"));
        Assert.Equal((ScalarType.Float64, ScalarType.Float64), (weight.dtype, weight.grad!.dtype));
        Assert.True(weight.is_leaf);
        model.call(randn(2, 4, ScalarType.Float64)).sum().backward();
    }

    [Fact]
    public void To_Cuda_WithoutADevice_SaysSo()
    {
        Assert.SkipWhen(torch.cuda.is_available(), "This machine has a CUDA device.");
        using var model = new Mlp();

        var error = Assert.Throws<InvalidOperationException>(() => model.to(DeviceType.CUDA));

        Assert.Contains("no CUDA device is available", error.Message);
    }

    [Fact]
    public void Eval_OfBatchNormAndDropout_ChangesNothing()
    {
        using var scope = NewDisposeScope();
        using var model = new Cnn();
        var images = randn(4, 1, 28, 28);
        model.call(images);
        model.eval();
        var before = model.get_buffer("layers.norm1.running_mean")!.clone();

        var first = model.call(images);
        var second = model.call(images);

        Assert.True(first.equal(second));
        Assert.True(before.equal(model.get_buffer("layers.norm1.running_mean")!));
        Assert.Equal(1, model.get_buffer("layers.norm1.num_batches_tracked")!.item<long>());
    }

    [Fact]
    public void Call_WithHooks_RunsThem()
    {
        using var scope = NewDisposeScope();
        using var layer = Linear(2, 2);
        var pre = layer.register_forward_pre_hook((_, input) => input * 0);
        layer.register_forward_hook((_, _, output) => output + 100);

        Assert.True(layer.call(ones(1, 2)).allclose(layer.bias! + 100));
        pre.remove();
        Assert.False(layer.call(ones(1, 2)).allclose(layer.bias! + 100));
    }

    [Fact]
    public void Dispose_OfAModel_FreesEveryTensor()
    {
        var before = LiveTensors.Count();

        new TinyGpt().Dispose();

        Assert.Equal(before, LiveTensors.Count());
    }

    [Fact]
    public void ModuleList_ChangedInPlace_RenumbersItsModules()
    {
        using var list = ModuleList(Linear(1, 1), Linear(2, 2));

        list.Insert(0, Linear(3, 3));

        Assert.Equal(["0.weight", "0.bias", "1.weight", "1.bias", "2.weight", "2.bias"], list.named_parameters().Select(item => item.name));
        Assert.Equal(3, list[0].in_features);
    }

    [Fact]
    public void DefaultInitialisation_WithOneSeed_IsPyTorchsBits()
    {
        using var scope = NewDisposeScope();
        manual_seed(17);
        var tensors = new[]
        {
            Linear(5, 3).weight, Linear(5, 3).bias!, Conv2d(2, 4, 3).weight, Conv2d(2, 4, 3).bias!, Embedding(6, 3).weight,
            nn.init.kaiming_normal_(empty(4, 6)), nn.init.xavier_uniform_(empty(4, 6)), nn.init.xavier_normal_(empty(4, 6)),
        };

        var expected = Python.Numbers("""
            torch.manual_seed(17)
            from torch.nn import Linear, Conv2d, Embedding, init
            made = [Linear(5, 3).weight, Linear(5, 3).bias, Conv2d(2, 4, 3).weight, Conv2d(2, 4, 3).bias, Embedding(6, 3).weight,
                    init.kaiming_normal_(torch.empty(4, 6)), init.xavier_uniform_(torch.empty(4, 6)), init.xavier_normal_(torch.empty(4, 6))]
            for t in made:
                print(*[repr(x) for x in t.detach().flatten().tolist()])
            """);

        Assert.Equal(expected, tensors.Select(tensor => tensor.detach().data<float>().Select(value => (double)value).ToArray()));
    }
}
