using System.Diagnostics;
using static TorchSharp.torch;

namespace TorchSharp.Tests;

/// <summary>What a call through C# costs. The bounds are loose, for loaded machines; the figures are printed.</summary>
[Trait("Category", "Long")]
public sealed class OverheadTests(ITestOutputHelper output)
{
    private const int Calls = 100_000;

    [Fact]
    public void Add_OfFourFloats_CostsAboutAMicrosecondAndTwoObjects()
    {
        using var withoutGraph = no_grad();
        using var a = ones(4);
        using var b = ones(4);

        var made = Measure("add of 4 floats, disposed", () => (a + b).Dispose());
        var inPlace = Measure("add_ of 4 floats in place", () => a.add_(b));

        Assert.InRange(made.Microseconds, 0, 10);
        Assert.InRange(made.Bytes, 0, 128);
        Assert.InRange(inPlace.Bytes, 0, 1);
    }

    private (double Microseconds, double Bytes) Measure(string what, Action call)
    {
        var best = double.MaxValue;
        var bytes = 0.0;
        using var process = Process.GetCurrentProcess();
        for (var round = 0; round < 6; round++)
        {
            var allocated = GC.GetAllocatedBytesForCurrentThread();
            process.Refresh();
            var start = process.TotalProcessorTime;
            for (var i = 0; i < Calls; i++)
            {
                call();
            }
            process.Refresh();
            best = Math.Min(best, (process.TotalProcessorTime - start).TotalMicroseconds / Calls);
            bytes = (GC.GetAllocatedBytesForCurrentThread() - allocated) / (double)Calls;
        }
        output.WriteLine($"{what}: {best:F3} us of processor time, {bytes:F0} bytes");
        return (best, bytes);
    }
}
