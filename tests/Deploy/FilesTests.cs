using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace Orchestrator.Deploy.Tests;

/// <summary>What the other files of deploy/ say of the programs is what the programs understand.</summary>
public partial class FilesTests
{
    private static readonly Dictionary<string, string[]> Options = new()
    {
        ["coordinator"] = ["--listen", "--http", "--host", "--insecure"],
        ["worker"] = ["--coordinator", "--listen", "--metrics", "--insecure"],
    };

    [Fact]
    public void Compose_CommandsAndMounts_AreOfVerbsOptionsAndFilesThatExist()
    {
        var services = ReadYaml("deploy/compose.yaml")["services"];

        Assert.Equal(["coordinator", "worker-1", "worker-2", "prometheus", "grafana"], Keys(services));
        foreach (var name in new[] { "coordinator", "worker-1", "worker-2" })
        {
            AssertCommand(Strings(Child(services, name, "command")));
        }
        foreach (var name in Keys(services))
        {
            foreach (var mount in Strings(Child(services, name, "volumes")))
            {
                var source = Path.GetFullPath(Path.Combine(Repository.PathOf("deploy"), mount.Split(':')[0]));
                Assert.True(Path.Exists(source), $"{name} mounts {mount}, and {source} does not exist");
            }
            if (Child(services, name, "ports") is { } ports)
            {
                Assert.All(Strings(ports), port => Assert.StartsWith("127.0.0.1:", port));
            }
        }
    }

    [Fact]
    public void Compose_AWorkersAddresses_AreItsOwn()
    {
        var services = ReadYaml("deploy/compose.yaml")["services"];
        foreach (var name in new[] { "worker-1", "worker-2" })
        {
            var address = (string)((IDictionary<object, object>)Child(Child(services, name, "networks")!, "cluster", null)!)["ipv4_address"];
            var command = Strings(Child(services, name, "command"));

            Assert.Equal($"{address}:7073", command[Array.IndexOf(command, "--listen") + 1]);
            Assert.Equal($"{address}:7072", command[Array.IndexOf(command, "--metrics") + 1]);
        }
    }

    [Theory]
    [InlineData("orchestrator-coordinator.service")]
    [InlineData("orchestrator-worker@.service")]
    public void Unit_ExecStart_IsOfVerbsAndOptionsThatExist(string unit)
    {
        var line = Repository.Read("deploy/systemd/" + unit).Split('\n').Single(line => line.StartsWith("ExecStart=", StringComparison.Ordinal));
        var words = line["ExecStart=".Length..].Split(' ');

        Assert.Equal("/opt/orchestrator/orchestrator", words[0]);
        AssertCommand(words[1..]);
        var variables = Repository.Read("deploy/systemd/orchestrator.env");
        Assert.All(Variable().Matches(line).Select(match => match.Groups[1].Value), name => Assert.Contains($"\n{name}=", variables));
    }

    [Theory]
    [InlineData("orchestrator-coordinator.service", "orchestrator-coordinator.service")]
    [InlineData("orchestrator-worker@.service", "orchestrator-worker@7072.service")]
    public async Task Unit_AsSystemdSeesIt_IsSound(string unit, string instance)
    {
        var program = Tool.Require("systemd-analyze", "systemd");
        var folder = Directory.CreateTempSubdirectory("systemd-test-");
        try
        {
            // The program and the user are not installed where the tests run.
            var text = Repository.Read("deploy/systemd/" + unit).Replace("/opt/orchestrator/orchestrator", "/bin/true", StringComparison.Ordinal)
                .Replace("User=orchestrator", "User=root", StringComparison.Ordinal);
            var path = Path.Combine(folder.FullName, instance);
            File.WriteAllText(path, text);

            var (_, output) = await Tool.RunAsync(program, "verify", "--man=no", path);

            // Units of the system itself may draw complaints of their own.
            Assert.DoesNotContain(output.Split('\n'), line => line.Contains(instance, StringComparison.Ordinal));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Image_Launcher_SendsVerbsWhereTheRepositorysLauncherSendsThem()
    {
        var image = WorkerVerbs().Match(Repository.Read("deploy/docker/orchestrator"));
        var repository = WorkerVerbs().Match(Repository.Read("orchestrator"));

        Assert.True(image.Success);
        Assert.Equal(repository.Groups[1].Value, image.Groups[1].Value);
    }

    [Fact]
    public void Dockerfile_CopiedPaths_ExistInTheRepository()
    {
        var text = Repository.Read("deploy/Dockerfile");

        foreach (var path in new[] { "deploy/docker/orchestrator", "Coordinator/Host", "Worker/Host" })
        {
            Assert.Contains(path, text);
            Assert.True(Path.Exists(Repository.PathOf(path)), path);
        }
    }

    [Fact]
    public void Grafana_Provisioning_LeadsToTheBoardAndToPrometheus()
    {
        var provider = Repository.Read("deploy/grafana/provisioning/dashboards/orchestrator.yaml");
        var compose = Repository.Read("deploy/compose.yaml");

        Assert.Contains("path: /var/lib/grafana/dashboards", provider);
        Assert.Contains("./grafana/dashboards:/var/lib/grafana/dashboards:ro", compose);
        Assert.Contains("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: /var/lib/grafana/dashboards/" + Path.GetFileName(Board.File), compose);
        Assert.Contains("url: http://prometheus:9090", Repository.Read("deploy/grafana/provisioning/datasources/prometheus.yaml"));
    }

    private static void AssertCommand(string[] words)
    {
        Assert.True(Options.TryGetValue(words[0], out var known), $"There is no verb {words[0]}");
        Assert.All(words.Where(word => word.StartsWith('-')), option => Assert.Contains(option, known!));
    }

    private static Dictionary<string, object> ReadYaml(string relative)
    {
        using var reader = new StringReader(Repository.Read(relative));
        return new DeserializerBuilder().Build().Deserialize<Dictionary<string, object>>(new MergingParser(new Parser(reader)));
    }

    private static IEnumerable<string> Keys(object map) => ((IDictionary<object, object>)map).Keys.Cast<string>();

    private static object? Child(object map, string key, string? inner)
    {
        var child = ((IDictionary<object, object>)map)[key];
        return inner is null ? child : ((IDictionary<object, object>)child).TryGetValue(inner, out var value) ? value : null;
    }

    private static string[] Strings(object? list) => [.. ((IEnumerable<object>?)list ?? []).Cast<string>()];

    [GeneratedRegex(@"\$\{([A-Z_]+)\}")]
    private static partial Regex Variable();

    [GeneratedRegex(@"^\s*(worker \|[^)]*)\) program=Orchestrator\.Worker ;;", RegexOptions.Multiline)]
    private static partial Regex WorkerVerbs();
}
