namespace Orchestrator.Worker.Host.Collectives.SharedMemory;

/// <summary>What a stream's metadata says of shared memory: where the list of it is, and to whom its reader says what it has taken in.</summary>
internal static class SharedWords
{
    private const char Separator = '@';

    /// <param name="directory">As <see cref="SegmentDirectory.Words"/> has it.</param>
    /// <param name="answerTo">host:port; null: nobody wants to know.</param>
    public static string Write(string directory, string? answerTo) => answerTo is null ? directory : $"{directory}{Separator}{answerTo}";

    public static (string Directory, string? AnswerTo) Read(string words) =>
        words.IndexOf(Separator) is >= 0 and var at ? (words[..at], words[(at + 1)..]) : (words, null);
}
