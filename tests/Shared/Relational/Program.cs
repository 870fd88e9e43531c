using Orchestrator.Storage.Relational.Tests;
using Xunit.Runner.InProc.SystemConsole;

return args is [DoomedWriter.Verb, var file] ? await DoomedWriter.WriteAsync(file) : await ConsoleRunner.Run(args);
