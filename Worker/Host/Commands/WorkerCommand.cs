using System.CommandLine;
using System.Net;
using Orchestrator.Core.Jobs;
using Orchestrator.Security.Tls;
using Orchestrator.Worker.Host.Control;

namespace Orchestrator.Worker.Host.Commands;

/// <summary>`worker`: attaches this machine's device to a coordinator until it is told to end.</summary>
internal static class WorkerCommand
{
    public static Command Create()
    {
        var coordinator = new Option<string>("--coordinator")
        {
            Description = "Where coordinators listen, HOST:PORT, or https://HOST:PORT with TLS, separated by commas: whoever of them owns the runs takes the worker. Default: $ORCHESTRATOR_ADDRESS, else 127.0.0.1:7070.",
            HelpName = "HOST:PORT,...",
            DefaultValueFactory = _ => Environment.GetEnvironmentVariable("ORCHESTRATOR_ADDRESS") ?? "127.0.0.1:7070",
        };
        var listen = new Option<string>("--listen") { Description = "Where other workers reach this one, address:port; port 0: any free one.", DefaultValueFactory = _ => "127.0.0.1:0" };
        var metrics = new Option<string>("--metrics") { Description = "Where Prometheus reaches /metrics, address:port; port 0: any free one.", DefaultValueFactory = _ => "127.0.0.1:0" };
        var advertise = new Option<string?>("--advertise") { Description = "The host name or address that others reach this machine by. Default: that of --listen." };
        var device = new Option<string>("--device") { Description = "auto, cpu or cuda:N.", DefaultValueFactory = _ => "auto" };
        var isa = new Option<string?>("--isa") { Description = "Newest instruction-set level to use: default, avx2 or avx512. Default: the processor's." };
        isa.AcceptOnlyFromAmong("default", "avx2", "avx512");
        var labels = new Option<string[]>("--label")
        {
            Description = "What this worker has, for jobs that ask for it with workers.labels; may be given several times.", HelpName = "NAME=VALUE", DefaultValueFactory = _ => [],
        };
        var insecure = new Option<bool>("--insecure") { Description = "Allow addresses that other machines reach, without authentication or encryption." };
        var certificate = new Option<string?>("--tls-cert") { Description = "PEM file: this worker's certificate, for TLS between workers and to the coordinator. Its subjectAltName holds what they reach it by." };
        var key = new Option<string?>("--tls-key") { Description = "PEM file: the certificate's private key." };
        var authority = new Option<string?>("--tls-ca") { Description = "PEM file: the authority that signs every worker's certificate; a peer without one of its own is refused." };
        var launcher = new Option<string>("--launcher") { Description = "Set by `run` for the workers that it starts.", Hidden = true, DefaultValueFactory = _ => "" };
        var lifeline = new Option<bool>("--lifeline") { Description = "End when standard input closes, and with the run.", Hidden = true };
        var command = new Command(
            "worker", "Attaches this machine to a coordinator and trains what it orders.\n\nExample: ./orchestrator worker --coordinator 10.0.0.1:7070 --listen 10.0.0.2:0 --insecure")
        {
            coordinator, listen, metrics, advertise, device, isa, labels, insecure, certificate, key, authority, launcher, lifeline,
        };
        command.SetAction(async result =>
        {
            if (!IPEndPoint.TryParse(result.GetValue(listen)!, out var peers) || !IPEndPoint.TryParse(result.GetValue(metrics)!, out var scrapes))
            {
                await Console.Error.WriteLineAsync(
                    $"--listen {result.GetValue(listen)} or --metrics {result.GetValue(metrics)} is no ADDRESS:PORT, such as 127.0.0.1:0. Names go into --advertise.");
                return 2;
            }

            var coordinators = CoordinatorAddresses.Read(result.GetValue(coordinator)!);
            if (coordinators.Problem is { } wrong)
            {
                await Console.Error.WriteLineAsync(wrong);
                return 2;
            }

            var given = LabelRule.Read(result.GetValue(labels)!);
            if (given.Problem is { } noLabel)
            {
                await Console.Error.WriteLineAsync(noLabel);
                return 2;
            }

            string?[] files = [result.GetValue(certificate), result.GetValue(key), result.GetValue(authority)];
            if (files.Any(file => file is null) && files.Any(file => file is not null))
            {
                await Console.Error.WriteLineAsync("--tls-cert, --tls-key and --tls-ca go together: give all three, or none for a network that you trust.");
                return 2;
            }

            return await WorkerProcess.RunAsync(new WorkerOptions(
                coordinators.Addresses, peers, scrapes, result.GetValue(advertise), result.GetValue(device)!, result.GetValue(isa), result.GetValue(launcher)!,
                result.GetValue(lifeline), result.GetValue(insecure), files[0] is null ? null : new TlsFiles(files[0]!, files[1]!, files[2]!))
            {
                Labels = given.Labels,
            });
        });
        return command;
    }
}
