using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Orchestrator.Training.Data.Files;

/// <summary>The files of a data set, hashed once and then read in blocks at any offset. Safe from several threads.</summary>
/// <remarks>
/// Reads go through pread, not a memory map: a mapped file that an editor truncates kills the process (SIGBUS), a short read is
/// an error with a sentence. A file whose time of last write moved is hashed again, and refused when its bytes changed: the
/// run's hash of the data set would no longer be true. At most <see cref="MaxOpenFiles"/> files are open at a time.
/// </remarks>
public sealed class FileSet : IDisposable
{
    /// <summary>Well below the usual limit of 1,024 descriptors per process.</summary>
    public const int MaxOpenFiles = 64;

    private const int BlockBytes = 1 << 20;

    private readonly Lock _lock = new();
    private readonly DataFile[] _files;
    private readonly long[] _lengths;
    private readonly DateTime[] _writeTimes;
    private readonly byte[][] _digests;
    private readonly Dictionary<int, LinkedListNode<OpenFile>> _open = [];
    private readonly LinkedList<OpenFile> _leastRecentFirst = [];

    /// <summary>Reads every file once, to hash it.</summary>
    /// <exception cref="DataException">A file cannot be read.</exception>
    public FileSet(IEnumerable<DataFile> files)
    {
        _files = [.. files];
        _lengths = new long[_files.Length];
        _writeTimes = new DateTime[_files.Length];
        _digests = new byte[_files.Length][];
        for (var i = 0; i < _files.Length; i++)
        {
            using var handle = OpenHandle(_files[i].Path);
            _writeTimes[i] = File.GetLastWriteTimeUtc(handle);
            (_digests[i], _lengths[i]) = Digest(handle, _files[i].Path);
        }

        Sha256 = Convert.ToHexStringLower(CombineDigests());
    }

    public int Count => _files.Length;

    /// <summary>
    /// Lower-case hex. SHA-256 over, for each file in order: the name in UTF-8, a zero byte, the length (8 bytes, little-endian) and the
    /// SHA-256 of its bytes.
    /// </summary>
    public string Sha256 { get; }

    public string PathOf(int file) => _files[file].Path;

    /// <summary>Bytes of the file.</summary>
    public long LengthOf(int file) => _lengths[file];

    /// <summary>Fills the destination from the offset on.</summary>
    /// <exception cref="DataException">The file ends before that, is gone, or changed since it was hashed.</exception>
    public void Read(int file, long offset, Span<byte> destination)
    {
        lock (_lock)
        {
            var handle = Handle(file);
            RefuseChange(file, handle);
            var done = 0;
            while (done < destination.Length)
            {
                var read = RandomAccess.Read(handle, destination[done..], offset + done);
                if (read == 0)
                {
                    throw new DataException($"{_files[file].Path} ended at byte {offset + done} while {destination.Length} bytes from {offset} on were read; " +
                        $"it had {_lengths[file]} bytes when the run began. Leave data files alone while a run reads them.");
                }

                done += read;
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var open in _leastRecentFirst)
            {
                open.Handle.Dispose();
            }

            _leastRecentFirst.Clear();
            _open.Clear();
        }
    }

    private SafeFileHandle Handle(int file)
    {
        if (_open.TryGetValue(file, out var node))
        {
            _leastRecentFirst.Remove(node);
            _leastRecentFirst.AddLast(node);
            return node.Value.Handle;
        }

        if (_open.Count == MaxOpenFiles)
        {
            var oldest = _leastRecentFirst.First!.Value;
            _leastRecentFirst.RemoveFirst();
            _open.Remove(oldest.File);
            oldest.Handle.Dispose();
        }

        var handle = OpenHandle(_files[file].Path);
        _open[file] = _leastRecentFirst.AddLast(new OpenFile(file, handle));
        return handle;
    }

    private void RefuseChange(int file, SafeFileHandle handle)
    {
        var writeTime = File.GetLastWriteTimeUtc(handle);
        if (writeTime == _writeTimes[file])
        {
            return;
        }

        var (digest, length) = Digest(handle, _files[file].Path);
        if (!digest.AsSpan().SequenceEqual(_digests[file]))
        {
            throw new DataException($"{_files[file].Path} changed while the run was reading it: it had {_lengths[file]} bytes and SHA-256 " +
                $"{Convert.ToHexStringLower(_digests[file])}, and now has {length} bytes and {Convert.ToHexStringLower(digest)}. " +
                "Put the former file back and resume, or start a new run on the new data.");
        }

        _writeTimes[file] = writeTime;
    }

    private byte[] CombineDigests()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[8];
        for (var i = 0; i < _files.Length; i++)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(_files[i].Name));
            hash.AppendData([0]);
            BinaryPrimitives.WriteInt64LittleEndian(length, _lengths[i]);
            hash.AppendData(length);
            hash.AppendData(_digests[i]);
        }

        return hash.GetHashAndReset();
    }

    private static (byte[] Digest, long Length) Digest(SafeFileHandle handle, string path)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var block = ArrayPool<byte>.Shared.Rent(BlockBytes);
        try
        {
            long offset = 0;
            int read;
            while ((read = RandomAccess.Read(handle, block, offset)) > 0)
            {
                hash.AppendData(block, 0, read);
                offset += read;
            }

            return (hash.GetHashAndReset(), offset);
        }
        catch (IOException e)
        {
            throw new DataException($"{path} cannot be read: {e.Message}", e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    private static SafeFileHandle OpenHandle(string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DataException($"{path} does not exist. Put the file there, or correct the data section of the job file.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path} cannot be opened for reading: {e.Message} Check its owner and mode.", e);
        }
    }

    private readonly record struct OpenFile(int File, SafeFileHandle Handle);
}
