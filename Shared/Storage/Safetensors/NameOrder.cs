using System.Text;

namespace Orchestrator.Storage.Safetensors;

/// <summary>The one order of tensor names: by their UTF-8 bytes, unsigned. No culture, and the same in every language.</summary>
public sealed class NameOrder : IComparer<string>
{
    public static NameOrder Instance { get; } = new();

    private NameOrder()
    {
    }

    public int Compare(string? x, string? y)
    {
        if (x is null || y is null)
        {
            return (x is null ? 0 : 1) - (y is null ? 0 : 1);
        }
        // UTF-8 keeps the order of code points; UTF-16 does not where surrogates meet U+E000 to U+FFFF.
        return Encoding.UTF8.GetBytes(x).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(y));
    }
}
