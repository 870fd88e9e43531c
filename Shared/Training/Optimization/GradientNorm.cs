using static TorchSharp.torch;

namespace Orchestrator.Training.Optimization;

/// <summary>The global norm of a gradient and the factor that clips it, in the arithmetic of PyTorch's clip_grad_norm_: bit for bit its values.</summary>
/// <remarks>
/// The fixed chunks are the parameters' gradients, in the model's order; one above <see cref="ChunkElements"/> is cut. libtorch reduces each chunk, and then
/// the list of their norms: fixed shapes, so fixed orders under one numeric fingerprint, whatever the number of workers.
/// Being as exact as possible is not the aim: a difference in the last bit of the factor grows into another training run within some dozen steps.
/// </remarks>
public static class GradientNorm
{
    /// <summary>Above any parameter of a small model, so those have PyTorch's bits; low enough that a chunk's running sum in fp32 keeps five digits.</summary>
    public const int ChunkElements = 1 << 20;

    /// <param name="gradients">Contiguous, one for each parameter.</param>
    public static float Compute(IEnumerable<Tensor> gradients)
    {
        using var scope = NewDisposeScope();
        Tensor[] norms = [.. gradients.SelectMany(Chunks).Select(chunk => chunk.norm())];
        return stack(norms).norm().cpu().item<float>(); // the norm of [chunks]
    }

    /// <summary>What the gradient is multiplied by, at most 1.</summary>
    /// <param name="norm">From <see cref="Compute"/>; may be infinite or not a number, then so is the factor or it is 0.</param>
    /// <param name="limit">Largest norm.</param>
    // The small constant keeps a zero gradient from dividing by zero. Python's limit / tensor is a reciprocal and a product.
    public static float ClipFactor(float norm, double limit) => MathF.Min(1, 1 / (norm + 1e-6f) * (float)limit);

    private static IEnumerable<Tensor> Chunks(Tensor gradient)
    {
        if (gradient.numel() <= ChunkElements)
        {
            return [gradient];
        }

        return gradient.view(-1).split(ChunkElements);
    }
}
