using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>What must fit together across the sections of a job file.</summary>
internal static class JobFit
{
    public static void Check(SectionReader file, JobSpec job)
    {
        var data = file.Section("data");
        switch (job.Model, job.Data)
        {
            case (GptSpec, IdxDataSpec or CsvDataSpec):
                data.Fail("kind", $"model kind gpt learns from text and data.kind is {KindOf(job.Data)}. Use data: {{kind: text, paths: [GLOB]}}, or model kind {(job.Data is IdxDataSpec ? "cnn" : "mlp")}.");
                break;
            case (CnnSpec, TextDataSpec or CsvDataSpec):
                data.Fail("kind", $"model kind cnn learns from images and data.kind is {KindOf(job.Data)}. Use data: {{kind: idx, dir: DIR}}, or model kind {(job.Data is TextDataSpec ? "gpt" : "mlp")}.");
                break;
            case (MlpSpec, TextDataSpec):
                data.Fail("kind", "model kind mlp learns from a table or from images and data.kind is text. Use data: {kind: csv, path: FILE, target: COLUMN}, or model kind gpt.");
                break;
        }
    }

    private static string KindOf(DataSpec data) => data switch { TextDataSpec => "text", IdxDataSpec => "idx", _ => "csv" };
}
