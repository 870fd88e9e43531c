using System.CommandLine;
using Orchestrator.Tools;
using Orchestrator.Tools.Bench;
using Orchestrator.Tools.Chaos;
using Orchestrator.Tools.Simulate;

return await Verbs.RunAsync(new RootCommand("Benchmarks and proofs.") { BenchCommand.Create(), ChaosCommand.Create(), SimulateCommand.Create() }, args);
