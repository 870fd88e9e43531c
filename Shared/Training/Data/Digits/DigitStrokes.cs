using System.Globalization;

namespace Orchestrator.Training.Data.Digits;

/// <summary>How each digit is written: pen paths in a box of 100 x 100, x to the right and y down.</summary>
/// <remarks>M lifts the pen and sets it down, L draws a line, C a cubic curve (two control points, then the end).</remarks>
internal static class DigitStrokes
{
    /// <summary>Several hands for each digit; the drawing picks one.</summary>
    private static readonly string[][] Source =
    [
        ["M 50 10 C 18 10 18 90 50 90 C 82 90 82 10 50 10", "M 50 10 C 32 10 30 90 50 90 C 70 90 68 10 50 10", "M 62 14 C 20 0 12 92 50 90 C 92 88 84 6 44 16"],
        ["M 50 10 L 50 90", "M 34 28 L 52 10 L 52 90", "M 34 26 L 52 10 L 52 90 M 32 90 L 72 90"],
        ["M 25 30 C 25 4 75 4 75 32 C 75 52 40 70 25 90 L 77 90", "M 26 28 C 30 4 76 4 72 32 C 70 58 30 94 26 82 C 24 70 46 76 78 90"],
        ["M 26 20 C 40 5 74 8 72 28 C 72 44 55 48 45 48 C 60 48 77 52 76 70 C 75 94 38 94 24 80", "M 26 12 L 72 12 L 46 42 C 82 44 82 90 48 90 C 38 90 28 86 24 80"],
        ["M 62 90 L 62 10 L 22 64 L 80 64", "M 30 10 L 26 55 L 76 55 M 66 12 L 62 90"],
        ["M 74 12 L 34 12 L 30 46 C 50 36 78 44 76 66 C 74 94 38 94 24 80", "M 32 12 L 30 46 C 54 34 80 50 74 70 C 68 92 40 94 24 82 M 32 12 L 76 14"],
        ["M 68 12 C 40 20 26 45 26 66 C 26 98 76 98 76 68 C 76 44 34 44 28 66", "M 58 10 C 44 30 28 52 28 70 C 28 94 72 94 72 70 C 72 50 40 48 30 62"],
        ["M 24 12 L 76 12 L 44 90", "M 24 12 L 76 12 L 44 90 M 36 50 L 70 50", "M 24 22 L 26 12 C 46 18 60 12 76 12 C 60 34 50 60 48 90"],
        ["M 50 48 C 20 42 22 10 50 10 C 78 10 80 42 50 48 C 16 54 18 90 50 90 C 82 90 84 54 50 48", "M 70 22 C 60 4 28 8 30 28 C 32 48 74 50 74 70 C 74 96 26 96 26 70 C 26 52 66 44 70 22"],
        ["M 73 34 C 70 6 26 6 26 32 C 26 56 66 58 73 34 C 74 50 72 70 64 90", "M 72 32 C 72 6 28 6 28 32 C 28 56 72 56 72 32 L 72 66 C 72 92 42 94 30 82"],
    ];

    private static readonly PenPath[][] Hands = [.. Source.Select(hands => hands.Select(Parse).ToArray())];

    public static PenPath[] Of(int digit) => Hands[digit];

    private static PenPath Parse(string source)
    {
        List<PenMove> moves = [];
        List<PenPoint> points = [];
        var words = source.Split(' ');
        for (var at = 0; at < words.Length;)
        {
            var kind = words[at++] switch { "M" => PenMove.Lift, "L" => PenMove.Line, _ => PenMove.Curve };
            moves.Add(kind);
            for (var i = 0; i < (kind == PenMove.Curve ? 3 : 1); i++, at += 2)
            {
                points.Add(new PenPoint(double.Parse(words[at], CultureInfo.InvariantCulture), double.Parse(words[at + 1], CultureInfo.InvariantCulture)));
            }
        }

        return new PenPath([.. moves], [.. points]);
    }
}

internal enum PenMove
{
    /// <summary>Takes one point.</summary>
    Lift = 0,

    /// <summary>Takes one point.</summary>
    Line = 1,

    /// <summary>Takes three points.</summary>
    Curve = 2,
}

internal readonly record struct PenPoint(double X, double Y);

/// <param name="Points">The points of all moves, in order.</param>
internal readonly record struct PenPath(PenMove[] Moves, PenPoint[] Points);
