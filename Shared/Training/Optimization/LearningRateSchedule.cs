using Orchestrator.Core.Jobs;

namespace Orchestrator.Training.Optimization;

/// <summary>The learning rate of a step: a function of the step and the job, so that a resumed run goes on where the other stopped.</summary>
/// <remarks>
/// Warm-up rises linearly: step s of the first warmupSteps has (s + 1) / warmupSteps of the rate. Then: constant; cosine, half a cosine from the rate
/// down to finalShare of it at the last step (SGDR, Loshchilov and Hutter 2017, without restarts); step, a factor every dropEverySteps.
/// </remarks>
public static class LearningRateSchedule
{
    /// <param name="optimizer">Holds the full rate.</param>
    /// <param name="schedule">How it moves.</param>
    /// <param name="step">Steps applied before this one.</param>
    /// <param name="totalSteps">Steps of the whole job, also when this run stops earlier.</param>
    public static double At(OptimizerSpec optimizer, ScheduleSpec schedule, long step, long totalSteps)
    {
        if (step < schedule.WarmupSteps)
        {
            return optimizer.LearningRate * (step + 1) / schedule.WarmupSteps;
        }

        var past = step - schedule.WarmupSteps;
        return optimizer.LearningRate * schedule.Kind switch
        {
            "constant" => 1,
            "cosine" => Cosine(schedule.FinalShare, past, totalSteps - schedule.WarmupSteps),
            "step" => Math.Pow(schedule.DropFactor, past / schedule.DropEverySteps),
            _ => throw new ArgumentException($"Schedule {schedule.Kind} is none of constant, cosine, step.", nameof(schedule)),
        };
    }

    private static double Cosine(double finalShare, long past, long length)
    {
        var progress = length <= 1 ? 1 : Math.Min(1.0, (double)past / (length - 1));
        return finalShare + ((1 - finalShare) * 0.5 * (1 + Math.Cos(Math.PI * progress)));
    }
}
