using System.CommandLine;
using Orchestrator.Worker.Host.Commands;

var root = new RootCommand("What runs in a worker's process: training, and everything else that needs libtorch.")
{
    WorkerCommand.Create(),
    GenerateCommand.Create(),
    EvaluateCommand.Create(),
    DataCommand.Create(),
    DoctorCommand.Create(),
    LedgerCommand.Create(),
};
return await CommandRunner.RunAsync(root, args);
