using Orchestrator.Core.Jobs;
using Orchestrator.Training.Data;
using Orchestrator.Training.Tasks;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Orchestrator.Training.Tests.Replicas;

/// <summary>A small network with everything that could depend on who computes it: dropout, batch statistics, a counter, an unused parameter.</summary>
internal sealed class TinyTask(bool breaksBuffers = false) : TrainingTask
{
    public override DataParts OpenData(TaskContext context) => new(new TinyData(), null, "tiny", new SampleShape([6], 3));

    public override nn.Module CreateModel(TaskContext context, SampleShape shape) => new TinyModel(breaksBuffers);

    public override Tensor LossSum(nn.Module model, Tensor inputs, Tensor targets)
    {
        using var output = ((nn.Module<Tensor, Tensor>)model).call(inputs);          // [N, 3]
        return nn.functional.cross_entropy(output, targets, reduction: nn.Reduction.Sum);
    }

    public static JobSpec Job(string optimizer, int batch = 23, int logicalRanks = 7, double? clip = 0.5) => new()
    {
        Name = "tiny",
        ProjectRoot = "/",
        Seed = 11,
        Training = new TrainingSpec
        {
            Steps = 100,
            GlobalBatch = batch,
            LogicalRanks = logicalRanks,
            ClipNorm = clip,
            Optimizer = new OptimizerSpec { Kind = optimizer, LearningRate = 0.01, WeightDecay = 0.1, Momentum = 0.9, Decay = "matrices" },
        },
    };

    private sealed class TinyModel : nn.Module<Tensor, Tensor>
    {
        private readonly Linear _first = nn.Linear(6, 32);
        private readonly BatchNorm1d _norm = nn.BatchNorm1d(32);
        private readonly Dropout _dropout = nn.Dropout(0.3);
        private readonly Linear _last = nn.Linear(32, 3);
        private readonly Tensor _own = zeros(1);
        private readonly bool _breaksBuffers;

        public TinyModel(bool breaksBuffers)
            : base("tiny")
        {
            _breaksBuffers = breaksBuffers;
            register_buffer("own", _own);
            register_module("unused", nn.Linear(5, 7));
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            if (_breaksBuffers)
            {
                using var noGrad = no_grad();
                _own.add_(1);
            }

            var hidden = _norm.call(_first.call(input)).relu();                      // [N, 32]
            return _last.call(_dropout.call(hidden)).MoveToOuterDisposeScope();      // [N, 3]
        }
    }

    private sealed class TinyData : IDataSet
    {
        public long Count => 100;

        public Batch Read(ReadOnlySpan<long> ids, SampleStreams streams)
        {
            var inputs = new float[ids.Length * 6];
            var targets = new long[ids.Length];
            for (var i = 0; i < ids.Length; i++)
            {
                targets[i] = ids[i] % 3;
                for (var j = 0; j < 6; j++)
                {
                    inputs[(i * 6) + j] = MathF.Sin((ids[i] * 7) + j) + targets[i];
                }
            }

            return new Batch(tensor(inputs, [ids.Length, 6]), tensor(targets), ids.Length);
        }

        public void Dispose()
        {
        }
    }
}
