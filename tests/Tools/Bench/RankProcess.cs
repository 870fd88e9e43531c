using System.Diagnostics;
using System.Globalization;

namespace Orchestrator.Tools.Bench;

/// <summary>A process that is told what to do by lines on its standard input and answers by lines: one rank of a benchmark.</summary>
internal sealed class RankProcess : IDisposable
{
    private readonly Process _process;

    public RankProcess(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var info = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            info.Environment[name] = value;
        }

        _process = Process.Start(info)!;
    }

    public void Tell(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    /// <exception cref="ToolException">The process ended without an answer.</exception>
    public string Hear() => _process.StandardOutput.ReadLine()
        ?? throw new ToolException($"{_process.StartInfo.FileName} {string.Join(' ', _process.StartInfo.ArgumentList)} ended without an answer; what it said stands above.");

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(5000))
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}

/// <summary>What one rank says of one turn: seconds of each iteration, processor seconds of the turn, whether every element was right, bytes of payload that an iteration sent (0: not counted).</summary>
internal sealed record RankTurn(double[] Seconds, double CpuSeconds, bool IsRight, long SentBytes)
{
    /// <summary>CPU RIGHT BYTES SECONDS...</summary>
    public static RankTurn Parse(string line)
    {
        var words = line.Split(' ');
        return new RankTurn([.. words.Skip(3).Select(Number)], Number(words[0]), words[1] == "1", long.Parse(words[2], CultureInfo.InvariantCulture));
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{CpuSeconds:R} {(IsRight ? 1 : 0)} {SentBytes} {string.Join(' ', Seconds.Select(value => value.ToString("R", CultureInfo.InvariantCulture)))}");

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
