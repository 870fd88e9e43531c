using System.Buffers;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;

namespace Orchestrator.Core.Tests.Ledger;

public class LedgerCodecTests
{
    private static readonly LedgerRecord[] Records =
    [
        FedRun.Lineage(0, 0),
        new LedgerRecord.Lineage(3, new LedgerStart(new RunId("a run"), long.MaxValue, long.MinValue, int.MaxValue, 1, 5, 1L << 40, new string('f', 64))),
        .. FedRun.Step(1),
        new LedgerRecord.Fed(1, new FedReport(
            new Generation(300), new WorkerId("w-1000"), [new LedgerEntry(long.MaxValue, int.MaxValue, 0, new SampleDigest(ulong.MaxValue, 0))])),
        new LedgerRecord.Fed(1, new FedReport(
            new Generation(1), new WorkerId("w-1"), [.. Enumerable.Range(0, LedgerCodec.MaxEntries).Select(rank => new LedgerEntry(long.MaxValue, int.MaxValue - rank, int.MaxValue, default))])),
    ];

    [Fact]
    public void Read_WhatWasWritten_IsTheSame()
    {
        foreach (var record in Records)
        {
            var bytes = Write(record);

            var (read, length, damage) = LedgerCodec.Read([.. bytes, 1, 2, 3]);

            Assert.Equal((bytes.Length, null), (length, damage));
            Assert.InRange(bytes.Length - LedgerCodec.HeaderBytes, 1, LedgerCodec.MaxPayloadBytes);
            AssertSame(record, read!);
        }
    }

    [Fact]
    public void Read_CutOffAtAnyByte_IsTorn()
    {
        var bytes = Write(Records[2]);
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Equal(LedgerParse.Torn, LedgerCodec.Read(bytes.AsSpan(0, length)));
        }
    }

    [Fact]
    public void Read_AnyBitFlipped_IsNeverARecord()
    {
        var bytes = Write(Records[2]);
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            var spoiled = bytes.ToArray();
            spoiled[bit / 8] ^= (byte)(1 << (bit % 8));

            Assert.Null(LedgerCodec.Read([.. spoiled, .. bytes]).Record);
        }
    }

    [Fact]
    public void Read_ABitFlippedBeforeOtherRecords_IsDamage()
    {
        var bytes = Write(Records[2]);
        bytes[^1] ^= 1;

        Assert.Equal(LedgerParse.Damaged("a record's checksum does not fit its bytes"), LedgerCodec.Read([.. bytes, .. Write(Records[3])]));
    }

    [Fact]
    public void Read_ZerosToTheEnd_IsTorn()
    {
        Assert.Equal(LedgerParse.Torn, LedgerCodec.Read(new byte[4096]));
        Assert.Equal(LedgerParse.Damaged("a record's length is 0"), LedgerCodec.Read([.. new byte[100], 1]));
    }

    private static byte[] Write(LedgerRecord record)
    {
        var buffer = new ArrayBufferWriter<byte>();
        LedgerCodec.Write(record, buffer);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>An immutable array is equal to itself only; the entries are compared one by one.</summary>
    private static void AssertSame(LedgerRecord expected, LedgerRecord actual)
    {
        if (expected is LedgerRecord.Fed fed)
        {
            var other = Assert.IsType<LedgerRecord.Fed>(actual);
            Assert.Equal(fed.Report.Entries.AsEnumerable(), other.Report.Entries.AsEnumerable());
            Assert.Equal(fed, other with { Report = other.Report with { Entries = fed.Report.Entries } });
        }
        else
        {
            Assert.Equal(expected, actual);
        }
    }
}
