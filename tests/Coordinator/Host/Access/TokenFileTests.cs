using System.Runtime.Versioning;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Tests.Access;

[UnsupportedOSPlatform("windows")]
public sealed class TokenFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tokens-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string New(string text, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        var path = Path.Combine(_folder, Path.GetRandomFileName());
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, mode);
        return path;
    }

    [Fact]
    public void ReadOrCreate_FirstStart_MakesFourTokensForItsOwnerAlone()
    {
        var path = Path.Combine(_folder, "config", "tokens");

        var made = TokenFile.ReadOrCreate(path);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.Equal([Role.Viewer, Role.Submitter, Role.Admin, Role.Worker], made.Lines.Select(line => line.Role));
        Assert.Equal(4, made.Lines.Select(line => line.Token).Distinct().Count());
        Assert.All(made.Lines, line => Assert.Equal(64, line.Token!.Length));
        Assert.Equal(made.Lines.Select(line => line.Token), TokenFile.ReadOrCreate(path).Lines.Select(line => line.Token));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Fact]
    public async Task ReadOrCreate_ManyAtOnce_AllGetTheSameTokens()
    {
        // Each round is one chance to be in another's way between its look and its naming.
        for (var round = 0; round < 50; round++)
        {
            var folder = Directory.CreateDirectory(Path.Combine(_folder, $"{round}")).FullName;
            var path = Path.Combine(folder, "tokens");

            var files = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => TokenFile.ReadOrCreate(path))));

            Assert.Single(files.Select(file => file.Lines[0].Token).Distinct());
            Assert.Single(Directory.GetFiles(folder));
        }
    }

    [Fact]
    public void Read_OpenToOthers_IsRefusedWithTheCure()
    {
        var path = New("viewer " + TokenText.New(), UnixFileMode.UserRead | UnixFileMode.GroupRead);

        Assert.Equal($"The token file {path} is open to others than its owner. Close it: chmod 600 {path}", Assert.Throws<TokenFileException>(() => TokenFile.Read(path)).Message);
    }

    [Theory]
    [InlineData("", "holds no token")]
    [InlineData("viewer 0123456789abcdef", ":1 has a token of 16 characters; 32 or more of visible ASCII are needed")]
    [InlineData("# note\nroot 0123456789abcdef0123456789abcdef", ":2 begins with none of the roles viewer, submitter, admin and worker")]
    [InlineData("viewer a b", ":1 has 3 words; a role and a token are needed")]
    [InlineData("viewer sha256:0123", ":1 has a hash that is not the 64 hexadecimal digits of a SHA-256 behind a role")]
    public void Read_AWrongLine_IsNamedWithoutItsToken(string text, string problem)
    {
        var message = Assert.Throws<TokenFileException>(() => TokenFile.Read(New(text))).Message;

        Assert.Contains(problem, message, StringComparison.Ordinal);
        Assert.DoesNotContain("0123456789abcdef", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Verifier_OfAFileWithHashes_KnowsTheTokensThatTheFileDoesNotHold()
    {
        var (admin, worker) = (TokenText.New(), TokenText.New());
        var file = TokenFile.Read(New($"admin sha256:{Convert.ToHexStringLower(TokenText.Hash(admin))}\nworker {worker}\n{TokenText.New()}\n"));
        var verifier = new TokenVerifier(file.Lines);

        Assert.Equal(Role.Admin, verifier.Identify(admin));
        Assert.Equal(Role.Worker, verifier.Identify(worker));
        Assert.Null(verifier.Identify(TokenText.New()));
        Assert.Null(verifier.Identify(""));

        // A bare token has no role for a coordinator, but serves a client.
        Assert.Null(verifier.Identify(file.Lines[2].Token!));
        Assert.Equal(file.Lines[2].Token, TokenPlaces.Choose(file, TokenUse.Command));
        Assert.Equal(worker, TokenPlaces.Choose(file, TokenUse.Worker));
    }

    [Fact]
    public void Choose_OfAWholeFile_IsTheStrongestThatServes()
    {
        var file = TokenFile.ReadOrCreate(Path.Combine(_folder, "whole"));
        string Of(Role role) => file.Lines.Single(line => line.Role == role).Token!;

        Assert.Equal(Of(Role.Admin), TokenPlaces.Choose(file, TokenUse.Command));
        Assert.Equal(Of(Role.Worker), TokenPlaces.Choose(file, TokenUse.Worker));
        Assert.Null(TokenPlaces.Choose(file with { Lines = [file.Lines[0]] }, TokenUse.Worker));
    }

    [Theory]
    [InlineData("Bearer abc", "abc")]
    [InlineData("bearer  abc ", "abc")]
    [InlineData("Basic abc", null)]
    [InlineData("Bearer ", null)]
    [InlineData(null, null)]
    public void Bearer_OfAHeader_IsTheTokenOrNull(string? header, string? token) => Assert.Equal(token, BearerHeader.Read(header));
}
