using System.Buffers.Binary;

namespace Orchestrator.Bulk.Messages;

/// <summary>Takes what a <see cref="SegmentReader"/> finds.</summary>
internal interface ISegmentSink
{
    /// <summary>Where the payload goes.</summary>
    PayloadPlace Begin(in BulkHeader header);

    /// <summary>The message is whole.</summary>
    void End(in BulkHeader header);
}

/// <summary>Cuts the bytes of one stream, however they are cut into frames, into gRPC messages and their fields.</summary>
/// <remarks>
/// Does no I/O. In the order that our own writer uses, a payload's place is known before its first byte: then <see cref="PayloadLeft"/> says
/// how many bytes the caller may read straight to <see cref="PayloadPosition"/>. In any other order the message is gathered first.
/// </remarks>
internal sealed unsafe class SegmentReader(BulkLimits limits, ISegmentSink sink)
{
    // Fields that we know come to less than a hundred bytes; more means unknown ones, and then the message is gathered.
    private const int MaxFieldsBytes = 512;
    private const int FirstGatherBytes = 16 * 1024;

    private readonly byte[] _start = new byte[MaxFieldsBytes];
    private byte[] _gathered = [];
    private Stage _stage;
    private int _held;
    private int _messageBytes;
    private BulkHeader _header;
    private byte* _payload;

    private enum Stage
    {
        Prefix,
        Fields,
        Payload,
        Gather,
        Discard,
    }

    /// <summary>Messages taken in.</summary>
    public long Messages { get; private set; }

    /// <summary>The next byte that comes may be the first of a message, or the end.</summary>
    public bool IsBetweenMessages => _stage == Stage.Prefix && _held == 0;

    /// <summary>Bytes that may be read straight to <see cref="PayloadPosition"/>; 0: hand bytes to <see cref="Read"/>.</summary>
    public int PayloadLeft { get; private set; }

    public byte* PayloadPosition => _payload;

    /// <summary>Bytes that a gathered message holds now.</summary>
    public int GatheredBytes => _gathered.Length;

