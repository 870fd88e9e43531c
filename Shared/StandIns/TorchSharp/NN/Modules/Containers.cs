using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>
/// Modules one after the other. What lies between two of them is disposed as soon as the next has used it; autograd keeps what
/// it needs.
/// </summary>
public class Sequential : nn.Module<Tensor, Tensor>, IEnumerable<nn.Module<Tensor, Tensor>>
{
    private readonly List<nn.Module<Tensor, Tensor>> stages = [];

    internal Sequential(IEnumerable<(string Name, nn.Module<Tensor, Tensor> Module)> modules) : base(nameof(Sequential))
    {
        foreach (var (name, module) in modules)
        {
            append(name, module);
        }
    }

    public int Count => stages.Count;

    public nn.Module<Tensor, Tensor> this[int index] => stages[index];

    public Sequential append(string name, nn.Module<Tensor, Tensor> module)
    {
        register_module(name, module);
        stages.Add(module);
        return this;
    }

    public Sequential append(nn.Module<Tensor, Tensor> module) => append(stages.Count.ToString(), module);

    public override Tensor forward(Tensor input)
    {
        if (stages.Count == 0)
        {
            return input.alias();
        }
        var value = input;
        foreach (var stage in stages)
        {
            var next = stage.call(value);
            if (!ReferenceEquals(value, input) && !ReferenceEquals(value, next))
            {
                value.Dispose();
            }
            value = next;
        }
        return value;
    }

    public IEnumerator<nn.Module<Tensor, Tensor>> GetEnumerator() => stages.GetEnumerator();

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

    // The stages are registered as they are appended; the list is no component.
    protected override void RegisterComponents()
    {
    }
}

/// <summary>Modules by number, so that their parameters are found; it computes nothing.</summary>
public class ModuleList<T> : nn.Module, IList<T> where T : nn.Module
{
    private readonly List<T> list = [];

    public ModuleList(params T[] modules) : base(nameof(ModuleList<T>))
    {
        foreach (var module in modules)
        {
            Add(module);
        }
    }

    public int Count => list.Count;

    public bool IsReadOnly => false;

    public T this[int index]
    {
        get => list[index];
        set
        {
            list[index] = value;
            Renumber();
        }
    }

    public void Add(T item)
    {
        register_module(list.Count.ToString(), item);
        list.Add(item);
    }

    public void append(T module) => Add(module);

    public void AddRange(IEnumerable<T> modules)
    {
        foreach (var module in modules)
        {
            Add(module);
        }
    }

    public void extend(IEnumerable<T> modules) => AddRange(modules);

    public void Insert(int index, T item)
    {
        list.Insert(index, item);
        Renumber();
    }

    public bool Remove(T item)
    {
        var removed = list.Remove(item);
        Renumber();
        return removed;
    }

    public void RemoveAt(int index)
    {
        list.RemoveAt(index);
        Renumber();
    }

    public void Clear()
    {
        list.Clear();
        Renumber();
    }

    public bool Contains(T item) => list.Contains(item);

    public void CopyTo(T[] array, int arrayIndex) => list.CopyTo(array, arrayIndex);

    public int IndexOf(T item) => list.IndexOf(item);

    public IEnumerator<T> GetEnumerator() => list.GetEnumerator();

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

    protected override void RegisterComponents()
    {
    }

    private void Renumber()
    {
        ClearModules();
        for (var i = 0; i < list.Count; i++)
        {
            register_module(i.ToString(), list[i]);
        }
    }
}
