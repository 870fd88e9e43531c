using System.Diagnostics;
using Orchestrator.Storage.Safetensors;

namespace Orchestrator.Storage.Tests.Safetensors;

/// <summary>Debian's python3-torch, with a reader that knows only the published format, sees the same bits.</summary>
public class PythonReaderTests
{
    private const string Python = "/usr/bin/python3";

    // Prints name, dtype, shape and the raw bits of each tensor, after a trip through torch.
    private const string Reader = """
        import json, struct, sys
        import torch
        types = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64, "I32": torch.int32, "U8": torch.uint8,
                 "BOOL": torch.bool, "BF16": torch.bfloat16, "F16": torch.float16}
        raw = open(sys.argv[1], "rb").read()
        (length,) = struct.unpack_from("<Q", raw, 0)
        header = json.loads(raw[8:8 + length].decode("utf-8"))
        header.pop("__metadata__", None)
        data = raw[8 + length:]
        for name in sorted(header):
            entry = header[name]
            begin, end = entry["data_offsets"]
            assert begin % torch.tensor([], dtype=types[entry["dtype"]]).element_size() == 0
            tensor = torch.frombuffer(bytearray(data[begin:end]), dtype=types[entry["dtype"]]).reshape(entry["shape"])
            bits = bytes(tensor.contiguous().flatten().view(torch.uint8).tolist()) if tensor.dtype != torch.bool else bytes(tensor.flatten().to(torch.uint8).tolist())
            print(name, str(tensor.dtype), list(tensor.shape), bits.hex())
        """;

    private static readonly (TensorType Type, string Torch)[] Types =
    [
        (TensorType.Float32, "torch.float32"), (TensorType.Float64, "torch.float64"), (TensorType.Int64, "torch.int64"), (TensorType.Int32, "torch.int32"),
        (TensorType.UInt8, "torch.uint8"), (TensorType.Bool, "torch.bool"), (TensorType.BFloat16, "torch.bfloat16"), (TensorType.Float16, "torch.float16"),
    ];

    [Fact]
    public void Torch_ReadingOurFile_SeesTheSameBits()
    {
        Assert.SkipUnless(File.Exists(Python), $"{Python} is not installed (apt-get install python3-torch).");
        Assert.SkipUnless(Run("-c", "import torch").ExitCode == 0, $"{Python} has no torch (apt-get install python3-torch).");
        using var folder = new TemporaryFolder();
        var random = new Random(3);
        var expected = new List<string>();
        var sources = new List<TensorSource>();
        foreach (var (type, torch) in Types)
        {
            var bytes = new byte[6 * TensorTypes.BytesOf(type)];
            random.NextBytes(bytes);
            if (type == TensorType.Bool)
            {
                bytes = [1, 0, 0, 1, 1, 0];
            }
            sources.Add(TensorSource.From($"t_{type}", type, [2, 3], bytes));
            expected.Add($"t_{type} {torch} [2, 3] {Convert.ToHexStringLower(bytes)}");
        }
        using (var stream = File.Create(folder.File("t")))
        {
            SafetensorsWriter.Write(stream, sources, new Dictionary<string, string> { ["format"] = "pt" });
        }

        var (exitCode, output, error) = Run("-c", Reader, folder.File("t"));

        Assert.True(exitCode == 0, error);
        Assert.Equal(expected.Order(StringComparer.Ordinal), output.TrimEnd().Split('\n'));
    }

    private static (int ExitCode, string Output, string Error) Run(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Python, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.GetAwaiter().GetResult());
    }
}
