using Orchestrator.Coordinator.Host.Api;

namespace Orchestrator.Coordinator.Tests.Api;

public sealed class LastLinesTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Theory]
    [InlineData(0, 5)]
    [InlineData(1, 5)]
    [InlineData(5, 5)]
    [InlineData(6, 5)]
    [InlineData(20_000, 5)]
    [InlineData(20_000, 9_999)]
    public void Read_TheEndOfAFile_IsThatManyWholeLines(int lines, int count)
    {
        var all = Enumerable.Range(0, lines).Select(number => $"line {number} {new string('x', number % 37)}").ToArray();
        File.WriteAllText(_path, string.Concat(all.Select(line => line + "\n")) + "half a li");

        Assert.Equal(all.TakeLast(count), LastLines.Read(_path, count));
    }

    [Fact]
    public void Read_NoFile_IsNothing() => Assert.Empty(LastLines.Read(_path + ".none", 5));
}
