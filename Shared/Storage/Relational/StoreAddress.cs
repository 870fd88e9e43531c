using Microsoft.Data.Sqlite;
using Npgsql;

namespace Orchestrator.Storage.Relational;

/// <summary>Where a store is: a SQLite file, or a PostgreSQL database. Prints without its password.</summary>
public sealed class StoreAddress
{
    /// <summary>Seconds to connect: a lease lasts only a little longer.</summary>
    private const int ConnectSeconds = 3;

    /// <summary>Seconds for one statement; they are all short.</summary>
    private const int CommandSeconds = 5;

    /// <summary>
    /// A coordinator that freezes within a transaction holds its row locks, and nobody could take its lease: the server ends such a transaction after
    /// this long. Ours take some milliseconds.
    /// </summary>
    private const int IdleMillis = 1000;

    private readonly string _shown;

    private StoreAddress(bool isPostgres, string connection, string shown) => (IsPostgres, ConnectionString, _shown) = (isPostgres, connection, shown);

    /// <summary>Whether several coordinators on several hosts may share it.</summary>
    public bool IsPostgres { get; }

    internal string ConnectionString { get; }

    /// <param name="path">The file; its folder is there.</param>
    public static StoreAddress SqliteFile(string path) => new(
        isPostgres: false, new SqliteConnectionStringBuilder { DataSource = Path.GetFullPath(path), DefaultTimeout = CommandSeconds, ForeignKeys = true }.ToString(), Path.GetFullPath(path));

    /// <summary>Reads what stands behind --store: Host=...;Database=..., postgres://USER:PASSWORD@HOST:PORT/DATABASE, sqlite:FILE or a file's path.</summary>
    /// <exception cref="FormatException">It is none of these; the message says what to type, without a password.</exception>
    public static StoreAddress Parse(string text)
    {
        if (text.StartsWith("postgres://", StringComparison.Ordinal) || text.StartsWith("postgresql://", StringComparison.Ordinal))
        {
            return FromUrl(text);
        }

        if (text.StartsWith("sqlite:", StringComparison.Ordinal))
        {
            return text.Length > "sqlite:".Length ? SqliteFile(text["sqlite:".Length..]) : throw new FormatException("sqlite: needs a file, such as sqlite:runs/store.db.");
        }

        if (!text.Contains('=', StringComparison.Ordinal))
        {
            return text.Length > 0 && !text.Contains("://", StringComparison.Ordinal) ? SqliteFile(text) : throw Wrong("it is neither a file nor a PostgreSQL address", null);
        }

        try
        {
            return Postgres(new NpgsqlConnectionStringBuilder(text));
        }
        catch (Exception e) when (e is ArgumentException or FormatException or KeyNotFoundException)
        {
            throw Wrong("a key or a value in it is not known to PostgreSQL", e);
        }
    }

    public override string ToString() => _shown;

    private static StoreAddress FromUrl(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Host.Length == 0 || url.AbsolutePath.Length < 2)
        {
            throw Wrong("the URL has no host or no database", null);
        }

        var user = url.UserInfo.Split(':', 2);
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = url.Host, Port = url.Port > 0 ? url.Port : NpgsqlConnection.DefaultPort, Database = Uri.UnescapeDataString(url.AbsolutePath[1..]),
        };
        if (user[0].Length > 0)
        {
            builder.Username = Uri.UnescapeDataString(user[0]);
        }

        if (user.Length == 2)
        {
            builder.Password = Uri.UnescapeDataString(user[1]);
        }

        try
        {
            foreach (var pair in url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
            {
                var (name, value) = pair.Split('=', 2) is [var key, var rest] ? (key, Uri.UnescapeDataString(rest)) : (pair, "");
                builder[name == "sslmode" ? "SSL Mode" : name] = value.Replace("-", "", StringComparison.Ordinal);
            }
        }
        catch (Exception e) when (e is ArgumentException or FormatException or KeyNotFoundException)
        {
            throw Wrong("a part behind the ? is not known to PostgreSQL", e);
        }

        return Postgres(builder);
    }

    private static StoreAddress Postgres(NpgsqlConnectionStringBuilder builder)
    {
        if (string.IsNullOrEmpty(builder.Host))
        {
            throw Wrong("the host is missing", null);
        }

        // A person's own values win; the defaults of 15 s and 30 s are longer than a lease.
        builder.Timeout = builder.ContainsKey("Timeout") && builder.Timeout != 15 ? builder.Timeout : ConnectSeconds;
        builder.CommandTimeout = builder.CommandTimeout != 30 ? builder.CommandTimeout : CommandSeconds;
        builder.ApplicationName ??= "orchestrator";
        builder.Options ??= $"-c idle_in_transaction_session_timeout={IdleMillis}";
        return new StoreAddress(isPostgres: true, builder.ToString(), $"postgres://{builder.Host}:{builder.Port}/{builder.Database}");
    }

    private static FormatException Wrong(string why, Exception? inner) => new(
        $"This is not a store: {why}. Give a file, Host=HOST;Database=NAME;Username=NAME;Password=WORD, or postgres://NAME:WORD@HOST:PORT/DATABASE.", inner);
}
