namespace Orchestrator.Storage.Relational.Tests;

public sealed class StoreAddressTests
{
    [Theory]
    [InlineData("Host=db;Database=jobs;Username=me;Password=hush", "postgres://db:5432/jobs")]
    [InlineData("postgres://me:hush@db:6543/jobs?sslmode=verify-full", "postgres://db:6543/jobs")]
    [InlineData("postgresql://db/jobs", "postgres://db:5432/jobs")]
    [InlineData("sqlite:/tmp/a.db", "/tmp/a.db")]
    [InlineData("/tmp/a.db", "/tmp/a.db")]
    public void Parse_WhatPeopleType_ShowsItWithoutThePassword(string text, string shown) => Assert.Equal(shown, StoreAddress.Parse(text).ToString());

    [Fact]
    public void Parse_UrlWithEscapes_GivesTheDriverTheRealValues() =>
        Assert.Contains("Password=\"a;b@c\"", StoreAddress.Parse("postgres://me:a%3Bb%40c@db/jobs").ConnectionString, StringComparison.Ordinal);

    [Theory]
    [InlineData("postgres://db")]
    [InlineData("postgres://db/jobs?no=1&Password=hush")]
    [InlineData("Host=db;Colour=red;Password=hush")]
    [InlineData("Database=jobs;Password=hush")]
    [InlineData("mysql://db/jobs")]
    [InlineData("sqlite:")]
    [InlineData("")]
    public void Parse_SomethingElse_SaysWhatToTypeAndKeepsThePassword(string text)
    {
        var problem = Assert.Throws<FormatException>(() => StoreAddress.Parse(text));
        Assert.Contains("such as|postgres://NAME".Split('|')[text == "sqlite:" ? 0 : 1], problem.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", problem.Message, StringComparison.Ordinal);
    }
}
