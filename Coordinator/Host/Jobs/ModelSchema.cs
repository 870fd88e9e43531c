using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>The keys of <c>model</c>: which ones there are depends on its kind.</summary>
internal static class ModelSchema
{
    public static ModelSpec? Read(SectionReader section)
    {
        if (!section.Has("kind"))
        {
            section.Fail("kind", "model.kind is missing; one of gpt, cnn, mlp is needed.");
            return null;
        }

        var kind = section.Choice("kind", "", "gpt", "cnn", "mlp");
        section.Describe($"model kind {kind}");
        ModelSpec? model = kind switch
        {
            "gpt" => ReadGpt(section),
            "cnn" => ReadCnn(section),
            "mlp" => ReadMlp(section),
            _ => ReadAnyKind(section),
        };
        return model is null ? null : model with
        {
            Dropout = section.Number("dropout", model.Dropout, NumberRange.BelowOne),
            Init = section.Choice("init", model.Init, "auto", "he", "xavier", "gpt2"),
        };
    }

    private static GptSpec ReadGpt(SectionReader section)
    {
        var preset = new GptSpec();
        var model = new GptSpec
        {
            Layers = section.Whole("layers", preset.Layers, 1, 1000),
            Heads = section.Whole("heads", preset.Heads, 1, 1000),
            Width = section.Whole("width", preset.Width, 1, 65_536),
            Context = section.Whole("context", preset.Context, 1, 1_048_576),
        };
        if (model.Width % model.Heads != 0)
        {
            var next = (model.Width / model.Heads + 1) * model.Heads;
            section.Fail(
                section.Has("heads") ? "heads" : "width",
                $"model.heads is {model.Heads} and model.width is {model.Width}, which {model.Heads} does not divide; every head has the same width. Set width to {next}, say.");
        }

        return model;
    }

    private static CnnSpec ReadCnn(SectionReader section)
    {
        var preset = new CnnSpec();
        var model = new CnnSpec
        {
            Channels = section.Wholes("channels", 1, 65_536, 1, 32) ?? preset.Channels,
            Kernel = section.Whole("kernel", preset.Kernel, 1, 31),
            Hidden = section.Whole("hidden", preset.Hidden, 1, 1_048_576),
            BatchNorm = section.Flag("batchNorm", preset.BatchNorm),
        };
        if (model.Kernel % 2 == 0)
        {
            section.Fail("kernel", $"model.kernel is {model.Kernel}; an odd number is needed, so that the image keeps its size. Set it to {model.Kernel + 1}, say.");
        }

        return model;
    }

    private static MlpSpec ReadMlp(SectionReader section)
    {
        var preset = new MlpSpec();
        return new MlpSpec
        {
            Hidden = section.Wholes("hidden", 1, 1_048_576, 0, 100) ?? preset.Hidden,
            Loss = section.Choice("loss", preset.Loss, "auto", "cross-entropy", "mse", "bce"),
        };
    }

    /// <summary>The kind itself is wrong: every kind's keys count as known, so that the one error is not buried under others.</summary>
    private static ModelSpec? ReadAnyKind(SectionReader section)
    {
        foreach (var key in (ReadOnlySpan<string>)["layers", "heads", "width", "context", "channels", "kernel", "hidden", "batchNorm", "loss", "dropout", "init"])
        {
            _ = section.Has(key);
        }

        return null;
    }
}
