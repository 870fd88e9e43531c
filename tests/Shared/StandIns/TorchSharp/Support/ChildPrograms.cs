using System.Security.Cryptography;
using TorchSharp.Extensions;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharp.Tests.Support;

/// <summary>What <see cref="Child"/> runs; explicit, so that a usual run of the tests leaves them out.</summary>
public sealed class ChildPrograms
{
    /// <summary>Input: ISA, threads, bytes of heap to spoil. Answer: the fingerprint and the hashes of three gradients.</summary>
    [Fact(Explicit = true)]
    public void PinAndTrain()
    {
        var input = Child.Input.Split(' ');
        var fingerprint = NumericEnvironment.Pin(input[0], int.Parse(input[1]));
        using var spoiled = randn(long.Parse(input[2]) / 4 + 1);
        Child.Answer(string.Join('\n', [.. fingerprint.ToDictionary().Select(field => $"{field.Key}={field.Value}"), GptHash(), CnnHash(), MlpHash()]));
    }

    /// <summary>Input: the ISA to pin after a tensor was made. Answer: the error, or the fingerprint's ISA.</summary>
    [Fact(Explicit = true)]
    public void PinTooLate()
    {
        using var early = ones(1);
        try
        {
            Child.Answer(NumericEnvironment.Pin(Child.Input, 1).AtenCapability);
        }
        catch (NumericEnvironmentException error)
        {
            Child.Answer(error.Message);
        }
    }

    [Fact(Explicit = true)]
    public void PinTwice()
    {
        var first = NumericEnvironment.Pin("default", 1);
        Assert.Equal(first, NumericEnvironment.Pin("default", 1));
        Child.Answer(Assert.Throws<NumericEnvironmentException>(() => NumericEnvironment.Pin("default", 2)).Message);
    }

    /// <summary>Answer: the highest ISA, and whether asking loaded libtorch.</summary>
    [Fact(Explicit = true)]
    public void HighestIsa() => Child.Answer($"{NumericEnvironment.HighestIsa()} {Interop.ShimLibrary.IsLoaded}");

    /// <summary>Answer: the error of the first tensor.</summary>
    [Fact(Explicit = true)]
    public void FirstTensor()
    {
        try
        {
            using var tensor = ones(1);
            Child.Answer("good");
        }
        catch (DllNotFoundException error)
        {
            Child.Answer(error.Message);
        }
    }

    private static string GptHash()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var model = new TinyGpt(width: 96, heads: 4, layers: 3, context: 48);
        var tokens = randint(64, [6, 49]);
        var logits = model.call(tokens[TensorIndex.Colon, ..^1]);   // [6, 48, 64]
        F.cross_entropy(logits.reshape(-1, 64), tokens[TensorIndex.Colon, 1..].reshape(-1)).backward();
        return Hash(model);
    }

    private static string CnnHash()
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        using var model = new Cnn();
        F.cross_entropy(model.call(randn(13, 1, 28, 28)), randint(10, [13])).backward();
        return Hash(model);
    }

    private static string MlpHash()
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        using var model = new Mlp(100, 333, 7);
        F.mse_loss(model.call(randn(31, 100)), randn(31, 7)).backward();
        return Hash(model);
    }

    private static string Hash(nn.Module model)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (_, parameter) in model.named_parameters())
        {
            hash.AppendData(parameter.grad!.contiguous().bytes);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
