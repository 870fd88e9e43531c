using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Messages;

namespace Orchestrator.Protocol.Mapping;

/// <summary>Between a worker's messages on the wire and the domain's. The only code that sees both.</summary>
public static class WorkerMessageMapping
{
    public static V1.WorkerMessage ToWire(this WorkerMessage message)
    {
        var wire = BodyToWire(message);
        wire.RunId = message.Run?.Value ?? "";
        return wire;
    }

    /// <returns>Null for a message that this version does not know.</returns>
    public static WorkerMessage? ToDomain(this V1.WorkerMessage message) =>
        BodyToDomain(message) is { } domain ? message.RunId.Length == 0 ? domain : domain with { Run = new RunId(message.RunId) } : null;

    private static V1.WorkerMessage BodyToWire(WorkerMessage message) => message switch
    {
        WorkerMessage.Hello m => new V1.WorkerMessage { Hello = ToWire(m) },
        WorkerMessage.Prepared m => new V1.WorkerMessage { Prepared = ToWire(m) },
        WorkerMessage.Refused m => new V1.WorkerMessage
        {
            Refused = new V1.Refused { Generation = m.Generation.Number, Reason = m.Reason, Kind = (V1.FailureKind)m.Kind },
        },
        WorkerMessage.Progress m => new V1.WorkerMessage { Progress = ToWire(m) },
        WorkerMessage.Evaluated m => new V1.WorkerMessage { Evaluated = ToWire(m) },
        WorkerMessage.StateDigest m => new V1.WorkerMessage
        {
            StateDigest = new V1.StateDigest { Generation = m.Generation.Number, Step = m.Step, Sha256 = m.Sha256 },
        },
        WorkerMessage.CheckpointSaved m => new V1.WorkerMessage { CheckpointSaved = ToWire(m) },
        WorkerMessage.Aborted m => new V1.WorkerMessage
        {
            Aborted = new V1.Aborted { Generation = m.Generation.Number, AppliedStep = m.AppliedStep },
        },
        WorkerMessage.Finished m => new V1.WorkerMessage
        {
            Finished = new V1.Finished { Generation = m.Generation.Number, Step = m.Step, WeightsSha256 = m.WeightsSha256, Samples = m.Samples },
        },
        WorkerMessage.Failed m => new V1.WorkerMessage
        {
            Failed = new V1.Failed { Generation = m.Generation.Number, Step = m.Step, Reason = m.Reason, Kind = (V1.FailureKind)m.Kind },
        },
        WorkerMessage.Leaving m => new V1.WorkerMessage { Leaving = new V1.Leaving { Reason = m.Reason, Returns = m.Returns } },
        WorkerMessage.Fenced m => new V1.WorkerMessage { Fenced = ToWire(m) },
        WorkerMessage.LinkBroken m => new V1.WorkerMessage
        {
            LinkBroken = new V1.LinkBroken { Generation = m.Generation.Number, PeerId = m.Peer.Value, Reason = m.Reason },
        },
        WorkerMessage.Entered m => new V1.WorkerMessage { Entered = new V1.Entered { Generation = m.Generation.Number, Step = m.Step } },
        WorkerMessage.Left m => new V1.WorkerMessage { Left = new V1.Left { Generation = m.Generation.Number, Step = m.Step } },
        WorkerMessage.Fed m => new V1.WorkerMessage { Fed = new V1.Fed { Generation = m.Generation.Number, Ledger = { m.Ledger.Select(LedgerMapping.ToWire) } } },
        WorkerMessage.Followed m => new V1.WorkerMessage { Followed = new V1.Followed { FeedId = m.FeedId, Step = m.Step, Bytes = m.Bytes } },
        WorkerMessage.FeedBroken m => new V1.WorkerMessage { FeedBroken = new V1.FeedBroken { FeedId = m.FeedId, Reason = m.Reason } },
        WorkerMessage.Heartbeat m => new V1.WorkerMessage
        {
            Heartbeat = new V1.Heartbeat { Work = (V1.WorkKind)m.Work.Kind, Step = m.Work.Step, LogicalRank = m.Work.Rank },
        },
        WorkerMessage.CaughtUp => new V1.WorkerMessage { CaughtUp = new V1.CaughtUp() },
        _ => throw new ArgumentOutOfRangeException(nameof(message), message.GetType().Name, "This message has no wire form; add it to control.proto."),
    };

