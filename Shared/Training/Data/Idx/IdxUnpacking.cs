using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Orchestrator.Training.Data.Files;

namespace Orchestrator.Training.Data.Idx;

/// <summary>Finds the plain file of a name, unpacking its .gz once where there is no plain one.</summary>
/// <remarks>
/// The plain file goes beside the .gz, so that it is unpacked once for all workers and runs; where that folder cannot be written,
/// it goes to a folder of the temporary directory that belongs to this very .gz (path, size and time). It appears under its name
/// whole, by a rename, so workers that start together do no harm to each other.
/// </remarks>
internal static class IdxUnpacking
{
    /// <exception cref="DataException">The .gz is damaged, or there is no room for the plain file.</exception>
    public static DataFile Plain(string dir, string name)
    {
        var plain = Path.Combine(dir, name);
        var packed = IdxNames.Packed(dir, name);
        if (File.Exists(plain) || !File.Exists(packed))
        {
            return new DataFile(name, plain);
        }

        try
        {
            return new DataFile(name, Unpack(packed, plain));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new DataFile(name, UnpackAside(packed, name));
        }
    }

    private static string UnpackAside(string packed, string name)
    {
        var gz = new FileInfo(packed);
        var key = $"{gz.FullName}\n{gz.Length}\n{gz.LastWriteTimeUtc.Ticks}";
        var folder = Path.Combine(Path.GetTempPath(), "orchestrator-idx", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..16]);
        var plain = Path.Combine(folder, name);
        if (File.Exists(plain))
        {
            return plain;
        }

        try
        {
            Directory.CreateDirectory(folder);
            return Unpack(packed, plain);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{packed} could be unpacked neither beside itself nor into {folder}: {e.Message} Unpack it by hand (gunzip -k), or make room.", e);
        }
    }

    private static string Unpack(string packed, string plain)
    {
        var partial = $"{plain}.{Environment.ProcessId}.{Guid.NewGuid():N}.partial";
        try
        {
            using (var source = new GZipStream(File.OpenRead(packed), CompressionMode.Decompress))
            using (var target = new FileStream(partial, FileMode.CreateNew, FileAccess.Write))
            {
                source.CopyTo(target);
                target.Flush(flushToDisk: true);
            }

            File.Move(partial, plain, overwrite: true);
            return plain;
        }
        catch (InvalidDataException e)
        {
            throw new DataException($"{packed} is damaged or no gzip file: {e.Message} Get it again.", e);
        }
        finally
        {
            File.Delete(partial);
        }
    }
}
