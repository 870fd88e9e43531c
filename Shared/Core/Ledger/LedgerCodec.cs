using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Numerics;
using Orchestrator.Core.Identities;

namespace Orchestrator.Core.Ledger;

/// <summary>Records as bytes: length (4), CRC-32C of the payload (4), payload. Little-endian; counts are varints of 7 bits a byte.</summary>
/// <remarks>The checksum of every record tells a torn tail from an entry, and finds a byte that changed anywhere. 22 bytes and 18 for each entry, about.</remarks>
public static class LedgerCodec
{
    /// <summary>What a ledger's file begins with.</summary>
    public static ReadOnlySpan<byte> Magic => "ORLEDGE1"u8;

    /// <summary>Entries of one record at most; more ranks take more records.</summary>
    public const int MaxEntries = 4096;

    /// <summary>Payload bytes at most: a longer length was never written by us.</summary>
    public const int MaxPayloadBytes = 1 << 18;

    public const int HeaderBytes = 8;

    private const byte LineageKind = 1;
    private const byte FedKind = 2;

    public static void Write(LedgerRecord record, IBufferWriter<byte> destination)
    {
        var payload = new ArrayBufferWriter<byte>();
        var fields = new LedgerFieldWriter(payload);
        switch (record)
        {
            case LedgerRecord.Lineage lineage:
                WriteLineage(lineage, fields);
                break;
            case LedgerRecord.Fed fed:
                WriteFed(fed, fields);
                break;
        }

        var header = destination.GetSpan(HeaderBytes);
        BinaryPrimitives.WriteInt32LittleEndian(header, payload.WrittenCount);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], Crc(payload.WrittenSpan));
        destination.Advance(HeaderBytes);
        destination.Write(payload.WrittenSpan);
    }

    /// <summary>Reads the record at the start of what is left of a file.</summary>
    /// <param name="bytes">To the end of the file, or more than a record takes.</param>
    public static LedgerParse Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeaderBytes)
        {
            return LedgerParse.Torn;
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        if (length is <= 0 or > MaxPayloadBytes)
        {
            // A file system may leave zeros where the data of the last write were to be.
            return bytes.IndexOfAnyExcept((byte)0) < 0 ? LedgerParse.Torn : LedgerParse.Damaged($"a record's length is {length}");
        }

        if (bytes.Length < HeaderBytes + length)
        {
            return LedgerParse.Torn;
        }

        var payload = bytes.Slice(HeaderBytes, length);
        if (Crc(payload) != BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]))
        {
            return bytes.Length == HeaderBytes + length ? LedgerParse.Torn : LedgerParse.Damaged("a record's checksum does not fit its bytes");
        }

        return Parse(payload) is { } record ? new LedgerParse(record, HeaderBytes + length, null) : LedgerParse.Damaged("a record is of no kind that this version knows");
    }

    /// <summary>Passes over a record: its payload is not read and its checksum not compared.</summary>
    /// <param name="bytes">Of a record, <see cref="HeaderBytes"/> and one more at least.</param>
    /// <returns>Bytes of the whole record, and whether it begins a lineage; 0 bytes: no record has such a length.</returns>
    public static (int Bytes, bool IsLineage) Skip(ReadOnlySpan<byte> bytes) =>
        BinaryPrimitives.ReadInt32LittleEndian(bytes) is > 0 and <= MaxPayloadBytes and var length ? (HeaderBytes + length, bytes[HeaderBytes] == LineageKind) : (0, false);

    private static void WriteLineage(LedgerRecord.Lineage lineage, LedgerFieldWriter fields)
    {
        var start = lineage.Start;
        fields.Byte(LineageKind);
        fields.Count(lineage.Number);
        fields.Text(start.Run.Value);
        fields.Count(start.Step);
        fields.Word((ulong)start.Seed);
        fields.Count(start.GlobalBatch);
        fields.Count(start.LogicalRanks);
        fields.Count(start.Epochs ?? 0);
        fields.Count(start.SampleCount);
        fields.Text(start.DataSha256);
    }

    private static void WriteFed(LedgerRecord.Fed fed, LedgerFieldWriter fields)
    {
        var report = fed.Report;
        if (report.Entries.Length is 0 or > MaxEntries || report.Entries.Any(entry => entry.Step != report.Step))
        {
            throw new ArgumentException($"A record takes 1 to {MaxEntries} entries of one step; {report.Entries.Length} were given from step {report.Step} on.", nameof(fed));
        }

        fields.Byte(FedKind);
        fields.Count(fed.LineageNumber);
        fields.Count(report.Generation.Number);
        fields.Text(report.Worker.Value);
        fields.Count(report.Step);
        fields.Count(report.Entries.Length);
        foreach (var entry in report.Entries)
        {
            fields.Count(entry.LogicalRank);
            fields.Count(entry.SampleCount);
            fields.Word(entry.Digest.Sum);
            fields.Word(entry.Digest.Chain);
        }
    }

    private static LedgerRecord? Parse(ReadOnlySpan<byte> payload)
    {
        var fields = new LedgerFieldReader(payload[1..]);
        return payload[0] switch
        {
            LineageKind => new LedgerRecord.Lineage((int)fields.Count(), new LedgerStart(
                new RunId(fields.Text()), fields.Count(), (long)fields.Word(), (int)fields.Count(), (int)fields.Count(),
                fields.Count() is > 0 and var epochs ? epochs : null, fields.Count(), fields.Text())),
            FedKind => ParseFed(ref fields),
            _ => null,
        };
    }

    private static LedgerRecord.Fed ParseFed(ref LedgerFieldReader fields)
    {
        var (lineage, generation, worker, step) = ((int)fields.Count(), new Generation(fields.Count()), new WorkerId(fields.Text()), fields.Count());
        var entries = ImmutableArray.CreateBuilder<LedgerEntry>();
        for (var left = fields.Count(); left > 0; left--)
        {
            entries.Add(new LedgerEntry(step, (int)fields.Count(), (int)fields.Count(), new SampleDigest(fields.Word(), fields.Word())));
        }

        return new LedgerRecord.Fed(lineage, new FedReport(generation, worker, entries.ToImmutable()));
    }

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (var last in bytes)
        {
            crc = BitOperations.Crc32C(crc, last);
        }

        return ~crc;
    }
}

/// <summary>What stands at one place of a ledger's file.</summary>
/// <param name="Record">Null: none.</param>
/// <param name="Bytes">How many it takes.</param>
/// <param name="Damage">Why the bytes are no record, in words that follow a colon; null with no record: the writer was cut off here.</param>
public readonly record struct LedgerParse(LedgerRecord? Record, int Bytes, string? Damage)
{
    /// <summary>The last write did not come to its end.</summary>
    public static readonly LedgerParse Torn = new(null, 0, null);

    public static LedgerParse Damaged(string how) => new(null, 0, how);
}
