using System.Buffers.Binary;
using System.Text;
using Orchestrator.Telemetry.TensorBoard;

namespace Orchestrator.Telemetry.Tests.TensorBoard;

public class TensorBoardWriterTests
{
    [Fact]
    public void Scalar_SomeValues_AreTheBytesOfTheFormat()
    {
        var folder = Directory.CreateTempSubdirectory("tensorboard-test-");
        try
        {
            var start = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_250);
            string path;
            using (var writer = new TensorBoardWriter(Path.Combine(folder.FullName, "new"), start))
            {
                path = writer.FilePath;
                writer.Scalar("train/loss", 300, 2.5, start.AddSeconds(1));
                writer.Scalar("gr\u00f6\u00dfe", 0, float.NaN, start);
            }

            var records = ReadRecords(File.ReadAllBytes(path));

            Assert.Matches(@"^events\.out\.tfevents\.1700000000\..+\.0$", Path.GetFileName(path));
            Assert.Equal(3, records.Count);
            Assert.Equal([0x09, .. BitConverter.GetBytes(1_700_000_000.25), 0x1a, 13, .. "brain.Event:2"u8], records[0]);
            // Value {tag: 10 bytes, simple_value}, in Summary, in Event {wall_time, step: varint of 300, summary}.
            byte[] value = [0x0a, 10, .. "train/loss"u8, 0x15, .. BitConverter.GetBytes(2.5f)];
            Assert.Equal(
                [0x09, .. BitConverter.GetBytes(1_700_000_001.25), 0x10, 0xac, 0x02, 0x2a, (byte)(value.Length + 2), 0x0a, (byte)value.Length, .. value], records[1]);
            Assert.Contains("gr\u00f6\u00dfe", Encoding.UTF8.GetString(records[2]));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Create_TwiceInOneSecond_GivesTwoFiles()
    {
        var folder = Directory.CreateTempSubdirectory("tensorboard-test-");
        try
        {
            using var one = new TensorBoardWriter(folder.FullName, DateTimeOffset.UnixEpoch);
            using var two = new TensorBoardWriter(folder.FullName, DateTimeOffset.UnixEpoch);

            Assert.NotEqual(one.FilePath, two.FilePath);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    // Appendix B.4 of RFC 3720: 32 bytes of zeros, of ones, rising; the mask undone by hand.
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000", 0x8a9136aau)]
    [InlineData("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", 0x62a8ab43u)]
    [InlineData("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 0x46dd794eu)]
    public void MaskedCrc_VectorsOfTheRfc_Agree(string hex, uint crc)
    {
        var masked = TensorBoardRecord.MaskedCrc(Convert.FromHexString(hex));

        Assert.Equal(crc, System.Numerics.BitOperations.RotateLeft(masked - 0xa282ead8, 15));
    }

    /// <summary>A reader of the framing with a CRC of its own, bit by bit.</summary>
    private static List<byte[]> ReadRecords(ReadOnlySpan<byte> file)
    {
        var records = new List<byte[]>();
        while (!file.IsEmpty)
        {
            var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
            Assert.Equal(Mask(Crc(file[..8])), BinaryPrimitives.ReadUInt32LittleEndian(file[8..]));
            records.Add(file.Slice(12, length).ToArray());
            Assert.Equal(Mask(Crc(file.Slice(12, length))), BinaryPrimitives.ReadUInt32LittleEndian(file[(12 + length)..]));
            file = file[(16 + length)..];
        }
        return records;
    }

    private static uint Mask(uint crc) => ((crc >> 15) | (crc << 17)) + 0xa282ead8u;

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = 0xffffffffu;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82f63b78u : crc >> 1;
            }
        }
        return ~crc;
    }
}
