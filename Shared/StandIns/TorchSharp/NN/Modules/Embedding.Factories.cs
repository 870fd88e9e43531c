using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static Embedding Embedding(long num_embeddings, long embedding_dims, long? padding_idx = null, double? max_norm = null,
            double norm_type = 2.0, bool scale_grad_by_freq = false, bool sparse = false, Device? device = null, ScalarType? dtype = null) =>
            max_norm is null
                ? new Embedding(num_embeddings, embedding_dims, padding_idx, scale_grad_by_freq, sparse, device, dtype)
                : throw new ArgumentException($"An embedding with max_norm ({max_norm}, norm {norm_type}) is not offered here. Leave max_norm out.");
    }
}
