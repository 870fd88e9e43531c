namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>From which step to which a run trains.</summary>
/// <param name="LastStep">The run ends when this many steps are applied.</param>
/// <param name="TotalSteps">Steps of the whole job, for the schedule.</param>
/// <param name="Problem">Why there is nothing to train, with the cure; null: there is.</param>
public readonly record struct StepPlan(long LastStep, long TotalSteps, string? Problem)
{
    /// <param name="order">The job and where to stop.</param>
    /// <param name="appliedSteps">Steps that the state already holds.</param>
    /// <param name="sampleCount">Samples of the training part; epochs are counted with it.</param>
    public static StepPlan Create(RunOrder order, long appliedSteps, long sampleCount)
    {
        var training = order.Job.Training;

        // Positions run on from epoch to epoch, so only the very last step may be short: the quotient is rounded up once, over all epochs.
        var total = training.Steps ?? CeilingOf((Int128)training.Epochs!.Value * sampleCount, training.GlobalBatch);
        var last = Math.Min(order.StopAfter ?? total, total);
        return new StepPlan(last, total, appliedSteps < last ? null : Explain(order, appliedSteps, last, total, sampleCount));
    }

    /// <returns>Samples of each step; only the last of a job that counts epochs may be short.</returns>
    public static BatchSizes Batches(RunOrder order, long totalSteps, long sampleCount)
    {
        var training = order.Job.Training;
        var last = training.Steps is null ? (Int128)training.Epochs!.Value * sampleCount - (Int128)(totalSteps - 1) * training.GlobalBatch : training.GlobalBatch;
        return new BatchSizes(training.GlobalBatch, (long)last);
    }

    private static long CeilingOf(Int128 samples, int batch) => (long)((samples + batch - 1) / batch);

    private static string Explain(RunOrder order, long applied, long last, long total, long sampleCount)
    {
        if (sampleCount == 0)
        {
            return "The training part of the data set has no samples. Add data, or lower data.validationShare.";
        }

        return last < total
            ? $"The checkpoint holds {applied} steps and --stop-after is {order.StopAfter}: nothing is left to train. "
                + "Give a higher --stop-after, or none."
            : $"The checkpoint holds {applied} steps and the job has {total}: nothing is left to train. "
                + $"Raise it, such as --set training.steps={applied + total}.";
    }
}
