using TorchSharp.Tests.Support;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharp.Tests;

/// <summary>Live tensors and memory stay flat however long one trains.</summary>
public sealed class LifetimeTests
{
    private const int Steps = 1000;

    /// <summary>Rounding up what allocator and collector keep for themselves; a leak of one small tensor a step would be more.</summary>
    private const long ToleratedBytes = 24 * 1024 * 1024;

    [Fact]
    public void Training_OfAnMlp_LeavesTensorsAndMemoryFlat()
    {
        using var model = new Mlp(64, 256, 10);
        using var optimizer = optim.SGD(model.parameters(), 0.01, momentum: 0.9);

        AssertFlat(() =>
        {
            optimizer.zero_grad();
            F.cross_entropy(model.call(randn(32, 64)), randint(10, [32])).backward();
            optimizer.step();
        });
    }

    [Fact]
    public void Training_OfAGpt_LeavesTensorsAndMemoryFlat()
    {
        using var model = new TinyGpt();
        using var optimizer = optim.AdamW(model.parameters(), 1e-3);

        AssertFlat(() =>
        {
            optimizer.zero_grad();
            var tokens = randint(64, [4, 16]);
            F.cross_entropy(model.call(tokens).view(-1, 64), tokens.view(-1)).backward();
            nn.utils.clip_grad_norm_(model.parameters(), 1.0);
            optimizer.step();
        });
    }

    [Fact]
    public void Training_WithoutScopes_IsKeptFlatByFinalizers()
    {
        using var model = new Mlp(256, 1024, 10);
        LiveTensors.Count();
        var before = LiveTensors.ResidentBytes();

        for (var step = 0; step < 300; step++)
        {
            // Nobody disposes anything here: more than 2 MiB a step that only the collector can give back.
            F.cross_entropy(model.call(randn(512, 256)), randint(10, [512])).backward();
            model.zero_grad();
        }

        Assert.InRange(LiveTensors.ResidentBytes() - before, long.MinValue, 256L * 1024 * 1024);
        LiveTensors.Count();
    }

    private static void AssertFlat(Action step)
    {
        void Repeat(int count)
        {
            for (var i = 0; i < count; i++)
            {
                using var scope = NewDisposeScope();
                step();
            }
        }
        Repeat(Steps / 10);
        var tensors = LiveTensors.Count();
        var bytes = LiveTensors.ResidentBytes();

        Repeat(Steps);

        Assert.Equal(tensors, LiveTensors.Count());
        Assert.InRange(LiveTensors.ResidentBytes() - bytes, long.MinValue, ToleratedBytes);
    }
}
