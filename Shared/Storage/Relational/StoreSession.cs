using System.Data;
using System.Data.Common;

namespace Orchestrator.Storage.Relational;

/// <summary>One connection with one transaction under way. Used by one caller at a time; disposed of without a commit it changes nothing.</summary>
internal sealed class StoreSession(DbConnection connection, DbTransaction transaction, StoreDialect dialect) : IAsyncDisposable
{
    public StoreDialect Dialect { get; } = dialect;

    /// <param name="sql">{now} is the store's clock in Unix milliseconds, {lock} the row lock of a SELECT.</param>
    /// <param name="values">@0, @1, ... in turn; null is NULL.</param>
    /// <returns>Rows that were changed.</returns>
    public async Task<int> ExecuteAsync(string sql, CancellationToken cancellation, params object?[] values)
    {
        var command = Command(sql, values);
        await using (command.ConfigureAwait(false))
        {
            return await command.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <returns>The rows, each read by <paramref name="read"/>.</returns>
    /// <inheritdoc cref="ExecuteAsync"/>
    public async Task<List<T>> QueryAsync<T>(string sql, Func<DbDataReader, T> read, CancellationToken cancellation, params object?[] values)
    {
        var command = Command(sql, values);
        await using (command.ConfigureAwait(false))
        {
            var reader = await command.ExecuteReaderAsync(CommandBehavior.SingleResult, cancellation).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                var rows = new List<T>();
                while (await reader.ReadAsync(cancellation).ConfigureAwait(false))
                {
                    rows.Add(read(reader));
                }

                return rows;
            }
        }
    }

    /// <returns>The first row, or null.</returns>
    /// <inheritdoc cref="ExecuteAsync"/>
    public async Task<T?> FirstAsync<T>(string sql, Func<DbDataReader, T> read, CancellationToken cancellation, params object?[] values)
        where T : class =>
        (await QueryAsync(sql, read, cancellation, values).ConfigureAwait(false)).FirstOrDefault();

    public Task CommitAsync(CancellationToken cancellation) => transaction.CommitAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        await transaction.DisposeAsync().ConfigureAwait(false);
        await connection.DisposeAsync().ConfigureAwait(false);
    }

    private DbCommand Command(string sql, object?[] values)
    {
        var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = Dialect.Translate(sql);
        for (var i = 0; i < values.Length; i++)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = $"p{i}";
            parameter.Value = values[i] ?? DBNull.Value;
            command.Parameters.Add(parameter);
        }

        return command;
    }
}

/// <summary>Columns that may be NULL.</summary>
internal static class ReaderExtensions
{
    public static string? TextOrNull(this DbDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    public static long? NumberOrNull(this DbDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);

    public static double? RealOrNull(this DbDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetDouble(column);
}
