using Orchestrator.Coordinator.Host.Commands;

return await CommandLine.RunAsync(args);
