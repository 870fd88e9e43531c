using System.Diagnostics;
using System.Text.Json;
using TorchSharp.Extensions;

namespace Orchestrator.Parity;

/// <summary>The real PyTorch in a process of its own, under the numeric settings of this one. ORCHESTRATOR_PYTHON names another interpreter than Debian's.</summary>
internal static class PyTorch
{
    public const int Threads = 1;

    private static readonly Lazy<string?> Missing = new(() =>
    {
        if (!File.Exists(Interpreter))
        {
            return $"{Interpreter} does not exist; install python3-torch to compare with PyTorch.";
        }

        var (code, _, error) = Run(["-c", "import torch, numpy"]);
        return code == 0 ? null : $"{Interpreter} has no torch with numpy; install python3-torch and python3-numpy to compare with PyTorch. ({error.Trim().Split('\n')[^1]})";
    });

    public static string Interpreter { get; set; } = Environment.GetEnvironmentVariable("ORCHESTRATOR_PYTHON") ?? "/usr/bin/python3";

    /// <summary>The level that both sides compute at.</summary>
    public static string Isa { get; } = NumericEnvironment.HighestIsa();

    /// <summary>Why there is no PyTorch here; null when there is.</summary>
    public static string? WhyMissing => Missing.Value;

    /// <summary>Runs a script of the PyTorch folder and reads the JSON that it prints.</summary>
    /// <exception cref="InvalidOperationException">It failed; the message is what it said.</exception>
    public static T Ask<T>(string script, params string[] arguments)
    {
        var (code, output, error) = Run([ScriptPath(script), .. arguments]);
        return code == 0
            ? JsonSerializer.Deserialize<T>(output) ?? throw new InvalidOperationException($"{script} printed null.")
            : throw new InvalidOperationException($"{script} ended with {code}: {error}");
    }

    public static ProcessStartInfo StartInfo(IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Interpreter) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in NumericEnvironment.Variables(Isa, Threads))
        {
            start.Environment[name] = value;
        }

        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        return start;
    }

    public static string ScriptPath(string script) => Path.Combine(AppContext.BaseDirectory, "PyTorch", script);

    private static (int Code, string Output, string Error) Run(IEnumerable<string> arguments)
    {
        using var process = Process.Start(StartInfo(arguments))!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}