    /// <summary>Takes all of the bytes.</summary>
    /// <exception cref="BulkRejectedException">They are no messages of ours, or the sink refuses one.</exception>
    public void Read(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var used = _stage switch
            {
                Stage.Prefix => ReadPrefix(bytes),
                Stage.Fields => ReadFields(bytes),
                Stage.Payload => CopyPayload(bytes),
                Stage.Discard => Discard(bytes),
                _ => Gather(bytes),
            };
            bytes = bytes[used..];
        }
    }

    /// <summary>So many bytes of the payload were read to its place.</summary>
    public void PayloadArrived(int bytes)
    {
        _payload += bytes;
        PayloadLeft -= bytes;
        if (PayloadLeft == 0)
        {
            Complete();
        }
    }

    /// <summary>Where in a message the bytes ended, for the sentence that reports it.</summary>
    public string DescribePosition() => _stage switch
    {
        Stage.Prefix when _held == 0 => $"after {Messages} whole messages",
        Stage.Payload or Stage.Discard => $"in message {Messages + 1}, {(_stage == Stage.Payload ? PayloadLeft : _held)} bytes before the end of its payload of {_header.PayloadBytes}",
        _ => $"in the first fields of message {Messages + 1}",
    };

    private int ReadPrefix(ReadOnlySpan<byte> bytes)
    {
        if (_held == 0 && bytes.Length >= SegmentCodec.PrefixBytes)
        {
            StartMessage(bytes);
            return SegmentCodec.PrefixBytes;
        }

        var used = Math.Min(bytes.Length, SegmentCodec.PrefixBytes - _held);
        bytes[..used].CopyTo(_start.AsSpan(_held));
        _held += used;
        if (_held == SegmentCodec.PrefixBytes)
        {
            StartMessage(_start);
        }

        return used;
    }

    private void StartMessage(ReadOnlySpan<byte> prefix)
    {
        if (prefix[0] == 1)
        {
            throw new BulkRejectedException(BulkStatus.Unimplemented, $"Message {Messages + 1} is compressed; send with the identity encoding.");
        }

        var length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        if (prefix[0] != 0)
        {
            throw new BulkRejectedException(BulkStatus.Internal, $"Message {Messages + 1} begins with byte {prefix[0]}; a gRPC message begins with 0 or 1.");
        }

        if (length > (uint)limits.MaxMessageBytes)
        {
            throw new BulkRejectedException(BulkStatus.ResourceExhausted, $"Message {Messages + 1} has {length} bytes; at most {limits.MaxMessageBytes} are taken.");
        }

        _messageBytes = (int)length;
        _held = 0;
        _stage = Stage.Fields;
        if (_messageBytes == 0)
        {
            _header = default;
            Complete();
        }
    }

    private int ReadFields(ReadOnlySpan<byte> bytes)
    {
        // As a rule the fields lie whole in what has come; else they are put together from several pieces.
        var before = _held;
        ReadOnlySpan<byte> fields;
        if (before == 0)
        {
            fields = bytes[..Math.Min(bytes.Length, _messageBytes)];
        }
        else
        {
            var taken = Math.Min(bytes.Length, Math.Min(_messageBytes, MaxFieldsBytes) - before);
            bytes[..taken].CopyTo(_start.AsSpan(before));
            fields = _start.AsSpan(0, before + taken);
        }

        switch (SegmentCodec.ReadFields(fields, _messageBytes, out var header, out var position))
        {
            case FieldsOutcome.PayloadNext:
                _header = header;
                BeginPayload();
                return position - before;
            case FieldsOutcome.Complete:
                _header = header;
                Complete();
                return position - before;
            case FieldsOutcome.NeedMore when fields.Length < _messageBytes && fields.Length < MaxFieldsBytes:
                if (before == 0)
                {
                    fields.CopyTo(_start);
                }

                _held = fields.Length;
                return fields.Length - before;
            case FieldsOutcome.OutOfOrder:
            case FieldsOutcome.NeedMore when fields.Length < _messageBytes:
                return BeginGather(bytes, before);
            default:
                throw Malformed();
        }
    }

    private void BeginPayload()
    {
        var place = sink.Begin(_header);
        if (place == PayloadPlace.Nowhere)
        {
            (_held, _stage) = (_header.PayloadBytes, Stage.Discard);
            return;
        }

        if (place.Address == 0 || place.Bytes < _header.PayloadBytes)
        {
            throw new BulkRejectedException(BulkStatus.Internal, $"Message {Messages + 1} has a payload of {_header.PayloadBytes} bytes; the place for it has {place.Bytes}.");
        }

        _payload = (byte*)place.Address;
        PayloadLeft = _header.PayloadBytes;
        _stage = Stage.Payload;
    }

    private int CopyPayload(ReadOnlySpan<byte> bytes)
    {
        var used = Math.Min(bytes.Length, PayloadLeft);
        bytes[..used].CopyTo(new Span<byte>(_payload, used));
        PayloadArrived(used);
        return used;
    }

    private int Discard(ReadOnlySpan<byte> bytes)
    {
        var used = Math.Min(bytes.Length, _held);
        _held -= used;
        if (_held == 0)
        {
            Complete();
        }

        return used;
    }

    private int BeginGather(ReadOnlySpan<byte> bytes, int held)
    {
        if (_messageBytes > limits.MaxBufferedBytes)
        {
            throw new BulkRejectedException(BulkStatus.ResourceExhausted,
                $"Message {Messages + 1} of {_messageBytes} bytes has fields after its payload, so it must be buffered; at most {limits.MaxBufferedBytes} bytes are. Send the payload last.");
        }

        // Grows with what really comes, not with the length that is claimed.
        _gathered = new byte[Math.Min(_messageBytes, Math.Max(FirstGatherBytes, held))];
        _start.AsSpan(0, held).CopyTo(_gathered);
        _held = held;
        _stage = Stage.Gather;
        return Gather(bytes);
    }

    private int Gather(ReadOnlySpan<byte> bytes)
    {
        var used = Math.Min(bytes.Length, _messageBytes - _held);
        if (_held + used > _gathered.Length)
        {
            Array.Resize(ref _gathered, Math.Min(_messageBytes, Math.Max(_gathered.Length * 2, _held + used)));
        }

        bytes[..used].CopyTo(_gathered.AsSpan(_held));
        _held += used;
        if (_held == _messageBytes)
        {
            TakeGathered();
        }

        return used;
    }

    private void TakeGathered()
    {
        if (!SegmentCodec.ReadWhole(_gathered.AsSpan(0, _held), out _header, out var payload))
        {
            throw Malformed();
        }

        if (!payload.IsEmpty)
        {
            BeginPayload();
            if (_stage == Stage.Payload)
            {
                payload.CopyTo(new Span<byte>(_payload, payload.Length));
                PayloadLeft = 0;
            }
        }

        _gathered = [];
        Complete();
    }

    private void Complete()
    {
        Messages++;
        _stage = Stage.Prefix;
        _held = 0;
        sink.End(_header);
    }

    private BulkRejectedException Malformed() =>
        new(BulkStatus.Internal, $"Message {Messages + 1} of {_messageBytes} bytes is no orchestrator.v1.Segment.");
}
