using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>Which elements of the flat buffer are rounded to bf16, and so may travel in two bytes. No bucket holds both kinds.</summary>
/// <param name="FirstRounded">From this element on all are; null: none is.</param>
internal readonly record struct WireFormat(long? FirstRounded)
{
    public static WireFormat Fp32 => default;

    public static WireFormat RoundedFrom(long element) => new(element);

    public bool IsRounded(ElementRange range) => range.Offset >= FirstRounded;

    /// <summary>Whether a segment's elements may come in the form in which they come.</summary>
    /// <returns>Null when they may; else the sentence.</returns>
    public string? Check(AllReducePlan plan, SegmentHeader header, bool isPacked) => isPacked && !IsRounded(header.Range)
        ? $"Worker {plan.Members[header.Sender].Worker} sent elements [{header.Range.Offset}, {header.Range.End}) of step {header.Step} as bf16; " +
            $"{(FirstRounded is { } first ? $"those below {first} travel as fp32" : "allReduce.wire is fp32 here")}. Check that all workers run the same job file and version."
        : null;

    /// <summary>Of one element that travels.</summary>
    public static int BytesOf(bool isPacked) => isPacked ? sizeof(ushort) : sizeof(float);
}
