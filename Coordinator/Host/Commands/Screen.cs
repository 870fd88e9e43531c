namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>Standard error as a person sees it: plain lines, and on a terminal one live line below them. Any thread.</summary>
internal sealed class Screen(TextWriter error, bool isTerminal, bool hasColours, TimeProvider time)
{
    /// <summary>Between two pictures of the live line: faster than an eye follows costs the training time.</summary>
    private static readonly TimeSpan LiveInterval = TimeSpan.FromMilliseconds(200);

    /// <summary>Between two plain lines where there is no terminal: a log of an hour stays readable.</summary>
    private static readonly TimeSpan PlainInterval = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private DateTimeOffset _lastProgress = DateTimeOffset.MinValue;
    private bool _isLiveShown;

    public static Screen OfProcess(TimeProvider time)
    {
        var isTerminal = !Console.IsErrorRedirected;
        var hasColours = isTerminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb");
        return new Screen(Console.Error, isTerminal && Environment.GetEnvironmentVariable("TERM") != "dumb", hasColours, time);
    }

    public void Line(string text)
    {
        lock (_lock)
        {
            Erase();
            error.WriteLine(text);
        }
    }

    public void Warning(string text) => Line(Colour("33", $"Warning: {text}"));

    public void Failure(string text) => Line(Colour("31", text));

    /// <summary>Shows progress when it is time for it.</summary>
    /// <param name="line">Asked only then.</param>
    /// <param name="isLast">Shown in any case.</param>
    public void Progress(Func<string> line, bool isLast)
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (!isLast && now - _lastProgress < (isTerminal ? LiveInterval : PlainInterval))
            {
                return;
            }

            _lastProgress = now;
            if (isTerminal)
            {
                Erase();
                error.Write(line());
                _isLiveShown = true;
            }
            else
            {
                error.WriteLine(line());
            }
        }
    }

    /// <summary>Leaves the live line standing, so that what follows stands below it.</summary>
    public void KeepLive()
    {
        lock (_lock)
        {
            if (_isLiveShown)
            {
                error.WriteLine();
                _isLiveShown = false;
            }
        }
    }

    private void Erase()
    {
        if (_isLiveShown)
        {
            error.Write("\r\u001b[K");
            _isLiveShown = false;
        }
    }

    private string Colour(string code, string text) => hasColours ? $"\u001b[{code}m{text}\u001b[0m" : text;
}
