using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Protocol.Mapping;

/// <summary>Between a coordinator's messages on the wire and the domain's. The only code that sees both.</summary>
public static class CoordinatorMessageMapping
{
    public static V1.CoordinatorMessage ToWire(this CoordinatorMessage message) => message switch
    {
        CoordinatorMessage.Welcome m => new V1.CoordinatorMessage { Welcome = ToWire(m) },
        CoordinatorMessage.Recorded m => new V1.CoordinatorMessage { Recorded = new V1.Recorded { Step = m.Step } },
        CoordinatorMessage.Heartbeat m => new V1.CoordinatorMessage { OwnerHeartbeat = new V1.OwnerHeartbeat { Term = m.Term } },
        CoordinatorMessage.Prepare m => new V1.CoordinatorMessage { Prepare = ToWire(m) },
        CoordinatorMessage.Activate m => new V1.CoordinatorMessage { Activate = ToWire(m) },
        CoordinatorMessage.PrepareEnd m => new V1.CoordinatorMessage
        {
            PrepareEnd = new V1.PrepareEnd { Generation = m.Generation.Number, Reason = m.Reason },
        },
        CoordinatorMessage.Abort m => new V1.CoordinatorMessage { Abort = new V1.Abort { Generation = m.Generation.Number, Reason = m.Reason } },
        CoordinatorMessage.SaveCheckpoint m => new V1.CoordinatorMessage
        {
            SaveCheckpoint = new V1.SaveCheckpoint { Generation = m.Generation.Number },
        },
        CoordinatorMessage.ReportLedger m => new V1.CoordinatorMessage { ReportLedger = new V1.ReportLedger { Generation = m.Generation.Number, FromStep = m.FromStep } },
        CoordinatorMessage.Release m => new V1.CoordinatorMessage { Release = new V1.Release { Reason = m.Reason, MayReturn = m.MayReturn } },
        CoordinatorMessage.StartAfresh m => new V1.CoordinatorMessage { StartAfresh = new V1.StartAfresh { Reason = m.Reason } },
        CoordinatorMessage.Fence m => new V1.CoordinatorMessage { Fence = new V1.Fence { Generation = m.Generation.Number, Reason = m.Reason } },
        CoordinatorMessage.Switch m => new V1.CoordinatorMessage { Switch = ToWire(m) },
        CoordinatorMessage.Feed m => new V1.CoordinatorMessage
        {
            Feed = new V1.Feed { FeedId = m.FeedId, JoinerId = m.Joiner.Value, CollectiveAddress = m.CollectiveAddress },
        },
        CoordinatorMessage.Follow m => new V1.CoordinatorMessage { Follow = new V1.Follow { FeedId = m.FeedId, TotalSteps = m.TotalSteps } },
        _ => throw new ArgumentOutOfRangeException(nameof(message), message.GetType().Name, "This message has no wire form; add it to control.proto."),
    };

    /// <returns>Null for a message that this version does not know.</returns>
    public static CoordinatorMessage? ToDomain(this V1.CoordinatorMessage message) => message.BodyCase switch
    {
        V1.CoordinatorMessage.BodyOneofCase.Welcome => ToDomain(message.Welcome),
        V1.CoordinatorMessage.BodyOneofCase.Recorded => new CoordinatorMessage.Recorded(message.Recorded.Step),
        V1.CoordinatorMessage.BodyOneofCase.OwnerHeartbeat => new CoordinatorMessage.Heartbeat(message.OwnerHeartbeat.Term),
        V1.CoordinatorMessage.BodyOneofCase.Prepare => ToDomain(message.Prepare),
        V1.CoordinatorMessage.BodyOneofCase.Activate => ToDomain(message.Activate),
        V1.CoordinatorMessage.BodyOneofCase.PrepareEnd =>
            new CoordinatorMessage.PrepareEnd(new(message.PrepareEnd.Generation), message.PrepareEnd.Reason),
        V1.CoordinatorMessage.BodyOneofCase.Abort => new CoordinatorMessage.Abort(new(message.Abort.Generation), message.Abort.Reason),
        V1.CoordinatorMessage.BodyOneofCase.SaveCheckpoint => new CoordinatorMessage.SaveCheckpoint(new(message.SaveCheckpoint.Generation)),
        V1.CoordinatorMessage.BodyOneofCase.ReportLedger => new CoordinatorMessage.ReportLedger(new(message.ReportLedger.Generation), message.ReportLedger.FromStep),
        V1.CoordinatorMessage.BodyOneofCase.Release => new CoordinatorMessage.Release(message.Release.Reason, message.Release.MayReturn),
        V1.CoordinatorMessage.BodyOneofCase.StartAfresh => new CoordinatorMessage.StartAfresh(message.StartAfresh.Reason),
        V1.CoordinatorMessage.BodyOneofCase.Fence => new CoordinatorMessage.Fence(new(message.Fence.Generation), message.Fence.Reason),
        V1.CoordinatorMessage.BodyOneofCase.Switch => new CoordinatorMessage.Switch(
            new(message.Switch.Generation), [.. message.Switch.Members.Select(ToDomain)], message.Switch.LastStep, message.Switch.TotalSteps, message.Switch.Reason),
        V1.CoordinatorMessage.BodyOneofCase.Feed =>
            new CoordinatorMessage.Feed(message.Feed.FeedId, new(message.Feed.JoinerId), message.Feed.CollectiveAddress),
        V1.CoordinatorMessage.BodyOneofCase.Follow => new CoordinatorMessage.Follow(message.Follow.FeedId, message.Follow.TotalSteps),
        _ => null,
    };

