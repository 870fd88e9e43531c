namespace Orchestrator.Training.Data.Digits;

/// <summary>Draws handwritten-looking digits: a pen path for each, warped, of random width and strength, among specks and noise.</summary>
/// <remarks>
/// Image i of a part is a function of (seed, part, i) alone, and the same bytes on every machine: own random numbers, no function of
/// libm. Every ten images hold each digit once, in random order, so the classes are balanced.
/// </remarks>
public sealed class DigitDrawing
{
    /// <summary>Pixels of a side, as in MNIST.</summary>
    public const int Size = 28;

    public const int Classes = 10;

    /// <summary>Straight pieces of a curve: at most about a pixel and a half each.</summary>
    private const int PiecesPerCurve = 16;

    private readonly PixelCanvas _canvas = new(Size);
    private readonly long _seed;
    private readonly int _part;

    /// <param name="part">0 for training, 1 for held-out images: unrelated streams of the same seed.</param>
    public DigitDrawing(long seed, int part) => (_seed, _part) = (seed, part);

    /// <summary>Draws a set in MNIST's format, four files, into the folder (made if need be). Existing files are replaced, each by a rename.</summary>
    /// <param name="progress">Called with (images drawn, images in all) about a hundred times; may be null.</param>
    public static void WriteTo(string dir, int trainCount, int testCount, long seed, Action<int, int>? progress = null) =>
        DigitSet.Write(dir, trainCount, testCount, seed, progress);

    /// <summary>The digit that image number <paramref name="index"/> shows.</summary>
    public int Label(int index)
    {
        Span<int> digits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
        var random = SampleRandom.For(_seed, index / Classes, 2 + _part);
        for (var i = Classes - 1; i > 0; i--)
        {
            var j = random.Next(i + 1);
            (digits[i], digits[j]) = (digits[j], digits[i]);
        }

        return digits[index % Classes];
    }

    /// <summary>Draws image number <paramref name="index"/>.</summary>
    /// <param name="pixels">Size x Size bytes, row by row; 0 is paper, 255 ink.</param>
    public void Draw(int index, Span<byte> pixels)
    {
        var random = SampleRandom.For(_seed, index, _part);
        _canvas.Clear();
        DrawDigit(Label(index), ref random);
        DrawSpecks(ref random);
        var noise = random.NextDouble(0, 0.14);
        for (var i = 0; i < pixels.Length; i++)
        {
            var value = _canvas.Ink[i] + (noise * random.NextBell());
            pixels[i] = (byte)((255 * Math.Clamp(value, 0, 1)) + 0.5);
        }
    }

    private void DrawDigit(int digit, ref SampleRandom random)
    {
        var hands = DigitStrokes.Of(digit);
        var path = hands[random.Next(hands.Length)];
        var warp = new DigitWarp(ref random, Size);
        var radius = random.NextDouble(0.6, 1.7);
        var strength = random.NextDouble(0.65, 1);
        var next = 0;
        var pen = default(PenPoint);
        foreach (var move in path.Moves)
        {
            var a = Point(path, ref next, warp, ref random);
            if (move == PenMove.Line)
            {
                _canvas.Stroke(pen, a, radius, strength);
            }
            else if (move == PenMove.Curve)
            {
                var b = Point(path, ref next, warp, ref random);
                var c = Point(path, ref next, warp, ref random);
                DrawCurve(pen, a, b, c, radius, strength);
                a = c;
            }

            pen = a;
        }
    }

    private void DrawCurve(PenPoint start, PenPoint a, PenPoint b, PenPoint end, double radius, double strength)
    {
        var from = start;
        for (var piece = 1; piece <= PiecesPerCurve; piece++)
        {
            var t = piece / (double)PiecesPerCurve;
            var s = 1 - t;
            var (w0, w1, w2, w3) = (s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t);
            var to = new PenPoint((w0 * start.X) + (w1 * a.X) + (w2 * b.X) + (w3 * end.X), (w0 * start.Y) + (w1 * a.Y) + (w2 * b.Y) + (w3 * end.Y));
            _canvas.Stroke(from, to, radius, strength);
            from = to;
        }
    }

    // Stray marks: what a model must learn to overlook.
    private void DrawSpecks(ref SampleRandom random)
    {
        for (var specks = random.Next(4); specks > 0; specks--)
        {
            var from = new PenPoint(random.NextDouble(0, Size), random.NextDouble(0, Size));
            var to = new PenPoint(from.X + random.NextDouble(-4, 4), from.Y + random.NextDouble(-4, 4));
            _canvas.Stroke(from, to, random.NextDouble(0.3, 0.8), random.NextDouble(0.2, 0.9));
        }
    }

    // No hand hits a point exactly: six hundredths of the box either way.
    private static PenPoint Point(PenPath path, ref int next, DigitWarp warp, ref SampleRandom random)
    {
        var point = path.Points[next++];
        return warp.Apply(new PenPoint(point.X + random.NextDouble(-6, 6), point.Y + random.NextDouble(-6, 6)));
    }
}
