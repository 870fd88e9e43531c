using System.Diagnostics;
using System.Globalization;
using Orchestrator.Storage.Checkpoints;

namespace Orchestrator.Storage.Tests.Checkpoints;

/// <summary>A real process, really killed.</summary>
public class KillTests
{
    private const int Rounds = 8;

    [Fact]
    public async Task Save_ProcessKilledWithSigkill_LeavesEveryReportedCheckpointWhole()
    {
        using var folder = new TemporaryFolder();
        var store = new CheckpointStore(folder.Path);
        var random = new Random(11);
        for (var round = 0; round < Rounds; round++)
        {
            var before = store.FindLatest()?.Step ?? 0;
            var reported = await SaveAndKillAsync(folder.Path, savesBeforeKill: 2, TimeSpan.FromMilliseconds(random.Next(0, 40)));

            Assert.True(reported >= before + 2, $"round {round}: the child reported step {reported} after {before}");
            var latest = store.FindLatest();
            Assert.True(latest?.Step >= reported, $"round {round}: step {reported} was reported as saved; the newest is {latest?.Step}");
            Assert.All(store.List(), listing => Assert.Empty(CheckpointStore.Verify(listing.Path).Problems));
        }
    }

    private static async Task<long> SaveAndKillAsync(string folder, int savesBeforeKill, TimeSpan delay)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        // Under `dotnet X.dll` the process is dotnet; as an apphost it is X itself.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(KillTests).Assembly.Location);
        }
        start.Environment[SaveForever.FolderVariable] = folder;
        using var child = Process.Start(start)!;
        var errors = child.StandardError.ReadToEndAsync();
        long reported = 0;
        for (var count = 0; count < savesBeforeKill; count++)
        {
            var line = await child.StandardOutput.ReadLineAsync();
            reported = long.Parse(line ?? throw new InvalidOperationException("The child ended: " + await errors), CultureInfo.InvariantCulture);
        }
        // The point of the kill within the next saves has to be arbitrary here; CrashTests covers each one.
        await Task.Delay(delay);
        child.Kill();
        foreach (var line in (await child.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).SkipLast(1))
        {
            reported = long.Parse(line, CultureInfo.InvariantCulture);
        }
        await child.WaitForExitAsync();
        return reported;
    }
}
