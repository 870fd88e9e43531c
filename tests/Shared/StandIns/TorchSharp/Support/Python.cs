using System.Diagnostics;
using System.Globalization;

namespace TorchSharp.Tests.Support;

/// <summary>The real PyTorch, asked in a process of its own. ORCHESTRATOR_PYTHON names another interpreter than Debian's.</summary>
internal static class Python
{
    private static readonly string Interpreter = Environment.GetEnvironmentVariable("ORCHESTRATOR_PYTHON") ?? "/usr/bin/python3";

    private static readonly Lazy<string?> Missing = new(() =>
    {
        if (!File.Exists(Interpreter))
        {
            return $"{Interpreter} does not exist; install python3-torch to compare with PyTorch.";
        }
        var (code, _, error) = Start("import torch");
        return code == 0 ? null : $"{Interpreter} has no torch; install python3-torch to compare with PyTorch. ({error.Trim().Split('\n')[^1]})";
    });

    /// <summary>Runs a script and gives its standard output. Skips the test where there is no PyTorch.</summary>
    internal static string Run(string script)
    {
        Assert.SkipUnless(Missing.Value is null, Missing.Value ?? "");
        var (code, output, error) = Start("import torch\ntorch.set_num_threads(1)\n" + script);
        Assert.True(code == 0, error);
        return output;
    }

    /// <summary>One line of numbers out of each line of output.</summary>
    internal static double[][] Numbers(string script) =>
        [.. Run(script).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Parse)];

    internal static string Literal(IEnumerable<float> values) =>
        "[" + string.Join(",", values.Select(value => value.ToString("R", CultureInfo.InvariantCulture))) + "]";

    private static double[] Parse(string line) =>
        [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(text => double.Parse(text, CultureInfo.InvariantCulture))];

    private static (int Code, string Output, string Error) Start(string script)
    {
        var start = new ProcessStartInfo(Interpreter) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(script);
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}
