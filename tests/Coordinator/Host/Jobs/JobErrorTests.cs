using Orchestrator.Coordinator.Host.Jobs;

namespace Orchestrator.Coordinator.Tests.Jobs;

public sealed class JobErrorTests
{
    [Theory]
    // Unknown keys.
    [InlineData("name: char-gpt", "nmae: char-gpt", "job.yaml:1: nmae is not a key; did you mean 'name'?")]
    [InlineData("steps: 300", "stpes: 300\n  epochs: 1", "job.yaml:6: training.stpes is not a key; did you mean 'steps'?")]
    [InlineData("heads: 4", "channels: [3]", "job.yaml:3: model.channels is not a key of model kind gpt. Known here: context, dropout, heads, init, kind, layers, width.")]
    [InlineData("seed: 1234", "globalBatch: 3", "job.yaml:2: globalBatch is not a key; did you mean training.globalBatch?")]
    [InlineData("betas: [0.9, 0.95]", "momentum: 0.9", "job.yaml:9: training.optimizer.momentum is not a key of optimizer kind adamw. Known here: betas, decay, epsilon, kind, learningRate, weightDecay.")]
    [InlineData("warmupSteps: 20", "warmUpSteps: 20", "job.yaml:10: training.schedule.warmUpSteps is not a key of schedule kind cosine; did you mean 'warmupSteps'?")]
    // Wrong types.
    [InlineData("seed: 1234", "seed: lucky", "job.yaml:2: seed is 'lucky'; a whole number from 0 to 9223372036854775807 is needed.")]
    [InlineData("globalBatch: 32", "globalBatch: \"32\"", "job.yaml:7: training.globalBatch is the text \"32\"; a whole number from 1 to 16777216 is needed, written without quotes.")]
    [InlineData("globalBatch: 32", "globalBatch: 32.5", "job.yaml:7: training.globalBatch is '32.5'; a whole number from 1 to 16777216 is needed.")]
    [InlineData("betas: [0.9, 0.95]", "betas: 0.9", "job.yaml:9: training.optimizer.betas is '0.9'; a list of 2 is needed, in square brackets.")]
    [InlineData("betas: [0.9, 0.95]", "betas: [0.9, 1]", "job.yaml:9: training.optimizer.betas[1] is '1'; a number from 0 to below 1 is needed.")]
    [InlineData("clipNorm: 1.0", "clipNorm: {max: 1}", "job.yaml:11: training.clipNorm is a group of keys; a number above 0 to 1000000000 is needed.")]
    [InlineData("clipNorm: 1.0", "clipNorm: .nan", "job.yaml:11: training.clipNorm is '.nan'; a number above 0 to 1000000000 is needed.")]
    [InlineData("workers: {min: 1, desired: 2, max: 8, device: auto, threads: 1}", "workers: 2", "job.yaml:12: workers is '2'; a group of keys is needed, such as {key: value}.")]
    // Out of range.
    [InlineData("layers: 4", "layers: 0", "job.yaml:3: model.layers is '0'; a whole number from 1 to 1000 is needed.")]
    [InlineData("dropout: 0.1", "dropout: 1", "job.yaml:3: model.dropout is '1'; a number from 0 to below 1 is needed.")]
    [InlineData("learningRate: 3e-3", "learningRate: -1", "job.yaml:9: training.optimizer.learningRate is '-1'; a number above 0 to 1000 is needed.")]
    [InlineData("kind: adamw", "kind: adamv", "job.yaml:9: training.optimizer.kind is 'adamv'; one of sgd, adam, adamw, rmsprop is needed. Did you mean 'adamw'?")]
    [InlineData("device: auto", "device: cuda:x", "job.yaml:12: workers.device is 'cuda:x'; auto, cpu, cuda or cuda:N is needed, such as cuda:0.")]
    [InlineData("wire: fp32", "wire: fp16", "job.yaml:13: allReduce.wire is 'fp16'; one of fp32, bf16 is needed. Did you mean 'bf16'?")]
    [InlineData("device: auto", "labels: {gpu: h 200}", "job.yaml:12: workers.labels: 'gpu=h 200' is no label; NAME=VALUE is needed, each of 1 to 63 letters, digits, dots, hyphens, underscores or slashes, such as gpu=h200.")]
    // What must fit together.
    [InlineData("heads: 4", "heads: 3", "job.yaml:3: model.heads is 3 and model.width is 128, which 3 does not divide; every head has the same width. Set width to 129, say.")]
    [InlineData("logicalRanks: 8", "logicalRanks: 40", "job.yaml:8: training.logicalRanks is 40 and training.globalBatch is 32; every logical rank needs a sample of each step. Set logicalRanks to 32 or less, or globalBatch to 40 or more.")]
    [InlineData("steps: 300", "steps: 300\n  epochs: 2", "job.yaml:7: training has both steps and epochs; exactly one of them is needed. Remove one.")]
    [InlineData("  steps: 300\n", "", "job.yaml:6: training has neither steps nor epochs; exactly one of them is needed, such as steps: 300.")]
    [InlineData("desired: 2", "desired: 9", "job.yaml:12: workers.desired is 9 and workers.max is 8. Ask for 8 workers or fewer, or raise it: --set workers.max=9.")]
    [InlineData("min: 1", "min: 3", "job.yaml:12: workers.desired is 2 and workers.min is 3. Ask for 3 workers or more, or lower it: --set workers.min=2.")]
    [InlineData("min: 1", "min: 9", "job.yaml:12: workers.max is 8 and workers.min is 9; max may not be below min. Raise max or lower min.")]
    // Broken YAML and more of it than there may be.
    [InlineData("seed: 1234", "name: again", "job.yaml:2: The key 'name' stands here again; it was already given at job.yaml:1. Keep one of the two.")]
    [InlineData("seed: 1234", "seed: &a 1", "job.yaml:2: Anchors (&) and aliases (*) are not supported in a job file. Write the value out.")]
    [InlineData("seed: 1234", "seed: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]", "job.yaml:2: Nested deeper than 16 levels; a job file needs no more than five. Check the brackets and the indentation.")]
    [InlineData("evaluation: {everySteps: 100}", "---\nname: b", "job.yaml:15: A second document begins here ('---'); a job file has one. Put the other job in its own file.")]
    public void Parse_OneMistake_IsNamedWithLineAndCure(string right, string wrong, string expected)
    {
        Assert.Contains(right, JobText.Gpt, StringComparison.Ordinal);

        Assert.Equal(expected, Assert.Single(JobText.Errors(JobText.Gpt.Replace(right, wrong, StringComparison.Ordinal))));
    }

