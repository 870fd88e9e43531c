using System.Runtime.CompilerServices;
using TorchSharp.Extensions;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Orchestrator.Parity.Tests.Support;

internal static class Setup
{
    // Before anything touches a tensor: libtorch reads its settings once, when it is loaded.
    [ModuleInitializer]
    internal static void Pin()
    {
        if (File.Exists(PyTorch.Interpreter))
        {
            NumericEnvironment.Pin(PyTorch.Isa, PyTorch.Threads);
        }
    }
}
