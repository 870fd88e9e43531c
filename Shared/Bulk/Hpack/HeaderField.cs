namespace Orchestrator.Bulk.Hpack;

/// <summary>A name and a value, one character for each byte (Latin-1), as HPACK carries them.</summary>
internal readonly record struct HeaderField(string Name, string Value)
{
    /// <summary>What RFC 7541, section 4.1, adds to the lengths of name and value.</summary>
    public const int OverheadBytes = 32;

    /// <summary>Its size in the dynamic table and in a header list.</summary>
    public int TableBytes => Name.Length + Value.Length + OverheadBytes;
}
