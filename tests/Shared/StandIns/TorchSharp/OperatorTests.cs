using System.Runtime.InteropServices;
using TorchSharp.Extensions;
using TorchSharp.Tests.Support;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharp.Tests;

/// <summary>Operators through the boxed dispatcher, against PyTorch and against known values.</summary>
public sealed class OperatorTests
{
    // One line is all that an operator needs.
    private static readonly Operator Heaviside = new("aten::heaviside");

    /// <summary>Both sides compute over a [2, 3], b [2, 3], c [3, 2], i [4] (whole numbers below 2), x [2, 3, 8, 8], w [4, 3, 3, 3].</summary>
    private static readonly (string Python, Func<Inputs, Tensor> Sharp)[] Cases =
    [
        ("a + 2 * b", t => t.A + 2 * t.B),
        ("3 - a", t => 3 - t.A),
        ("1.5 / (a * a + 1)", t => 1.5 / (t.A * t.A + 1)),
        ("a % 0.75", t => t.A % 0.75),
        ("(a > b).float() - (a <= 0).float()", t => (t.A > t.B).@float() - (t.A <= 0).@float()),
        ("torch.add(a, b, alpha=0.5)", t => t.A.add(t.B, 0.5)),
        ("a.abs().pow(1.5)", t => t.A.abs().pow(1.5)),
        ("a.exp().log1p().sqrt()", t => t.A.exp().log1p().sqrt()),
        ("a.tanh() + a.sigmoid() + a.erf()", t => t.A.tanh() + t.A.sigmoid() + t.A.erf()),
        ("a.clamp(-0.5, 0.5)", t => t.A.clamp(-0.5, 0.5)),
        ("torch.addcmul(a, a, b, value=0.3)", t => t.A.addcmul(t.A, t.B, 0.3)),
        ("torch.addcdiv(a, a, b.abs() + 1, value=0.3)", t => t.A.addcdiv(t.A, t.B.abs() + 1, 0.3)),
        ("torch.lerp(a, b, 0.25)", t => t.A.lerp(t.B, 0.25)),
        ("torch.maximum(a, b) - torch.minimum(a, b)", t => maximum(t.A, t.B) - minimum(t.A, t.B)),
        ("torch.div(a, 0.3, rounding_mode='floor')", t => t.A.div(0.3, RoundingMode.floor)),
        ("a @ c", t => t.A.matmul(t.C)),
        ("torch.einsum('ij,jk->ik', a, c)", t => einsum("ij,jk->ik", t.A, t.C)),
        ("torch.addmm(torch.ones(2, 2), a, c, beta=0.5)", t => ones(2, 2).addmm(t.A, t.C, beta: 0.5f)),
        ("a.sum(1) + b.mean(1)", t => t.A.sum(1) + t.B.mean([1])),
        ("torch.stack([a.max(), a.min(), a.var(), a.std(), a.norm(), a.prod()])",
            t => stack([t.A.max(), t.A.min(), t.A.var(), t.A.std(), t.A.norm(), t.A.prod()])),
        ("a.max(1).values + a.argmax(1)", t => t.A.max(1).values + t.A.argmax(1)),
        ("a.sort(1, True).values - a.cumsum(1)", t => t.A.sort(1, true).Values - t.A.cumsum(1)),
        ("a.topk(2).values", t => t.A.topk(2).values),
        ("a.softmax(-1) + a.log_softmax(0)", t => t.A.softmax(-1) + t.A.log_softmax(0)),
        ("torch.cat([a, b], 1).t().reshape(3, 4).flip(0)", t => cat([t.A, t.B], 1).t().reshape(3, 4).flip(0)),
        ("torch.stack([a, b]).permute(2, 0, 1).unsqueeze(1).squeeze()", t => stack([t.A, t.B]).permute(2, 0, 1).unsqueeze(1).squeeze()),
        ("torch.cat(a.split(2, 1)[::-1], 1) + torch.cat(a.chunk(3, 1), 1)", t => cat(t.A.split(2, 1).Reverse().ToArray(), 1) + cat(t.A.chunk(3, 1), 1)),
        ("a.tril() - a.triu(1)", t => t.A.tril() - t.A.triu(1)),
        ("a.masked_fill(a > 0, -1)", t => t.A.masked_fill(t.A > 0, -1)),
        ("torch.where(a > 0, a, b)", t => where(t.A > 0, t.A, t.B)),
        ("a.index_select(0, i) + a[i]", t => t.A.index_select(0, t.I) + t.A[t.I]),
        ("a.gather(0, i[:3].view(1, 3))", t => t.A.gather(0, t.I[..3].view(1, 3))),
        ("torch.arange(1, 7, 2).float() + torch.linspace(0, 1, 3)", t => arange(1, 7, 2).@float() + linspace(0, 1, 3)),
        ("torch.eye(3)[:2] + torch.full((2, 3), 0.5)", t => eye(3)[..2] + full(2, 3, 0.5)),
        ("F.gelu(a) + F.gelu(b, approximate='tanh')", t => F.gelu(t.A) + F.gelu(t.B, Modules.GELU.Approximate.tanh)),
        ("F.relu(a) + F.silu(b) + F.leaky_relu(a, 0.2) + F.softplus(b)", t => F.relu(t.A) + F.silu(t.B) + F.leaky_relu(t.A, 0.2) + F.softplus(t.B)),
        ("F.layer_norm(a, (3,), b[0], b[1])", t => F.layer_norm(t.A, [3], t.B[0], t.B[1])),
        ("F.linear(a, b, b[:, 0])", t => F.linear(t.A, t.B, t.B[TensorIndex.Colon, 0])),
        ("F.embedding(i, a)", t => F.embedding(t.I, t.A)),
        ("F.one_hot(i, 3).float()", t => F.one_hot(t.I, 3).@float()),
        ("F.conv2d(x, w, stride=2, padding=1)", t => F.conv2d(t.X, t.W, strides: [2, 2], padding: [1, 1])),
        ("F.max_pool2d(x, 2) + F.avg_pool2d(x, 2)", t => F.max_pool2d(t.X, 2) + F.avg_pool2d(t.X, 2)),
        ("F.adaptive_avg_pool2d(x, 1)", t => F.adaptive_avg_pool2d(t.X, 1)),
        ("F.batch_norm(x, None, None, training=True)", t => F.batch_norm(t.X, null, null, training: true)),
        ("F.group_norm(x, 3)", t => F.group_norm(t.X, 3)),
        ("F.pad(a, (1, 2), value=7)", t => F.pad(t.A, [1, 2], value: 7)),
        ("F.cross_entropy(torch.cat([a, b]), i, label_smoothing=0.1)", t => F.cross_entropy(cat([t.A, t.B]), t.I, label_smoothing: 0.1)),
        ("F.cross_entropy(torch.cat([a, b]), i, ignore_index=1, reduction='sum')",
            t => F.cross_entropy(cat([t.A, t.B]), t.I, ignore_index: 1, reduction: nn.Reduction.Sum)),
        ("F.nll_loss(torch.cat([a, b]), i)", t => F.nll_loss(cat([t.A, t.B]), t.I)),
        ("F.mse_loss(a, b) + F.l1_loss(a, b) + F.smooth_l1_loss(a, b) + F.huber_loss(a, b)",
            t => F.mse_loss(t.A, t.B) + F.l1_loss(t.A, t.B) + F.smooth_l1_loss(t.A, t.B) + F.huber_loss(t.A, t.B)),
        ("F.binary_cross_entropy(a.sigmoid(), b.sigmoid())", t => F.binary_cross_entropy(t.A.sigmoid(), t.B.sigmoid())),
        ("F.binary_cross_entropy_with_logits(a, b.sigmoid(), pos_weight=torch.tensor([1., 2., 3.]))",
            t => F.binary_cross_entropy_with_logits(t.A, t.B.sigmoid(), pos_weights: tensor(new[] { 1f, 2f, 3f }))),
    ];

