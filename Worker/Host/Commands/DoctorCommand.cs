using System.CommandLine;
using System.Runtime.InteropServices;
using Orchestrator.Worker.Host.Training;

namespace Orchestrator.Worker.Host.Commands;

/// <summary>`doctor`: says what this machine has and what is missing, for a person and for a bug report.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var command = new Command("doctor", "Checks that this machine can train, and prints what a bug report needs.\n\nExample: ./orchestrator doctor");
        command.SetAction(result => CommandRunner.Guard(() =>
        {
            Console.WriteLine($"orchestrator  {Versions.Program}");
            Console.WriteLine($"system        {RuntimeInformation.OSDescription.Trim()}, {RuntimeInformation.ProcessArchitecture}, {Environment.ProcessorCount} cores");
            Console.WriteLine($".NET          {RuntimeInformation.FrameworkDescription}");
            var numerics = NumericSetup.Pin(NumericSetup.HighestIsa(), threads: 1, "auto");
            Console.WriteLine($"device        {numerics.Device}");
            foreach (var (name, value) in numerics.Fingerprint)
            {
                Console.WriteLine($"{name,-13} {value}");
            }

            Console.WriteLine("This machine can train.");
            return 0;
        }));
        return command;
    }
}
