namespace Orchestrator.Bulk.Http2;

/// <summary>Bytes that one side may still send on a stream or a connection (RFC 9113, section 5.2). May go below zero when settings shrink it.</summary>
internal struct Window(long bytes)
{
    /// <summary>What holds before anybody says anything.</summary>
    public const int DefaultBytes = 65_535;

    public const int LargestBytes = int.MaxValue;

    public long Bytes { get; private set; } = bytes;

    /// <summary>The bytes that may be sent now.</summary>
    public readonly long Usable => Math.Max(0, Bytes);

    public void Spend(long bytes) => Bytes -= bytes;

    /// <returns>False: it would pass 2^31 - 1, which is a FLOW_CONTROL_ERROR. Nothing is changed then.</returns>
    public bool TryGrow(long bytes)
    {
        if (Bytes + bytes > LargestBytes)
        {
            return false;
        }

        Bytes += bytes;
        return true;
    }
}

/// <summary>The window that we keep open for the peer: as large as the protocol allows, and renewed only when half of it is used, so updates are rare.</summary>
internal struct ReceiveWindow(long bytes)
{
    private const int RenewAtBytes = Window.LargestBytes / 2;

    private long _open = bytes;

    /// <returns>False: the peer sent more than its window; FLOW_CONTROL_ERROR.</returns>
    public bool TryTake(int bytes)
    {
        if (bytes > _open)
        {
            return false;
        }

        _open -= bytes;
        return true;
    }

    /// <summary>The increment to announce now; 0: none yet.</summary>
    public int Renewal()
    {
        if (_open >= RenewAtBytes)
        {
            return 0;
        }

        var increment = (int)(Window.LargestBytes - _open);
        _open += increment;
        return increment;
    }
}
