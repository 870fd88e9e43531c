using Orchestrator.Bulk.Hpack;
using Orchestrator.Bulk.Http2;

namespace Orchestrator.Bulk.Tests;

/// <summary>The examples of RFC 7541, appendix C, and the bounds.</summary>
public sealed class HpackTests
{
    [Fact]
    public void Decode_RequestsWithHuffman_FollowTheDynamicTable()
    {
        var decoder = new HpackDecoder(4096, 4096);
        Assert.Equal(
            [new(":method", "GET"), new(":scheme", "http"), new(":path", "/"), new(":authority", "www.example.com")],
            decoder.Decode(Bytes("828684418cf1e3c2e5f23a6ba0ab90f4ff")));
        Assert.Equal(
            [new(":method", "GET"), new(":scheme", "http"), new(":path", "/"), new(":authority", "www.example.com"), new("cache-control", "no-cache")],
            decoder.Decode(Bytes("828684be5886a8eb10649cbf")));
        Assert.Equal(
            [new(":method", "GET"), new(":scheme", "https"), new(":path", "/index.html"), new(":authority", "www.example.com"), new("custom-key", "custom-value")],
            decoder.Decode(Bytes("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf")));
        Assert.Equal(164, decoder.TableBytes);
    }

    [Fact]
    public void Decode_ResponsesWithHuffmanAndASmallTable_EvictTheOldest()
    {
        var decoder = new HpackDecoder(256, 4096);
        Assert.Equal(
            [new(":status", "302"), new("cache-control", "private"), new("date", "Mon, 21 Oct 2013 20:13:21 GMT"), new("location", "https://www.example.com")],
            decoder.Decode(Bytes("488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3")));
        Assert.Equal(
            [new(":status", "307"), new("cache-control", "private"), new("date", "Mon, 21 Oct 2013 20:13:21 GMT"), new("location", "https://www.example.com")],
            decoder.Decode(Bytes("4883640effc1c0bf")));
        Assert.Equal(222, decoder.TableBytes);
    }

    [Fact]
    public void Encode_WhatTheDecoderReads_IsWhatItWas()
    {
        HeaderField[] fields = [new(":method", "POST"), new(":path", "/x"), new("x", new string('y', 300)), new("grpc-status", "0"), new("empty", "")];
        Assert.Equal(fields, new HpackDecoder(4096, 4096).Decode(HpackEncoder.Encode(fields)));
    }

    [Theory]
    [InlineData("1f9a0a", 5, 1337)]
    [InlineData("0a", 5, 10)]
    [InlineData("2a", 8, 42)]
    public void Integer_OfTheRfc_IsRead(string bytes, int prefixBits, int expected)
    {
        ReadOnlySpan<byte> span = Bytes(bytes);
        Assert.True(IntegerCode.TryRead(ref span, prefixBits, out var value));
        Assert.Equal(expected, value);
        Assert.True(span.IsEmpty);
    }

    [Theory]
    [InlineData("1f")]
    [InlineData("1fff")]
    [InlineData("1fffffffffffffff7f")]
    public void Integer_CutOffOrTooLarge_IsRefused(string bytes)
    {
        ReadOnlySpan<byte> span = Bytes(bytes);
        Assert.False(IntegerCode.TryRead(ref span, 5, out _));
    }

    [Theory]
    [InlineData("00", "padding that is not ones")]
    [InlineData("ff", "a whole byte of padding")]
    [InlineData("ffffffff", "the end symbol")]
    public void Huffman_WhatMayNotBe_IsRefused(string bytes, string what) =>
        Assert.True(HuffmanCode.Decode(Bytes(bytes), new byte[64]) == -1, what);

    [Fact]
    public void Huffman_MoreThanFits_IsRefused() => Assert.Equal(-1, HuffmanCode.Decode(Bytes("9d29ad17"), new byte[2]));

    [Fact]
    public void Decode_ListBeyondItsBound_IsRefused()
    {
        var decoder = new HpackDecoder(4096, 1000);
        var error = Assert.Throws<Http2Exception>(() => decoder.Decode(HpackEncoder.Encode(Enumerable.Repeat(new HeaderField("name", "value"), 25))));
        Assert.Equal(ErrorCode.EnhanceYourCalm, error.Code);
    }

    [Fact]
    public void Decode_TableSizeAfterAField_IsRefused()
    {
        var error = Assert.Throws<Http2Exception>(() => new HpackDecoder(4096, 1000).Decode(Bytes("8220")));
        Assert.Equal(ErrorCode.CompressionError, error.Code);
    }

    [Fact]
    public void Decode_TableSizeZero_EmptiesIt()
    {
        var decoder = new HpackDecoder(4096, 1000);
        decoder.Decode(Bytes("40036162630164"));
        Assert.Equal(36, decoder.TableBytes);
        decoder.Decode(Bytes("20"));
        Assert.Equal(0, decoder.TableBytes);
    }

    private static byte[] Bytes(string hexadecimal) => Convert.FromHexString(hexadecimal);
}
