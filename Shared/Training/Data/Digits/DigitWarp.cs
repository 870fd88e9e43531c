namespace Orchestrator.Training.Data.Digits;

/// <summary>One hand's slant, size and place: an affine map with a bend, from the pen's box to pixels.</summary>
/// <remarks>Only IEEE operations that every machine rounds alike: the rotation is by the half-angle's tangent u, cos = (1 - u u)/(1 + u u), sin = 2u/(1 + u u).</remarks>
internal readonly struct DigitWarp
{
    /// <summary>Pixels that the pen's box takes before scaling; MNIST's digits fill 20 of 28.</summary>
    private const double BoxPixels = 22;

    private readonly double _xx, _xy, _yx, _yy, _bend, _x, _y;

    public DigitWarp(ref SampleRandom random, int size)
    {
        var u = random.NextDouble(-0.2, 0.2); // about +-23 degrees
        var (cos, sin) = ((1 - (u * u)) / (1 + (u * u)), 2 * u / (1 + (u * u)));
        var width = random.NextDouble(0.62, 1.1);
        var height = random.NextDouble(0.75, 1.08);
        var shear = random.NextDouble(-0.35, 0.35);
        // Shear and scale first, then rotate.
        (_xx, _xy) = (cos * width, (cos * shear) - (sin * height));
        (_yx, _yy) = (sin * width, (sin * shear) + (cos * height));
        _bend = random.NextDouble(-0.6, 0.6);
        _x = (size / 2.0) + random.NextDouble(-2.5, 2.5);
        _y = (size / 2.0) + random.NextDouble(-2.5, 2.5);
    }

    public PenPoint Apply(PenPoint p)
    {
        var y = (p.Y / 100) - 0.5;
        var x = (p.X / 100) - 0.5 + (_bend * ((y * y) - 0.08));
        return new PenPoint(_x + (BoxPixels * ((_xx * x) + (_xy * y))), _y + (BoxPixels * ((_yx * x) + (_yy * y))));
    }
}
