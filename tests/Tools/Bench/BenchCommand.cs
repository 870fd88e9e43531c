using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Orchestrator.Tools.Bench.AllReduce;
using Orchestrator.Tools.Bench.Api;
using Orchestrator.Tools.Bench.Ddp;
using Orchestrator.Tools.Bench.Elastic;
using Orchestrator.Tools.Bench.Steps;

namespace Orchestrator.Tools.Bench;

/// <summary>`bench`: measurements against other systems, in turn in one run.</summary>
internal static class BenchCommand
{
    public static Command Create() => new("bench", "Measures against other systems, in turn in one run.") { AllReduce(), AllReduceRankVerb(), StepCommand.Create(), DdpCommand.Create(), StragglerCommand.Create(), JoinCommand.Create(), ApiCommand.Create() };

    private static Command AllReduce()
    {
        var ranks = new Option<int>("--ranks") { Description = "Processes.", DefaultValueFactory = _ => 2 };
        var mib = new Option<int[]>("--mib")
        {
            Description = "Sizes of the gradient in MiB of fp32, with commas between.", DefaultValueFactory = _ => [1, 4, 25, 100], CustomParser = Sizes,
        };
        var transport = new Option<string>("--transport") { Description = "auto, tcp, unix or shm.", DefaultValueFactory = _ => "auto" };
        transport.AcceptOnlyFromAmong("auto", "tcp", "unix", "shm");
        var logicalRanks = new Option<int?>("--logical-ranks") { Description = "V. Default: as many as ranks." };
        var peer = new Option<string?>("--peer") { Description = "gloo: measure PyTorch's Gloo in turn with ours. arrival: ours, adding in order of arrival, to see what the fixed order costs (tcp and unix)." };
        peer.AcceptOnlyFromAmong("gloo", "arrival");
        var python = new Option<string>("--python") { Description = "The Python that has torch.", DefaultValueFactory = _ => "/usr/bin/python3" };
        var rounds = new Option<int>("--rounds") { Description = "Turns of each.", DefaultValueFactory = _ => 5 };
        var wire = new Option<string>("--wire") { Description = "fp32 or bf16, as allReduce.wire. Sizes and bandwidth are those of fp32; Gloo sends fp32.", DefaultValueFactory = _ => "fp32" };
        wire.AcceptOnlyFromAmong("fp32", "bf16");
        var piece = new Option<int>("--piece-kib") { Description = "Longest message, in KiB of fp32.", DefaultValueFactory = _ => AllReduceBench.DefaultPieceKiB };
        var death = new Option<bool>("--after-death") { Description = "Time the first all-reduce behind the death of one more rank: the others hold what they held, and share what it held." };
        var format = new Option<string>("--format") { Description = "table, json or jsonl.", DefaultValueFactory = _ => "table" };
        format.AcceptOnlyFromAmong("table", "json", "jsonl");
        var command = new Command(
            "allreduce", "Times the all-reduce between processes on this machine.\n\nExample: ./orchestrator bench allreduce --ranks 2 --mib 1,25 --peer gloo")
        {
            ranks, mib, transport, logicalRanks, peer, death, python, rounds, wire, piece, format,
        };
        command.SetAction(result => AllReduceBench.Run(new AllReduceBenchOptions(
            result.GetValue(ranks), result.GetValue(mib)!, result.GetValue(transport)!, result.GetValue(logicalRanks) ?? result.GetValue(ranks),
            result.GetValue(peer), result.GetValue(python)!, result.GetValue(rounds), result.GetValue(format)!, result.GetValue(wire)!, result.GetValue(piece),
            result.GetValue(death))));
        return command;
    }

    private static Command AllReduceRankVerb()
    {
        var index = new Option<int>("--index") { Required = true };
        var transport = new Option<string>("--transport") { Required = true };
        var logicalRanks = new Option<int>("--logical-ranks") { Required = true };
        var arrival = new Option<bool>("--arrival");
        var rounded = new Option<bool>("--bf16");
        var piece = new Option<int>("--piece-elements") { Required = true };
        var death = new Option<bool>("--after-death");
        var command = new Command("allreduce-rank", "One rank of `bench allreduce`.") { index, transport, logicalRanks, arrival, rounded, piece, death };
        command.Hidden = true;
        command.SetAction(result => AllReduceRank.Run(
            result.GetValue(index), result.GetValue(transport)!, result.GetValue(logicalRanks), result.GetValue(arrival), result.GetValue(rounded), result.GetValue(piece),
            result.GetValue(death)));
        return command;
    }

    private static int[] Sizes(ArgumentResult result)
    {
        var sizes = new List<int>();
        foreach (var text in result.Tokens.SelectMany(token => token.Value.Split(',')))
        {
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var size) || size < 1)
            {
                result.AddError($"--mib {text} is no whole number of MiB of at least 1.");
                return [];
            }

            sizes.Add(size);
        }

        return [.. sizes];
    }
}
