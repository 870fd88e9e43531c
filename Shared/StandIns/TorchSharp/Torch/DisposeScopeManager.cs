namespace TorchSharp;

/// <summary>The stack of dispose scopes of one thread, and what became of its tensors.</summary>
public sealed class DisposeScopeManager
{
    [ThreadStatic] private static DisposeScopeManager? ofThread;
    private DisposeScope? innermost;

    internal static DisposeScopeManager Current => ofThread ??= new DisposeScopeManager();

    internal long CreatedOutsideScopeCount;
    internal long CreatedInScopeCount;
    internal long DisposedInScopeCount;
    internal long DetachedFromScopeCount;

    /// <summary>Counts of this thread since its start or the last reset.</summary>
    public static ThreadDisposeScopeStatistics Statistics => new(Current);

    internal static DisposeScope? RegisterOnCurrent(torch.Tensor tensor)
    {
        var current = Current;
        var scope = current.innermost;
        if (scope is null)
        {
            current.CreatedOutsideScopeCount++;
            return null;
        }
        current.CreatedInScopeCount++;
        scope.Add(tensor);
        return scope;
    }

    internal static DisposeScope Enter()
    {
        var current = Current;
        return current.innermost = new DisposeScope(current.innermost);
    }

    /// <summary>A scope that ends before its inner ones takes them along.</summary>
    internal void Leave(DisposeScope scope)
    {
        for (var at = innermost; at is not null; at = at.OuterScope)
        {
            if (ReferenceEquals(at, scope))
            {
                while (!ReferenceEquals(innermost, scope))
                {
                    innermost!.DisposeEverything();
                    innermost = innermost.OuterScope;
                }
                innermost = scope.OuterScope;
                return;
            }
        }
    }
}

/// <summary>How many tensors the current thread made and let go.</summary>
public sealed class ThreadDisposeScopeStatistics
{
    private readonly DisposeScopeManager manager;

    internal ThreadDisposeScopeStatistics(DisposeScopeManager manager) => this.manager = manager;

    public long CreatedOutsideScopeCount => manager.CreatedOutsideScopeCount;

    public long CreatedInScopeCount => manager.CreatedInScopeCount;

    public long DisposedInScopeCount => manager.DisposedInScopeCount;

    public long DetachedFromScopeCount => manager.DetachedFromScopeCount;

    /// <summary>Made in a scope and neither disposed nor detached.</summary>
    public long ThreadTotalLiveCount => CreatedInScopeCount - DisposedInScopeCount - DetachedFromScopeCount;

    public void Reset()
    {
        manager.CreatedOutsideScopeCount = 0;
        manager.CreatedInScopeCount = 0;
        manager.DisposedInScopeCount = 0;
        manager.DetachedFromScopeCount = 0;
    }
}

public static partial class torch
{
    /// <summary>Tensors made from now on by this thread are disposed when the scope is.</summary>
    public static DisposeScope NewDisposeScope() => DisposeScopeManager.Enter();

    /// <summary>Runs a function in a scope and moves its result out of it.</summary>
    public static Tensor WrappedTensorDisposeScope(Func<Tensor> func)
    {
        using var scope = NewDisposeScope();
        return func().MoveToOuterDisposeScope();
    }
}
