using TorchSharp.Modules;
using TorchSharp.Tests.Support;
using static TorchSharp.torch;

namespace TorchSharp.Tests;

/// <summary>Optimizers against PyTorch's, over the same gradients.</summary>
public sealed class OptimizerTests
{
    private const int Steps = 25;

    private static readonly (string Python, string Kind)[] Configurations =
    [
        ("SGD(p, 0.05)", "sgd"),
        ("SGD(p, 0.05, momentum=0.9, weight_decay=0.01)", "momentum"),
        ("SGD(p, 0.05, momentum=0.9, dampening=0.1)", "dampening"),
        ("SGD(p, 0.05, momentum=0.9, nesterov=True, weight_decay=0.01)", "nesterov"),
        ("SGD(p, 0.05, maximize=True)", "maximize"),
        ("Adam(p, 0.01, weight_decay=0.1)", "adam"),
        ("Adam(p, 0.01, amsgrad=True)", "amsgrad"),
        ("AdamW(p, 0.01, betas=(0.9, 0.95), weight_decay=0.1)", "adamw"),
        ("AdamW(p, 0.01, maximize=True, weight_decay=0.0)", "adamw-maximize"),
        ("RMSprop(p, 0.01)", "rmsprop"),
        ("RMSprop(p, 0.01, alpha=0.9, momentum=0.5, centered=True, weight_decay=0.01)", "rmsprop-centered"),
    ];

    [Fact]
    public void Step_OfEveryOptimizer_AgreesWithPyTorchToRounding()
    {
        using var scope = NewDisposeScope();
        manual_seed(9);
        var start = randn(37);
        var slopes = randn(37);

        var expected = Python.Numbers($"""
            from torch.optim import *
            w = torch.tensor({Python.Literal(slopes.data<float>())})
            for make in [{string.Join(", ", Configurations.Select(item => $"lambda p: {item.Python}"))}]:
                p = torch.nn.Parameter(torch.tensor({Python.Literal(start.data<float>())}))
                o = make([p])
                for i in range({Steps}):
                    o.zero_grad()
                    (p.square() * 0.5 + (p * w).sin()).sum().backward()
                    o.step()
                print(*[repr(v) for v in p.tolist()])
            """);

        foreach (var ((python, kind), numbers) in Configurations.Zip(expected))
        {
            using var parameter = new Parameter(start.clone());
            using var optimizer = Create(kind, parameter);
            for (var i = 0; i < Steps; i++)
            {
                optimizer.zero_grad();
                (parameter.square() * 0.5 + (parameter * slopes).sin()).sum().backward();
                optimizer.step();
            }
            var actual = parameter.detach().data<float>().ToArray();
            Assert.All(Enumerable.Range(0, actual.Length), i =>
                Assert.True(Math.Abs(actual[i] - numbers[i]) <= 1e-6 * Math.Max(1, Math.Abs(numbers[i])), $"{python}: {actual[i]} instead of {numbers[i]}"));
        }
    }

    [Theory]
    [InlineData("momentum")]
    [InlineData("amsgrad")]
    [InlineData("adamw")]
    [InlineData("rmsprop-centered")]
    public void LoadStateDict_IntoAFreshOptimizer_GoesOnWithTheSameBits(string kind)
    {
        using var scope = NewDisposeScope();
        manual_seed(10);
        using var straight = new Parameter(randn(50));
        using var first = Create(kind, straight);
        Train(straight, first, 5);
        using var resumed = new Parameter(straight.detach().clone());
        using var second = Create(kind, resumed);

        second.load_state_dict(first.state_dict());

        Assert.True(first.state_dict().State[0].ApproximatelyEquals(second.state_dict().State[0]));
        Train(straight, first, 5);
        Train(resumed, second, 5);
        Assert.True(straight.equal(resumed));
    }

    [Fact]
    public void ParamGroups_WithTheirOwnOptions_KeepThem()
    {
        using var scope = NewDisposeScope();
        using var decayed = new Parameter(ones(2));
        using var plain = new Parameter(ones(2));
        using var optimizer = optim.AdamW(
            [new AdamW.ParamGroup { Parameters = [decayed], Options = new AdamW.Options { weight_decay = 0.5 } }, new AdamW.ParamGroup { Parameters = [plain] }],
            lr: 0.1, weight_decay: 0);
        foreach (var group in optimizer.ParamGroups)
        {
            group.LearningRate = 0.2;
        }
        decayed.grad = zeros(2);
        plain.grad = zeros(2);

        optimizer.step();

        Assert.Equal(0.9f, decayed[0].item<float>(), 1e-6f);
        Assert.Equal(1f, plain[0].item<float>());
    }

    [Fact]
    public void Step_OfAParameterWithoutGradient_LeavesIt()
    {
        using var parameter = new Parameter(ones(2));
        using var optimizer = optim.Adam([parameter], 0.1);

        optimizer.step();

        Assert.Equal([1f, 1f], parameter.data<float>());
        Assert.Equal(0, ((Adam.State)optimizer.state_dict().State[0]).step);
    }

    [Fact]
    public void Constructor_WithANegativeRate_SaysSo()
    {
        using var parameter = new Parameter(ones(2));

        Assert.Contains("SGD: lr may not be negative", Assert.Throws<ArgumentOutOfRangeException>(() => optim.SGD([parameter], -1)).Message);
    }

    [Fact]
    public void Constructor_WithAParameterTwice_IsRefused()
    {
        using var parameter = new Parameter(ones(2));

        Assert.Contains("in the optimizer twice", Assert.Throws<ArgumentException>(() => optim.SGD([parameter, parameter], 1)).Message);
    }

    private static void Train(Parameter parameter, OptimizerHelper optimizer, int steps)
    {
        for (var i = 0; i < steps; i++)
        {
            optimizer.zero_grad();
            parameter.cos().sum().backward();
            optimizer.step();
        }
    }

    private static OptimizerHelper Create(string kind, Parameter p) => kind switch
    {
        "sgd" => optim.SGD([p], 0.05),
        "momentum" => optim.SGD([p], 0.05, momentum: 0.9, weight_decay: 0.01),
        "dampening" => optim.SGD([p], 0.05, momentum: 0.9, dampening: 0.1),
        "nesterov" => optim.SGD([p], 0.05, momentum: 0.9, nesterov: true, weight_decay: 0.01),
        "maximize" => optim.SGD([p], 0.05, maximize: true),
        "adam" => optim.Adam([p], 0.01, weight_decay: 0.1),
        "amsgrad" => optim.Adam([p], 0.01, amsgrad: true),
        "adamw" => optim.AdamW([p], 0.01, 0.9, 0.95, weight_decay: 0.1),
        "adamw-maximize" => optim.AdamW([p], 0.01, maximize: true, weight_decay: 0),
        "rmsprop" => optim.RMSProp([p], 0.01),
        "rmsprop-centered" => optim.RMSProp([p], 0.01, alpha: 0.9, momentum: 0.5, centered: true, weight_decay: 0.01),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}
