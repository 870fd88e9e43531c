using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>The keys of <c>workers</c>: how many, on what device, with which numerics.</summary>
internal static class WorkersSchema
{
    /// <summary>Members of one generation; above this one coordinator would be the bottleneck.</summary>
    private const int MaxWorkers = ClusterState.MaxWorkers;

    /// <summary>A day.</summary>
    private const int MaxHangSeconds = 86_400;

    public static WorkersSpec Read(SectionReader section)
    {
        var preset = new WorkersSpec();
        var min = section.Whole("min", preset.Min, 1, MaxWorkers);
        var desired = section.Whole("desired", Math.Max(min, preset.Desired), 1, MaxWorkers);

        // A limit that nobody wrote is none: only a written max can be exceeded.
        var max = section.Whole("max", Math.Max(preset.Max, desired), 1, MaxWorkers);
        if (max < min)
        {
            section.Fail("max", $"workers.max is {max} and workers.min is {min}; max may not be below min. Raise max or lower min.");
        }
        else if (desired > max)
        {
            section.Fail("desired", $"workers.desired is {desired} and workers.max is {max}. Ask for {max} workers or fewer, or raise it: --set workers.max={desired}.");
        }
        else if (desired < min)
        {
            section.Fail("desired", $"workers.desired is {desired} and workers.min is {min}. Ask for {min} workers or more, or lower it: --set workers.min={desired}.");
        }

        return new WorkersSpec
        {
            Min = min, Desired = desired, Max = max,
            Device = ReadDevice(section, preset.Device),
            Threads = section.Whole("threads", preset.Threads, 1, 1024),
            Isa = section.Choice("isa", preset.Isa, "auto", "default", "avx2", "avx512"),
            HangSeconds = section.Whole("hangSeconds", preset.HangSeconds, 0, MaxHangSeconds),
            Labels = ReadLabels(section),
        };
    }

    private static ImmutableSortedDictionary<string, string> ReadLabels(SectionReader section)
    {
        var labels = section.FreeTexts("labels");
        foreach (var problem in labels.Select(label => LabelRule.WhyNot(label.Key, label.Value)).OfType<string>())
        {
            section.Fail("labels", $"workers.labels: {problem}");
        }

        if (labels.Count > LabelRule.Most)
        {
            section.Fail("labels", $"workers.labels has {labels.Count} labels; {LabelRule.Most} are the limit.");
        }

        return labels.IsEmpty ? LabelRule.None : labels;
    }

    private static string ReadDevice(SectionReader section, string preset)
    {
        var device = section.Text("device") ?? preset;
        var isNumbered = device.StartsWith("cuda:", StringComparison.Ordinal) && device.Length <= 8 && device.AsSpan(5).IndexOfAnyExceptInRange('0', '9') < 0 && device.Length > 5;
        if (device is not ("auto" or "cpu" or "cuda") && !isNumbered)
        {
            section.Fail("device", $"workers.device is '{device}'; auto, cpu, cuda or cuda:N is needed, such as cuda:0.");
        }

        return device;
    }
}
