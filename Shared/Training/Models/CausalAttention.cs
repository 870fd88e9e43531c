// N: samples; T: tokens of a sample; C: channels (width); H: heads; D = C / H: channels of a head.
using Orchestrator.Core.Jobs;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Orchestrator.Training.Models;

/// <summary>Multi-head self-attention in which a token sees itself and the tokens before it.</summary>
internal sealed class CausalAttention : nn.Module<Tensor, Tensor>
{
    private readonly int _heads;
    private readonly double _scale;
    private readonly Linear qkv;
    private readonly Linear projection;
    private readonly UniformDropout attentionDropout;
    private readonly UniformDropout residualDropout;

    public CausalAttention(GptSpec spec)
        : base(nameof(CausalAttention))
    {
        _heads = spec.Heads;
        _scale = 1 / Math.Sqrt(spec.Width / (double)spec.Heads);
        qkv = nn.Linear(spec.Width, 3 * spec.Width);
        projection = nn.Linear(spec.Width, spec.Width);
        attentionDropout = new UniformDropout(spec.Dropout);
        residualDropout = new UniformDropout(spec.Dropout);
        RegisterComponents();
        using var open = full([spec.Context, spec.Context], float.NegativeInfinity);
        // [context, context]: 0 on and below the diagonal, -inf above. No field: every field of a module is registered as persistent.
        register_buffer("mask", open.triu(1), persistent: false);
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var (n, t, c) = (input.shape[0], input.shape[1], input.shape[2]);
        var parts = qkv.call(input).split(c, 2); // three times [N, T, C]
        var shares = Shares(parts[0], parts[1], n, t, c); // [N, H, T, T]
        var mixed = attentionDropout.call(shares).matmul(Heads(parts[2], n, t, c)); // [N, H, T, D]
        var joined = mixed.transpose(1, 2).contiguous().view(n, t, c); // [N, T, C]
        return residualDropout.call(projection.call(joined)).MoveToOuterDisposeScope();
    }

    /// <summary>[N, H, T, T]: row i says what token i takes from tokens 0..i.</summary>
    /// <remarks>The scores are the largest tensor of a layer and nothing needs them behind the softmax: they go at once, so that their memory is still in the cache when it is used again.</remarks>
    private Tensor Shares(Tensor query, Tensor key, long n, long t, long c)
    {
        using var scope = NewDisposeScope();
        // The scale goes onto q, which has T x D values per head; the scores have T x T.
        var q = Heads(query, n, t, c).mul(_scale);
        var scores = q.matmul(Heads(key, n, t, c).transpose(-2, -1)); // [N, H, T, T]
        return nn.functional.softmax(scores.add_(Mask(t)), -1).MoveToOuterDisposeScope();
    }

    private Tensor Heads(Tensor x, long n, long t, long c) => x.view(n, t, _heads, c / _heads).transpose(1, 2); // [N, H, T, D]

    private Tensor Mask(long t)
    {
        var mask = get_buffer("mask")!;
        return t == mask.shape[0] ? mask : mask.narrow(0, 0, t).narrow(1, 0, t);
    }
}
