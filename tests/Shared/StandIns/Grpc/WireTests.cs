using Grpc.Core;
using Grpc.Wire;

namespace Grpc.StandIn.Tests;

/// <summary>The small formats of the wire, without a wire.</summary>
public sealed class WireTests
{
    [Theory]
    [InlineData(0, "1n")]
    [InlineData(1, "1u")]
    [InlineData(15, "2u")]
    [InlineData(10_000_000, "1000000u")]
    [InlineData(999_999_981, "99999999u")]
    [InlineData(999_999_991, "100000m")]
    [InlineData(1_000_000_001, "100001m")]
    [InlineData(36_000_000_000_000, "3600000S")]
    public void Format_Ticks_RoundsUpToAtMostEightDigits(long ticks, string expected)
    {
        var text = GrpcTimeout.Format(TimeSpan.FromTicks(ticks));

        Assert.Equal(expected, text);
        Assert.True(GrpcTimeout.TryParse(text, out var back));
        Assert.True(back.Ticks >= ticks);
    }

    [Fact]
    public void Format_LongestTimeSpan_IsTheLongestTimeout() => Assert.Equal("99999999H", GrpcTimeout.Format(TimeSpan.MaxValue));

    [Theory]
    [InlineData("1H", 36_000_000_000)]
    [InlineData("2M", 1_200_000_000)]
    [InlineData("3S", 30_000_000)]
    [InlineData("4m", 40_000)]
    [InlineData("5u", 50)]
    [InlineData("601n", 7)]
    [InlineData("99999999H", 3_599_999_964_000_000_000)]
    public void TryParse_Timeout_IsTicks(string text, long expected)
    {
        Assert.True(GrpcTimeout.TryParse(text, out var timeout));
        Assert.Equal(expected, timeout.Ticks);
    }

    [Theory]
    [InlineData("")]
    [InlineData("S")]
    [InlineData("5")]
    [InlineData("5x")]
    [InlineData("-5S")]
    [InlineData(" 5S")]
    [InlineData("123456789S")]
    [InlineData(null)]
    public void TryParse_NoTimeout_IsFalse(string? text) => Assert.False(GrpcTimeout.TryParse(text, out _));

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("100%", "100%25")]
    [InlineData("a\nb", "a%0Ab")]
    [InlineData("\u00e4", "%C3%A4")]
    [InlineData("\U0001f600", "%F0%9F%98%80")]
    public void PercentEncoding_Text_GoesThereAndBack(string text, string encoded)
    {
        Assert.Equal(encoded, PercentEncoding.Encode(text));
        Assert.Equal(text, PercentEncoding.Decode(encoded));
    }

    [Theory]
    [InlineData("50% off", "50% off")]
    [InlineData("%", "%")]
    [InlineData("%4", "%4")]
    [InlineData("%zz%41", "%zzA")]
    public void Decode_BadlyEncoded_IsKept(string encoded, string expected) => Assert.Equal(expected, PercentEncoding.Decode(encoded));

    [Fact]
    public void AddTo_BinaryValues_TakesPaddedUnpaddedAndJoined()
    {
        var metadata = new Metadata();

        MetadataHeaders.AddTo(metadata, "a-bin", ["AA==", "AA", "AAE, AAEC"]);
        MetadataHeaders.AddTo(metadata, "grpc-status", ["0"]);
        MetadataHeaders.AddTo(metadata, ":path", ["/x"]);

        Assert.Equal([[0], [0], [0, 1], [0, 1, 2]], metadata.Select(entry => entry.ValueBytes));
        Assert.Throws<WireException>(() => MetadataHeaders.AddTo(metadata, "a-bin", ["?"]));
    }

    [Theory]
    [InlineData("application/grpc", true)]
    [InlineData("application/grpc+proto", true)]
    [InlineData("application/grpc; charset=utf-8", true)]
    [InlineData("application/grpc-web", false)]
    [InlineData("text/html", false)]
    [InlineData(null, false)]
    public void IsGrpcContentType_Value_IsRecognised(string? value, bool expected) => Assert.Equal(expected, WireNames.IsGrpcContentType(value));
}
