using System.CommandLine;
using Orchestrator.Tools.Bench;

var root = new RootCommand("Benchmarks and proofs.") { BenchCommand.Create() };
var result = root.Parse(args);
if (result.Errors.Count > 0)
{
    foreach (var error in result.Errors)
    {
        await Console.Error.WriteLineAsync(error.Message);
    }

    return 2;
}

return await result.InvokeAsync();
