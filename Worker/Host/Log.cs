using Microsoft.Extensions.Logging;

namespace Orchestrator.Worker.Host;

/// <summary>Everything the worker logs. Ids 2000 to 2999 are the worker's; each is used once.</summary>
internal static partial class Log
{
    [LoggerMessage(2000, LogLevel.Information, "Worker listens for its peers on {Collective}, for Prometheus on {Metrics}; coordinator {Coordinator}.")]
    public static partial void Started(ILogger log, string collective, string metrics, string coordinator);

    [LoggerMessage(2001, LogLevel.Information, "Preparing run {Run} for generation {Generation} at instruction-set level {Isa}.")]
    public static partial void Preparing(ILogger log, string run, long generation, string isa);

    [LoggerMessage(2002, LogLevel.Information, "Generation {Generation} is in force behind step {Step}.")]
    public static partial void Entered(ILogger log, long generation, long step);

    [LoggerMessage(2003, LogLevel.Information, "Stopping training: {Reason}")]
    public static partial void Stopping(ILogger log, string reason);

    [LoggerMessage(2004, LogLevel.Information, "Dropping the run: {Reason}")]
    public static partial void Dropped(ILogger log, string reason);

    [LoggerMessage(2005, LogLevel.Warning, "Attaching to the coordinator anew: {Reason}")]
    public static partial void Reattaching(ILogger log, string reason);

    [LoggerMessage(2020, LogLevel.Warning, "Leaving the coordinator: {Reason}")]
    public static partial void Leaving(ILogger log, string reason);

    [LoggerMessage(2006, LogLevel.Information, "{Text}")]
    public static partial void Note(ILogger log, string text);

    [LoggerMessage(2007, LogLevel.Error, "Refusing the run: {Reason}")]
    public static partial void Refused(ILogger log, string reason);

    [LoggerMessage(2008, LogLevel.Error, "Training failed after step {Step}: {Reason}")]
    public static partial void Failed(ILogger log, long step, string reason);

    [LoggerMessage(2009, LogLevel.Debug, "Step {Step}: loss {Loss}, {Seconds} s.")]
    public static partial void Step(ILogger log, long step, double loss, double seconds);

    [LoggerMessage(2010, LogLevel.Information, "Checkpoint {Path}: {Bytes} bytes in {Seconds} s.")]
    public static partial void CheckpointSaved(ILogger log, string path, long bytes, double seconds);

    [LoggerMessage(2011, LogLevel.Error, "The checkpoint of step {Step} could not be written: {Error}")]
    public static partial void CheckpointFailed(ILogger log, long step, string error);

    [LoggerMessage(2012, LogLevel.Critical, "The worker's actor crashed: our bug.")]
    public static partial void ActorCrashed(ILogger log, Exception error);

    [LoggerMessage(2013, LogLevel.Information, "The worker ends with exit code {Code}: {Reason}")]
    public static partial void Ended(ILogger log, int code, string reason);

    [LoggerMessage(2014, LogLevel.Warning, "Listening on {Address} without authentication or encryption (--insecure): whoever reaches it can change the training.")]
    public static partial void Insecure(ILogger log, string address);

    [LoggerMessage(2015, LogLevel.Information, "Peers: {Text}")]
    public static partial void Peer(ILogger log, string text);

    [LoggerMessage(2016, LogLevel.Information, "Starting afresh: {Reason}")]
    public static partial void Restarting(ILogger log, string reason);

    [LoggerMessage(2017, LogLevel.Information, "The coordinator orders {Order}{Term}.")]
    public static partial void Ordered(ILogger log, string order, string term);

    [LoggerMessage(2021, LogLevel.Warning, "{Reason}")]
    public static partial void OrderRefused(ILogger log, string reason);

    [LoggerMessage(2018, LogLevel.Warning, "Fenced for generation {Generation}; step {Decided} is decided.")]
    public static partial void Fenced(ILogger log, long generation, long decided);

    [LoggerMessage(2019, LogLevel.Warning, "The link to {Peer} broke in generation {Generation}: {Reason}")]
    public static partial void LinkBroken(ILogger log, string peer, long generation, string reason);
}
