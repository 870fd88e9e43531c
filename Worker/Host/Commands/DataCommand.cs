using System.CommandLine;
using Orchestrator.Training.Data.Digits;

namespace Orchestrator.Worker.Host.Commands;

/// <summary>`data digits`: draws the digits set in MNIST's format.</summary>
internal static class DataCommand
{
    public static Command Create()
    {
        var folder = new Option<string>("--out", "-o") { Description = "Folder to draw into.", Required = true };
        var training = new Option<int>("--training") { Description = "Training images.", DefaultValueFactory = _ => 10_000 };
        var heldOut = new Option<int>("--held-out") { Description = "Held-out images.", DefaultValueFactory = _ => 2_000 };
        var seed = new Option<long>("--seed") { Description = "Of the drawing.", DefaultValueFactory = _ => 1 };
        var digits = new Command("digits", "Draws handwritten-looking digits in MNIST's four files.\n\nExample: ./orchestrator data digits --out runs/data/digits")
        {
            folder, training, heldOut, seed,
        };
        digits.SetAction(result => CommandRunner.Guard(() =>
        {
            var path = Path.GetFullPath(result.GetValue(folder)!);
            DigitDrawing.WriteTo(path, result.GetValue(training), result.GetValue(heldOut), result.GetValue(seed));
            Console.Error.WriteLine($"Drew {result.GetValue(training)} training and {result.GetValue(heldOut)} held-out digits.");
            Console.WriteLine(path);
            return 0;
        }));
        return new Command("data", "Makes data sets.") { digits };
    }
}
