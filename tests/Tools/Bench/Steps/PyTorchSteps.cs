using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Orchestrator.Parity;

namespace Orchestrator.Tools.Bench.Steps;

/// <summary>A PyTorch process that takes steps when it is told to. It ends with its standard input.</summary>
internal sealed class PyTorchSteps : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;

    public PyTorchSteps(string folder)
    {
        var start = PyTorch.StartInfo([PyTorch.ScriptPath("steps.py"), folder]);
        start.RedirectStandardInput = true;
        _process = Process.Start(start)!;
        _errors = _process.StandardError.ReadToEndAsync();
    }

    /// <param name="microBatches">Passes over parts of the batch whose gradients add up; 1: one pass.</param>
    /// <param name="steps">Timed steps.</param>
    public StepTime Measure(int microBatches, int steps)
    {
        _process.StandardInput.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{microBatches} {steps}"));
        _process.StandardInput.Flush();
        var answer = _process.StandardOutput.ReadLine() ?? throw new ToolException($"PyTorch ended: {_errors.Result.Trim()}");
        return JsonSerializer.Deserialize<StepTime>(answer, JsonSerializerOptions.Web);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(10)))
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
