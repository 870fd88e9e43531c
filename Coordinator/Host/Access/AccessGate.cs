using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orchestrator.Coordinator.Host.Api;
using Orchestrator.Coordinator.Host.Server;
using Orchestrator.Core.Identities;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Host.Access;

/// <summary>Stands in front of every endpoint, after routing: asks <see cref="AccessRule"/> and answers those who are refused.</summary>
/// <param name="tokens">Of the token file.</param>
/// <param name="joins">The run that a token, by its hash, lets a worker join; null: none.</param>
/// <param name="hosts">What this coordinator goes by.</param>
/// <param name="log">Told of refusals.</param>
/// <param name="time">For the intervals.</param>
internal sealed class AccessGate(TokenSource tokens, Func<string, RunId?> joins, HostRule hosts, ILogger log, TimeProvider time)
{
    /// <summary>Between two looks for calls whose token has been taken back.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    /// <summary>Between two lines of log about refusals: a stranger who tries all the time must not fill a disk.</summary>
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(1);

    private readonly CallsUnderWay _calls = new(tokens, (verifier, token) => verifier.Identify(token) ?? (RunOf(joins, token) is null ? null : Role.Worker));
    private long _lastLog = long.MinValue;

    /// <summary>Puts a gate in front of everything that is mapped behind this call.</summary>
    /// <param name="app">What is guarded.</param>
    /// <param name="options">Whose tokens and names count.</param>
    /// <param name="time">For the intervals.</param>
    /// <param name="joins">The live run that a token lets a worker join, by the token's hash in hexadecimal digits; null: no token does.</param>
    public static void Guard(WebApplication app, CoordinatorOptions options, TimeProvider time, Func<string, RunId?>? joins = null)
    {
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("access");
        var gate = new AccessGate(options.Access.Tokens, joins ?? (_ => null), options.Access.HostRuleOf(options.Listen, options.Http), log, time);
        var looks = time.CreateTimer(_ => gate.Look(), null, LookInterval, LookInterval);
        app.Lifetime.ApplicationStopped.Register(looks.Dispose);
        app.Use(gate.PassAsync);
    }

    public async Task PassAsync(HttpContext context, RequestDelegate next)
    {
        var request = context.Request;
        var token = BearerHeader.Read(request.Headers.Authorization.ToString());
        var (need, present) = (NeedOf(context), tokens.Current);
        var role = token is null ? null : present.Identify(token);
        if (role is null && token is not null && RunOf(joins, token) is { } run)
        {
            role = Role.Worker;
            context.Features.Set(new JoinGrant(run));
        }

        var decision = AccessRule.Decide(
            new AccessRequest(
                $"{request.Method} {request.Path}", need, request.Scheme, request.Host.Value ?? "", request.Host.Host,
                request.Headers.Origin is { Count: > 0 } origin ? origin.ToString() : null, token is not null, role,
                context.Connection.LocalIpAddress),
            hosts);
        if (decision.IsAllowed)
        {
            using var call = token is null || need == AccessNeed.Nothing ? null : _calls.Enter(context, token, need, present);
            await (context.GetEndpoint() is null
                ? Problem.WriteAsync(context, StatusCodes.Status404NotFound, $"There is nothing at {request.Method} {request.Path}. GET {ApiRoutes.Description} lists what there is.")
                : next(context)).ConfigureAwait(false);
            return;
        }

        Tell(context, decision);
        await RefuseAsync(context, decision).ConfigureAwait(false);
    }

    private static AccessNeed NeedOf(HttpContext context) => context.GetEndpoint() switch
    {
        RouteEndpoint endpoint => RouteKey.NeedOf(endpoint, context.Request.Method),

        // Nothing is there, which is no secret.
        null => AccessNeed.Nothing,

        // Routing's own answers, such as 405.
        _ => AccessNeed.AnyToken,
    };

    private static RunId? RunOf(Func<string, RunId?> joins, string token) => joins(Convert.ToHexStringLower(TokenText.Hash(token)));

    private void Look()
    {
        if (_calls.BreakOff() is var count and > 0)
        {
            Log.BrokeOff(log, count);
        }
    }

    private void Tell(HttpContext context, AccessDecision decision)
    {
        var now = time.GetTimestamp();
        var last = Interlocked.Read(ref _lastLog);
        if ((last == long.MinValue || time.GetElapsedTime(last, now) >= LogInterval) && Interlocked.CompareExchange(ref _lastLog, now, last) == last)
        {
            Log.Refused(log, $"{context.Connection.RemoteIpAddress}", decision.Verdict.ToString(), decision.Reason);
        }
    }

    private static Task RefuseAsync(HttpContext context, AccessDecision decision)
    {
        var (httpStatus, grpcStatus) = decision.Verdict switch
        {
            AccessVerdict.WrongHost => (StatusCodes.Status421MisdirectedRequest, Grpc.Core.StatusCode.PermissionDenied),
            AccessVerdict.NoToken or AccessVerdict.WrongToken => (StatusCodes.Status401Unauthorized, Grpc.Core.StatusCode.Unauthenticated),
            _ => (StatusCodes.Status403Forbidden, Grpc.Core.StatusCode.PermissionDenied),
        };
        var response = context.Response;
        if (context.Request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) == true)
        {
            // An answer of headers only ("Trailers-Only" in gRPC's specification of its HTTP/2 mapping).
            response.ContentType = "application/grpc";
            response.Headers["grpc-status"] = ((int)grpcStatus).ToString(CultureInfo.InvariantCulture);
            response.Headers["grpc-message"] = Uri.EscapeDataString(decision.Reason);
            return response.CompleteAsync();
        }

        if (httpStatus == StatusCodes.Status401Unauthorized)
        {
            response.Headers.WWWAuthenticate = "Bearer";
        }

        return Problem.WriteAsync(context, httpStatus, decision.Reason);
    }
}
