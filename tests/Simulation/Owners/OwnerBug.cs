namespace Orchestrator.Simulation.Owners;

/// <summary>One mistake made on purpose in how coordinators share a store. Each must be caught by the promises.</summary>
public enum OwnerBug
{
    None = 0,

    /// <summary>The store takes a write of any term.</summary>
    StoreTakesAnyTerm,

    /// <summary>Workers take orders of any term.</summary>
    WorkersTakeAnyTerm,

    /// <summary>Orders go out when a change is decided.</summary>
    ToldBeforeStored,

    /// <summary>The lease is counted from when the answer came.</summary>
    CountedFromAnswer,

    /// <summary>The owner goes on until somebody tells it that its lease is gone.</summary>
    NoLookAtClock,

    /// <summary>A lease that lapsed is granted again under its old term.</summary>
    TermIsNotRaised,

    /// <summary>A write that is sent again is stored again.</summary>
    StoredTwice,

    /// <summary>A write that is sent again holds what was decided since.</summary>
    ResentWithMore,

    /// <summary>A coordinator that gave up comes back under the same name.</summary>
    StintHasNoName,

    /// <summary>An answer to an old request counts for the present one.</summary>
    OldAnswersCount,

    /// <summary>A write whose answer was lost is not sent again.</summary>
    NeverSentAgain,

    /// <summary>The lease is never renewed.</summary>
    NeverRenewed,

    /// <summary>A lease does not lapse.</summary>
    NeverLapses,
}
