namespace Orchestrator.Core.Identities;

/// <summary>A run, unique within a coordinator's store; also the default name of its folder.</summary>
public readonly record struct RunId(string Value)
{
    public override string ToString() => Value;
}

/// <summary>A worker process as its coordinator knows it: w-1, w-2, ... Never used again for another process.</summary>
public readonly record struct WorkerId(string Value) : IComparable<WorkerId>
{
    public static WorkerId FromNumber(long number) => new($"w-{number}");

    /// <summary>Orders by number, so that w-10 stands behind w-9.</summary>
    public int CompareTo(WorkerId other) =>
        Value.Length != other.Value.Length ? Value.Length.CompareTo(other.Value.Length) : string.CompareOrdinal(Value, other.Value);

    public override string ToString() => Value;
}

/// <summary>A numbered set of workers and the logical ranks each owns. Starts at 1 and only rises within a run.</summary>
public readonly record struct Generation(long Number) : IComparable<Generation>
{
    public static readonly Generation None = new(0);

    public Generation Next => new(Number + 1);

    public int CompareTo(Generation other) => Number.CompareTo(other.Number);

    public override string ToString() => $"G{Number}";

    public static bool operator <(Generation left, Generation right) => left.Number < right.Number;

    public static bool operator >(Generation left, Generation right) => left.Number > right.Number;

    public static bool operator <=(Generation left, Generation right) => left.Number <= right.Number;

    public static bool operator >=(Generation left, Generation right) => left.Number >= right.Number;
}
