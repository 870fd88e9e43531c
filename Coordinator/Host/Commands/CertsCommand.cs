using System.CommandLine;
using System.Text.Json;
using Orchestrator.Security;
using Orchestrator.Security.Tls;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>`certs`: a private authority and certificates for one cluster.</summary>
internal static class CertsCommand
{
    /// <summary>By these a machine reaches itself.</summary>
    private static readonly string[] Loopback = ["localhost", "127.0.0.1", "::1"];

    public static Command Create() => new Verb("certs", "Makes certificates for a cluster of one's own.", "certs init --out certs --host 10.0.0.1") { CreateInit() };

    private static Command CreateInit()
    {
        var folder = new Option<string>("--out", "-o") { Description = "The folder to write; it must hold no authority yet.", HelpName = "DIR", Required = true };
        var hosts = new Option<string[]>("--host")
        {
            Description = "A name or an address that coordinator or workers are reached by, beside loopback. May be given again.", HelpName = "NAME", DefaultValueFactory = _ => [],
        };
        var format = FormatOption.Create("Standard output: what to do next, or one JSON object.");
        var command = new Verb("init", "Makes a private authority, and certificates that it signs for coordinator, workers and clients.",
            "certs init --out certs --host 10.0.0.1 --host train.example") { folder, hosts, format };
        command.SetAction(result => Init(Path.GetFullPath(result.GetValue(folder)!), [.. Loopback.Concat(result.GetValue(hosts)!).Distinct()], result.GetValue(format)));
        return command;
    }

    private static int Init(string folder, string[] hosts, OutputFormat format)
    {
        if (hosts.FirstOrDefault(host => Uri.CheckHostName(host) == UriHostNameType.Unknown) is { } wrong)
        {
            throw new UsageException($"--host {wrong} is no name and no address; give it without a port, such as 10.0.0.1 or train.example.");
        }

        if (File.Exists(Path.Combine(folder, "ca.key")) || File.Exists(Path.Combine(folder, "ca.pem")))
        {
            throw new UsageException($"{folder} holds an authority already, and it is not overwritten: what it has signed would count no more. Choose another folder with --out.");
        }

        try
        {
            using var authority = CertificateAuthority.Create("orchestrator authority", TimeProvider.System.GetUtcNow());
            Directory.CreateDirectory(folder);
            foreach (var (name, servedHosts) in new[] { ("coordinator", hosts), ("worker", hosts), ("client", []) })
            {
                var (certificate, key) = authority.Sign(name, servedHosts);
                Write(Path.Combine(folder, $"{name}.pem"), certificate);
                WriteSecret(Path.Combine(folder, $"{name}.key"), key);
            }

            WriteSecret(Path.Combine(folder, "ca.key"), authority.KeyPem);
            Write(Path.Combine(folder, "ca.pem"), authority.CertificatePem);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{folder} cannot be written: {e.Message} Choose another folder with --out.", ExitCodes.Failed);
        }

        Tell(folder, hosts, format);
        return ExitCodes.Done;
    }

    private static void Tell(string folder, string[] hosts, OutputFormat format)
    {
        if (format != OutputFormat.Table)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new { @out = folder, hosts }));
            return;
        }

        Console.Out.WriteLine($"{folder}: an authority, and certificates of coordinator, worker and client for {string.Join(", ", hosts)}");
        Console.Out.WriteLine();
        Console.Out.WriteLine("Next:");
        Console.Out.WriteLine($"  ./orchestrator coordinator --tls-cert {folder}/coordinator.pem --tls-key {folder}/coordinator.key --tls-ca {folder}/ca.pem");
        Console.Out.WriteLine($"  ./orchestrator worker --coordinator https://HOST:{CoordinatorCommand.DefaultPort} --tls-cert {folder}/worker.pem --tls-key {folder}/worker.key --tls-ca {folder}/ca.pem");
        Console.Out.WriteLine($"  ./orchestrator status --coordinator https://HOST:{CoordinatorCommand.DefaultPort} --tls-cert {folder}/client.pem --tls-key {folder}/client.key --tls-ca {folder}/ca.pem");
        Console.Out.WriteLine("Keep ca.key away from the cluster: who has it can make more of these.");
    }

    private static void Write(string path, string text)
    {
        using var file = new StreamWriter(new FileStream(path, FileMode.CreateNew, FileAccess.Write));
        file.Write(text);
    }

    private static void WriteSecret(string path, string text)
    {
        using var file = new StreamWriter(OwnerFile.Create(path));
        file.Write(text);
    }
}