    [Fact]
    public void Parse_ManyMistakes_ComeAllAtOnceInOrderOfLines()
    {
        var errors = JobText.Errors("""
            model: {kind: gpt, layres: 2, heads: x}
            data: {kind: txt, paths: ["a"]}
            training:
              globalBatch: 4
              optimiser: {kind: sgd}
            worker: {min: 1}
            """);

        Assert.Collection(errors,
            e => Assert.StartsWith("job.yaml:1: model.heads is 'x'", e),
            e => Assert.StartsWith("job.yaml:1: model.layres is not a key of model kind gpt; did you mean 'layers'?", e),
            e => Assert.StartsWith("job.yaml:2: data.kind is 'txt'; one of text, idx, csv is needed. Did you mean 'text'?", e),
            e => Assert.StartsWith("job.yaml:4: training.logicalRanks is 8 and training.globalBatch is 4", e),
            e => Assert.StartsWith("job.yaml:4: training has neither steps nor epochs", e),
            e => Assert.Equal("job.yaml:5: training.optimiser is not a key; did you mean 'optimizer'?", e),
            e => Assert.Equal("job.yaml:6: worker is not a key; did you mean 'workers'?", e));
    }

    [Theory]
    [InlineData("")]
    [InlineData("# only a comment\n")]
    [InlineData("just a text")]
    [InlineData("- a\n- b")]
    public void Parse_NoJobAtAll_SaysWhatIsMissing(string text)
    {
        var errors = JobText.Errors(text);

        Assert.Contains(errors, e => e.Contains("model is missing", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.Contains("data is missing", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.Contains("training is missing", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("model: {kind: gpt")]
    [InlineData("model:\n\t- x")]
    [InlineData("model: \"open")]
    [InlineData("a: b: c")]
    public void Parse_BrokenSyntax_IsOneSentenceWithItsLine(string text) =>
        Assert.Matches(@"^job\.yaml:\d+: This is not YAML: .+ Check indentation, brackets and quotes there\.$", Assert.Single(JobText.Errors(text)));

    [Fact]
    public void Parse_TooManyNodes_StopsReading()
    {
        var error = Assert.Single(JobText.Errors("a: [" + string.Join(",", Enumerable.Repeat("1", JobYaml.MaxNodes)) + "]"));

        Assert.Equal("job.yaml:1: More than 20000 keys and values. This is no job file.", error);
    }

    [Fact]
    public void Parse_ThousandsOfMistakes_AreBounded() =>
        Assert.Equal(JobErrors.MaxErrors, JobText.Errors(string.Join('\n', Enumerable.Range(0, 2000).Select(i => $"k{i}: 1"))).Length);

    [Theory]
    [InlineData("gpt", "{kind: idx, dir: d}", "model kind gpt learns from text and data.kind is idx.")]
    [InlineData("cnn", "{kind: csv, path: p, target: t}", "model kind cnn learns from images and data.kind is csv.")]
    [InlineData("mlp", "{kind: text, paths: [a]}", "model kind mlp learns from a table or from images and data.kind is text.")]
    public void Parse_ModelAndDataOfDifferentWorlds_AreRefused(string model, string data, string expected) =>
        Assert.Contains(expected, Assert.Single(JobText.Errors($"model: {{kind: {model}}}\ndata: {data}\ntraining: {{steps: 1}}")), StringComparison.Ordinal);
}
