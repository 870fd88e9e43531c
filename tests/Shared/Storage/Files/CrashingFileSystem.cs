using Orchestrator.Storage.Files;

namespace Orchestrator.Storage.Tests.Files;

/// <summary>The process was killed at this point. Not an IOException: nothing may catch it and go on.</summary>
internal sealed class KilledException : Exception;

/// <summary>A file system in memory that knows what a kill and what a power cut leave behind.</summary>
/// <remarks>
/// Every call that changes something is one unit, and so is every byte written. After <see cref="UnitsLeft"/> units the process is dead:
/// that call and all later ones throw. A kill leaves what the kernel has seen. A power cut leaves the contents that were fsynced and the
/// directory entries that were fsynced; of the rest an arbitrary part, in any order, as the caller's random numbers say.
/// </remarks>
internal sealed class CrashingFileSystem : IFileSystem
{
    private sealed class Inode
    {
        public List<byte> Bytes { get; } = [];
        public int DurableLength { get; set; }
    }

    /// <summary>A change of entries of one folder. Null: that name goes away.</summary>
    private sealed record EntryChange(string Folder, params (string Path, Inode? Node)[] Entries);

    // A folder is an entry too; its inode's bytes are not used.
    private readonly Dictionary<string, Inode> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Inode> _folders = new(StringComparer.Ordinal) { ["/"] = new Inode() };
    private readonly HashSet<Inode> _folderNodes = [];
    private readonly Dictionary<string, Inode> _durable = new(StringComparer.Ordinal);
    private readonly List<EntryChange> _pending = [];
    private bool _isLocked;
    private bool _isDead;

    /// <summary>Calls and bytes until the kill.</summary>
    public long UnitsLeft { get; set; } = long.MaxValue;

    public long UnitsUsed { get; private set; }

    /// <summary>Called before each changing call with its name; may throw what the real one would.</summary>
    public Action<string>? BeforeCall { get; set; }

    public bool FileExists(string path) => Alive(() => _files.ContainsKey(path));

    public bool DirectoryExists(string path) => Alive(() => _folders.ContainsKey(path));

