using System.Reflection;
using System.Runtime.InteropServices;

namespace TorchSharp.Interop;

/// <summary>Finds and loads the native shim, and with it libtorch; when that fails, says what to install.</summary>
internal static class ShimLibrary
{
    internal const string Name = "orchestrator_torch";
    private const string FileName = "liborchestrator_torch.so";
    private const string PathVariable = "ORCHESTRATOR_TORCH_SHIM";
    private static readonly Lock Gate = new();
    private static nint library;

    /// <summary>True once libtorch is in the process: from then on its environment variables have been read.</summary>
    internal static bool IsLoaded
    {
        get
        {
            lock (Gate)
            {
                return library != 0;
            }
        }
    }

    internal static void Register() =>
        NativeLibrary.SetDllImportResolver(typeof(ShimLibrary).Assembly, (name, _, _) => name == Name ? Load() : 0);

    /// <exception cref="DllNotFoundException">The shim or libtorch is missing; the message has the cure.</exception>
    internal static nint Load()
    {
        lock (Gate)
        {
            if (library == 0)
            {
                library = LoadFrom(Find(Environment.GetEnvironmentVariable(PathVariable), AssemblyFolder));
            }
            return library;
        }
    }

    private static string AssemblyFolder
    {
        get
        {
            var location = Assembly.GetExecutingAssembly().Location;
            return location.Length > 0 ? Path.GetDirectoryName(location)! : AppContext.BaseDirectory;
        }
    }

    /// <summary>
    /// In this order: the path that the person named; beside the assembly; artifacts/native of this folder or one above it.
    /// </summary>
    internal static string Find(string? named, string folder)
    {
        if (!string.IsNullOrEmpty(named))
        {
            return File.Exists(named)
                ? named
                : throw new DllNotFoundException($"{PathVariable} names '{named}', which does not exist. Give the path of {FileName}, or unset it.");
        }
        var beside = Path.Combine(folder, FileName);
        if (File.Exists(beside))
        {
            return beside;
        }
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
        {
            var built = Path.Combine(at.FullName, "artifacts", "native", FileName);
            if (File.Exists(built))
            {
                return built;
            }
        }
        throw new DllNotFoundException(
            $"{FileName} was found neither beside {folder} nor in artifacts/native above it. " +
            $"Build it with Shared/StandIns/TorchSharp/Native/build.sh (it needs 'apt-get install libtorch-dev libopenblas0-pthread cmake g++', " +
            $"or ORCHESTRATOR_LIBTORCH set to an unpacked libtorch), or set {PathVariable} to its path.");
    }

    private static nint LoadFrom(string path)
    {
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (Exception cause) when (cause is DllNotFoundException or BadImageFormatException)
        {
            throw new DllNotFoundException(
                $"{path} could not be loaded: {FirstLine(cause.Message)} If a libtorch library is missing, install it with " +
                "'apt-get install libtorch-dev libopenblas0-pthread', or set ORCHESTRATOR_LIBTORCH to the folder of an unpacked libtorch " +
                "and run Shared/StandIns/TorchSharp/Native/build.sh again.", cause);
        }
    }

    private static string FirstLine(string text) =>
        text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).FirstOrDefault() ?? "";
}
