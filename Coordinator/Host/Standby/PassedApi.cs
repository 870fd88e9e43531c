using System.Collections.Immutable;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Orchestrator.Coordinator.Host.Api;
using Orchestrator.Core.Messages;
using Orchestrator.Security.Tls;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Host.Standby;

/// <summary>The JSON API of a coordinator that stands by: passes every request to the owner, once, with the caller's credentials, and the answer back as it comes.</summary>
/// <remarks>
/// It does not redirect: a browser drops its token on the way to another origin, which would refuse a page of this one anyhow, and whoever reaches one coordinator need not
/// reach them all. Origin is not passed on: it was checked here, against this coordinator's own names.
/// </remarks>
internal sealed class PassedApi(OwnerSight sight)
{
    private static readonly ImmutableArray<string> Asked = [BearerHeader.Name, "Accept", "Last-Event-ID"];

    private static readonly ImmutableArray<string> Answered = ["Content-Type", "Content-Length", "Cache-Control", "Location", "WWW-Authenticate", "Retry-After", CallNames.NotTaken];

    public async Task PassAsync(HttpContext context)
    {
        if (context.Request.Headers[CallNames.PassedOnBy].ToString() is { Length: > 0 } former)
        {
            throw Refuse(context, $"The coordinator at {former} took {sight.Self} for the owner of the runs, and it stands by: the ownership is changing. Ask again in a few seconds.");
        }

        var (owner, reason) = sight.Find();
        if (owner is null)
        {
            throw Refuse(context, reason);
        }

        if (owner.HttpAddress.Length == 0)
        {
            throw Refuse(
                context, $"The coordinator at {owner.Address} owns the runs, and serves HTTP where only its own machine reaches it. Start it with --http HOST:PORT that the others reach.");
        }

        await PassAsync(context, owner).ConfigureAwait(false);
    }

    private async Task PassAsync(HttpContext context, OwnerLink owner)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, owner.Ended);
        try
        {
            using var request = await RequestAsync(context, owner, ending.Token).ConfigureAwait(false);
            using var answer = await owner.Http.SendAsync(request, ending.Token).ConfigureAwait(false);
            await AnswerAsync(context.Response, answer, ending.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            if (context.RequestAborted.IsCancellationRequested)
            {
                return;
            }

            if (context.Response.HasStarted)
            {
                // Half an answer may not look like a whole one; who follows a stream of events comes back to whoever owns the runs then.
                context.Abort();
                return;
            }

            throw Explain(context, owner, e);
        }
    }

    private async Task<HttpRequestMessage> RequestAsync(HttpContext context, OwnerLink owner, CancellationToken cancellation)
    {
        var asked = context.Request;
        var url = SecureAddress.UrlOf(owner.HttpAddress).GetLeftPart(UriPartial.Authority) + asked.Path.ToUriComponent() + asked.QueryString.ToUriComponent();
        var request = new HttpRequestMessage(new HttpMethod(asked.Method), url);
        request.Headers.TryAddWithoutValidation(CallNames.PassedOnBy, sight.Self);
        foreach (var name in Asked.Where(asked.Headers.ContainsKey))
        {
            request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)asked.Headers[name]);
        }

        if (context.Features.Get<IHttpRequestBodyDetectionFeature>() is null or { CanHaveBody: true })
        {
            // Whole, since bodies are short: an owner that refuses one while it is still being sent would look like one that broke off.
            request.Content = new ByteArrayContent(await ApiBody.ReadBytesAsync(asked, cancellation).ConfigureAwait(false));
            if (asked.ContentType is { } type)
            {
                request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
            }
        }

        return request;
    }

    private static async Task AnswerAsync(HttpResponse response, HttpResponseMessage answer, CancellationToken cancellation)
    {
        response.StatusCode = (int)answer.StatusCode;
        foreach (var (name, values) in answer.Headers.Concat(answer.Content.Headers).Where(header => Answered.Contains(header.Key, StringComparer.OrdinalIgnoreCase)))
        {
            response.Headers[name] = values.ToArray();
        }

        var body = await answer.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        var block = new byte[16 * 1024];
        while (await body.ReadAsync(block, cancellation).ConfigureAwait(false) is var count and > 0)
        {
            await response.Body.WriteAsync(block.AsMemory(0, count), cancellation).ConfigureAwait(false);
            await response.Body.FlushAsync(cancellation).ConfigureAwait(false);
        }
    }

    private ApiException Explain(HttpContext context, OwnerLink owner, Exception cause) => cause switch
    {
        ObjectDisposedException => Refuse(context, $"The coordinator at {owner.Address} has just lost the ownership of the runs. Ask again in a few seconds."),
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError } => Refuse(
            context, $"The coordinator at {owner.Address} owns the runs and does not answer at {owner.HttpAddress}. Another takes over when its lease has lapsed; ask again in a few seconds."),
        _ => new ApiException(
            StatusCodes.Status503ServiceUnavailable, $"The coordinator at {owner.Address} broke off while it was asked by way of {sight.Self}; whether it did what was asked is not known."),
    };

    /// <summary>Nothing was done.</summary>
    private ApiException Refuse(HttpContext context, string reason)
    {
        context.Response.Headers[CallNames.NotTaken] = sight.Self;
        context.Response.Headers.RetryAfter = "2";
        return new ApiException(StatusCodes.Status503ServiceUnavailable, reason);
    }
}
