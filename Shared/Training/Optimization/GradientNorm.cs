using static TorchSharp.torch;

namespace Orchestrator.Training.Optimization;

/// <summary>The global norm of a flat gradient, in an order of addition that nothing but its length decides.</summary>
/// <remarks>
/// Each chunk of <see cref="ChunkElements"/> is reduced by libtorch (a fixed shape, so a fixed order under one numeric fingerprint); the chunks' squares
/// are added in double precision along a binary tree that halves the range.
/// </remarks>
public static class GradientNorm
{
    /// <summary>16 KiB of fp32: half of a first-level cache. The flat parameter area is padded to a multiple of it.</summary>
    public const int ChunkElements = 4096;

    /// <param name="flat">[n], n a multiple of <see cref="ChunkElements"/>.</param>
    public static double Compute(Tensor flat)
    {
        using var scope = NewDisposeScope();
        var norms = flat.view(-1, ChunkElements).norm(1);                       // [n / ChunkElements]
        return Math.Sqrt(SumOfSquares(norms.cpu().data<float>().ToArray()));
    }

    private static double SumOfSquares(ReadOnlySpan<float> norms)
    {
        if (norms.Length <= 1)
        {
            return norms.IsEmpty ? 0 : (double)norms[0] * norms[0];
        }

        var half = norms.Length / 2;
        return SumOfSquares(norms[..half]) + SumOfSquares(norms[half..]);
    }
}
