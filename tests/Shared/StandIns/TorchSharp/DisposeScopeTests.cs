using TorchSharp.Modules;
using TorchSharp.Tests.Support;
using static TorchSharp.torch;

namespace TorchSharp.Tests;

/// <summary>Who disposes a tensor, and when.</summary>
public sealed class DisposeScopeTests
{
    [Fact]
    public void Dispose_OfAScope_DisposesWhatWasMadeInIt()
    {
        Tensor made;
        using (NewDisposeScope())
        {
            made = ones(2) + 1;
        }

        Assert.True(made.IsInvalid);
    }

    [Fact]
    public void MoveToOuterDisposeScope_OfNestedScopes_LivesUntilTheOuterEnds()
    {
        Tensor made;
        using (var outer = NewDisposeScope())
        {
            using (NewDisposeScope())
            {
                made = ones(2).MoveToOuterDisposeScope();
            }
            Assert.False(made.IsInvalid);
            Assert.True(outer.Contains(made));
        }

        Assert.True(made.IsInvalid);
    }

    [Fact]
    public void MoveToOuterDisposeScope_WithoutAnOuterScope_BelongsToTheCaller()
    {
        Tensor made;
        using (NewDisposeScope())
        {
            made = ones(2).MoveToOuterDisposeScope();
        }

        Assert.False(made.IsInvalid);
        made.Dispose();
    }

    [Fact]
    public void Detach_FromNestedScopes_BelongsToTheCaller()
    {
        Tensor made;
        using (NewDisposeScope())
        {
            using var scope = NewDisposeScope();
            made = scope.Detach(ones(2));
        }

        Assert.False(made.IsInvalid);
        made.Dispose();
    }

    [Fact]
    public void Attach_OfATensorOfAnotherScope_MovesIt()
    {
        using var outer = NewDisposeScope();
        var made = ones(1);
        using (var inner = NewDisposeScope())
        {
            inner.Attach(made);
            Assert.False(outer.Contains(made));
        }

        Assert.True(made.IsInvalid);
    }

    [Fact]
    public void Dispose_ByHand_LeavesTheScope()
    {
        using var scope = NewDisposeScope();
        var tensors = Enumerable.Range(0, 10).Select(i => full(1, i)).ToArray();

        foreach (var index in new[] { 0, 9, 4, 5 })
        {
            tensors[index].Dispose();
        }

        Assert.Equal(6, scope.DisposablesCount);
        Assert.All(new[] { 1, 2, 3, 6, 7, 8 }, index => Assert.True(scope.Contains(tensors[index])));
    }

    [Fact]
    public void DisposeEverythingBut_Some_KeepsThoseInTheScope()
    {
        using var scope = NewDisposeScope();
        var (kept, dropped) = (ones(1), ones(1));

        scope.DisposeEverythingBut(kept);

        Assert.Equal((false, true, 1), (kept.IsInvalid, dropped.IsInvalid, scope.DisposablesCount));
    }

    [Fact]
    public void Include_OfSomethingElse_IsDisposedToo()
    {
        var stream = new MemoryStream();
        using (var scope = NewDisposeScope())
        {
            scope.Include(stream);
        }

        Assert.False(stream.CanRead);
    }

    [Fact]
    public void Parameter_MadeInAScope_OutlivesIt()
    {
        Parameter parameter;
        using (NewDisposeScope())
        {
            parameter = new Parameter(ones(2));
        }

        Assert.False(parameter.IsInvalid);
        Assert.True(parameter.requires_grad);
        parameter.Dispose();
    }

    [Fact]
    public void Scope_OfOneThread_DoesNotOwnAnothersTensors()
    {
        using var scope = NewDisposeScope();
        Tensor? made = null;

        var thread = new Thread(() => made = ones(2));
        thread.Start();
        thread.Join();

        Assert.Equal(0, scope.DisposablesCount);
        made!.Dispose();
    }

    [Fact]
    public void WrappedTensorDisposeScope_OfAFunction_KeepsItsResultOnly()
    {
        var before = LiveTensors.Count();

        using (var result = WrappedTensorDisposeScope(() => (ones(3) + 1).sum()))
        {
            Assert.Equal(6, result.item<float>());
        }

        Assert.Equal(before, LiveTensors.Count());
    }

    [Fact]
    public void Statistics_AfterAScope_CountEveryTensor()
    {
        DisposeScopeManager.Statistics.Reset();
        using (NewDisposeScope())
        {
            _ = ones(1) + 1;
            ones(1).DetachFromDisposeScope().Dispose();
        }

        var statistics = DisposeScopeManager.Statistics;
        Assert.Equal((3, 2, 1, 0), (statistics.CreatedInScopeCount, statistics.DisposedInScopeCount, statistics.DetachedFromScopeCount,
            statistics.ThreadTotalLiveCount));
    }

    [Fact]
    public void Finalizer_OfAForgottenTensor_FreesIt()
    {
        var before = LiveTensors.Count();

        Forget();

        Assert.Equal(before, LiveTensors.Count());

        static void Forget()
        {
            for (var i = 0; i < 1000; i++)
            {
                _ = ones(10);
            }
        }
    }

    [Fact]
    public void Dispose_WhileAnotherThreadUsesTheTensor_NeverReadsFreedMemory()
    {
        for (var round = 0; round < 200; round++)
        {
            using var source = ones(1000);
            var thread = new Thread(() =>
            {
                try
                {
                    for (var i = 0; i < 50; i++)
                    {
                        using var sum = source.sum();
                        Assert.Equal(1000, sum.item<float>());
                    }
                }
                catch (InvalidOperationException)
                {
                    // Disposed in the middle: an error, not a crash.
                }
            });
            thread.Start();
            source.Dispose();
            thread.Join();
        }
    }
}