    public IReadOnlyList<string> List(string directory) => Alive(() =>
        _files.Keys.Concat(_folders.Keys).Where(path => path != "/" && Path.GetDirectoryName(path) == directory)
            .Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal).ToList());

    public IFileWriter Create(string path)
    {
        Spend("create");
        if (!_folders.ContainsKey(Path.GetDirectoryName(path)!))
        {
            throw new DirectoryNotFoundException(path);
        }
        var node = new Inode();
        if (!_files.TryAdd(path, node))
        {
            throw new IOException($"{path} exists");
        }
        _pending.Add(new EntryChange(Path.GetDirectoryName(path)!, (path, node)));
        return new Writer(this, node);
    }

    public IFileMap Map(string path) => Alive(() =>
        _files.TryGetValue(path, out var node) ? new ArrayMap([.. node.Bytes]) : throw new FileNotFoundException($"no {path}"));

    public void Rename(string from, string to)
    {
        Spend("rename");
        var node = _files[from];
        _files.Remove(from);
        _files[to] = node;
        _pending.Add(new EntryChange(Path.GetDirectoryName(to)!, (from, null), (to, node)));
    }

    public void CreateDirectory(string path)
    {
        Spend("mkdir");
        var node = new Inode();
        _folders.Add(path, node);
        _folderNodes.Add(node);
        _pending.Add(new EntryChange(Path.GetDirectoryName(path)!, (path, node)));
    }

    public void SyncDirectory(string path)
    {
        Spend("fsync folder");
        foreach (var change in _pending.Where(change => change.Folder == path))
        {
            Apply(_durable, change);
        }
        _pending.RemoveAll(change => change.Folder == path);
    }

    public void DeleteFile(string path)
    {
        Spend("unlink");
        _files.Remove(path);
        _pending.Add(new EntryChange(Path.GetDirectoryName(path)!, (path, null)));
    }

    public void DeleteDirectory(string path)
    {
        Spend("rmdir");
        Assert.Empty(List(path));
        _folders.Remove(path);
        _pending.Add(new EntryChange(Path.GetDirectoryName(path)!, (path, null)));
    }

    public long? FreeBytes(string directory) => 12345;

    public IDisposable? TryLock(string path)
    {
        if (_isLocked)
        {
            return null;
        }
        _isLocked = true;
        return new Unlock(this);
    }

    /// <summary>What another process sees after a kill.</summary>
    public CrashingFileSystem AfterKill()
    {
        var next = new CrashingFileSystem();
        foreach (var (path, node) in _files.Concat(_folders.Where(folder => folder.Key != "/")))
        {
            next.Adopt(path, node, node.Bytes.Count, isFolder: _folders.ContainsKey(path));
        }
        return next;
    }

    /// <summary>What is found after a power cut.</summary>
    /// <param name="random">Null: nothing survives that was not fsynced; else each change that was not survives by the toss of a coin.</param>
    public CrashingFileSystem AfterPowerCut(Random? random)
    {
        var entries = new Dictionary<string, Inode>(_durable, StringComparer.Ordinal);
        foreach (var change in _pending.Where(_ => random is not null && random.Next(2) == 0))
        {
            Apply(entries, change);
        }
        var next = new CrashingFileSystem();
        foreach (var (path, node) in entries.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            // Nothing hangs in the air: an entry lives only in a folder that does.
            if (next._folders.ContainsKey(Path.GetDirectoryName(path)!))
            {
                var length = random is null ? node.DurableLength : random.Next(node.DurableLength, node.Bytes.Count + 1);
                next.Adopt(path, node, length, _folderNodes.Contains(node));
            }
        }
        return next;
    }

    private void Adopt(string path, Inode node, int length, bool isFolder)
    {
        var copy = new Inode { DurableLength = length };
        copy.Bytes.AddRange(node.Bytes.Take(length));
        (isFolder ? _folders : _files).Add(path, copy);
        if (isFolder)
        {
            _folderNodes.Add(copy);
        }
        _durable.Add(path, copy);
    }

    private static void Apply(Dictionary<string, Inode> entries, EntryChange change)
    {
        foreach (var (path, node) in change.Entries)
        {
            if (node is null)
            {
                entries.Remove(path);
            }
            else
            {
                entries[path] = node;
            }
        }
    }

    private T Alive<T>(Func<T> read) => _isDead ? throw new KilledException() : read();

    private void Spend(string call)
    {
        if (_isDead || UnitsLeft == 0)
        {
            _isDead = true;
            throw new KilledException();
        }
        BeforeCall?.Invoke(call);
        UnitsLeft--;
        UnitsUsed++;
    }

    private sealed class Unlock(CrashingFileSystem files) : IDisposable
    {
        public void Dispose() => files._isLocked = false;
    }

    private sealed class Writer(CrashingFileSystem files, Inode node) : IFileWriter
    {
        public void Write(ReadOnlySpan<byte> bytes)
        {
            files.Spend("write");
            var fits = (int)Math.Min(bytes.Length, files.UnitsLeft);
            node.Bytes.AddRange(bytes[..fits]);
            files.UnitsLeft -= fits;
            files.UnitsUsed += fits;
            if (fits < bytes.Length)
            {
                files._isDead = true;
                throw new KilledException();
            }
        }

        public void Sync()
        {
            files.Spend("fsync");
            node.DurableLength = node.Bytes.Count;
        }

        public void Dispose()
        {
        }
    }

    private sealed class ArrayMap(byte[] bytes) : IFileMap
    {
        public long Length => bytes.Length;

        public ReadOnlySpan<byte> Slice(long offset, int count) => bytes.AsSpan((int)offset, count);

        public void Dispose()
        {
        }
    }
}
