using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Orchestrator.Coordinator.Host;

namespace Orchestrator.Tools.Chaos;

/// <summary>Several coordinators on one store: who owns the runs is read in their logs, as a person would.</summary>
internal sealed partial class CoordinatorProcesses : IAsyncDisposable
{
    /// <summary>A lease, a try for it, and the start of a process on a machine that is far too busy.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    private readonly string _folder;
    private readonly string _store;
    private readonly string[] _addresses;
    private readonly Process[] _processes;
    private readonly string[] _logs;
    private int _starts;

    /// <param name="folder">For logs.</param>
    /// <param name="count">At least 2.</param>
    /// <param name="store">Address of a PostgreSQL database.</param>
    public CoordinatorProcesses(string folder, int count, string store)
    {
        (_folder, _store, _processes, _logs) = (folder, store, new Process[count], new string[count]);
        _addresses = [.. FreePort.Find(count).Select(port => $"127.0.0.1:{port}")];
    }

    /// <summary>Of all, for --coordinator.</summary>
    public string Addresses => string.Join(',', _addresses);

    /// <returns>When one of them owns the runs.</returns>
    public async Task StartAsync()
    {
        for (var i = 0; i < _processes.Length; i++)
        {
            Start(i);
        }

        await WaitAsync(() => Newest().Term > 0, "no coordinator owns the runs");
    }

    /// <summary>Kills the owner, or freezes it.</summary>
    /// <returns>When the next one owns the runs.</returns>
    public async Task<OwnerDeath> StrikeAsync(bool isFrozen)
    {
        var former = Newest();
        var at = DateTimeOffset.UtcNow;
        Signals.Send(_processes[former.Index].Id, isFrozen ? Signals.Stop : Signals.Kill);
        await WaitAsync(() => Newest().Term > former.Term, $"nobody owns the runs after term {former.Term}");
        var next = Newest();
        return new OwnerDeath(at, former.Index, _processes[former.Index].Id, isFrozen, next.Term, next.At);
    }

    /// <summary>Starts it again, as a service manager does, or lets it go on.</summary>
    /// <returns>When it stands by.</returns>
    public async Task MendAsync(OwnerDeath death)
    {
        var known = death.IsFrozen ? Read(death.Index).Length : 0;
        if (death.IsFrozen)
        {
            Signals.Send(death.Pid, Signals.Continue);
        }
        else
        {
            await _processes[death.Index].WaitForExitAsync(Interruption.Token);
            _processes[death.Index].Dispose();
            Start(death.Index);
        }

        await WaitAsync(() => Read(death.Index).IndexOf("Standing by", known, StringComparison.Ordinal) >= 0, $"the coordinator at {_addresses[death.Index]} does not stand by");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes.Where(process => process is not null))
        {
            // All of them at once: each gives the lease to the next.
            Signals.Send(process.Id, Signals.Continue);
            Signals.Send(process.Id, Signals.Term);
        }

        foreach (var process in _processes.Where(process => process is not null))
        {
            await RunProgram.StopAsync(process);
            process.Dispose();
        }
    }

    private void Start(int index)
    {
        _logs[index] = Path.Combine(_folder, $"coordinator-{index}.{++_starts}.log");
        _processes[index] = RunProgram.StartLogged(
            [], _logs[index], "Orchestrator.Coordinator", ["coordinator", "--listen", _addresses[index], "--http", "127.0.0.1:0", "--runs", _folder, "--store", _store]);
    }

    /// <summary>The newest term, who has it, and since when by its log.</summary>
    private (int Term, int Index, DateTimeOffset At) Newest()
    {
        var newest = (Term: 0, Index: 0, At: default(DateTimeOffset));
        for (var i = 0; i < _logs.Length; i++)
        {
            foreach (Match owned in OwnedTerm().Matches(Read(i)))
            {
                var term = int.Parse(owned.Groups[2].Value, CultureInfo.InvariantCulture);
                if (term > newest.Term)
                {
                    newest = (term, i, DateTimeOffset.Parse(owned.Groups[1].Value, CultureInfo.InvariantCulture));
                }
            }
        }

        return newest;
    }

    private async Task WaitAsync(Func<bool> isDone, string problem)
    {
        var startedAt = Stopwatch.GetTimestamp();
        while (!isDone())
        {
            if (Stopwatch.GetElapsedTime(startedAt) > Patience)
            {
                throw new ToolException($"After {Patience.TotalSeconds:0} s {problem}. Their logs are in {_folder}.", ExitCodes.Failed);
            }

            await Task.Delay(Look, Interruption.Token);
        }
    }

    private string Read(int index)
    {
        if (!File.Exists(_logs[index]))
        {
            return "";
        }

        using var reader = new StreamReader(new FileStream(_logs[index], FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"^(\S+Z) .*owns the runs under term (\d+);", RegexOptions.Multiline)]
    private static partial Regex OwnedTerm();
}

/// <summary>An owner that was killed or frozen, and its successor.</summary>
/// <param name="At">When it was hit.</param>
/// <param name="Index">Its number among the coordinators.</param>
/// <param name="Pid">Its process.</param>
/// <param name="IsFrozen">It thaws later; else it is dead.</param>
/// <param name="Term">Of the next owner.</param>
/// <param name="OwnedAt">When the next owner had the lease.</param>
internal sealed record OwnerDeath(DateTimeOffset At, int Index, int Pid, bool IsFrozen, int Term, DateTimeOffset OwnedAt)
{
    /// <summary>When the next owner had its members back, and steps came as before: a while behind run.adopted.</summary>
    public DateTimeOffset SettledAt { get; init; }

    /// <summary>run.adopted; null: the run had no members.</summary>
    public DateTimeOffset? AdoptedAt { get; init; }

    /// <summary>When the one that was hit stood by again, and a while behind.</summary>
    public DateTimeOffset MendedAt { get; init; }
}
