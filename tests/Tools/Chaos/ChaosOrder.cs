using Orchestrator.Coordinator.Core.Supervision;
using Orchestrator.Coordinator.Host;
using static System.FormattableString;

namespace Orchestrator.Tools.Chaos;

/// <summary>What was asked of `chaos`.</summary>
/// <param name="Job">The job file.</param>
/// <param name="Workers">Of the run under faults.</param>
/// <param name="Kinds">Each once.</param>
/// <param name="EverySeconds">Between two faults.</param>
/// <param name="Seed">The first.</param>
/// <param name="Seeds">How many, counted up from it.</param>
/// <param name="Set">Changes of the job, a.b=c.</param>
/// <param name="Out">Folder of all runs.</param>
/// <param name="IsMeasured">The quiet twin has as many workers, so that throughputs compare.</param>
/// <param name="Coordinators">That can own the runs.</param>
/// <param name="Store">The database that they share; null: there is one coordinator.</param>
internal sealed record ChaosOrder(
    string Job, int Workers, FaultKind[] Kinds, double EverySeconds, int Seed, int Seeds, string[] Set, string Out, bool IsMeasured, int Coordinators, string? Store)
{
    /// <summary>A look at the run takes some milliseconds of a processor that the run needs.</summary>
    private const double LeastSeconds = 0.1;

    private const double MostSeconds = 86_400;

    public TimeSpan Every => TimeSpan.FromSeconds(EverySeconds);

    /// <summary>Restarts of one worker process that `run` has to allow, for it dies on purpose: every fault may hit the same one.</summary>
    public int Restarts => ChaosPlan.MostHits(Every, new RestartLimits().Window);

    public string Folder(string name) => Path.GetFullPath(Path.Combine(Out, name));

    /// <summary>Arguments of `run` or `submit`.</summary>
    /// <param name="name">Of the run, and its folder.</param>
    /// <param name="workers">That it wishes for.</param>
    /// <param name="disk">For the checkpoints; null: they lie in the run's folder.</param>
    public IEnumerable<string> Training(string name, int workers, SmallDisk? disk) =>
    [
        Job, "--workers", $"{workers}", "--out", Folder(name), "--format", "json", .. Set.SelectMany(each => new[] { "--set", each }),
        .. disk is null ? Array.Empty<string>() : ["--set", $"checkpoint.dir={disk.Folder}"],
    ];

    /// <exception cref="ToolException">There is no such kind, or none at all.</exception>
    public static FaultKind[] ReadKinds(string text)
    {
        FaultKind[] kinds = [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(name =>
            Enum.TryParse<FaultKind>(name, ignoreCase: true, out var kind) && Enum.IsDefined(kind) && kind != FaultKind.Unspecified ? kind : throw Refused($"--faults names {name}")).Distinct()];
        return kinds.Length > 0 ? kinds : throw Refused("--faults names nothing");

        static ToolException Refused(string what) => new($"{what}; there are kill, freeze, term, join, cut, disk and coordinator.", ExitCodes.Usage);
    }

    /// <exception cref="ToolException">It cannot be carried out; with the cure.</exception>
    public void Check()
    {
        if (WhyNot() is { } problem)
        {
            throw new ToolException(problem, ExitCodes.Usage);
        }
    }

    private string? WhyNot() =>
        Workers < 2 ? $"--workers is {Workers}; somebody has to survive. Give 2 or more."
        : EverySeconds is not (>= LeastSeconds and <= MostSeconds) ? Invariant($"--every {EverySeconds}: seconds from {LeastSeconds} to {MostSeconds} are needed.")
        : Seeds < 1 ? $"--seeds is {Seeds}; without a seed nothing is shown. Give 1 or more."
        : Kinds.Contains(FaultKind.Coordinator) ? WhyNoOwners() : null;

    /// <returns>Why no owner can be hit; null: one can.</returns>
    private string? WhyNoOwners() =>
        Store is null ? "--faults coordinator needs a PostgreSQL database that several coordinators share: --store 'Host=HOST;Database=NAME;Username=USER'."
        : Coordinators < 2 ? $"--coordinators is {Coordinators}; somebody has to take over. Give 2 or more."
        : Kinds.Contains(FaultKind.Cut) ? "--faults names cut and coordinator; the network of one machine's coordinators is not cut. Give one of them."
        : null;
}