    private sealed record Inputs(Tensor A, Tensor B, Tensor C, Tensor I, Tensor X, Tensor W);

    [Fact]
    public void EveryOperator_AgainstPyTorch_AgreesToRounding()
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        var t = new Inputs(randn(2, 3), randn(2, 3), randn(3, 2), randint(2, [4]), randn(2, 3, 8, 8), randn(4, 3, 3, 3));

        var expected = Python.Numbers($"""
            import torch.nn.functional as F
            a = torch.tensor({Literal(t.A)}).view(2, 3)
            b = torch.tensor({Literal(t.B)}).view(2, 3)
            c = torch.tensor({Literal(t.C)}).view(3, 2)
            i = torch.tensor({Literal(t.I.@float())}).long()
            x = torch.tensor({Literal(t.X)}).view(2, 3, 8, 8)
            w = torch.tensor({Literal(t.W)}).view(4, 3, 3, 3)
            for e in {PythonList(Cases.Select(item => item.Python))}:
                print(*[repr(v) for v in eval(e).double().flatten().tolist()])
            """);

        for (var i = 0; i < Cases.Length; i++)
        {
            var actual = Cases[i].Sharp(t).@double().data<double>().ToArray();
            Assert.True(actual.Length == expected[i].Length, Cases[i].Python);
            for (var k = 0; k < actual.Length; k++)
            {
                Assert.True(Math.Abs(actual[k] - expected[i][k]) <= 1e-6 * Math.Max(1, Math.Abs(expected[i][k])),
                    $"{Cases[i].Python}: {actual[k]} instead of {expected[i][k]} at {k}");
            }
        }
    }

    [Fact]
    public void Operator_DeclaredInOneLine_IsCallable()
    {
        using var scope = NewDisposeScope();

        Assert.Equal([0f, 0.5f, 1f], Heaviside.Call(tensor(new[] { -1f, 0f, 1f }), tensor(0.5f)).data<float>());
    }

    [Fact]
    public void Operator_OfNoSuchName_SaysItsName()
    {
        var error = Assert.Throws<ExternalException>(() => new Operator("aten::no_such_thing").Call());

        Assert.Contains("aten::no_such_thing", error.Message);
        Assert.DoesNotContain("frame #", error.Message);
    }

    [Fact]
    public void Operator_WithShapesThatDoNotFit_SaysWhichAndShowsNoTrace()
    {
        using var scope = NewDisposeScope();

        var error = Assert.Throws<ExternalException>(() => randn(2, 3).matmul(randn(2, 3)));

        Assert.StartsWith("aten::matmul([2x3], type = Float32, device = cpu; [2x3], type = Float32, device = cpu): ", error.Message);
        Assert.Contains("mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)", error.Message);
        Assert.DoesNotContain("Exception raised from", error.Message);
    }

    [Fact]
    public void Operator_WithTooFewArguments_NamesTheMissingOne()
    {
        using var scope = NewDisposeScope();

        var error = Assert.Throws<ExternalException>(() => new Operator("aten::transpose", "int").Call(randn(2, 3), 0));

        Assert.Contains("needs its argument 'dim1'", error.Message);
    }

    [Fact]
    public void Operator_WithTooManyArguments_SaysHowMany()
    {
        using var scope = NewDisposeScope();

        var error = Assert.Throws<ExternalException>(() => new Operator("aten::relu").Call(randn(2), 1, 2));

        Assert.Contains("takes 1 arguments and was given 3", error.Message);
    }

    [Fact]
    public void Operator_WithADisposedTensor_SaysHowToKeepIt()
    {
        var gone = ones(1);
        gone.Dispose();

        var error = Assert.Throws<InvalidOperationException>(() => gone + 1);

        Assert.Contains("MoveToOuterDisposeScope()", error.Message);
        Assert.Throws<InvalidOperationException>(() => cat([gone, gone]));
    }

    [Fact]
    public void Operator_AfterAnError_LeavesNothingBehind()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (randn(2, 3), randn(2, 3));
        var before = LiveTensors.Count();

        for (var i = 0; i < 100; i++)
        {
            Assert.Throws<ExternalException>(() => a.matmul(b));
        }

        Assert.Equal(before, LiveTensors.Count());
        Assert.Equal(6, (a + b).numel());
    }

    [Fact]
    public void Cat_OfMoreTensorsThanFitTheStack_Works()
    {
        using var scope = NewDisposeScope();

        Assert.Equal(Enumerable.Range(0, 100).Select(i => (float)i), cat([.. Enumerable.Range(0, 100).Select(i => full(1, i, dtype: float32))]).data<float>());
    }

    private static string Literal(Tensor tensor) => Python.Literal(tensor.data<float>());

    private static string PythonList(IEnumerable<string> texts) => "[" + string.Join(", ", texts.Select(text => $"\"{text}\"")) + "]";
}
