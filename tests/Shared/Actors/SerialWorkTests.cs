namespace Orchestrator.Actors.Tests;

public sealed class SerialWorkTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Post_Many_AreDoneInTheirOrderAndNotByThePoster()
    {
        var done = new List<int>();
        using var mayGoOn = new ManualResetEventSlim();
        await using (var work = new SerialWork(100))
        {
            work.Post(mayGoOn.Wait);
            for (var i = 0; i < 50; i++)
            {
                var number = i;
                work.Post(() => done.Add(number));
            }

            Assert.Empty(done);
            mayGoOn.Set();
        }

        Assert.Equal(Enumerable.Range(0, 50), done);
    }

    [Fact]
    public async Task Post_OneThrows_NothingMoreIsDoneAndCompletionSaysWhy()
    {
        var isDone = false;
        await using var work = new SerialWork(10);
        work.Post(() => throw new FormatException("wrong"));
        work.Post(() => isDone = true);
        Assert.Equal("wrong", (await Assert.ThrowsAsync<FormatException>(() => work.Completion.WaitAsync(Patience))).Message);
        work.Post(() => isDone = true);
        Assert.False(isDone);
    }

    [Fact]
    public async Task Post_MoreThanMayWait_IsABug()
    {
        using var mayGoOn = new ManualResetEventSlim();
        using var isBusy = new ManualResetEventSlim();
        await using var work = new SerialWork(2);
        work.Post(() =>
        {
            isBusy.Set();
            mayGoOn.Wait();
        });
        Assert.True(isBusy.Wait(Patience, TestContext.Current.CancellationToken));
        work.Post(() => { });
        work.Post(() => { });
        Assert.Contains("2 pieces of work wait", Assert.Throws<InvalidOperationException>(() => work.Post(() => { })).Message, StringComparison.Ordinal);
        mayGoOn.Set();
    }
}
