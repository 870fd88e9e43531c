using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace Orchestrator.Worker.Host.Commands;

/// <summary>`ledger verify`: reads a run's data again and proves from its ledger that every sample was used once an epoch.</summary>
internal static class LedgerCommand
{
    private const int ExitGood = 0;
    private const int ExitBroken = 1;

    private static readonly JsonSerializerOptions JsonOptions = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static Command Create()
    {
        var run = new Argument<string>("RUNDIR") { Description = "A run's folder." };
        var format = CheckpointOptions.FormatOption();
        var verify = new Command(
            "verify", "Reads the run's data again and proves that every sample was used once an epoch. Exit code 1 when it was not.\n\n" +
            "Example: ./orchestrator ledger verify runs/RUN")
        {
            run, format,
        };
        verify.SetAction(result => CommandRunner.Guard(() => Verify(result.GetValue(run)!, result.GetValue(format)!)));
        return new Command("ledger", "What each logical rank of a run was fed.") { verify };
    }

    private static int Verify(string run, string format)
    {
        var found = LedgerVerification.Run(Path.GetFullPath(run));
        var isGood = found.Problem is null;
        Console.WriteLine(format == "table"
            ? Line(found)
            : JsonSerializer.Serialize(
                new Report(isGood ? "good" : "broken", found.StepsVerified, found.SamplesVerified, Math.Round(found.Epochs, 6), found.Problem), JsonOptions));
        if (found.FirstStep > 0)
        {
            Console.Error.WriteLine($"Steps 1 to {found.FirstStep} stand in another ledger: that of the run whose checkpoint this one went on from.");
        }

        if (!isGood)
        {
            Console.Error.WriteLine(found.Problem);
        }

        return isGood ? ExitGood : ExitBroken;
    }

    private static string Line(LedgerFinding found)
    {
        var proved = string.Create(CultureInfo.InvariantCulture, $"{found.StepsVerified} steps with {found.SamplesVerified} samples, {found.Epochs:0.##} epochs");
        return found.Problem is null ? $"good: {proved}, each sample once an epoch" : $"broken behind {proved}";
    }

    private sealed record Report(string Verdict, long StepsVerified, long SamplesVerified, double Epochs, string? Problem);
}
