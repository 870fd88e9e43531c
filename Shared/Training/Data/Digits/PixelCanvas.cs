namespace Orchestrator.Training.Data.Digits;

/// <summary>Draws anti-aliased strokes of a round pen onto a grey image.</summary>
/// <remarks>A pixel's coverage is how far its centre lies inside the pen's edge, clamped to [0, 1]: exact to IEEE rounding, so the same on every machine.</remarks>
internal sealed class PixelCanvas(int size)
{
    private readonly double[] _ink = new double[size * size];

    /// <summary>Ink in [0, 1], row by row.</summary>
    public ReadOnlySpan<double> Ink => _ink;

    public void Clear() => Array.Clear(_ink);

    /// <summary>Draws a straight stroke; where strokes cross, the darker one counts.</summary>
    public void Stroke(PenPoint from, PenPoint to, double radius, double strength)
    {
        var reach = radius + 1;
        var (left, right) = Span(Math.Min(from.X, to.X) - reach, Math.Max(from.X, to.X) + reach);
        var (top, bottom) = Span(Math.Min(from.Y, to.Y) - reach, Math.Max(from.Y, to.Y) + reach);
        var (dx, dy) = (to.X - from.X, to.Y - from.Y);
        var lengthSquared = (dx * dx) + (dy * dy);
        for (var row = top; row <= bottom; row++)
        {
            for (var column = left; column <= right; column++)
            {
                var (px, py) = (column + 0.5 - from.X, row + 0.5 - from.Y);
                var along = lengthSquared > 0 ? Math.Clamp(((px * dx) + (py * dy)) / lengthSquared, 0, 1) : 0;
                var (ex, ey) = (px - (along * dx), py - (along * dy));
                var coverage = Math.Clamp(radius + 0.5 - Math.Sqrt((ex * ex) + (ey * ey)), 0, 1);
                ref var ink = ref _ink[(row * size) + column];
                ink = Math.Max(ink, coverage * strength);
            }
        }
    }

    private (int First, int Last) Span(double low, double high) =>
        (Math.Max(0, (int)Math.Floor(low)), Math.Min(size - 1, (int)Math.Floor(high)));
}
