namespace TorchSharp;

/// <summary>
/// Owns the tensors that its thread makes while it is the innermost scope, and disposes them when it ends. A tensor that must outlive
/// it is moved to the outer scope or detached.
/// </summary>
/// <remarks>
/// A tensor knows its place in the list, so that leaving a scope takes constant time. Scopes belong to the thread that opened them.
/// </remarks>
public sealed class DisposeScope : IDisposable
{
    private readonly List<IDisposable> disposables = [];
    private bool ended;

    internal DisposeScope(DisposeScope? outer) => OuterScope = outer;

    internal DisposeScope? OuterScope { get; }

    public IReadOnlyList<IDisposable> DisposablesView => disposables.ToArray();

    public int DisposablesCount => disposables.Count;

    /// <summary>Puts something else under the scope's care.</summary>
    public T Include<T>(T disposable) where T : IDisposable
    {
        Attach(disposable);
        return disposable;
    }

    public T MoveToOuter<T>(T disposable) where T : IDisposable => MoveToOther(OuterScope, disposable);

    public (T1 first, T2 second) MoveToOuter<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable =>
        (MoveToOuter(first), MoveToOuter(second));

    public (T1 first, T2 second, T3 third) MoveToOuter<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable =>
        (MoveToOuter(first), MoveToOuter(second), MoveToOuter(third));

    public void MoveToOuter(params IDisposable[] disposables) => MoveToOther(OuterScope, disposables);

    public void MoveToOuter(IEnumerable<IDisposable> disposables) => MoveToOther(OuterScope, disposables);

    public T MoveToOther<T>(DisposeScope? scope, T disposable) where T : IDisposable
    {
        if (Remove(disposable))
        {
            if (scope is null)
            {
                Watch(disposable);
            }
            else
            {
                scope.Add(disposable);
            }
        }
        return disposable;
    }

    public void MoveToOther(DisposeScope? scope, IEnumerable<IDisposable> disposables)
    {
        foreach (var disposable in disposables)
        {
            MoveToOther(scope, disposable);
        }
    }

    public T Detach<T>(T disposable) where T : IDisposable
    {
        if (Remove(disposable))
        {
            DisposeScopeManager.Current.DetachedFromScopeCount++;
            Watch(disposable);
        }
        return disposable;
    }

    public void Detach(params IDisposable[] disposables) => Detach((IEnumerable<IDisposable>)disposables);

    public void Detach(IEnumerable<IDisposable> disposables)
    {
        foreach (var disposable in disposables)
        {
            Detach(disposable);
        }
    }

    public void Attach(IDisposable disposable)
    {
        if (disposable is torch.Tensor { OwningDisposeScope: { } owner })
        {
            owner.Remove(disposable);
        }
        Add(disposable);
    }

    public void Attach(IEnumerable<IDisposable> disposables)
    {
        foreach (var disposable in disposables)
        {
            Attach(disposable);
        }
    }

    public void DisposeEverything() => DisposeEverythingBut(Array.Empty<IDisposable>());

    /// <summary>Frees memory before the scope ends; what is kept stays in the scope.</summary>
    public void DisposeEverythingBut(IEnumerable<IDisposable> keep)
    {
        var kept = new HashSet<IDisposable>(keep, ReferenceEqualityComparer.Instance);
        var former = disposables.ToArray();
        disposables.Clear();
        foreach (var disposable in former)
        {
            if (kept.Contains(disposable))
            {
                Add(disposable);
                continue;
            }
            if (disposable is torch.Tensor tensor)
            {
                tensor.OwningDisposeScope = null;
            }
            DisposeScopeManager.Current.DisposedInScopeCount++;
            disposable.Dispose();
        }
    }

    public void DisposeEverythingBut(params IDisposable[] keep) => DisposeEverythingBut((IEnumerable<IDisposable>)keep);

    public T DisposeEverythingBut<T>(T keep) where T : IDisposable
    {
        DisposeEverythingBut(new IDisposable[] { keep });
        return keep;
    }

    public void Dispose()
    {
        if (!ended)
        {
            ended = true;
            DisposeAll();
            DisposeScopeManager.Current.Leave(this);
        }
    }

    /// <summary>To be called when something in the scope was disposed by hand.</summary>
    public void MarkAsDisposed(IDisposable disposable)
    {
        if (Remove(disposable))
        {
            DisposeScopeManager.Current.DisposedInScopeCount++;
        }
    }

    public bool Contains(IDisposable disposable) => IndexOf(disposable) >= 0;

    internal void Add(IDisposable disposable)
    {
        if (disposable is torch.Tensor tensor)
        {
            tensor.OwningDisposeScope = this;
            tensor.ScopeIndex = disposables.Count;
        }
        disposables.Add(disposable);
    }

    private void DisposeAll()
    {
        // In the order of making; each tensor is let go first, so that it does not call back.
        for (var i = 0; i < disposables.Count; i++)
        {
            if (disposables[i] is torch.Tensor tensor)
            {
                tensor.OwningDisposeScope = null;
            }
            DisposeScopeManager.Current.DisposedInScopeCount++;
            disposables[i].Dispose();
        }
        disposables.Clear();
    }

    private int IndexOf(IDisposable disposable)
    {
        if (disposable is torch.Tensor tensor)
        {
            return ReferenceEquals(tensor.OwningDisposeScope, this) ? tensor.ScopeIndex : -1;
        }
        return disposables.FindIndex(candidate => ReferenceEquals(candidate, disposable));
    }

    /// <summary>Takes the disposable out of the list; the last one fills its place.</summary>
    private bool Remove(IDisposable disposable)
    {
        var index = IndexOf(disposable);
        if (index < 0)
        {
            return false;
        }
        var last = disposables[^1];
        disposables[index] = last;
        if (last is torch.Tensor moved)
        {
            moved.ScopeIndex = index;
        }
        disposables.RemoveAt(disposables.Count - 1);
        if (disposable is torch.Tensor tensor)
        {
            tensor.OwningDisposeScope = null;
        }
        return true;
    }

    private static void Watch(IDisposable disposable)
    {
        if (disposable is torch.Tensor { IsInvalid: false } tensor)
        {
            tensor.SafeHandle.Watch();
        }
    }
}
