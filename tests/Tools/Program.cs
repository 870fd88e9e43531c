using System.CommandLine;
using Orchestrator.Tools;
using Orchestrator.Tools.Bench;

return await Verbs.RunAsync(new RootCommand("Benchmarks and proofs.") { BenchCommand.Create() }, args);
