using System.Buffers.Binary;

namespace Orchestrator.Bulk.Http2;

/// <summary>What a peer has announced of itself (RFC 9113, section 6.5.2). The default is what holds before it says anything.</summary>
internal readonly record struct Settings()
{
    public const int EntryBytes = 6;

    private const ushort HeaderTableSizeId = 0x1;
    private const ushort EnablePushId = 0x2;
    private const ushort MaxConcurrentStreamsId = 0x3;
    private const ushort InitialWindowSizeId = 0x4;
    private const ushort MaxFrameSizeId = 0x5;
    private const ushort MaxHeaderListSizeId = 0x6;

    public uint HeaderTableBytes { get; init; } = 4096;

    public bool PushEnabled { get; init; } = true;

    /// <summary>Streams that the other side may have open.</summary>
    public uint MaxConcurrentStreams { get; init; } = uint.MaxValue;

    public int InitialWindowBytes { get; init; } = Window.DefaultBytes;

    public int MaxFrameBytes { get; init; } = FrameHeader.DefaultLength;

    /// <summary>As section 6.5.2 counts it: names, values and 32 bytes for each field.</summary>
    public uint MaxHeaderListBytes { get; init; } = uint.MaxValue;

    /// <summary>These settings with the entries of a frame applied in order. Unknown entries are ignored.</summary>
    /// <exception cref="Http2Exception">A value is not allowed.</exception>
    public Settings With(ReadOnlySpan<byte> entries)
    {
        var settings = this;
        for (; entries.Length >= EntryBytes; entries = entries[EntryBytes..])
        {
            settings = settings.With(BinaryPrimitives.ReadUInt16BigEndian(entries), BinaryPrimitives.ReadUInt32BigEndian(entries[2..]));
        }

        return settings;
    }

    /// <summary>Writes the entries that differ from the protocol's defaults.</summary>
    /// <returns>Bytes written.</returns>
    public int Write(Span<byte> entries)
    {
        var standard = new Settings();
        var written = 0;
        written += Write(entries[written..], HeaderTableSizeId, HeaderTableBytes, standard.HeaderTableBytes);
        written += Write(entries[written..], EnablePushId, PushEnabled ? 1u : 0u, 1u);
        written += Write(entries[written..], MaxConcurrentStreamsId, MaxConcurrentStreams, standard.MaxConcurrentStreams);
        written += Write(entries[written..], InitialWindowSizeId, (uint)InitialWindowBytes, (uint)standard.InitialWindowBytes);
        written += Write(entries[written..], MaxFrameSizeId, (uint)MaxFrameBytes, (uint)standard.MaxFrameBytes);
        written += Write(entries[written..], MaxHeaderListSizeId, MaxHeaderListBytes, standard.MaxHeaderListBytes);
        return written;
    }

    private static int Write(Span<byte> entry, ushort id, uint value, uint standard)
    {
        if (value == standard)
        {
            return 0;
        }

        BinaryPrimitives.WriteUInt16BigEndian(entry, id);
        BinaryPrimitives.WriteUInt32BigEndian(entry[2..], value);
        return EntryBytes;
    }

    private Settings With(ushort id, uint value) => id switch
    {
        HeaderTableSizeId => this with { HeaderTableBytes = value },
        EnablePushId => value <= 1 ? this with { PushEnabled = value == 1 } : throw Wrong("ENABLE_PUSH", value, "0 or 1", ErrorCode.ProtocolError),
        MaxConcurrentStreamsId => this with { MaxConcurrentStreams = value },
        InitialWindowSizeId => value <= Window.LargestBytes
            ? this with { InitialWindowBytes = (int)value }
            : throw Wrong("INITIAL_WINDOW_SIZE", value, $"at most {Window.LargestBytes}", ErrorCode.FlowControlError),
        MaxFrameSizeId => value is >= FrameHeader.DefaultLength and <= FrameHeader.LargestLength
            ? this with { MaxFrameBytes = (int)value }
            : throw Wrong("MAX_FRAME_SIZE", value, $"{FrameHeader.DefaultLength} to {FrameHeader.LargestLength}", ErrorCode.ProtocolError),
        MaxHeaderListSizeId => this with { MaxHeaderListBytes = value },
        _ => this,
    };

    private static Http2Exception Wrong(string name, uint value, string allowed, ErrorCode code) =>
        new(code, $"The peer announced SETTINGS_{name} {value}; allowed is {allowed}.");
}
