using System.CommandLine;
using System.Text;
using System.Text.Json;
using Orchestrator.Core.Jobs;
using Orchestrator.Training.Tasks;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Host.Commands;

/// <summary>`generate`: text from a checkpoint of a gpt model, byte by byte.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        var options = new CheckpointOptions();
        var prompt = new Option<string>("--prompt") { Description = "How the text begins.", DefaultValueFactory = _ => "\n" };
        var length = new Option<int>("--length") { Description = "Bytes to add.", DefaultValueFactory = _ => 400 };
        var temperature = new Option<double>("--temperature") { Description = "0: always the likeliest byte; 1: as the model has it.", DefaultValueFactory = _ => 0.8 };
        var seed = new Option<long>("--seed") { Description = "Of the draws.", DefaultValueFactory = _ => 1 };
        var command = new Command(
            "generate", "Prints text that a checkpoint of a gpt model writes on from a prompt.\n\nExample: ./orchestrator generate runs/RUN --prompt \"public sealed \"")
        {
            prompt, length, temperature, seed,
        };
        options.AddTo(command);
        command.SetAction(result => CommandRunner.Guard(() =>
        {
            using var loaded = LoadedCheckpoint.Open(result.GetValue(options.Checkpoint)!, result.GetValue(options.Set) ?? []);
            if (loaded.Job.Model is not GptSpec gpt || loaded.Model is not nn.Module<Tensor, Tensor> model)
            {
                throw new TaskException($"Job {loaded.Job.Name} trains no gpt model, so there is no text to generate. evaluate prints loss and accuracy.");
            }

            var text = Sample(model, gpt.Context, loaded.Device, result.GetValue(prompt)!, result.GetValue(length), result.GetValue(temperature), result.GetValue(seed));
            options.Keep(result, "generated.txt", text);
            Console.WriteLine(result.GetValue(options.Format) == "table" ? text : JsonSerializer.Serialize(new { prompt = result.GetValue(prompt), text }));
            return 0;
        }));
        return command;
    }

    private static string Sample(nn.Module<Tensor, Tensor> model, int context, Device device, string prompt, int length, double temperature, long seed)
    {
        using var noGrad = no_grad();
        var bytes = Encoding.UTF8.GetBytes(prompt.Length > 0 ? prompt : "\n").ToList();
        var draws = new Random(unchecked((int)seed));
        for (var i = 0; i < length; i++)
        {
            using var scope = NewDisposeScope();
            var window = bytes.Skip(Math.Max(0, bytes.Count - context)).Select(value => (long)value).ToArray();
            var logits = model.call(tensor(window, device: device).unsqueeze(0));       // [1, T, V]
            var last = logits[0, -1].to(ScalarType.Float32).cpu();                       // [V]
            bytes.Add((byte)Draw(last.data<float>().ToArray(), temperature, draws.NextDouble()));
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }

    /// <summary>Draws from softmax(logits / temperature) with one uniform number.</summary>
    private static int Draw(float[] logits, double temperature, double uniform)
    {
        var best = Array.IndexOf(logits, logits.Max());
        if (temperature <= 0)
        {
            return best;
        }

        var weights = logits.Select(logit => Math.Exp((logit - logits[best]) / temperature)).ToArray();
        var rest = uniform * weights.Sum();
        for (var i = 0; i < weights.Length; i++)
        {
            rest -= weights[i];
            if (rest < 0)
            {
                return i;
            }
        }

        return best;
    }
}