    private static WorkerMessage? BodyToDomain(V1.WorkerMessage message) => message.BodyCase switch
    {
        V1.WorkerMessage.BodyOneofCase.Hello => ToDomain(message.Hello),
        V1.WorkerMessage.BodyOneofCase.Prepared => ToDomain(message.Prepared),
        V1.WorkerMessage.BodyOneofCase.Refused =>
            new WorkerMessage.Refused(new(message.Refused.Generation), message.Refused.Reason, (FailureKind)message.Refused.Kind),
        V1.WorkerMessage.BodyOneofCase.Progress => ToDomain(message.Progress),
        V1.WorkerMessage.BodyOneofCase.Evaluated => ToDomain(message.Evaluated),
        V1.WorkerMessage.BodyOneofCase.StateDigest =>
            new WorkerMessage.StateDigest(new(message.StateDigest.Generation), message.StateDigest.Step, message.StateDigest.Sha256),
        V1.WorkerMessage.BodyOneofCase.CheckpointSaved => ToDomain(message.CheckpointSaved),
        V1.WorkerMessage.BodyOneofCase.Aborted =>
            new WorkerMessage.Aborted(new(message.Aborted.Generation), message.Aborted.AppliedStep),
        V1.WorkerMessage.BodyOneofCase.Finished => new WorkerMessage.Finished(
            new(message.Finished.Generation), message.Finished.Step, message.Finished.WeightsSha256, message.Finished.Samples),
        V1.WorkerMessage.BodyOneofCase.Failed => new WorkerMessage.Failed(
            new(message.Failed.Generation), message.Failed.Step, message.Failed.Reason, (FailureKind)message.Failed.Kind),
        V1.WorkerMessage.BodyOneofCase.Leaving => new WorkerMessage.Leaving(message.Leaving.Reason, message.Leaving.Returns),
        V1.WorkerMessage.BodyOneofCase.Fenced => new WorkerMessage.Fenced(
            new(message.Fenced.Generation), message.Fenced.Decided, RankRangeMapping.ToDomain(message.Fenced.Held), message.Fenced.HasReduced),
        V1.WorkerMessage.BodyOneofCase.LinkBroken =>
            new WorkerMessage.LinkBroken(new(message.LinkBroken.Generation), new(message.LinkBroken.PeerId), message.LinkBroken.Reason),
        V1.WorkerMessage.BodyOneofCase.Entered => new WorkerMessage.Entered(new(message.Entered.Generation), message.Entered.Step),
        V1.WorkerMessage.BodyOneofCase.Left => new WorkerMessage.Left(new(message.Left.Generation), message.Left.Step),
        V1.WorkerMessage.BodyOneofCase.Fed => new WorkerMessage.Fed(new(message.Fed.Generation), [.. message.Fed.Ledger.Select(LedgerMapping.ToDomain)]),
        V1.WorkerMessage.BodyOneofCase.Followed => new WorkerMessage.Followed(message.Followed.FeedId, message.Followed.Step, message.Followed.Bytes),
        V1.WorkerMessage.BodyOneofCase.FeedBroken => new WorkerMessage.FeedBroken(message.FeedBroken.FeedId, message.FeedBroken.Reason),
        V1.WorkerMessage.BodyOneofCase.Heartbeat =>
            new WorkerMessage.Heartbeat(new WorkMark((WorkKind)message.Heartbeat.Work, message.Heartbeat.Step, message.Heartbeat.LogicalRank)),
        V1.WorkerMessage.BodyOneofCase.CaughtUp => new WorkerMessage.CaughtUp(),
        _ => null,
    };

    private static V1.Prepared ToWire(WorkerMessage.Prepared m)
    {
        var wire = new V1.Prepared
        {
            Generation = m.Generation.Number, SampleCount = m.SampleCount, DataSha256 = m.DataSha256, CanarySha256 = m.CanarySha256,
            StateSha256 = m.StateSha256, AppliedSteps = m.AppliedSteps, ParameterCount = m.ParameterCount,
            TargetsPerSample = m.TargetsPerSample, BufferBytes = m.BufferBytes,
        };
        foreach (var (name, value) in m.Fingerprint)
        {
            wire.Fingerprint[name] = value;
        }

        return wire;
    }

