using System.Diagnostics;
using System.Globalization;

namespace Orchestrator.Storage.Relational.Tests;

/// <summary>A process that writes to a SQLite store without end and says what was acknowledged, until it is killed.</summary>
internal static class DoomedWriter
{
    public const string Verb = "write-until-killed";

    public static async Task<int> WriteAsync(string file)
    {
        await using var store = await RelationalStore.OpenAsync(StoreAddress.SqliteFile(file));
        var lease = await store.Leases.TakeAsync("pool", $"writer-{Environment.ProcessId}", "127.0.0.1:1", TimeSpan.FromMilliseconds(200));
        while (!lease.IsGranted)
        {
            await Task.Delay(20);
            lease = await store.Leases.TakeAsync("pool", $"writer-{Environment.ProcessId}", "127.0.0.1:1", TimeSpan.FromMilliseconds(200));
        }

        for (var version = (await store.Runs.FindAsync(Some.Run))?.Version + 1 ?? 1; ; version++)
        {
            var answer = await store.Runs.WriteAsync(lease.Present!.Ownership, [Some.Change(version) with { Events = [new("a", $"{version}.1"), new("b", $"{version}.2")] }]);
            if (answer is not WriteAnswer.Stored)
            {
                Console.WriteLine(answer);
                return 1;
            }

            Console.WriteLine(version);
        }
    }

    /// <returns>The last version that was acknowledged before it was killed.</returns>
    public static async Task<long> StartAndKillAsync(string file, int afterLines)
    {
        using var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [typeof(DoomedWriter).Assembly.Location, Verb, file]) { RedirectStandardOutput = true })!;
        string? last = null;
        for (var i = 0; i < afterLines; i++)
        {
            last = await process.StandardOutput.ReadLineAsync();
        }

        process.Kill();
        last = (await process.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? last;
        await process.WaitForExitAsync();
        return long.Parse(last!, CultureInfo.InvariantCulture);
    }
}
