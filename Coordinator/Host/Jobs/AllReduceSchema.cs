using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>The keys of <c>allReduce</c>. What the format has and this version cannot do yet is refused here, with what it can do.</summary>
internal static class AllReduceSchema
{
    public static AllReduceSpec Read(SectionReader section)
    {
        var preset = new AllReduceSpec();
        var spec = new AllReduceSpec
        {
            Transport = section.Choice("transport", preset.Transport, "auto", "tcp", "unix", "shm"),
            Wire = section.Choice("wire", preset.Wire, "fp32", "bf16"),
            BucketMiB = section.Whole("bucketMiB", preset.BucketMiB, 1, 1024),
        };
        if (spec.Wire != "fp32")
        {
            section.Fail("wire", $"allReduce.wire is {spec.Wire}, which this version does not have; fp32 is supported. Set wire: fp32.");
        }

        return spec;
    }
}
