using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharp.Tests.Support;

internal sealed class Mlp : Module<Tensor, Tensor>
{
    private readonly Linear first;
    private readonly Module<Tensor, Tensor> activation = ReLU();
    private readonly Linear second;

    public Mlp(long inputs = 4, long width = 8, long outputs = 3) : base(nameof(Mlp))
    {
        first = Linear(inputs, width);
        second = Linear(width, outputs);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var hidden = first.call(input);
        using var active = activation.call(hidden);
        return second.call(active);
    }
}

internal sealed class Cnn : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> layers;

    public Cnn() : base(nameof(Cnn))
    {
        layers = Sequential(
            ("conv1", Conv2d(1, 8, 3, padding: 1)), ("norm1", BatchNorm2d(8)), ("act1", ReLU()), ("pool1", MaxPool2d(2)),
            ("conv2", Conv2d(8, 16, 3, padding: 1)), ("act2", ReLU()), ("pool2", MaxPool2d(2)),
            ("flat", Flatten()), ("drop", Dropout(0.2)), ("out", Linear(16 * 7 * 7, 10)));
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => layers.call(input);   // [B, 1, 28, 28] -> [B, 10]
}

/// <summary>A pre-LN decoder. B: batch, T: time, C: width, H: heads, V: vocabulary.</summary>
internal sealed class TinyGpt : Module<Tensor, Tensor>
{
    private readonly Embedding tokens;
    private readonly Embedding positions;
    private readonly ModuleList<Block> blocks;
    private readonly LayerNorm norm;
    private readonly Linear head;

    public TinyGpt(long vocabulary = 64, long width = 32, long heads = 4, long layers = 2, long context = 16, double dropout = 0.1)
        : base(nameof(TinyGpt))
    {
        tokens = Embedding(vocabulary, width);
        positions = Embedding(context, width);
        blocks = ModuleList(Enumerable.Range(0, (int)layers).Select(_ => new Block(width, heads, context, dropout)).ToArray());
        norm = LayerNorm(width);
        head = Linear(width, vocabulary, hasBias: false);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var x = tokens.call(input) + positions.call(arange(input.size(1)));   // [B, T, C]
        foreach (var block in blocks)
        {
            x = block.call(x);
        }
        return head.call(norm.call(x)).MoveToOuterDisposeScope();   // [B, T, V]
    }

    internal sealed class Block : Module<Tensor, Tensor>
    {
        private readonly long heads;
        private readonly LayerNorm norm1;
        private readonly LayerNorm norm2;
        private readonly Linear qkv;
        private readonly Linear projection;
        private readonly Module<Tensor, Tensor> mlp;
        private readonly Dropout drop;
        private readonly Tensor mask;

        public Block(long width, long heads, long context, double dropout) : base(nameof(Block))
        {
            this.heads = heads;
            norm1 = LayerNorm(width);
            norm2 = LayerNorm(width);
            qkv = Linear(width, 3 * width);
            projection = Linear(width, width);
            mlp = Sequential(Linear(width, 4 * width), GELU(), Linear(4 * width, width));
            drop = Dropout(dropout);
            mask = ones(context, context, ScalarType.Bool).triu(1);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            var (b, t, c) = (input.size(0), input.size(1), input.size(2));
            var parts = qkv.call(norm1.call(input)).view(b, t, 3, heads, c / heads).permute(2, 0, 3, 1, 4);   // [3, B, H, T, C / H]
            var (q, k, v) = (parts[0], parts[1], parts[2]);
            var scores = q.matmul(k.transpose(-2, -1)) / Math.Sqrt(c / heads);   // [B, H, T, T]
            var weights = drop.call(scores.masked_fill(mask[..(int)t, ..(int)t], double.NegativeInfinity).softmax(-1));
            var x = input + projection.call(weights.matmul(v).transpose(1, 2).reshape(b, t, c));   // [B, T, C]
            return (x + drop.call(mlp.call(norm2.call(x)))).MoveToOuterDisposeScope();
        }
    }
}