    private static V1.Fenced ToWire(WorkerMessage.Fenced m)
    {
        var wire = new V1.Fenced { Generation = m.Generation.Number, Decided = m.Decided, HasReduced = m.HasReduced };
        wire.Held.Add(RankRangeMapping.ToWire(m.Held));
        return wire;
    }

    private static V1.Progress ToWire(WorkerMessage.Progress m) => new()
    {
        Ledger = { m.Ledger.Select(LedgerMapping.ToWire) },
        Generation = m.Generation.Number, Step = m.Step, Loss = m.Loss, Samples = m.Samples, GradientNorm = m.GradientNorm,
        LearningRate = m.LearningRate, StepSeconds = m.Seconds.Step, DataSeconds = m.Seconds.Data, ComputeSeconds = m.Seconds.Compute,
        AllReduceSeconds = m.Seconds.AllReduce, UpdateSeconds = m.Seconds.Update, AllReduceBytes = m.AllReduceBytes,
    };

    private static V1.Evaluated ToWire(WorkerMessage.Evaluated m)
    {
        var wire = new V1.Evaluated { Generation = m.Generation.Number, Step = m.Step, Loss = m.Loss, Samples = m.Samples };
        if (m.Accuracy is { } accuracy)
        {
            wire.Accuracy = accuracy;
        }

        return wire;
    }

    private static V1.CheckpointSaved ToWire(WorkerMessage.CheckpointSaved m)
    {
        var wire = new V1.CheckpointSaved
        {
            Generation = m.Generation.Number, Step = m.Step, Path = m.Path, WeightsSha256 = m.WeightsSha256, Bytes = m.Bytes,
            Seconds = m.Seconds, StallSeconds = m.StallSeconds,
        };
        if (m.Error is { } error)
        {
            wire.Error = error;
        }

        return wire;
    }

    private static WorkerMessage.Hello ToDomain(V1.Hello m) =>
        new(m.Pid, m.Host, m.CollectiveAddress, m.MetricsAddress, m.HighestIsa, m.Device, m.Launcher, m.Version)
        {
            Instance = m.Instance, Labels = m.Labels.Count == 0 ? LabelRule.None : m.Labels.ToImmutableSortedDictionary(StringComparer.Ordinal),
            Member = m.Member is { } member ? new MemberIdentity(new(member.WorkerId), new(member.RunId), new(member.Generation), member.IsFenced) : null,
        };

    private static V1.Hello ToWire(WorkerMessage.Hello m)
    {
        var wire = new V1.Hello
        {
            Pid = m.Pid, Host = m.Host, CollectiveAddress = m.CollectiveAddress, MetricsAddress = m.MetricsAddress,
            HighestIsa = m.HighestIsa, Device = m.Device, Launcher = m.Launcher, Version = m.Version, Labels = { m.Labels }, Instance = m.Instance,
        };
        if (m.Member is { } member)
        {
            wire.Member = new V1.MemberIdentity { WorkerId = member.Worker.Value, RunId = member.Run.Value, Generation = member.Generation.Number, IsFenced = member.IsFenced };
        }

        return wire;
    }

    private static WorkerMessage.Prepared ToDomain(V1.Prepared m) => new(
        new(m.Generation), m.SampleCount, m.DataSha256, m.Fingerprint.ToImmutableSortedDictionary(StringComparer.Ordinal), m.CanarySha256,
        m.StateSha256, m.AppliedSteps, m.ParameterCount, m.TargetsPerSample, m.BufferBytes);

    private static WorkerMessage.Progress ToDomain(V1.Progress m) => new(
        new(m.Generation), m.Step, m.Loss, m.Samples, m.GradientNorm, m.LearningRate,
        new StepSeconds(m.StepSeconds, m.DataSeconds, m.ComputeSeconds, m.AllReduceSeconds, m.UpdateSeconds), m.AllReduceBytes)
    {
        Ledger = [.. m.Ledger.Select(LedgerMapping.ToDomain)],
    };

    private static WorkerMessage.Evaluated ToDomain(V1.Evaluated m) =>
        new(new(m.Generation), m.Step, m.Loss, m.HasAccuracy ? m.Accuracy : null, m.Samples);

    private static WorkerMessage.CheckpointSaved ToDomain(V1.CheckpointSaved m) => new(
        new(m.Generation), m.Step, m.Path, m.WeightsSha256, m.Bytes, m.Seconds, m.StallSeconds, m.HasError ? m.Error : null);
}