    private static V1.Welcome ToWire(CoordinatorMessage.Welcome m)
    {
        var wire = new V1.Welcome { WorkerId = m.Worker.Value, Term = m.Term };
        if (m.RecordedStep is { } step)
        {
            wire.RecordedStep = step;
        }

        if (m.Patience is { } patience)
        {
            wire.PatienceMillis = (long)patience.TotalMilliseconds;
        }

        return wire;
    }

    private static CoordinatorMessage.Welcome ToDomain(V1.Welcome m) =>
        new(new WorkerId(m.WorkerId)) { Term = m.Term, RecordedStep = m.HasRecordedStep ? m.RecordedStep : null, Patience = m.HasPatienceMillis ? TimeSpan.FromMilliseconds(m.PatienceMillis) : null };

    private static V1.Prepare ToWire(CoordinatorMessage.Prepare m)
    {
        var wire = new V1.Prepare { RunId = m.Run.Value, Generation = m.Generation.Number, JobJson = m.JobJson, Isa = m.Isa, RunDir = m.RunDir };
        if (m.ResumeFrom is { } checkpoint)
        {
            wire.ResumeFrom = checkpoint;
        }

        return wire;
    }

    private static V1.Activate ToWire(CoordinatorMessage.Activate m)
    {
        var wire = new V1.Activate
        {
            Generation = m.Generation.Number, StartStep = m.StartStep, LastStep = m.LastStep, TotalSteps = m.TotalSteps,
        };
        wire.Members.Add(m.Members.Select(ToWire));
        BehindMapping.Write(wire, m.Behind);
        if (m.Donor is { } donor)
        {
            wire.Donor = donor;
        }

        return wire;
    }

    private static V1.Switch ToWire(CoordinatorMessage.Switch m)
    {
        var wire = new V1.Switch { Generation = m.Generation.Number, LastStep = m.LastStep, TotalSteps = m.TotalSteps, Reason = m.Reason };
        wire.Members.Add(m.Members.Select(ToWire));
        return wire;
    }

    private static V1.Member ToWire(Member member)
    {
        var wire = new V1.Member
        {
            WorkerId = member.Worker.Value, CollectiveAddress = member.CollectiveAddress, FirstRank = member.FirstRank, RankCount = member.RankCount,
        };
        if (!member.FirstStepRanks.IsDefault)
        {
            wire.FirstStep = new V1.FirstStep();
            wire.FirstStep.Ranks.Add(RankRangeMapping.ToWire(member.FirstStepRanks));
        }

        return wire;
    }

    private static Member ToDomain(V1.Member m) => new(new WorkerId(m.WorkerId), m.CollectiveAddress, m.FirstRank, m.RankCount)
    {
        FirstStepRanks = m.FirstStep is { } first ? RankRangeMapping.ToDomain(first.Ranks) : default,
    };

    private static CoordinatorMessage.Prepare ToDomain(V1.Prepare m) =>
        new(new RunId(m.RunId), new Generation(m.Generation), m.JobJson, m.Isa, m.RunDir, m.HasResumeFrom ? m.ResumeFrom : null);

    private static CoordinatorMessage.Activate ToDomain(V1.Activate m) => new(
        new(m.Generation), [.. m.Members.Select(ToDomain)], m.StartStep, m.LastStep, m.TotalSteps, m.HasDonor ? m.Donor : null, BehindMapping.Read(m));
}
