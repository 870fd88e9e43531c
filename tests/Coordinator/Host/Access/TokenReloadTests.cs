using System.Net;
using System.Runtime.Versioning;
using Orchestrator.Coordinator.Tests.Api;
using Orchestrator.Coordinator.Tests.Server;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Tests.Access;

/// <summary>A token file that is changed while a coordinator runs.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class TokenReloadTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tokens-").FullName;
    private readonly List<string> _notes = [];
    private readonly SteppedTime _time = new();

    private string File => Path.Combine(_folder, "tokens");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Current_AfterAChange_HasTheTokensOfTheFileAndSaysHowManyChanged()
    {
        var (kept, gone, added) = (TokenLine.Of(Role.Admin, TokenText.New()), TokenLine.Of(Role.Viewer, TokenText.New()), TokenLine.Of(Role.Worker, TokenText.New()));
        Write(kept, gone);
        var source = new TokenSource(File, _notes.Add, _time);
        var first = source.Current;
        Write(kept, added, TokenLine.Of(Role.Unspecified, TokenText.New()));

        // Not looked at more often than once a second.
        Assert.Same(first, source.Current);
        _time.Step(TimeSpan.FromSeconds(1));

        Assert.Equal((Role.Admin, null, Role.Worker), (source.Current.Identify(kept.Token!), source.Current.Identify(gone.Token!), source.Current.Identify(added.Token!)));
        Assert.Equal([$"The tokens in {File} were read again: 2 count, 1 of them new; 1 are gone."], _notes);
        Assert.Same(source.Current, source.Current);
    }

    [Theory]
    [InlineData("viewer short", "has a token of 5 characters")]
    [InlineData("", "holds no token")]
    [InlineData(null, "cannot be read")]
    public void Current_TheChangedFileCannotBeUsed_KeepsTheFormerTokensAndSaysWhy(string? text, string problem)
    {
        var admin = TokenLine.Of(Role.Admin, TokenText.New());
        Write(admin);
        var source = new TokenSource(File, _notes.Add, _time);
        System.IO.File.Delete(File);
        if (text is not null)
        {
            System.IO.File.WriteAllText(File, text);
            System.IO.File.SetUnixFileMode(File, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        _time.Step(TimeSpan.FromSeconds(1));

        Assert.Equal(Role.Admin, source.Current.Identify(admin.Token!));
        var note = Assert.Single(_notes);
        Assert.StartsWith("The changed token file cannot be used, and the former tokens stay: ", note, StringComparison.Ordinal);
        Assert.Contains(problem, note, StringComparison.Ordinal);

        // Mended, it counts again.
        Write(TokenLine.Of(Role.Viewer, admin.Token!));
        _time.Step(TimeSpan.FromSeconds(1));
        Assert.Equal(Role.Viewer, source.Current.Identify(admin.Token!));
    }

    /// <summary>A stream that is open does not outlive its token: it may have been taken back because it was stolen.</summary>
    [Fact]
    public async Task AStream_ItsTokenIsTakenOutOfTheFile_IsBrokenOffAndOthersGoOn()
    {
        var (admin, viewer, next) = (TokenLine.Of(Role.Admin, TestTokens.Of(Role.Admin)), TokenLine.Of(Role.Viewer, TokenText.New()), TokenLine.Of(Role.Viewer, TokenText.New()));
        Write(admin, viewer);
        await using var coordinator = await CoordinatorFixture.StartAsync(new TokenSource(File, _notes.Add, TimeProvider.System));
        using var former = new ApiCaller(coordinator) { Token = viewer.Token! };
        using var present = new ApiCaller(coordinator) { Token = next.Token! };
        using var admins = new ApiCaller(coordinator);
        var run = await coordinator.SubmitAsync();
        using var stream = await former.OpenEventsAsync(run.RunId);
        using var other = await admins.OpenEventsAsync(run.RunId);
        Assert.Equal(HttpStatusCode.Unauthorized, (await present.GetAsync("/api/v1/runs")).Status);
        var (reading, readingOn) = (ApiCaller.ReadEventsAsync(stream), ApiCaller.ReadEventsAsync(other));

        Write(admin, next);

        await Assert.ThrowsAnyAsync<IOException>(() => reading.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(HttpStatusCode.Unauthorized, (await former.GetAsync("/api/v1/runs")).Status);
        Assert.Equal(HttpStatusCode.OK, (await present.GetAsync("/api/v1/runs")).Status);
        await admins.PostAsync($"/api/v1/runs/{run.RunId}/stop");
        Assert.Equal("end", (await readingOn.WaitAsync(TimeSpan.FromSeconds(30)))[^1].Name);
    }

    private void Write(params TokenLine[] lines)
    {
        // Bare tokens have no role in front of them.
        TokenFile.Write(File, lines.Where(line => line.Role != Role.Unspecified), overwrite: true);
        System.IO.File.AppendAllLines(File, lines.Where(line => line.Role == Role.Unspecified).Select(line => line.Token!));
    }
}
