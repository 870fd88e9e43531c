namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>Columns of text, each as wide as its widest cell.</summary>
internal static class Table
{
    public static IEnumerable<string> Lines(string[] head, IEnumerable<string[]> rows)
    {
        string[][] all = [head, .. rows];
        var widths = head.Select((_, column) => all.Max(row => row[column].Length)).ToArray();
        return all.Select(row => string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }

    public static void Write(string[] head, IEnumerable<string[]> rows)
    {
        foreach (var line in Lines(head, rows))
        {
            Console.Out.WriteLine(line);
        }
    }
}
