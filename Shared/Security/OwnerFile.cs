using System.Runtime.InteropServices;

namespace Orchestrator.Security;

/// <summary>Files that hold secrets.</summary>
public static partial class OwnerFile
{
    private const int Exists = 17; // EEXIST

    public const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>A new file to write to, for its owner alone from the first byte on. The caller disposes it.</summary>
    /// <exception cref="IOException">It is there already, or cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public static FileStream Create(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = Mode;
        }

        return new FileStream(path, options);
    }

    /// <summary>Gives a written file its name in one step, unless another file has it.</summary>
    /// <remarks>The framework's move looks first whether the name is free and then renames, so that two programs may both find it free and the later one wins.</remarks>
    /// <param name="written">It is gone afterwards.</param>
    /// <param name="path">In the same folder.</param>
    /// <returns>False: another file has the name, and keeps it.</returns>
    /// <exception cref="IOException">It cannot be named.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public static bool TryName(string written, string path)
    {
        try
        {
            if (!OperatingSystem.IsWindows())
            {
                if (Link(written, path) == 0)
                {
                    return true;
                }

                if (Marshal.GetLastPInvokeError() == Exists)
                {
                    return false;
                }
            }

            // Also on a file system without hard links.
            File.Move(written, path);
            return true;
        }
        catch (IOException) when (File.Exists(path))
        {
            return false;
        }
        finally
        {
            File.Delete(written);
        }
    }

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string from, string to);
}
