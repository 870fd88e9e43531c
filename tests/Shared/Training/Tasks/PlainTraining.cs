using Orchestrator.Core.Jobs;
using Orchestrator.Training.Data;
using Orchestrator.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace Orchestrator.Training.Tests.Tasks;

/// <summary>The plainest training loop there is: one process, one thread, whole batches. Shows that a task learns, apart from the engine.</summary>
internal sealed class PlainTraining : IDisposable
{
    private readonly TrainingTask _task;
    private readonly DataParts _data;
    private readonly nn.Module _model;
    private readonly optim.Optimizer _optimizer;
    private readonly int _batch;
    private readonly double _learningRate;

    public PlainTraining(JobSpec job, int batch, double learningRate)
    {
        set_num_threads(1);
        _task = TrainingTaskFactory.Create(job);
        var context = new TaskContext(job, () => DataSources.Open(job));
        _data = _task.OpenData(context);
        manual_seed(job.Seed);
        _model = _task.CreateModel(context, _data.Shape);
        _optimizer = optim.AdamW(_model.parameters(), learningRate, weight_decay: 0.01);
        (_batch, _learningRate) = (batch, learningRate);
    }

    public DataParts Data => _data;

    /// <summary>Trains with a cosine schedule; returns the last step's loss per target.</summary>
    public double Train(int steps)
    {
        _model.train();
        var random = new SampleRandom(1);
        var loss = 0.0;
        for (var step = 0; step < steps; step++)
        {
            foreach (var group in _optimizer.ParamGroups)
            {
                group.LearningRate = _learningRate * 0.5 * (1 + Math.Cos(Math.PI * step / steps));
            }

            var ids = new long[_batch];
            for (var i = 0; i < _batch; i++)
            {
                ids[i] = random.Next((int)_data.Training.Count);
            }

            using var batch = _data.Training.Read(ids, new SampleStreams(1, 0));
            using var sum = _task.LossSum(_model, batch.Inputs, batch.Targets);
            using var mean = sum / (_batch * _task.TargetsPerSample(_data.Shape));
            _optimizer.zero_grad();
            mean.backward();
            _optimizer.step();
            loss = mean.ToDouble();
        }

        return loss;
    }

    /// <summary>Loss per target and share of right answers on the whole held-out part.</summary>
    public (double Loss, double Accuracy) Evaluate()
    {
        _model.eval();
        using var frozen = no_grad();
        var (loss, correct, part) = (0.0, 0L, _data.HeldOut!);
        for (long at = 0; at < part.Count; at += 100)
        {
            long[] ids = [.. Enumerable.Range(0, (int)Math.Min(100, part.Count - at)).Select(i => at + i)];
            using var batch = part.Read(ids, new SampleStreams(1, 0));
            var sums = _task.Evaluate(_model, batch.Inputs, batch.Targets);
            loss += sums.LossSum;
            correct += sums.Correct ?? 0;
        }

        var targets = (double)part.Count * _task.TargetsPerSample(_data.Shape);
        return (loss / targets, correct / targets);
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _model.Dispose();
        _data.Dispose();
        _task.Dispose();
    }
}
