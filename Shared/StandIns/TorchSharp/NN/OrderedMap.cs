using System.Collections;

namespace TorchSharp;

/// <summary>Names and values in the order of their registration.</summary>
internal sealed class OrderedMap<T> : IEnumerable<(string Name, T Value)>
{
    private readonly List<(string Name, T Value)> entries = [];

    internal int Count => entries.Count;

    internal bool ContainsKey(string name) => entries.Exists(entry => entry.Name == name);

    internal bool TryGetValue(string name, out T value)
    {
        var index = entries.FindIndex(entry => entry.Name == name);
        value = index >= 0 ? entries[index].Value : default!;
        return index >= 0;
    }

    internal bool TryAdd(string name, T value)
    {
        if (ContainsKey(name))
        {
            return false;
        }
        entries.Add((name, value));
        return true;
    }

    internal void Remove(string name) => entries.RemoveAll(entry => entry.Name == name);

    internal void Clear() => entries.Clear();

    public IEnumerator<(string Name, T Value)> GetEnumerator() => entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
