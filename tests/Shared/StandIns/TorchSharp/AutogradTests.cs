using System.Runtime.InteropServices;
using TorchSharp.Extensions;
using TorchSharp.Modules;
using TorchSharp.Tests.Support;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharp.Tests;

/// <summary>Gradients, their places and the hooks on them.</summary>
public sealed class AutogradTests
{
    [Fact]
    public void Backward_OfAGpt_AgreesWithDifferences()
    {
        using var scope = NewDisposeScope();
        manual_seed(8);
        using var model = new TinyGpt(width: 8, heads: 2, layers: 1, context: 5, dropout: 0).to(ScalarType.Float64);
        var tokens = randint(64, [2, 5]);
        var targets = randint(64, [10]);
        Tensor Loss() => F.cross_entropy(model.call(tokens).view(-1, 64), targets);
        Loss().backward();

        foreach (var (name, parameter) in model.named_parameters())
        {
            var gradient = parameter.grad!.view(-1);
            using var _ = no_grad();
            var values = parameter.view(-1);
            var at = values.numel() / 2;
            const double Step = 1e-5;
            values[at] += Step;
            var above = Loss().ToDouble();
            values[at] -= 2 * Step;
            var below = Loss().ToDouble();
            values[at] += Step;
            var slope = (above - below) / (2 * Step);
            Assert.True(Math.Abs(slope - gradient[at].ToDouble()) < 1e-7, $"{name}: {gradient[at].ToDouble()} instead of {slope}");
        }
    }

    [Fact]
    public void Grad_OfAnOutput_GivesGradientsWithoutTouchingLeaves()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new[] { 1f, 2f, 3f }, requires_grad: true);
        var unused = ones(1, requires_grad: true);

        var gradients = autograd.grad([(x * x).sum()], [x, unused], allow_unused: true);

        Assert.Equal([2f, 4f, 6f], gradients[0].data<float>());
        Assert.Null(gradients[1]);
        Assert.Null(x.grad);
    }

    [Fact]
    public void Backward_WithViewsAsGrads_AddsIntoTheFlatTensor()
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        using var model = new Mlp();
        var input = randn(6, 4);
        model.call(input).square().sum().backward();
        var expected = cat(model.parameters().Select(parameter => parameter.grad!.flatten()).ToArray());
        var flat = zeros(expected.numel());
        var offset = 0L;
        foreach (var parameter in model.parameters())
        {
            parameter.grad = flat.narrow(0, offset, parameter.numel()).view(parameter.shape);
            offset += parameter.numel();
        }

        model.call(input).square().sum().backward();

        Assert.True(flat.equal(expected));
        model.call(input).square().sum().backward();
        Assert.True(flat.equal(expected * 2));
    }

    [Fact]
    public void Parameters_AsViewsOfOneFlatTensor_TrainAsBefore()
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        using var model = new Mlp();
        var input = randn(6, 4);
        var expected = model.call(input);
        var flat = zeros(model.parameters().Sum(parameter => parameter.numel()));
        var offset = 0L;
        using (no_grad())
        {
            foreach (var parameter in model.parameters())
            {
                var view = flat.narrow(0, offset, parameter.numel()).view(parameter.shape);
                view.copy_(parameter);
                FlatViews.SetData(parameter, view);
                offset += parameter.numel();
            }
        }

        Assert.True(model.call(input).equal(expected));
        Assert.All(model.parameters(), parameter => Assert.True(parameter.is_leaf && parameter.requires_grad));
        using (no_grad())
        {
            flat.zero_();
        }
        Assert.Equal(0, model.call(input).abs().sum().item<float>());
    }

    [Fact]
    public void GradientHook_OnEveryParameter_RunsOnceWithTheFinalGradient()
    {
        using var scope = NewDisposeScope();
        using var model = new Mlp();
        var seen = new List<(string Name, float Sum)>();
        var hooks = model.named_parameters().ToArray().Select(item =>
            new GradientHook(item.parameter, parameter => seen.Add((item.name, parameter.grad!.sum().item<float>())))).ToArray();
        var input = randn(6, 4);

        // Used twice in one graph: the hook must wait for the sum.
        (model.call(input) + model.call(input * 2)).sum().backward();

        Assert.Equal(model.named_parameters().Select(item => (item.name, item.parameter.grad!.sum().item<float>())).Order(), seen.Order());
        Assert.StartsWith("second", seen[0].Name);
        foreach (var hook in hooks)
        {
            hook.Dispose();
        }
        model.call(input).sum().backward();
        Assert.Equal(4, seen.Count);
    }

    [Fact]
    public void GradientHook_ThatThrows_EndsTheBackwardPass()
    {
        using var scope = NewDisposeScope();
        using var model = new Mlp();
        using var hook = new GradientHook(model.get_parameter("first.bias")!, _ => throw new TimeoutException("the peer is gone"));

        Assert.Throws<ExternalException>(() => model.call(randn(2, 4)).sum().backward());

        Assert.Equal("the peer is gone", Assert.Throws<TimeoutException>(hook.ThrowIfFailed).Message);
    }

    [Fact]
    public void GradientHook_OfATensorWithoutGradient_IsRefused()
    {
        using var parameter = new Parameter(ones(1), requires_grad: false);

        Assert.Contains("needs a leaf that requires a gradient", Assert.Throws<ExternalException>(() => new GradientHook(parameter, _ => { })).Message);
    }

    [Fact]
    public void NoGrad_OnOneThread_LeavesTheOthersAlone()
    {
        using var _ = no_grad();
        var elsewhere = false;

        var thread = new Thread(() => elsewhere = is_grad_enabled());
        thread.Start();
        thread.Join();

        Assert.Equal((false, true), (is_grad_enabled(), elsewhere));
        using (enable_grad())
        {
            Assert.True(is_grad_enabled());
        }
        Assert.False(is_grad_enabled());
    }

    [Fact]
    public void InferenceMode_WhileOpen_RecordsNoGraph()
    {
        using var scope = NewDisposeScope();
        var x = ones(1, requires_grad: true);

        using (inference_mode())
        {
            Assert.True(is_inference_mode_enabled());
            Assert.False((x * 2).requires_grad);
        }

        Assert.True((x * 2).requires_grad);
    }

    [Fact]
    public void Backward_Twice_SaysWhatPyTorchSays()
    {
        using var scope = NewDisposeScope();
        var x = ones(1, requires_grad: true);
        var y = (x * x).sum();
        y.backward();

        Assert.Contains("Trying to backward through the graph a second time", Assert.Throws<ExternalException>(() => y.backward()).Message);
    }

    [Fact]
    public void Grad_OfAnotherShape_IsRefused()
    {
        using var scope = NewDisposeScope();
        var x = ones(2, requires_grad: true);

        Assert.Contains("A gradient of shape [3] cannot be set", Assert.Throws<ExternalException>(() => x.grad = ones(3)).Message);
    }

    [Fact]
    public void ClipGradNorm_AboveTheLimit_ScalesAllGradients()
    {
        using var scope = NewDisposeScope();
        var first = new Parameter(zeros(2)) { grad = tensor(new[] { 3f, 0f }) };
        var second = new Parameter(zeros(1)) { grad = tensor(new[] { 4f }) };

        var norm = nn.utils.clip_grad_norm_([first, second], 1.0);

        Assert.Equal(5, norm, 5);
        Assert.Equal(0.6, first.grad![0].ToDouble(), 5);
        Assert.Equal(0.8, second.grad!.ToDouble(), 5);
        first.Dispose();
        second.Dispose();
    }
}
