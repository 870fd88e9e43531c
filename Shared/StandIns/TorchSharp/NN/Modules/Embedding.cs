using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>A row of weight <c>[num_embeddings, embedding_dims]</c> for every whole number of the input.</summary>
public class Embedding : nn.Module<Tensor, Tensor>
{
    private readonly long? paddingIndex;
    private readonly bool scaleGradientByFrequency;
    private readonly bool sparse;

    internal Embedding(long num_embeddings, long embedding_dims, long? padding_idx, bool scale_grad_by_freq, bool sparse, Device? device, ScalarType? dtype)
        : base(nameof(Embedding))
    {
        paddingIndex = padding_idx is < 0 ? padding_idx + num_embeddings : padding_idx;
        scaleGradientByFrequency = scale_grad_by_freq;
        this.sparse = sparse;
        weight = new Parameter(empty(num_embeddings, embedding_dims, dtype, device));
        nn.init.normal_(weight);
        if (paddingIndex is { } row)
        {
            using var _ = no_grad();
            using var padded = weight.select(0, row);
            padded.zero_();
        }
        register_parameter("weight", weight);
    }

    public Parameter weight { get; }

    public override Tensor forward(Tensor input) =>
        nn.functional.embedding(input, weight, paddingIndex, scaleGradientByFrequency, sparse);
}
