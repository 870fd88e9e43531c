using Microsoft.Extensions.Logging;

namespace Orchestrator.Coordinator.Host;

/// <summary>Everything the coordinator logs. 1000: the process; 1100: workers; 1120: access; 1200: runs; 1900: bugs. Information = once per change of state.</summary>
internal static partial class Log
{
    [LoggerMessage(1000, LogLevel.Information, "Coordinator {Version} listens on {Grpc} for workers and commands, and on {Http} for /api/v1, /metrics, /targets and /healthz")]
    public static partial void Listening(ILogger log, string version, string grpc, string http);

    [LoggerMessage(1001, LogLevel.Warning, "{Address} is reached by other machines, without encryption: whoever listens in on the network sees the tokens. Use it on a trusted network only")]
    public static partial void Insecure(ILogger log, string address);

    [LoggerMessage(1002, LogLevel.Information, "Coordinator ends: {Reason}")]
    public static partial void Ending(ILogger log, string reason);

    [LoggerMessage(1003, LogLevel.Information, "The tokens of this coordinator are in {File}")]
    public static partial void TokensAreIn(ILogger log, string file);

    [LoggerMessage(1004, LogLevel.Warning, "{Text}")]
    public static partial void TlsFiles(ILogger log, string text);

    [LoggerMessage(1005, LogLevel.Warning, "{Text}")]
    public static partial void TokenFile(ILogger log, string text);

    [LoggerMessage(1010, LogLevel.Information, "This coordinator owns the runs under term {Term}; its store is {Store}")]
    public static partial void Owns(ILogger log, long term, string store);

    [LoggerMessage(1011, LogLevel.Warning, "This coordinator gives no orders any more (term {Term}): {Reason}")]
    public static partial void GivesUp(ILogger log, long term, string reason);

    [LoggerMessage(1012, LogLevel.Information, "Standing by: {Reason}")]
    public static partial void WaitsForOwnership(ILogger log, string reason);

    [LoggerMessage(1014, LogLevel.Warning, "This coordinator stands by again: {Count} changes and orders that it had decided under term {Term} were refused, and {Total} refusals are counted since it started")]
    public static partial void OrdersRefused(ILogger log, int count, long term, long total);

    [LoggerMessage(1015, LogLevel.Information, "{Events} events and {Samples} samples were taken out of the store: those of runs that ended more than {Days} days ago, and what was too much of one run")]
    public static partial void Pruned(ILogger log, long events, long samples, double days);

    [LoggerMessage(1016, LogLevel.Warning, "The history in the store was not pruned, and will be in an hour: {Reason}")]
    public static partial void NotPruned(ILogger log, string reason);

    [LoggerMessage(1017, LogLevel.Error, "{Damage}")]
    public static partial void StoreDamaged(ILogger log, string damage);

    [LoggerMessage(1013, LogLevel.Information, "Run {Run} is gone on with: {State} at step {Step}")]
    public static partial void Revives(ILogger log, string run, string state, long step);

    [LoggerMessage(1100, LogLevel.Information, "Worker {Worker} attached: pid {Pid} on {Host}, {Device}, up to {Isa}")]
    public static partial void WorkerAttached(ILogger log, string worker, int pid, string host, string device, string isa);

    [LoggerMessage(1101, LogLevel.Information, "Worker {Worker} is gone: {Reason}")]
    public static partial void WorkerGone(ILogger log, string worker, string reason);

    [LoggerMessage(1102, LogLevel.Warning, "A worker was not admitted: {Reason}")]
    public static partial void WorkerRejected(ILogger log, string reason);

    [LoggerMessage(1103, LogLevel.Warning, "Worker {Worker} does not take its orders: {Pending} wait for it. Its stream is closed")]
    public static partial void WorkerStalled(ILogger log, string worker, int pending);

    [LoggerMessage(1104, LogLevel.Information, "Worker {Worker} is given up and its stream closed: {Reason}")]
    public static partial void WorkerEvicted(ILogger log, string worker, string reason);

    [LoggerMessage(1120, LogLevel.Warning, "A request from {Remote} was refused ({Verdict}): {Reason}")]
    public static partial void Refused(ILogger log, string remote, string verdict, string reason);

    [LoggerMessage(1121, LogLevel.Information, "{Count} open calls were broken off: their tokens are not in the token file any more")]
    public static partial void BrokeOff(ILogger log, int count);

    [LoggerMessage(1200, LogLevel.Information, "Run {Run}: {Event} at step {Step}: {Text}")]
    public static partial void RunRecorded(ILogger log, string run, string @event, long step, string text);

    [LoggerMessage(1201, LogLevel.Information, "Run {Run} has ended ({Result}): {Reason}")]
    public static partial void RunEnded(ILogger log, string run, string result, string reason);

    [LoggerMessage(1202, LogLevel.Warning, "Run {Run}: {Problem}")]
    public static partial void RunFolderProblem(ILogger log, string run, string problem);

    [LoggerMessage(1203, LogLevel.Debug, "Run {Run}: step {Step}, loss {Loss}")]
    public static partial void StepCompleted(ILogger log, string run, long step, double loss);

    [LoggerMessage(1204, LogLevel.Debug, "{Note}")]
    public static partial void Ignored(ILogger log, string note);

    [LoggerMessage(1900, LogLevel.Critical, "A bug of the coordinator's: working off {Event} failed, and the coordinator ends. Report it with this log")]
    public static partial void ActorCrashed(ILogger log, string @event, Exception cause);
}
