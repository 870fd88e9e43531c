using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>The keys of <c>allReduce</c>.</summary>
internal static class AllReduceSchema
{
    public static AllReduceSpec Read(SectionReader section)
    {
        var preset = new AllReduceSpec();
        return new AllReduceSpec
        {
            Transport = section.Choice("transport", preset.Transport, "auto", "tcp", "unix", "shm"),
            Wire = section.Choice("wire", preset.Wire, "fp32", "bf16"),
            BucketMiB = section.Whole("bucketMiB", preset.BucketMiB, 1, 1024),
        };
    }
}
