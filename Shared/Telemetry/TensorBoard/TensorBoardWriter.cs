using System.Globalization;

namespace Orchestrator.Telemetry.TensorBoard;

/// <summary>Appends scalars to one event file that <c>tensorboard --logdir</c> shows.</summary>
/// <remarks>
/// Every scalar is one write to the file, so a killed process loses at most the record it was writing; readers stop at a torn one. A run that goes on
/// makes a new file in the same folder, which TensorBoard joins by step. Not thread-safe.
/// </remarks>
public sealed class TensorBoardWriter : IDisposable
{
    private readonly FileStream _file;

    /// <param name="directory">Made when it is missing.</param>
    /// <param name="createdAt">Part of the file's name: TensorBoard reads the files of a folder in the order of their names.</param>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public TensorBoardWriter(string directory, DateTimeOffset createdAt)
    {
        Directory.CreateDirectory(directory);
        // TensorBoard wants "tfevents" in the name; seconds, host and process are the custom, and make it unique.
        var stem = string.Create(
            CultureInfo.InvariantCulture, $"events.out.tfevents.{createdAt.ToUnixTimeSeconds():D10}.{Environment.MachineName}.{Environment.ProcessId}");
        (_file, FilePath) = OpenNew(directory, stem);
        _file.Write(TensorBoardRecord.FileVersion(Seconds(createdAt)));
    }

    public string FilePath { get; }

    /// <param name="tag">Slash-separated, as TensorBoard groups them: <c>train/loss</c>.</param>
    /// <param name="step">Steps applied.</param>
    public void Scalar(string tag, long step, double value, DateTimeOffset wallTime) =>
        _file.Write(TensorBoardRecord.Scalar(tag, step, (float)value, Seconds(wallTime)));

    public void Dispose() => _file.Dispose();

    private static double Seconds(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).TotalSeconds;

    private static (FileStream File, string Path) OpenNew(string directory, string stem)
    {
        for (var number = 0; ; number++)
        {
            var path = Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"{stem}.{number}"));
            try
            {
                return (new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0), path);
            }
            catch (IOException) when (File.Exists(path))
            {
                // A second writer of this process in the same second takes the next number.
            }
        }
    }
}
