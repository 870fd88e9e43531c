using System.Runtime.InteropServices;
using TorchSharp.Tests.Support;
using static TorchSharp.torch;

namespace TorchSharp.Tests;

/// <summary>Modules that PyTorch saved as TorchScript.</summary>
public sealed class ScriptModuleTests
{
    [Fact]
    public void Load_OfAPyTorchModule_ComputesAndTrains()
    {
        using var scope = NewDisposeScope();
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():n}.pt");
        try
        {
            var expected = Python.Numbers($"""
                torch.manual_seed(1)
                m = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Dropout(0.5), torch.nn.Linear(4, 2)).eval()
                torch.jit.script(m).save('{path}')
                print(*[repr(v) for v in m(torch.ones(1, 3)).flatten().tolist()])
                """)[0];

            using var module = jit.load<Tensor, Tensor>(path);

            Assert.Equal(expected, module.call(ones(1, 3)).data<float>().Select(value => (double)value));
            Assert.Equal(["0.weight", "0.bias", "3.weight", "3.bias"], module.named_parameters().Select(item => item.name));
            Assert.False(module.training);
            module.train();
            Assert.True(module.training);
            module.call(ones(1, 3)).sum().backward();
            Assert.NotNull(module.get_parameter("3.bias")!.grad);
            module.to(ScalarType.Float64);
            module.eval();
            Assert.Equal(ScalarType.Float64, module.call(ones(1, 3, ScalarType.Float64)).dtype);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Invoke_OfAMethodWithSeveralResults_GivesThemAll()
    {
        using var scope = NewDisposeScope();
        var path = Path.Combine(Path.GetTempPath(), $"module_{Guid.NewGuid():n}.py");
        var saved = path + ".pt";
        try
        {
            File.WriteAllText(path, """
                import torch
                class M(torch.nn.Module):
                    @torch.jit.export
                    def both(self, x: torch.Tensor, k: int):
                        return x * k, x.sum().item(), [x, x + 1]
                    def forward(self, x: torch.Tensor):
                        return x
                """);
            Python.Run($"import sys\nsys.path.insert(0, '{Path.GetTempPath()}')\n" +
                $"import {Path.GetFileNameWithoutExtension(path)} as m\ntorch.jit.script(m.M()).save('{saved}')");
            using var module = jit.load(saved);

            var results = (object[])module.invoke("both", ones(2), 3);

            Assert.Equal([3f, 3f], ((Tensor)results[0]).data<float>());
            Assert.Equal(2.0, results[1]);
            Assert.Equal([2f, 2f], ((Tensor[])results[2])[1].data<float>());
        }
        finally
        {
            File.Delete(path);
            File.Delete(saved);
        }
    }

    [Fact]
    public void Load_OfNoFile_SaysSo() =>
        Assert.Contains("There is no TorchScript file at", Assert.Throws<FileNotFoundException>(() => jit.load("/nowhere.pt")).Message);

    [Fact]
    public void Load_OfSomethingElse_GivesLibtorchsReason()
    {
        var path = Path.GetTempFileName();
        File.WriteAllText(path, "not a script");

        var error = Assert.Throws<ExternalException>(() => jit.load(path));

        File.Delete(path);
        Assert.DoesNotContain("frame #", error.Message);
    }
}
