using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Orchestrator.Coordinator.Host.Api;

/// <summary>The one table from what a request ends in to what HTTP says.</summary>
internal static class ApiErrors
{
    public static async Task GuardAsync(HttpContext context, Func<HttpContext, Task> handle)
    {
        try
        {
            await handle(context).ConfigureAwait(false);
        }
        catch (ApiException e)
        {
            await Problem.WriteAsync(context, e.Status, e.Message).ConfigureAwait(false);
        }
        catch (RpcException e)
        {
            var errors = e.StatusCode == StatusCode.InvalidArgument ? e.Status.Detail.Split('\n') : null;
            var detail = errors is { Length: > 1 } ? $"{errors.Length} things are wrong; the first: {errors[0]}" : e.Status.Detail;
            await Problem.WriteAsync(context, StatusOf(e.StatusCode), detail, errors).ConfigureAwait(false);
        }
        catch (BadHttpRequestException e)
        {
            await Problem.WriteAsync(context, e.StatusCode, $"The request is broken: {e.Message}").ConfigureAwait(false);
        }
    }

    public static int StatusOf(StatusCode code) => code switch
    {
        StatusCode.InvalidArgument => StatusCodes.Status400BadRequest,
        StatusCode.Unauthenticated => StatusCodes.Status401Unauthorized,
        StatusCode.PermissionDenied => StatusCodes.Status403Forbidden,
        StatusCode.NotFound => StatusCodes.Status404NotFound,
        StatusCode.FailedPrecondition => StatusCodes.Status409Conflict,
        StatusCode.ResourceExhausted => StatusCodes.Status429TooManyRequests,
        StatusCode.Unavailable => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status500InternalServerError,
    };
}
