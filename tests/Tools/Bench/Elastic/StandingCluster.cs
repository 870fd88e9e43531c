using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Orchestrator.Security.Tokens;
using Orchestrator.Tools.Chaos;

namespace Orchestrator.Tools.Bench.Elastic;

/// <summary>A coordinator and workers that stand, on this machine. Disposal ends them.</summary>
internal sealed class StandingCluster(string folder) : IAsyncDisposable
{
    private readonly string _address = $"127.0.0.1:{FreePort.Find()}";
    private readonly List<Process> _processes = [];

    /// <summary>host:port of the JSON API.</summary>
    public string Http { get; } = $"127.0.0.1:{FreePort.Find()}";

    /// <summary>The coordinator; it runs from <see cref="StartAsync"/> on.</summary>
    public Process Coordinator => _processes[0];

    public string RunDir => Path.Combine(folder, "run");

    /// <summary>Returns when the coordinator answers; the workers may still be attaching.</summary>
    public async Task StartAsync(int workers)
    {
        Directory.CreateDirectory(folder);
        Start("coordinator", "Orchestrator.Coordinator", "coordinator", "--listen", _address, "--http", Http, "--runs", folder);
        while ((await RunProgram.RunAsync([], "Orchestrator.Coordinator", ["workers", "--format", "json", "--coordinator", _address])).Code != 0)
        {
            await Task.Delay(100);
        }

        for (var i = 0; i < workers; i++)
        {
            StartWorker();
        }
    }

    public Process StartWorker() => Start(string.Create(CultureInfo.InvariantCulture, $"worker-{_processes.Count}"), "Orchestrator.Worker", "worker", "--coordinator", _address);

    /// <summary>A verb and its arguments, without the coordinator's address.</summary>
    public Task<(int Code, JsonElement? Result)> AskAsync(params string[] command) => RunProgram.RunAsync("Orchestrator.Coordinator", [.. command, "--coordinator", _address]);

    /// <summary>Asks for another number of workers by the JSON API: no process of a command ends beside what is timed.</summary>
    /// <exception cref="ToolException">It was not answered, or refused.</exception>
    public async Task ScaleAsync(string runId, int workers)
    {
        var token = TokenPlaces.Find(TokenUse.Command, isTrusted: true) ?? throw new ToolException($"No token was found; set {TokenPlaces.FileVariable}.");
        using var handler = new SocketsHttpHandler { UseProxy = false };
        using var http = new HttpMessageInvoker(handler);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"http://{Http}/api/v1/runs/{runId}/scale"))
        {
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) },
            Content = new StringContent(string.Create(CultureInfo.InvariantCulture, $$"""{"desired":{{workers}}}"""), Encoding.UTF8, "application/json"),
        };
        try
        {
            using var answer = await http.SendAsync(request, CancellationToken.None);
            if (!answer.IsSuccessStatusCode)
            {
                throw new ToolException($"Scaling run {runId} to {workers} workers was answered with {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
            }
        }
        catch (HttpRequestException error)
        {
            throw new ToolException($"Scaling run {runId} to {workers} workers was not answered: {error.Message}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in Enumerable.Reverse(_processes))
        {
            await RunProgram.StopAsync(process);
            process.Dispose();
        }
    }

    private Process Start(string log, string program, params string[] arguments)
    {
        var process = RunProgram.StartLogged([], Path.Combine(folder, $"{log}.log"), program, arguments);
        _processes.Add(process);
        return process;
    }
}
