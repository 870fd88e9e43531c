using System.Net;
using Orchestrator.Coordinator.Host.Access;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Tests.Access;

public sealed class AccessRuleTests
{
    private static readonly HostRule Hosts = new(["10.0.0.1", "train.example"]);

    private static readonly AccessRequest Good = new(
        "POST /x", AccessNeed.Submitter, "http", "train.example:7071", "train.example", null, HasToken: true, Role.Submitter, IPAddress.Parse("10.0.0.9"));

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("LOCALHOST.", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.9.9.9", true)]
    [InlineData("[::1]", true)]
    [InlineData("10.0.0.1", true)]
    [InlineData("10.0.0.9", true)]
    [InlineData("[::ffff:10.0.0.9]", true)]
    [InlineData("Train.Example", true)]
    [InlineData("", false)]
    [InlineData("10.0.0.2", false)]
    [InlineData("evil.example", false)]
    [InlineData("localhost.evil.example", false)]
    [InlineData("train.example.evil.example", false)]
    public void Host_IsOneOfItsNames_OrRefused(string host, bool isAllowed) =>
        Assert.Equal(isAllowed, AccessRule.Decide(Good with { HostName = host }, Hosts).Verdict != AccessVerdict.WrongHost);

    [Theory]
    [InlineData(null, true)]
    [InlineData("http://train.example:7071", true)]
    [InlineData("https://train.example:7071", false)]
    [InlineData("http://train.example", false)]
    [InlineData("http://evil.example", false)]
    [InlineData("null", false)]
    [InlineData("", false)]
    public void Origin_IsItsOwn_OrRefused(string? origin, bool isAllowed) =>
        Assert.Equal(isAllowed, AccessRule.Decide(Good with { Origin = origin }, Hosts).Verdict != AccessVerdict.ForeignOrigin);

    [Fact]
    public void Decide_EachWayToFail_SaysWhichAndTheCure()
    {
        (AccessVerdict Verdict, string Reason) Decide(AccessRequest request) => (AccessRule.Decide(request, Hosts).Verdict, AccessRule.Decide(request, Hosts).Reason);

        Assert.Equal((AccessVerdict.Allowed, ""), Decide(Good));
        Assert.Equal((AccessVerdict.Allowed, ""), Decide(Good with { Role = Role.Admin }));
        Assert.Equal(
            (AccessVerdict.WrongRole, "POST /x needs the role submitter, and the token that came has the role viewer. Use a token of that role."), Decide(Good with { Role = Role.Viewer }));
        Assert.Equal(AccessVerdict.NoToken, Decide(Good with { HasToken = false, Role = null }).Verdict);
        Assert.Equal(AccessVerdict.WrongToken, Decide(Good with { Role = null }).Verdict);
        Assert.Equal(AccessVerdict.NoRule, Decide(Good with { Need = AccessNeed.Nobody, Role = Role.Admin }).Verdict);
        Assert.Equal(
            (AccessVerdict.WrongHost, "The request is for the host 'evil.example:1', and this coordinator goes by localhost, 10.0.0.1, train.example. Use one of them, or start the coordinator with --host evil.example."),
            Decide(Good with { Host = "evil.example:1", HostName = "evil.example" }));
    }

    [Fact]
    public void Needs_ByRole_AreThoseOfTheTable()
    {
        var roles = new Role?[] { null, Role.Viewer, Role.Submitter, Role.Admin, Role.Worker };
        string Of(AccessNeed need) => string.Join(' ', roles.Select(role => need.IsMetBy(role) ? 1 : 0));

        Assert.Equal("0 0 0 0 0", Of(AccessNeed.Nobody));
        Assert.Equal("1 1 1 1 1", Of(AccessNeed.Nothing));
        Assert.Equal("0 1 1 1 1", Of(AccessNeed.AnyToken));
        Assert.Equal("0 1 1 1 0", Of(AccessNeed.Viewer));
        Assert.Equal("0 0 1 1 0", Of(AccessNeed.Submitter));
        Assert.Equal("0 0 0 1 0", Of(AccessNeed.Admin));
        Assert.Equal("0 0 0 1 1", Of(AccessNeed.Worker));
    }
}
